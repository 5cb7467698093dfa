import { assert, assertEquals } from "@std/assert";
import type { Client, Receipt } from "../../lib/client/mod.ts";
import { readMemory } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { CHUNK, ResumeScene } from "./resume_scene.ts";

const SIZES = [0, 1, 5000, 70_000, CHUNK, 3];

/** Moves all of {@linkcode SIZES}; what became of each. */
async function move(
  scene: ResumeScene,
  client: Client,
  direction: "get" | "put",
): Promise<(Receipt | string)[]> {
  const results: (Receipt | string)[] = [];
  const files = SIZES.map((_, index) => ({
    path: `r${index}`,
    local: `/l${index}`,
    mode: undefined,
  }));
  await scene.run(client.moveSmall({
    direction,
    files,
    options: {},
    settled: (index, result) => {
      assertEquals(results[index], undefined, "told twice");
      results[index] = result.status === "fulfilled"
        ? result.value
        : result.reason.code;
    },
  }));
  return results;
}

/** Makes what is to be moved. */
async function prepare(
  scene: ResumeScene,
  direction: "get" | "put",
): Promise<void> {
  for (const [index, size] of SIZES.entries()) {
    const bytes = sample(size, index);
    if (direction === "put") await scene.local(`/l${index}`, bytes);
    else await scene.server.write(`/r${index}`, bytes);
  }
}

async function assertMoved(
  scene: ResumeScene,
  results: readonly (Receipt | string)[],
): Promise<void> {
  for (const [index, size] of SIZES.entries()) {
    const result = results[index];
    assert(typeof result === "object", `${index}: ${result}`);
    const bytes = sample(size, index);
    assertEquals(result.digest, digestOf(bytes));
    assertEquals(await scene.server.read(`/r${index}`), bytes);
    assertEquals(await readMemory(scene.disk, `/l${index}`), bytes);
  }
}

for (const direction of ["put", "get"] as const) {
  Deno.test(`Client.moveSmall() moves all after a cut at every write: ${direction}`, async () => {
    for (let at = 0;; at++) {
      await using scene = await ResumeScene.make();
      await prepare(scene, direction);
      const client = await scene.client();
      const isCut = scene.cutAtWrite(at);
      await assertMoved(scene, await move(scene, client, direction));
      if (!isCut()) break;
      assert(at < 200);
    }
  });

  Deno.test(`Client.moveSmall() repairs what is damaged, so often and no more: ${direction}`, async () => {
    for (const count of [2, Infinity]) {
      await using scene = await ResumeScene.make();
      await prepare(scene, direction);
      let left = count;
      scene.judge = ({ bytes, chunk }) =>
        chunk !== undefined && bytes.length === 5028 && left-- > 0
          ? "damage"
          : undefined;
      const client = await scene.client();
      const results = await move(scene, client, direction);
      if (count === Infinity) assertEquals(results[2], "integrity");
      else {
        await assertMoved(scene, results);
        assertEquals((results[2] as Receipt).repaired, 2);
      }
    }
  });
}

Deno.test("Client.moveSmall() tells what fails, and goes on", async () => {
  await using scene = await ResumeScene.make();
  await prepare(scene, "put");
  await scene.server.write("/r1", sample(3));
  await scene.disk.removeFile("/l3");
  const client = await scene.client();
  const results = await move(scene, client, "put");
  assertEquals([results[1], results[3]], ["exists", "not-found"]);
  assertEquals(results.filter((each) => typeof each === "object").length, 4);
});
