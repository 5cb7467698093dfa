/**
 * A tree of many files that is killed twice: only what is missing is sent the
 * third time, and then a sync sends nothing at all.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { dirname } from "@std/path";
import { CutProxy, type Judge } from "../helpers/cut_proxy.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  assertSameTree,
  localTree,
  NEEDS_UNIX,
  only,
  type Program,
  type Scene,
  type ServerProgram,
  tree,
  until,
} from "../integration/scene.ts";
import { MIB, SCALE, tell, tortureTest } from "./scale.ts";

const SEED = 7;
const FILES = SCALE.fileCount;

/** Files after which a command is killed: a part of what it has to do. */
const KILL_AFTER = Math.floor(0.15 * FILES);

/** Files of all sizes, some of them large, in nested directories. */
async function plantTree(folder: string): Promise<void> {
  const random = new SeededRandom(SEED);
  const content = random.bytes(13 * MIB);
  for (let index = 0; index < FILES; index++) {
    const path = `${folder}/d${index % 7}/e${index % 3}/g${
      index % 11
    }/f${index}`;
    const size = index % 100 === 50 ? 12 * MIB + index : random.size(0, 60_000);
    const start = random.integer(0, content.length - size);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, content.subarray(start, start + size));
  }
}

/** How many files a program has told receipts of. */
function receiptCount({ stdout }: Program): number {
  return stdout.split('"event":"receipt"').length - 1;
}

/** What the server keeps out of sight. */
function staged({ root }: Scene): Promise<string[]> {
  return tree(`${root}/.ferry`).catch(() => []);
}

/** Starts a command and kills it when it has told of some files. */
async function killed(scene: Scene, args: readonly string[]): Promise<void> {
  const program = scene.start(["--json", ...args]);
  await until("some receipts", () => {
    assertEquals(program.ending, undefined, "it ended before it was hit");
    return receiptCount(program) >= KILL_AFTER;
  }, scene.patience);
  program.kill("SIGKILL");
  await program.ended;
}

/** Counts frames, by what they are. */
class FrameCount {
  readonly #counts = new Map<string, number>();

  /** Counts a frame and lets it pass. */
  readonly judge: Judge = ({ type = "none" }) => {
    this.#counts.set(type, this.of(type) + 1);
    return "pass";
  };

  /** How many there were of a type. */
  of(type: string): number {
    return this.#counts.get(type) ?? 0;
  }

  /** How many there were. */
  get all(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Frames that move files, or ask for them. */
const MOVING = ["DATA", "PUT", "STORE", "JOIN", "GET", "FETCH", "WANT", "SUMS"];

/** Runs a command, and counts what it takes. */
async function counted(
  server: ServerProgram,
  run: (host: string) => Promise<unknown>,
): Promise<FrameCount> {
  const count = new FrameCount();
  await using proxy = new CutProxy(server.port, count.judge);
  await run(proxy.host);
  return count;
}

for (const command of ["put", "get"] as const) {
  const way = command === "put" ? "--to-server" : "--from-server";
  tortureTest(
    `a ${command} -r of ${FILES} files that is killed twice sends only what is missing, and then sync sends nothing`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "many");
      await plantTree(source);
      const server = await scene.server();
      const chaos = await scene.chaos(server, SEED, {
        totalRate: SCALE.treeRate,
      });
      const args = [command, "-r", chaos.host, "many"];
      await killed(scene, args);
      await killed(scene, args);
      await until(
        "the server to be done with the dead",
        () => server.stderr.split("End of session").length - 1 === 2,
      );
      // Receipts that nobody acknowledged are all that is kept of them.
      const kept = new Set(await staged(scene));
      const before = chaos.counters;
      const events = await scene.events(args);
      const done = only(events, "done");
      const receipts = events.filter(({ event }) => event === "receipt");
      const sent = receipts.reduce((sum, { size }) => sum + Number(size), 0);
      const there = Number(done["equal"]);
      assertEquals([receipts.length + there, done["failed"]], [FILES, 0]);
      assertGreater(there, FILES / 5);
      assertEquals(done["bytes"], sent);
      const { bytesUp, bytesDown } = chaos.counters;
      const moved = bytesUp + bytesDown - before.bytesUp - before.bytesDown;
      const overhead = 0.02 * sent + 1000 * FILES;
      assert(moved <= sent + overhead, `${moved} bytes for ${sent} missing`);
      await assertSameTree(source, copy);

      const listing = await counted(
        server,
        (host) => scene.ferry(["ls", "-R", host, "many"]),
      );
      const frames = await counted(server, async (host) => {
        const synced = await scene.events(
          ["sync", way, host, "many", "many", "--delete", "--yes"],
        );
        const { files, equal, deleted, wireBytes } = only(synced, "done");
        assertEquals([files, equal, deleted, wireBytes], [0, FILES, 0, 0]);
      });
      assertEquals(MOVING.filter((type) => frames.of(type) > 0), []);
      assert(
        frames.all <= 2 * listing.all,
        `${frames.all} frames, a listing takes ${listing.all}`,
      );
      tell(
        `${command}: the third run sent ${receipts.length} of ${FILES} files, ` +
          `${moved - sent} bytes more than their ${sent}; a sync took ` +
          `${frames.all} frames, a listing ${listing.all}`,
      );
      assertEquals(await localTree(scene), await tree(scene.local));
      const left = await staged(scene);
      assertEquals(left.filter((name) => !kept.has(name)), []);
      assertEquals(left.filter((name) => !/\.(map|group)$/.test(name)), []);
    },
    NEEDS_UNIX,
  );

  tortureTest(
    `sync ${way} --delete of ${
      FILES / 10
    } extra entries removes exactly them, and nothing through a link`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "d");
      const [, outside] = scene.ends(command, "precious");
      const count = FILES / 10;
      for (const folder of [source, copy, outside]) {
        await Deno.mkdir(`${folder}/e/g`, { recursive: true });
        for (const name of ["a", "e/b", "e/g/c"]) {
          await Deno.writeTextFile(`${folder}/${name}`, name);
          await Deno.utime(`${folder}/${name}`, 1_500_000_000, 1_500_000_000);
        }
      }
      const folders = count / 10;
      const extras: string[] = [];
      const add = async (path: string, make: () => Promise<void>) => {
        await make();
        extras.push(path);
      };
      for (let index = 0; index < count; index++) {
        const folder = `e/x${index % folders}`;
        if (index < folders) {
          await add(folder, () => Deno.mkdir(`${copy}/${folder}`));
        } else if (index % 10 === 0) {
          const path = `${folder}/link${index}`;
          const target = index % 20 === 0 ? outside : `${outside}/e/b`;
          await add(path, () => Deno.symlink(target, `${copy}/${path}`));
        } else {
          const path = `${folder}/f${index}`;
          await add(path, () => Deno.writeTextFile(`${copy}/${path}`, path));
        }
      }
      const { host } = await scene.server();
      const events = await scene.events(
        ["sync", way, host, "d", "d", "--delete", "--yes"],
      );
      const deleted = events.filter(({ event }) => event === "deleted");
      assertEquals(deleted.length, extras.length);
      assertEquals(only(events, "done")["deleted"], extras.length);
      await assertSameTree(source, copy);
      assertEquals(
        await tree(outside),
        ["a", "e/", "e/b", "e/g/", "e/g/c"],
      );
    },
    NEEDS_UNIX,
  );
}
