/**
 * Transfers through a bad network, between programs that are killed: they go on
 * where they stopped, and nothing is sent twice that did not have to be.
 *
 * @module
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { SeededRandom } from "../helpers/seeded_random.ts";
import type { Ending, Program } from "./scene.ts";
import {
  assertSameFile,
  type FerryEvent,
  localTree,
  NEEDS_UNIX,
  only,
  parseEvents,
  type Scene,
  sceneTest,
  type ServerProgram,
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

/** Where a command's source is, and where it arrives. */
function ends(scene: Scene, command: Command): readonly [string, string] {
  return command === "put"
    ? [`${scene.local}/big`, `${scene.root}/big`]
    : [`${scene.root}/big`, `${scene.local}/big`];
}

/** Bytes that went the way of a command's data. */
function moved({ counters }: Chaos, command: Command): number {
  return command === "put" ? counters.bytesUp : counters.bytesDown;
}

/** Waits until so many bytes have passed. */
async function untilMoved(
  chaos: Chaos,
  command: Command,
  bytes: number,
  program: Program,
): Promise<void> {
  await until(`${bytes} bytes of a ${command}`, () => {
    if (program.ending !== undefined) {
      throw new Error(`it ended at ${moved(chaos, command)} of ${bytes} bytes`);
    }
    return moved(chaos, command) >= bytes;
  });
}

/** What clients have noted of uploads that are not done. */
async function notes({ state }: Scene): Promise<string[]> {
  return (await tree(state)).filter((path) => !path.endsWith("/"));
}

const SIZE = 192 * MIB + 4321;
/** So slow that there is a middle, whatever the machine. */
const RATE = 80 * MIB;
const BLOWS = ["client", "server", "network", "client", "server"] as const;
/**
 * What a try may cost besides what it brings: what is in the buffers of three
 * programs and their sockets, and what was not noted yet.
 */
const TRY_COST = 32 * MIB;

type Blow = typeof BLOWS[number];

/** One transfer, and all that happens to it. */
class Ordeal {
  readonly #scene: Scene;
  readonly #chaos: Chaos;
  readonly #command: Command;
  #server: ServerProgram;
  #program: Program;
  /** How often the command was run, or the network cut. */
  tries = 0;

  constructor(
    scene: Scene,
    command: Command,
    parts: { readonly chaos: Chaos; readonly server: ServerProgram },
  ) {
    this.#scene = scene;
    this.#command = command;
    this.#chaos = parts.chaos;
    this.#server = parts.server;
    this.#program = this.#run();
  }

  #run(): Program {
    this.tries++;
    const { host } = this.#chaos;
    const args = ["--json", this.#command, "--retries", "20", host, "big"];
    return this.#scene.start(args);
  }

