/** Files beyond 4 GiB over the wires that have no limit. */

import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../lib/platform/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { openTcp } from "./tcp_scene.ts";

const BLOCK_SIZE = 1_048_576;
const BLOCK_COUNT = 5 * 1024;
const LARGE_SIZE = BLOCK_SIZE * BLOCK_COUNT;

const PATTERN = new SeededRandom(5).bytes(BLOCK_SIZE);

/** Block `index` of the file: no two are the same. */
function block(index: number): Uint8Array<ArrayBuffer> {
  new DataView(PATTERN.buffer).setUint32(0, index);
  return PATTERN;
}

async function makeLarge(path: string): Promise<void> {
  using file = await Deno.create(path);
  const writer = file.writable.getWriter();
  for (let index = 0; index < BLOCK_COUNT; index++) {
    await writer.write(block(index).slice());
  }
  await writer.close();
}

async function assertLarge(path: string): Promise<void> {
  using file = await Deno.open(path);
  const reader = file.readable.getReader({ mode: "byob" });
  let buffer = new Uint8Array(BLOCK_SIZE);
  for (let index = 0; index < BLOCK_COUNT; index++) {
    const { value } = await reader.read(buffer, { min: BLOCK_SIZE });
    const expected = block(index);
    assert(value !== undefined && value.length === BLOCK_SIZE);
    // By eight bytes: one by one it would take minutes.
    const [words, others] = [value, expected].map(({ buffer }) =>
      new BigUint64Array(buffer)
    );
    assert(words!.every((word, at) => word === others![at]), `block ${index}`);
    buffer = value;
  }
  const { done } = await reader.read(new Uint8Array(1));
  assert(done, "there is more");
}

Deno.test({
  name: "5 GiB over csci320 and nets, byte by byte",
  // 15 GiB of disk and some minutes: for FERRY_LARGE_TESTS=1.
  ignore: Deno.env.get("FERRY_LARGE_TESTS") !== "1",
  async fn() {
    await using scene = await openTcp(["csci320", "nets"]);
    const source = `${scene.local}/large`;
    await makeLarge(source);
    const timed = async (what: string, work: () => Promise<unknown>) => {
      const began = systemClock.monotonic();
      await work();
      const seconds = (systemClock.monotonic() - began) / 1000;
      const rate = Math.round(LARGE_SIZE / 1024 ** 2 / seconds);
      const memory = Math.round(Deno.memoryUsage().rss / 1024 ** 2);
      // deno-lint-ignore no-console -- what a run by hand is for
      console.log(`${what}: ${rate} MiB/s, ${memory} MiB resident`);
    };
    {
      await using client = await scene.client("csci320");
      await timed("csci320 put", () => client.put!(source, "large"));
      await assertLarge(`${scene.root}/large.temp`);
      await Deno.remove(`${scene.root}/large.temp`);
    }
    await using client = await scene.client("nets");
    await timed("nets put", () => client.put!(source, "large"));
    await assertLarge(`${scene.root}/large`);
    await Deno.remove(source);
    await timed("nets get", async () => {
      const { size } = await client.get!("large", source, {
        durability: "none",
      });
      assertEquals(size, LARGE_SIZE);
    });
    await assertLarge(source);
  },
});
