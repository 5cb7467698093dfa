/** Uploads that outlive their connection, as a client by hand sees them. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import type { MessageBody } from "../../lib/protocol/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { putBody, startServer } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { endBody, type Scene, scene } from "./scene.ts";

const CHUNK = 1_048_576;
const BYTES = sample(3 * CHUNK + 1000);
const TOKEN = new Uint8Array(32).fill(7);

function body(
  more: Partial<MessageBody<"PUT">> = {},
): MessageBody<"PUT"> {
  return putBody("a", { size: BYTES.length, resume: TOKEN, ...more });
}

const chunk = (index: number): Uint8Array =>
  BYTES.subarray(index * CHUNK, (index + 1) * CHUNK);

/** Begins an upload, and sends its first two chunks. */
async function begin(
  data: RawPeer,
  more?: Partial<MessageBody<"PUT">>,
): Promise<void> {
  await data.send("PUT", body(more), 2);
  await data.expect("OPENED");
  await data.sendData(2, 0, chunk(0));
  await data.sendData(2, CHUNK, chunk(1));
  await settle();
}

/** The indexes that the server says it holds, up to `OPENED`. */
async function heldIndexes(data: RawPeer): Promise<number[]> {
  const held: number[] = [];
  for (;;) {
    const frame = await data.receive();
    if (frame?.type === "PROGRESS") continue;
    if (frame?.type !== "HAVE") {
      assertEquals(frame?.type, "OPENED");
      return held;
    }
    const { first, sums } = frame.body;
    const view = new DataView(sums.buffer, sums.byteOffset);
    for (let at = 0; 4 * at < sums.length; at++) {
      assertEquals(view.getUint32(4 * at), crc32(chunk(first + at)));
      held.push(first + at);
    }
  }
}

/** Sends the rest and checks the receipt. */
async function finish(
  at: Scene,
  data: RawPeer,
  id: number,
  indexes: readonly number[],
): Promise<MessageBody<"RECEIPT">> {
  for (const index of indexes) {
    await data.sendData(id, index * CHUNK, chunk(index));
  }
  await data.send("END", endBody(BYTES), id);
  const receipt = await data.await("RECEIPT");
  assertEquals(await at.server.read("/a"), BYTES);
  await data.send("ACKNOWLEDGE", {}, id);
  await settle();
  return receipt.body;
}

Deno.test("PUT with a token goes on after a lost connection and after a lost session", async () => {
  for (const isSession of [true, false]) {
    await using at = await scene();
    await begin(at.data);
    (isSession ? at.login.control : at.data).close();
    await settle();
    assert((await at.server.staged()).length > 0);
    const login = isSession ? await at.server.logIn() : at.login;
    const data = await at.server.attach(login, 3);
    await data.send("PUT", body(), 4);
    assertEquals(await heldIndexes(data), [0, 1]);
    const receipt = await finish(at, data, 4, [2, 3]);
    assertEquals(receipt.resumedFrom, 2 * CHUNK);
    assertEquals(await at.server.staged(), []);
  }
});

Deno.test("PUT with a token goes on after the server was restarted, or has died", async () => {
  for (const isDeath of [true, false]) {
    const disk = new MemoryDisk({ clock: new FakeClock() });
    {
      await using first = await startServer({ disk });
      const data = await first.attach(await first.logIn());
      await begin(data);
      if (isDeath) disk.killProcess();
    }
    const at = await scene({ disk });
    await using _server = at;
    await at.data.send("PUT", body(), 2);
    const held = await heldIndexes(at.data);
    // What was not synced before a death was not noted either.
    if (!isDeath) assertEquals(held, [0, 1]);
    const rest = [0, 1, 2, 3].filter((index) => !held.includes(index));
    await finish(at, at.data, 2, rest);
  }
});

