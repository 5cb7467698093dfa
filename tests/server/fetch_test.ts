/** Parts of a file, and further streams of an upload. */

import { assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import type { FrameOf } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { putBody } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { endBody, type Scene, scene } from "./scene.ts";

const CHUNK = 1_048_576;
const BYTES = sample(3 * CHUNK + 1000);
const UPLOAD = putBody("a", { size: BYTES.length });

const chunk = (index: number): Uint8Array =>
  BYTES.subarray(index * CHUNK, (index + 1) * CHUNK);

async function open(
  { server, data }: Scene,
  fingerprint?: Uint8Array,
): Promise<FrameOf<"OPENED">> {
  if (!(await server.names()).includes("f")) await server.write("/f", BYTES);
  await data.send("FETCH", { path: "f", fingerprint }, 2);
  return await data.expect("OPENED");
}

Deno.test("FETCH sends what is wanted, in order, and sums of what is not", async () => {
  await using at = await scene();
  const { body } = await open(at);
  assertEquals(body.size, BYTES.length);
  await at.data.send("WANT", { runs: [{ first: 2, count: 2 ** 20 }] }, 2);
  await at.data.send("SUMS", { runs: [{ first: 0, count: 2 }] }, 2);
  await at.data.send("WANT", { runs: [] }, 2);
  for (const index of [2, 3]) {
    const { offset, payload } = await at.data.expect("DATA");
    assertEquals([offset, payload], [index * CHUNK, chunk(index)]);
  }
  await at.data.expect("SENT");
  const have = await at.data.expect("HAVE");
  assertEquals(have.body.first, 0);
  const sums = new DataView(have.body.sums.slice().buffer);
  for (const index of [0, 1]) {
    assertEquals(sums.getUint32(4 * index), crc32(chunk(index)));
  }
  await at.data.expect("SENT");
  await at.data.expect("SENT");
  await at.data.send("ACKNOWLEDGE", {}, 2);
  // The same fingerprint is the same file.
  await at.data.send("FETCH", {
    path: "f",
    fingerprint: body.fingerprint,
  }, 3);
  assertEquals((await at.data.expect("OPENED")).body, body);
});

Deno.test("FETCH is refused as a GET is, and for another version", async () => {
  await using at = await scene();
  await at.server.write("/f", BYTES);
  await at.server.disk.makeDirectory("/folder", 0o755);
  const cases = [
    { path: "no", code: "not-found" },
    { path: "folder", code: "is-directory" },
    { path: "../f", code: "bad-name" },
    { path: "f", fingerprint: new Uint8Array(32), code: "changed" },
  ];
  for (const [index, { path, fingerprint, code }] of cases.entries()) {
    await at.data.send("FETCH", { path, fingerprint }, 2 + index);
    assertEquals(await at.data.refusal(2 + index), code);
  }
});

Deno.test("FETCH of a file that changes meanwhile ends with `changed`", async () => {
  for (const type of ["WANT", "SUMS"] as const) {
    await using at = await scene();
    await open(at);
    const file = await at.server.disk.open("/f", "write");
    await file.write(new Uint8Array([1, 2, 3]), 5);
    file.close();
    await at.data.send(type, { runs: [{ first: 1, count: 1 }] }, 2);
    await at.data.send(type, { runs: [{ first: 2, count: 1 }] }, 2);
    for (;;) {
      const frame = await at.data.receive();
      if (frame?.type === "DATA" || frame?.type === "HAVE") continue;
      assertEquals(frame?.type, "ERROR");
      break;
    }
    // What else was asked for is dropped.
    await at.data.send("FETCH", { path: "f" }, 3);
    assertEquals((await at.data.expect("OPENED")).id, 3);
  }
});

Deno.test("CANCEL of a FETCH ends it, at work or waiting, and not for who acknowledges", async () => {
  for (const isAcknowledged of [true, false]) {
    await using at = await scene();
    await open(at);
    await at.login.control.send("CANCEL", {}, 2);
    await settle();
    if (isAcknowledged) await at.data.send("ACKNOWLEDGE", {}, 2);
    else {
      await at.data.send("WANT", { runs: [{ first: 0, count: 1 }] }, 2);
      assertEquals(await at.data.refusal(2), "cancelled");
    }
    await at.data.send("FETCH", { path: "f" }, 3);
    await at.data.expect("OPENED");
    await at.data.send("WANT", { runs: [{ first: 0, count: 4 }] }, 3);
    await at.data.expect("DATA");
    await at.login.control.send("CANCEL", {}, 3);
    for (;;) {
      const frame = await at.data.receive();
      if (frame?.type === "DATA") continue;
      assertEquals(frame?.type, "ERROR");
      break;
    }
  }
});

Deno.test("FETCH lets go of its file with its connection and its session", async () => {
  for (const isSession of [true, false]) {
    await using at = await scene();
    await open(at);
    (isSession ? at.login.control : at.data).close();
    await settle();
    assertEquals(at.server.disk.openHandles, 0);
  }
});

/** A second stream of the upload of {@linkcode UPLOAD}. */
async function joined(at: Scene): Promise<RawPeer> {
  await at.data.send("PUT", UPLOAD, 2);
  await at.data.expect("OPENED");
  const stream = await at.server.attach(at.login, 3);
  await stream.send("JOIN", { upload: UPLOAD.upload }, 4);
  await stream.expect("OPENED");
  return stream;
}

Deno.test("JOIN takes chunks of an upload on another connection", async () => {
  await using at = await scene();
  const stream = await joined(at);
  await stream.sendData(4, CHUNK, chunk(1));
  await stream.sendData(4, 2 * CHUNK, chunk(2), 1);
  await at.data.sendData(2, 3 * CHUNK, chunk(3));
  await at.data.sendData(2, 0, chunk(0));
  await stream.send("FLUSH", {}, 4);
  await stream.await("FLUSHED");
  await at.data.send("END", endBody(BYTES), 2);
  // Damage on any stream is told at the end.
  const { body: { runs } } = await at.data.await("AGAIN");
  assertEquals(runs, [{ first: 2, count: 1 }]);
  await stream.sendData(4, 2 * CHUNK, chunk(2));
  await stream.send("FLUSH", {}, 4);
  await stream.await("FLUSHED");
  await at.data.send("END", endBody(BYTES), 2);
  assertEquals((await at.data.await("RECEIPT")).body.repaired, 1);
  await at.data.send("ACKNOWLEDGE", {}, 2);
  await stream.send("ACKNOWLEDGE", {}, 4);
  assertEquals(await at.server.read("/a"), BYTES);
  await stream.send("GET", { path: "no", algorithm: "sha256" }, 5);
  assertEquals(await stream.refusal(5), "not-found");
});

Deno.test("JOIN of an upload that is not open in this session is not found", async () => {
  await using at = await scene();
  await at.data.send("PUT", UPLOAD, 2);
  await at.data.expect("OPENED");
  const other = await at.server.logIn();
  const stream = await at.server.attach(other, 1);
  await stream.send("JOIN", { upload: UPLOAD.upload }, 2);
  assertEquals(await stream.refusal(2), "not-found");
  await stream.sendData(2, 0, chunk(0));
  await stream.send("JOIN", { upload: new Uint8Array(16) }, 3);
  assertEquals(await stream.refusal(3), "not-found");
});

Deno.test("JOIN ends with its upload, and hears why", async () => {
  const ends: Record<string, (at: Scene) => Promise<unknown>> = {
    "cancelled": async ({ login, data }) => {
      await login.control.send("CANCEL", {}, 2);
      await data.refusal(2);
    },
    "too-large": async ({ data }) => {
      await data.sendData(2, 9 * CHUNK, chunk(0));
      await data.send("END", endBody(BYTES), 2);
      await data.refusal(2);
    },
  };
  for (const [code, end] of Object.entries(ends)) {
    await using at = await scene();
    const stream = await joined(at);
    await end(at);
    await stream.sendData(4, 0, chunk(0));
    assertEquals(await stream.refusal(4), code);
    await stream.send("FLUSH", {}, 4);
    await stream.send("JOIN", { upload: UPLOAD.upload }, 5);
    assertEquals(await stream.refusal(5), "not-found");
  }
});

Deno.test("CANCEL of a JOIN is answered with its next frame, and its upload goes on", async () => {
  await using at = await scene();
  const stream = await joined(at);
  await at.login.control.send("CANCEL", {}, 4);
  await settle();
  await stream.send("FLUSH", {}, 4);
  assertEquals(await stream.refusal(4), "cancelled");
  for (const index of [0, 1, 2, 3]) {
    await at.data.sendData(2, index * CHUNK, chunk(index));
  }
  await at.data.send("END", endBody(BYTES), 2);
  await at.data.await("RECEIPT");
});

Deno.test("JOIN that is cut off costs what it had, not the upload", async () => {
  await using at = await scene();
  const stream = await joined(at);
  await stream.sendData(4, 0, chunk(0));
  await settle();
  stream.close();
  for (const index of [1, 2, 3]) {
    await at.data.sendData(2, index * CHUNK, chunk(index));
  }
  await at.data.send("END", endBody(BYTES), 2);
  await at.data.await("RECEIPT");
});
