/**
 * Many of everything: clients one after the other and at once, entries in a
 * directory, bytes in a file. What a process holds does not grow with them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import {
  CHUNK,
  NEEDS_LINUX,
  sceneTest,
  type ServerProgram,
  settles,
  tree,
  until,
} from "./scene.ts";

async function output(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** What only `--allow-all` could read from inside Deno. */
async function descriptorCount(
  { pid }: { readonly pid: number },
): Promise<number> {
  return (await output("ls", `/proc/${pid}/fd`)).trim().split("\n").length;
}

/** A line of `/proc/PID/status`, in MiB. */
async function memory(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await output("cat", `/proc/${pid}/status`);
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status);
  // A process that is over has none any more.
  return Number(line?.[1] ?? 0) / 1024;
}

async function assertQuiet(
  server: ServerProgram,
  before: number,
): Promise<void> {
  let now = -1;
  await until("the descriptors to be closed", async () => {
    now = await descriptorCount(server);
    return now <= before;
  }).catch(() => assertEquals(now, before));
}

const SEQUENTIAL = 200;
const AT_ONCE = 8;
const PARALLEL = 30;
/** What a heap that is not collected yet may grow by, in MiB. */
const SLACK = 60;

sceneTest(
  `${SEQUENTIAL} quick clients and ${PARALLEL} at once leave no descriptor open`,
  async (scene) => {
    await scene.served("down", new Uint8Array(100_000));
    const server = await scene.server({ args: ["-q"] });
    const { host, port } = server;
    await scene.ferry(["ls", host]);
    await assertQuiet(server, await descriptorCount(server));
    const before = await descriptorCount(server);

    // Real programs, and in between connections that say nothing and go.
    const quick = async (from: number): Promise<void> => {
      for (let count = from; count < SEQUENTIAL; count += AT_ONCE) {
        if (count % 10 === 0) {
          const program = scene.start(["ls", host]);
          assertEquals((await program.ended).code, 0);
          continue;
        }
        using conn = await Deno.connect({ hostname: "127.0.0.1", port });
        if (count % 2 === 0) await conn.write(new Uint8Array([0xfe, 0x79, 1]));
      }
    };
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, from) => quick(from)),
    );
    await assertQuiet(server, before);
    const settled = await memory(server.pid, "VmRSS");

    await scene.file("up", new Uint8Array(CHUNK + 1));
    const crowd = Array.from(
      { length: PARALLEL },
      (_, index) =>
        index % 2 === 0
          ? scene.start(["put", host, "up", "-o", `up-${index}`])
          : scene.start(["get", host, "down", "-o", `down-${index}`]),
    );
    for (const { ended } of crowd) assertEquals((await ended).code, 0);
    await assertQuiet(server, before);
    const now = await memory(server.pid, "VmRSS");
    assert(now < settled + SLACK, `${settled} MiB before, ${now} MiB after`);
    const ups = crowd.flatMap((_, index) =>
      index % 2 === 0 ? [`up-${index}`] : []
    );
    await settles(scene, ["down", ...ups]);
  },
  NEEDS_LINUX,
);

const ENTRIES = 100_000;

sceneTest(
  `a directory of ${ENTRIES} entries lists, and its first lines come at once`,
  async (scene) => {
    const make = `cd "$0" && seq -f 'entry-%06g' 1 ${ENTRIES} | xargs touch`;
    await output("sh", "-c", make, scene.root);
    const server = await scene.server();

    const list = scene.start(["ls", server.host], { ownStdout: true });
    const started = performance.now();
    let first = 0;
    const names = new Set<string>();
    const lines = list.rawStdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (names.size === 0) first = performance.now() - started;
      names.add(line);
    }
    const all = performance.now() - started;
    assertEquals((await list.ended).code, 0);
    assertEquals(names.size, ENTRIES);
    assert(names.has("entry-000001") && names.has(`entry-${ENTRIES}`));
    assert(first < all / 2, `the first line came after ${first} of ${all} ms`);

    // Who has seen enough ends it, quietly.
    const head = scene.start(["ls", server.host], { ownStdout: true });
    const reader = head.rawStdout.getReader();
    assertEquals((await reader.read()).done, false);
    await reader.cancel();
    const { code, stderr } = await head.ended;
    assertEquals([code, stderr], [0, ""]);

    const sorted = await scene.ferry(
      ["ls", server.host, "--sort", "name"],
    );
    const shown = sorted.stdout.trimEnd().split("\n");
    assertEquals([shown.length, shown[0]], [ENTRIES, "entry-000001"]);
    assert(await memory(server.pid, "VmHWM") < MEMORY_MAX);
  },
  NEEDS_LINUX,
);

const MEMORY_MAX = 200;
const LARGE = 1024 * CHUNK;

sceneTest(
  "1 GiB goes both ways in less than 200 MiB on either end",
  async (scene) => {
    using file = await Deno.create(`${scene.local}/large`);
    await file.truncate(LARGE);
    const server = await scene.server();
    for (
      const args of [["put", server.host, "large"], [
        "get",
        server.host,
        "large",
        "-o",
        "back",
      ]]
    ) {
      const client = scene.start(args);
      let peak = 0;
      while (client.ending === undefined) {
        peak = Math.max(peak, await memory(client.pid, "VmHWM").catch(() => 0));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assertEquals((await client.ended).code, 0);
      assert(
        peak > 0 && peak < MEMORY_MAX,
        `the client of ${args[0]} took ${peak} MiB`,
      );
    }
    const peak = await memory(server.pid, "VmHWM");
    assert(peak < MEMORY_MAX, `the server took ${peak} MiB`);
    assertEquals((await Deno.stat(`${scene.root}/large`)).size, LARGE);
    assertEquals((await Deno.stat(`${scene.local}/back`)).size, LARGE);
    assertEquals(await tree(`${scene.root}/.ferry`), []);
  },
  NEEDS_LINUX,
);