  /** Strikes when so many bytes more have passed. */
  async strike(blow: Blow, bytes: number): Promise<void> {
    const chaos = this.#chaos;
    const point = moved(chaos, this.#command) + bytes;
    await untilMoved(chaos, this.#command, point, this.#program);
    this.tries++;
    if (blow === "network") return chaos.resetAll();
    if (blow === "client") {
      this.#program.kill("SIGKILL");
      await this.#program.ended;
      this.#program = this.#run();
      return;
    }
    this.#server.kill("SIGKILL");
    await this.#server.ended;
    this.#server = await this.#scene.server({
      args: ["-l", this.#server.host],
    });
  }

  /** Waits for its end. */
  async end(): Promise<FerryEvent> {
    const ending = await this.#program.ended;
    assertEquals(ending.code, 0, ending.stdout);
    return only(parseEvents(ending.stdout), "receipt");
  }
}

for (const command of ["put", "get"] as const) {
  sceneTest(
    `a ${command} goes on after kill -9 of either end and resets, seed ${SEED}`,
    async (scene) => {
      const random = new SeededRandom(SEED);
      const [source, copy] = ends(scene, command);
      await writeLarge(source, SEED, SIZE);
      const server = await scene.server();
      const chaos = await scene.chaos(server, SEED, { totalRate: RATE });
      const ordeal = new Ordeal(scene, command, { chaos, server });
      for (const blow of BLOWS) {
        await ordeal.strike(blow, random.integer(12 * MIB, 32 * MIB));
        assertEquals(await Deno.lstat(copy).catch(() => null), null);
      }
      const receipt = await ordeal.end();
      await assertSameFile(source, copy);
      assertGreater(Number(receipt["resumedFrom"]), 0);
      assertLess(Number(receipt["wireBytes"]), SIZE);
      const { bytesUp, bytesDown } = chaos.counters;
      const bytes = bytesUp + bytesDown;
      const bound = 1.02 * SIZE + ordeal.tries * TRY_COST;
      assert(bytes <= bound, `${bytes} bytes went, more than ${bound}`);
      assertEquals(await tree(scene.local), ["big"]);
      await settles(scene, ["big"]);
      assertEquals(await notes(scene), []);
    },
    NEEDS_UNIX,
  );
}

const SMALL = 24 * MIB + 99;

/** Breaks a transfer in its middle, with something left to go on from. */
async function broken(
  scene: Scene,
  command: Command,
  chaos: Chaos,
): Promise<Ending> {
  const ending = await scene.start(
    ["--json", command, "--retries", "0", chaos.host, "big"],
  ).ended;
  assertEquals([1, 3].includes(ending.code), true, ending.stdout);
  assertEquals(chaos.counters.resets > 0, true, "it was cut in its middle");
  await chaos.set({ reset: undefined });
  return ending;
}

const CHANGES: Readonly<
  Record<string, (path: string) => Promise<void>>
> = {
  "has new content of the same size": (path) =>
    writeLarge(path, SEED + 1, SMALL),
  "has grown": (path) =>
    Deno.writeFile(path, new Uint8Array(3 * MIB), { append: true }),
  "has shrunk": (path) => Deno.truncate(path, 9 * MIB + 5),
  "is another file": async (path) => {
    await writeLarge(`${path}.new`, SEED + 2, SMALL + MIB);
    await Deno.rename(`${path}.new`, path);
  },
};

for (const command of ["put", "get"] as const) {
  for (const [what, change] of Object.entries(CHANGES)) {
    sceneTest(
      `a ${command} whose source ${what} after it was cut is never a splice`,
      async (scene) => {
        const [source, copy] = ends(scene, command);
        await writeLarge(source, SEED, SMALL);
        const server = await scene.server();
        const chaos = await scene.chaos(server, SEED, {
          reset: { total: 16 * MIB },
        });
        await broken(scene, command, chaos);
        await change(source);
        const events = await scene.events([command, chaos.host, "big"]);
        await assertSameFile(source, copy);
        const { size } = await Deno.stat(source);
        const receipt = only(events, "receipt");
        assertEquals(receipt["size"], size);
        // What has stayed as it was is not sent again.
        const resumed = Number(receipt["resumedFrom"]);
        if (what.startsWith("has grown") || what.startsWith("has shrunk")) {
          assertGreater(resumed, 4 * MIB);
        } else assertEquals(resumed, 0);
        assertEquals(await localTree(scene), ["big"]);
        await settles(scene, ["big"]);
      },
    );
  }

  sceneTest(
    `a ${command} that was cut and is run again with --no-resume starts over`,
    async (scene) => {
      const [source, copy] = ends(scene, command);
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
    `a ${command} with a wrong bit in every few megabytes ends exact, seed ${SEED}`,
    async (scene) => {
      const [source, copy] = ends(scene, command);
      await writeLarge(source, SEED, 64 * MIB);
      const server = await scene.server();
      const direction = command === "put" ? "up" : "down";
      const chaos = await scene.chaos(server, SEED, {
        flip: { every: 7 * MIB, from: 64 * 1024, direction },
      });
      const events = await scene.events([command, chaos.host, "big"]);
      await assertSameFile(source, copy);
      const { flips } = chaos.counters;
      assertGreater(flips, 4);
      const reconnects = events.filter(({ event }) => event === "reconnect");
      // By chance a wrong bit hits a header: that one costs a connection.
      assertGreater(
        Number(only(events, "receipt")["repaired"]) + reconnects.length,
        flips / 2,
      );
    },
  );

  sceneTest(
    `a ${command} with a wrong bit in the header of a chunk connects again and goes on`,
    async (scene) => {
      const [source, copy] = ends(scene, command);
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
      const [source, copy] = ends(scene, command);
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
      const [source, copy] = ends(scene, command);
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
