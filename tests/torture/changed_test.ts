/**
 * Sources that change between two tries: what arrives is the file as it is now,
 * never a splice, and somebody is told.
 *
 * @module
 */
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  assertSameFile,
  localTree,
  only,
  type Scene,
  settles,
  writeLarge,
} from "../integration/scene.ts";
import { MIB, SCALE, tell, tortureTest } from "./scale.ts";

const SEED = 20_261_122;
const SIZE = SCALE.changedSize;
/** Where the first try is cut. */
const CUT = Math.floor(SIZE * 2 / 3);

/** Writes something else into a file that is there: it keeps its inode. */
async function rewrite(
  path: string,
  at: number,
  bytes: Uint8Array,
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    done += await file.write(bytes.subarray(done));
  }
}

interface Change {
  /** Changes the file. */
  readonly run: (path: string) => Promise<void>;
  /** Bytes of the start of the file that are what they were, at least. */
  readonly same: number;
  /** Options of the second try. */
  readonly args?: readonly string[];
}

const CHANGES: Readonly<Record<string, Change>> = {
  "has the same size, new content and a new time": {
    run: (path) => writeLarge(path, SEED + 1, SIZE),
    same: 0,
  },
  "has grown": {
    run: (path) =>
      Deno.writeFile(path, new Uint8Array(3 * MIB), { append: true }),
    same: CUT / 2,
  },
  "has shrunk": {
    run: (path) => Deno.truncate(path, CUT + 5),
    same: CUT / 2,
  },
  "is another file": {
    run: async (path) => {
      await writeLarge(`${path}.new`, SEED + 2, SIZE + MIB);
      await Deno.rename(`${path}.new`, path);
    },
    same: 0,
  },
  "was edited, and its size and time restored,": {
    run: async (path) => {
      const { atime, mtime } = await Deno.stat(path);
      await rewrite(path, 100_000, new Uint8Array(10));
      await Deno.utime(path, atime!, mtime!);
    },
    same: CUT / 2,
    args: ["--checksum"],
  },
};

/** Cuts a transfer off in its middle, with something left to go on from. */
async function cutOff(scene: Scene, args: readonly string[]): Promise<void> {
  const { code, stdout } = await scene.start(["--retries", "0", ...args]).ended;
  assertEquals([1, 3].includes(code), true, stdout);
}

for (const command of ["put", "get"] as const) {
  for (const [what, { run, same, args = [] }] of Object.entries(CHANGES)) {
    tortureTest(
      `a ${command} whose source ${what} between two tries is never a splice`,
      async (scene) => {
        const [source, copy] = scene.ends(command, "big");
        await writeLarge(source, SEED, SIZE);
        const server = await scene.server();
        const chaos = await scene.chaos(server, SEED, {
          totalRate: SCALE.rate,
          reset: { total: CUT },
        });
        await cutOff(scene, [command, chaos.host, "big"]);
        assertGreater(chaos.counters.resets, 0);
        await chaos.set({ reset: undefined });
        await run(source);
        const before = chaos.counters;
        const { stderr } = await scene.ferry(
          [...args, command, chaos.host, "big"],
        );
        assertMatch(
          stderr,
          /^"big" has changed since the try before; it is compared, and only what differs is moved\n/,
        );
        await assertSameFile(source, copy);
        const { size } = await Deno.stat(source);
        const { bytesUp, bytesDown } = chaos.counters;
        const moved = bytesUp + bytesDown - before.bytesUp - before.bytesDown;
        // What has stayed as it was is not sent again.
        assertGreater(size - same + 2 * MIB, moved);
        assertGreater(moved, size - CUT);
        tell(`${command}: ${what} ${moved} of ${size} bytes moved`);
        assertEquals(await localTree(scene), ["big"]);
        await settles(scene, ["big"]);
      },
    );
  }

  tortureTest(
    `a ${command} with --checksum of a source that is the same sends nothing twice and says nothing`,
    async (scene) => {
      const [source, copy] = scene.ends(command, "big");
      await writeLarge(source, SEED, SIZE);
      const server = await scene.server();
      const chaos = await scene.chaos(server, SEED, {
        totalRate: SCALE.rate,
        reset: { total: CUT },
      });
      await cutOff(scene, [command, chaos.host, "big"]);
      await chaos.set({ reset: undefined });
      const events = await scene.events(
        [command, "--checksum", chaos.host, "big"],
      );
      await assertSameFile(source, copy);
      assertEquals(
        events.filter(({ event }) => /change/.test(String(event))),
        [],
      );
      assertGreater(Number(only(events, "receipt")["resumedFrom"]), CUT / 2);
    },
  );
}
