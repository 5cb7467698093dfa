import { assertEquals, assertGreater } from "@std/assert";
import { readMemory } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { CHUNK, ResumeScene } from "./resume_scene.ts";

const BYTES = sample(CHUNK + 10);

/** Bytes a second: a chunk takes more than three times what a client waits in silence. */
const RATES = { sessionRateMax: 10_000 };

for (const command of ["put", "get"] as const) {
  Deno.test(`Client.${command}() is patient with a server that lets few bytes pass`, async () => {
    await using scene = await ResumeScene.make({ limits: RATES });
    await scene.local("/local", BYTES);
    await scene.server.write("/f", BYTES);
    const client = await scene.client();
    const work = command === "put"
      ? client.put("/local", "x")
      : client.get("f", "/x");
    await scene.server.clock.run(work, 1000);
    assertEquals(scene.events.map(({ error }) => error.message), []);
    const arrived = command === "put"
      ? await scene.server.read("/x")
      : await readMemory(scene.disk, "/x");
    assertEquals(arrived, BYTES);
  });
}

for (const direction of ["put", "get"] as const) {
  Deno.test(`Client.moveSmall() moves no more than the server lets pass: ${direction}`, async () => {
    await using scene = await ResumeScene.make({ limits: RATES });
    const files = [0, 1, 2].map((index) => ({
      path: `f${index}`,
      local: `/l${index}`,
      mode: undefined,
    }));
    const bytes = sample(400_000);
    for (const { path, local } of files) {
      if (direction === "put") await scene.local(local, bytes);
      else await scene.server.write(`/${path}`, bytes);
    }
    const client = await scene.client();
    const start = scene.server.clock.monotonic();
    let moved = 0;
    const work = client.moveSmall({
      direction,
      files,
      options: {},
      settled: (_index, { status }) => moved += status === "fulfilled" ? 1 : 0,
    });
    await scene.server.clock.run(work, 1000);
    assertEquals([moved, scene.events.length], [3, 0]);
    const seconds = (scene.server.clock.monotonic() - start) / 1000;
    // The first may go at once, and makes the others wait.
    assertGreater(seconds, 75);
  });
}
