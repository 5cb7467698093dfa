/** Small files, one behind the other. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { errorCodeName, type MessageBody } from "../../lib/protocol/mod.ts";
import type { Storage } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { patched } from "../helpers/patched.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { scene } from "./scene.ts";

const CHUNK = 1_048_576;

function storeBody(
  path: string,
  size: number,
  more: Partial<MessageBody<"STORE">> = {},
): MessageBody<"STORE"> {
  const seed = crc32(new TextEncoder().encode(path));
  return {
    path,
    upload: new SeededRandom(seed).bytes(16),
    size,
    modified: 1_700_000_000_000,
    onConflict: "fail",
    durability: "full",
    ...more,
  };
}

/** Sends one file. */
async function store(
  data: RawPeer,
  id: number,
  path: string,
  bytes: Uint8Array,
  more?: Partial<MessageBody<"STORE">>,
): Promise<void> {
  await data.send("STORE", storeBody(path, bytes.length, more), id);
  if (bytes.length > 0) await data.sendData(id, 0, bytes);
}

/** The answers to some files: codes of refusals, or how the name was given. */
async function answers(
  data: RawPeer,
  count: number,
  isAcknowledged = true,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  while (found.size < count) {
    const frame = await data.receive();
    if (frame?.type === "PROGRESS") continue;
    if (frame?.type === "RECEIPT") {
      found.set(frame.id, frame.body.publication);
      // Not between the pieces of a chunk that is being sent.
      if (isAcknowledged) await data.send("ACKNOWLEDGE", {}, frame.id);
    } else if (frame?.type === "ERROR") {
      found.set(frame.id, errorCodeName(frame.body.code));
    } else assertEquals(frame?.type, "RECEIPT");
  }
  return found;
}

/** A storage whose groups wait until they are let go. */
function gated(): {
  wrap(storage: Storage): Storage;
  readonly sizes: number[];
  open(): void;
} {
  const gate = Promise.withResolvers<void>();
  const sizes: number[] = [];
  return {
    sizes,
    open: () => gate.resolve(),
    wrap: (storage) =>
      patched(storage, {
        async receiveSmall(items) {
          sizes.push(items.length);
          await gate.promise;
          return await storage.receiveSmall(items);
        },
      }),
  };
}

Deno.test("STORE takes files one behind the other and answers each", async () => {
  await using at = await scene();
  const sizes = [0, 1, 5000, 0, CHUNK];
  for (const [index, size] of sizes.entries()) {
    await store(at.data, 2 + index, `f${index}`, sample(size, index));
  }
  for (let count = 0; count < sizes.length; count++) {
    const { id, body } = await at.data.await("RECEIPT");
    const bytes = sample(sizes[id - 2]!, id - 2);
    assertEquals(body.digest?.toHex(), digestOf(bytes).value);
    assertEquals([body.size, body.durable], [bytes.length, true]);
    assertEquals(await at.server.read(`/f${id - 2}`), bytes);
    await at.data.send("ACKNOWLEDGE", {}, id);
  }
  await settle();
  assertEquals(await at.server.staged(), []);
});

Deno.test("STORE: one that is damaged, refused or wrong costs no other", async () => {
  await using at = await scene();
  const { data } = at;
  await at.server.write("/taken", sample(3));
  await store(data, 2, "a", sample(10));
  await data.send("STORE", storeBody("damaged", 10), 3);
  await data.sendData(3, 0, sample(10), 1);
  await store(data, 4, "taken", sample(10));
  await store(data, 5, "../out", sample(10));
  await store(data, 6, "no/folder", sample(10));
  await data.send("STORE", storeBody("short", 10), 7);
  await data.sendData(7, 0, sample(9));
  await data.send("STORE", storeBody("long", 10), 8);
  await data.sendData(8, 0, sample(11));
  await data.send("STORE", storeBody("elsewhere", 10), 9);
  await data.sendData(9, CHUNK, sample(10));
  await data.send("STORE", storeBody("huge", CHUNK + 1), 10);
  await data.sendData(10, 0, sample(CHUNK));
  await store(data, 11, "z", sample(10));
  const found = await answers(data, 10);
  assertEquals([...found].sort(([a], [b]) => a - b), [
    [2, "created"],
    [3, "integrity"],
    [4, "exists"],
    [5, "bad-name"],
    [6, "not-found"],
    [7, "integrity"],
    [8, "too-large"],
    [9, "too-large"],
    [10, "too-large"],
    [11, "created"],
  ]);
  // What was damaged is stored again, under the same id.
  await store(data, 12, "damaged", sample(10));
  assertEquals((await answers(data, 1)).get(12), "created");
});

Deno.test("STORE needs the right to write", async () => {
  await using at = await scene({ anonymous: "read" });
  await store(at.data, 2, "a", sample(10));
  assertEquals(await at.data.refusal(2), "denied");
});

