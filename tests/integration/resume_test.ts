/**
 * Transfers through a bad network, between programs that are killed: they go on
 * where they stopped, and nothing is sent twice that did not have to be.
 *
 * @module
 */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  assertSameFile,
  NEEDS_UNIX,
  only,
  type Scene,
  sceneTest,
  settles,
  tree,
  until,
  visibleTree,
  writeLarge,
} from "./scene.ts";

const SEED = 20_261_121;
const MIB = 1_048_576;

type Command = "put" | "get";
type Chaos = Awaited<ReturnType<Scene["chaos"]>>;

/** What clients have noted of uploads that are not done. */
async function notes({ state }: Scene): Promise<string[]> {
  return (await tree(state)).filter((path) => !path.endsWith("/"));
}

const SMALL = 24 * MIB + 99;

/** Breaks a transfer in its middle, with something left to go on from. */
async function broken(
  scene: Scene,
  command: Command,
  chaos: Chaos,
): Promise<void> {
  const { code, stdout } = await scene.start(
    ["--json", command, "--retries", "0", chaos.host, "big"],
  ).ended;
  assertEquals([1, 3].includes(code), true, stdout);
  assertEquals(chaos.counters.resets > 0, true, "it was cut in its middle");
  await chaos.set({ reset: undefined });
}

for (const command of ["put", "get"] as const) {
  sceneTest(
    `a ${command} that was cut and is run again with --no-resume starts over`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SMALL);
      const server = await scene.server();
      const chaos = await scene.chaos(server, SEED, {
        reset: { total: 16 * MIB },
      });
      await broken(scene, command, chaos);
      const events = await scene.events(
        [command, "--no-resume", chaos.host, "big"],
      );
      assertEquals(only(events, "receipt")["resumedFrom"], 0);
      await assertSameFile(source, copy);
      assertEquals(await tree(scene.local), ["big"]);
    },
  );

  sceneTest(
    `a ${command} with a wrong bit in the header of a chunk connects again and goes on`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SMALL);
      const server = await scene.server();
      let damaged = 0;
      const proxy = scene.proxy(server, ({ type, index }) => {
        if (type !== "DATA" || index !== 12 || damaged > 0) return "pass";
        damaged++;
        return "damage-header";
      });
      const events = await scene.events([command, proxy.host, "big"]);
      assertEquals(damaged, 1);
      assertEquals(only(events, "reconnect")["attempt"], 1);
      assertGreater(Number(only(events, "receipt")["resumedFrom"]), 0);
      await assertSameFile(source, copy);
      await settles(scene, ["big"]);
    },
  );

  sceneTest(
    `a ${command} goes on after its line has fallen silent`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SMALL);
      const server = await scene.server();
      const chaos = await scene.chaos(server, SEED, {
        silence: { total: 16 * MIB },
      });
      const started = performance.now();
      const events = await scene.events(
        [command, "--timeout", "2", chaos.host, "big"],
      );
      // The server waits 30 s for its client, which is back long before.
      assertLess(performance.now() - started, 20_000);
      assertEquals(chaos.counters.silences > 0, true);
      const receipt = only(events, "receipt");
      assertGreater(Number(receipt["resumedFrom"]), 0);
      assertLess(Number(receipt["wireBytes"]), SMALL + 20 * MIB);
      await assertSameFile(source, copy);
    },
  );
}

sceneTest(
  "what a get has left is listed and removed by clean, and what a put has left is found in its notes",
  async (scene) => {
    await writeLarge(`${scene.local}/big`, SEED, SMALL);
    const server = await scene.server();
    const faults = { reset: { total: 16 * MIB } };
    const chaos = await scene.chaos(server, SEED, faults);
    await broken(scene, "put", chaos);
    assertEquals((await notes(scene)).length, 1);
    await scene.ferry(["put", chaos.host, "big"]);
    assertEquals(await notes(scene), []);
    await Deno.remove(`${scene.local}/big`);
    await chaos.set(faults);
    await broken(scene, "get", chaos);
    assertEquals((await tree(scene.local)).length, 2);
    await scene.ferry(["clean", "--yes"]);
    assertEquals(await tree(scene.local), []);
  },
);

for (const command of ["put", "get"] as const) {
  sceneTest(
    `a ${command} whose control connection gets wrong bits goes on, or fails in one clear line`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SMALL);
      const server = await scene.server();
      // The first of them takes the log-in, the last what comes after it.
      for (const from of [40, 120, 400]) {
        const chaos = await scene.chaos(server, SEED + from, {
          flip: { every: 64, from, connection: 1, times: 1 },
        });
        const args = [command, "--on-conflict", "overwrite", chaos.host, "big"];
        const { code, stderr } = await scene.start(args).ended;
        const shown = `from ${from}: ${code}, ${stderr}`;
        assertLess(stderr.split("\n").length, 6, shown);
        assertEquals(stderr.includes("    at "), false, shown);
        if (code === 0) await assertSameFile(source, copy);
        else assertEquals([1, 3, 7].includes(code), true, shown);
      }
      await scene.ferry(["ls", server.host]);
    },
  );
}

sceneTest(
  "a client that was killed while its line was silent takes its upload over at once",
  async (scene) => {
    await writeLarge(`${scene.local}/big`, SEED, SMALL);
    const server = await scene.server();
    const chaos = await scene.chaos(server, SEED, {
      silence: { total: 16 * MIB },
    });
    const put = scene.start(["put", chaos.host, "big"]);
    await until("silence", () => chaos.counters.silences > 0);
    put.kill("SIGKILL");
    await put.ended;
    assertGreater(chaos.counters.open, 0);
    const started = performance.now();
    const events = await scene.events(["put", chaos.host, "big"]);
    assertLess(performance.now() - started, 15_000);
    assertGreater(Number(only(events, "receipt")["resumedFrom"]), 0);
    assertEquals(events.some(({ event }) => event === "reconnect"), false);
    await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
  },
  NEEDS_UNIX,
);

sceneTest(
  "another client may not take an upload over, and may use its name",
  async (scene) => {
    await writeLarge(`${scene.local}/big`, SEED, SMALL);
    const server = await scene.server();
    const chaos = await scene.chaos(server, SEED, {
      silence: { total: 16 * MIB },
    });
    const first = scene.start(["put", chaos.host, "big"]);
    await until("silence", () => chaos.counters.silences > 0);
    const events = await scene.events(["put", server.host, "big"], {
      env: { XDG_STATE_HOME: `${scene.base}/other` },
    });
    assertEquals(only(events, "receipt")["resumedFrom"], 0);
    first.kill("SIGKILL");
    await first.ended;
    await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
    assertEquals(await visibleTree(scene), ["big"]);
  },
  NEEDS_UNIX,
);