Deno.test("PUT takes over from its own half-open predecessor at once, and tells it", async () => {
  await using at = await scene();
  await begin(at.data);
  const login = await at.server.logIn();
  const data = await at.server.attach(login, 1);
  await data.send("PUT", body(), 2);
  assertEquals(await heldIndexes(data), [0, 1]);
  assertEquals(await at.data.refusal(2), "cancelled");
  // What the predecessor still sends is dropped, and its end ends nothing.
  await at.data.sendData(2, 2 * CHUNK, sample(CHUNK, 9));
  at.data.close();
  await settle();
  await finish(at, data, 2, [2, 3]);
});

Deno.test("PUT of somebody else's upload is busy, running or not, and disturbs nothing", async () => {
  for (const isRunning of [true, false]) {
    await using at = await scene();
    await begin(at.data);
    if (!isRunning) at.data.close();
    await settle();
    const other = await at.server.attach(at.login, 3);
    const tokens = [undefined, new Uint8Array(32).fill(8)];
    for (const [id, resume] of tokens.entries()) {
      await other.send("PUT", body({ resume }), 4 + id);
      assertEquals(await other.refusal(4 + id), "busy");
    }
    if (isRunning) await finish(at, at.data, 2, [2, 3]);
    else {
      await other.send("PUT", body(), 6);
      assertEquals(await heldIndexes(other), [0, 1]);
    }
  }
});

Deno.test("PUT without a token keeps nothing, and CANCEL drops what could be continued", async () => {
  for (const isCancelled of [true, false]) {
    await using at = await scene();
    await begin(at.data, isCancelled ? {} : { resume: undefined });
    if (isCancelled) {
      await at.login.control.send("CANCEL", {}, 2);
      assertEquals(await at.data.refusal(2), "cancelled");
    } else at.data.close();
    await settle();
    assertEquals(await at.server.staged(), []);
  }
});

Deno.test("PUT with another size holds only chunks that are as long as before", async () => {
  const cases = [
    { size: 3 * CHUNK + 5, held: [0, 1] },
    { size: 2 * CHUNK, held: [0, 1] },
    { size: CHUNK + 7, held: [0] },
    { size: 10, held: [] },
    { size: undefined, held: [] },
  ];
  for (const { size, held } of cases) {
    await using at = await scene();
    await begin(at.data);
    at.data.close();
    await settle();
    const data = await at.server.attach(at.login, 3);
    await data.send("PUT", body({ size }), 4);
    assertEquals(await heldIndexes(data), held, String(size));
    const bytes = BYTES.subarray(0, size ?? CHUNK);
    for (let index = held.length; index * CHUNK < bytes.length; index++) {
      const at = index * CHUNK;
      await data.sendData(4, at, bytes.subarray(at, at + CHUNK));
    }
    await data.send("END", endBody(bytes), 4);
    await data.await("RECEIPT");
    assertEquals(await at.server.read("/a"), bytes);
  }
});

Deno.test("PUT whose source has changed replaces chunks, and publishes no splice", async () => {
  await using at = await scene();
  await begin(at.data);
  at.data.close();
  await settle();
  const changed = BYTES.slice();
  changed[5]! ^= 1;
  const data = await at.server.attach(at.login, 3);
  await data.send("PUT", body(), 4);
  assertEquals(await heldIndexes(data), [0, 1]);
  await data.sendData(4, 2 * CHUNK, chunk(2));
  await data.sendData(4, 3 * CHUNK, chunk(3));
  // All chunks are there: those of two sources.
  await data.send("END", endBody(changed), 4);
  assertEquals(await data.refusal(4), "integrity");
  assertEquals(await at.server.names(), [".ferry"]);
});

Deno.test("PUT with a token that was settled is told again", async () => {
  await using at = await scene();
  at.server.network.dialled[1]!.server.tap = (bytes) =>
    bytes[2] === 0x26 ? "reset" : undefined;
  await begin(at.data);
  for (const index of [2, 3]) {
    await at.data.sendData(2, index * CHUNK, chunk(index));
  }
  await at.data.send("END", endBody(BYTES), 2);
  await settle();
  const data = await at.server.attach(at.login, 3);
  await data.send("PUT", body(), 5);
  assertEquals((await data.await("RECEIPT")).body.publication, "created");
});