Deno.test("STORE again, after its receipt was lost, gets the same receipt", async () => {
  await using at = await scene();
  await store(at.data, 2, "a", sample(10));
  assertEquals((await at.data.await("RECEIPT")).body.publication, "created");
  at.data.close();
  const data = await at.server.attach(at.login, 3);
  await store(data, 4, "a", sample(10));
  assertEquals((await answers(data, 1)).get(4), "created");
  await settle();
  await store(data, 5, "a", sample(10), { upload: new Uint8Array(16) });
  assertEquals((await answers(data, 1)).get(5), "exists");
});

Deno.test("STORE: a request behind one that owes its chunk ends the connection", async () => {
  const requests = [
    (data: RawPeer) => data.send("STORE", storeBody("b", 0), 3),
    (data: RawPeer) =>
      data.send("GET", { path: "a", algorithm: "crc32-chunks" }, 3),
  ];
  for (const request of requests) {
    await using at = await scene();
    await at.data.send("STORE", storeBody("a", 10), 2);
    await request(at.data);
    assertEquals(await at.data.farewell(), "protocol");
    await at.server.assertServes();
  }
});

Deno.test("STORE whose client goes in the middle leaves whole files or none", async () => {
  const gate = gated();
  await using at = await scene({ wrap: gate.wrap });
  await store(at.data, 2, "a", sample(10));
  await store(at.data, 3, "b", sample(10));
  await at.data.send("STORE", storeBody("c", 10), 4);
  await settle();
  at.data.close();
  gate.open();
  await settle();
  // The group that was begun is finished; what waited behind it is not begun.
  assertEquals(await at.server.read("/a"), sample(10));
  const names = await at.server.names();
  assert(!names.includes("c"));
  await at.server.assertServes();
});

Deno.test("STORE tells that it is at work while the disk takes its time", async () => {
  const gate = gated();
  await using at = await scene({ wrap: gate.wrap });
  await store(at.data, 2, "a", sample(10));
  for (let count = 0; count < 3; count++) {
    await at.server.clock.advance(10_000);
    assertEquals((await at.data.expect("PROGRESS")).id, 2);
  }
  gate.open();
  assertEquals((await answers(at.data, 1)).get(2), "created");
});

Deno.test("STORE: those that come while a group is stored make the next one", async () => {
  const gate = gated();
  await using at = await scene({ wrap: gate.wrap });
  for (let index = 0; index < 20; index++) {
    await store(at.data, 2 + index, `f${index}`, sample(10));
  }
  await settle();
  assertEquals(gate.sizes, [1]);
  gate.open();
  assertEquals((await answers(at.data, 20)).size, 20);
  assertEquals(gate.sizes, [1, 19]);
});

Deno.test("STORE: a server that cannot store as fast takes no more", async () => {
  const gate = gated();
  await using at = await scene({ wrap: gate.wrap });
  let sent = 0;
  const sending = (async () => {
    for (let index = 0; index < 60; index++) {
      await store(at.data, 2 + index, `f${index}`, sample(CHUNK));
      sent++;
    }
  })();
  sending.catch(() => {});
  for (let turn = 0; turn < 20; turn++) await settle();
  assert(sent < 25, String(sent));
  gate.open();
  assertEquals((await answers(at.data, 60, false)).size, 60);
  await sending;
});

Deno.test("CANCEL of a STORE ends it, whether it owes its chunk or waits for its group", async () => {
  const gate = gated();
  await using at = await scene({ wrap: gate.wrap });
  await store(at.data, 2, "a", sample(10));
  await store(at.data, 3, "b", sample(10));
  await at.data.send("STORE", storeBody("c", 10), 4);
  await settle();
  for (const id of [2, 3, 4]) await at.login.control.send("CANCEL", {}, id);
  assertEquals(await at.data.refusal(4), "cancelled");
  // It may have been under way.
  await at.data.sendData(4, 0, sample(10));
  await store(at.data, 5, "d", sample(10));
  gate.open();
  assertEquals([...await answers(at.data, 3)], [
    [2, "created"],
    [3, "cancelled"],
    [5, "created"],
  ]);
});

Deno.test("STORE and GET are mixed on one connection", async () => {
  await using at = await scene();
  await at.server.write("/old", sample(10));
  await store(at.data, 2, "a", sample(10));
  const algorithm = "crc32-chunks" as const;
  await at.data.send("GET", { path: "old", algorithm }, 3);
  await at.data.send("GET", { path: "no", algorithm }, 4);
  await store(at.data, 5, "b", sample(10));
  const seen = new Map<number, string[]>();
  for (let count = 0; count < 6; count++) {
    const frame = await at.data.receive();
    assert(frame !== undefined);
    seen.set(frame.id, [...seen.get(frame.id) ?? [], frame.type]);
  }
  assertEquals(seen.get(2), ["RECEIPT"]);
  assertEquals(seen.get(3), ["OPENED", "DATA", "END"]);
  assertEquals(seen.get(4), ["ERROR"]);
  assertEquals(seen.get(5), ["RECEIPT"]);
});
