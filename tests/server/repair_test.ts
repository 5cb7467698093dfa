/** What is damaged or missing is asked for again, so often and no more. */

import { assertEquals } from "@std/assert";
import type { FrameOf } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { putBody } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { endBody, scene, sendAll } from "./scene.ts";

const CHUNK = 1_048_576;
const BYTES = sample(3 * CHUNK + 1000);
const BODY = putBody("a", { size: BYTES.length });

const chunk = (index: number): Uint8Array =>
  BYTES.subarray(index * CHUNK, (index + 1) * CHUNK);

Deno.test("PUT asks again for chunks that were damaged, missing or too short, and counts them", async () => {
  await using at = await scene();
  const { data } = at;
  await data.send("PUT", BODY, 2);
  await data.expect("OPENED");
  await data.sendData(2, 0, chunk(0), 12345);
  await data.sendData(2, CHUNK, chunk(1).subarray(0, 10));
  await data.sendData(2, 3 * CHUNK, chunk(3));
  await data.send("END", endBody(BYTES), 2);
  const again = await data.await("AGAIN");
  assertEquals(again.body.runs, [{ first: 0, count: 3 }]);
  // One of them is damaged once more.
  for (const index of [0, 1, 2]) {
    const sum = index === 1 ? 1 : undefined;
    await data.sendData(2, index * CHUNK, chunk(index), sum);
  }
  await data.send("END", endBody(BYTES), 2);
  const more = await data.await("AGAIN");
  assertEquals(more.body.runs, [{ first: 1, count: 1 }]);
  await data.sendData(2, CHUNK, chunk(1));
  await data.send("END", endBody(BYTES), 2);
  const { body } = await data.await("RECEIPT");
  assertEquals([body.repaired, body.publication], [4, "created"]);
  assertEquals(await at.server.read("/a"), BYTES);
});

Deno.test("PUT is asked again 8 times, and then it is over", async () => {
  await using at = await scene();
  const { data } = at;
  await data.send("PUT", BODY, 2);
  await data.expect("OPENED");
  await sendAll(data, 2, BYTES.subarray(0, CHUNK));
  assertEquals(await data.refusal(2), "integrity");
  await data.send("PUT", BODY, 3);
  await data.expect("OPENED");
  for (let round = 0; round <= 8; round++) {
    await data.sendData(3, 0, chunk(0), 7);
    await data.send("END", endBody(BYTES), 3);
    if (round < 8) {
      const { body: { runs } } = await data.await("AGAIN");
      assertEquals(runs, [{ first: 0, count: 4 }]);
    }
  }
  assertEquals(await data.refusal(3), "integrity");
  await settle();
  assertEquals(await at.server.names(), [".ferry"]);
  assertEquals(await at.server.staged(), []);
});

Deno.test("PUT where everything is there and the digest differs is not asked again", async () => {
  await using at = await scene();
  await at.data.send("PUT", BODY, 2);
  await at.data.expect("OPENED");
  let offset = 0;
  for (const index of [0, 1, 2, 3]) {
    await at.data.sendData(2, offset, chunk(index));
    offset += CHUNK;
  }
  const digest = new Uint8Array(32);
  await at.data.send("END", { size: BYTES.length, digest }, 2);
  assertEquals(await at.data.refusal(2), "integrity");
});

Deno.test("CANCEL is answered where AGAIN would be due", async () => {
  for (const isEarly of [true, false]) {
    await using at = await scene();
    const { data, login } = at;
    await data.send("PUT", BODY, 2);
    await data.expect("OPENED");
    await data.sendData(2, 0, chunk(0));
    if (isEarly) await login.control.send("CANCEL", {}, 2);
    if (isEarly) await settle();
    await data.send("END", endBody(BYTES), 2);
    if (!isEarly) {
      await data.await("AGAIN");
      await login.control.send("CANCEL", {}, 2);
    }
    assertEquals(await data.refusal(2), "cancelled");
    await settle();
    assertEquals(await at.server.staged(), []);
    await data.send("GET", { path: "no", algorithm: "sha256" }, 3);
    assertEquals(await data.refusal(3), "not-found");
  }
});

/** Fetches a whole file to its `END`. */
async function fetchAll(
  { data }: Awaited<ReturnType<typeof scene>>,
  id: number,
): Promise<FrameOf<"OPENED">> {
  await data.send("GET", { path: "f", algorithm: "crc32-chunks" }, id);
  const opened = await data.expect("OPENED");
  for (const index of [0, 1, 2, 3]) {
    assertEquals((await data.expect("DATA")).offset, index * CHUNK);
  }
  await data.expect("END");
  return opened;
}

Deno.test("GET sends what was damaged again, in the order that was asked for", async () => {
  await using at = await scene();
  await at.server.write("/f", BYTES);
  const { body } = await fetchAll(at, 2);
  assertEquals([body.size, body.fingerprint?.length], [BYTES.length, 32]);
  for (let round = 0; round < 3; round++) {
    // What is beyond the end is passed over.
    const runs = [{ first: 1, count: 1 }, { first: 3, count: 9 }];
    await at.data.send("WANT", { runs }, 2);
    for (const index of [1, 3]) {
      const { offset, payload } = await at.data.expect("DATA");
      assertEquals(offset, index * CHUNK);
      assertEquals(payload, chunk(index));
    }
    await at.data.expect("SENT");
  }
  await at.data.send("ACKNOWLEDGE", {}, 2);
  await fetchAll(at, 3);
});

Deno.test("GET does not repair from another file", async () => {
  await using at = await scene();
  await at.server.write("/f", BYTES);
  await fetchAll(at, 2);
  await at.server.disk.removeFile("/f");
  await at.server.write("/f", sample(BYTES.length, 2));
  await at.data.send("WANT", { runs: [{ first: 1, count: 1 }] }, 2);
  await at.data.expect("DATA");
  assertEquals(await at.data.refusal(2), "changed");
  await fetchAll(at, 3);
});

Deno.test("CANCEL of a GET that waits for the client is answered with its next frame", async () => {
  for (const isAcknowledged of [true, false]) {
    await using at = await scene();
    await at.server.write("/f", BYTES);
    await fetchAll(at, 2);
    await at.login.control.send("CANCEL", {}, 2);
    await settle();
    if (isAcknowledged) {
      await at.data.send("ACKNOWLEDGE", {}, 2);
    } else {
      await at.data.send("WANT", { runs: [{ first: 1, count: 1 }] }, 2);
      assertEquals(await at.data.refusal(2), "cancelled");
    }
    await fetchAll(at, 3);
  }
});
