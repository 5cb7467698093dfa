/** Whole directories between the two programs. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  assertSameFile,
  localTree,
  NEEDS_UNIX,
  only,
  type Program,
  randomBytes,
  type Scene,
  sceneTest,
  tree,
  until,
  writeLarge,
} from "./scene.ts";

/** This project's own code: a real tree that every checkout has. */
const LIBRARY = fromFileUrl(new URL("../../lib", import.meta.url));

async function assertSameTree(one: string, other: string): Promise<void> {
  const paths = await tree(one);
  assertEquals(await tree(other), paths);
  for (const path of paths) {
    const [left, right] = [`${one}/${path}`, `${other}/${path}`];
    if (!path.endsWith("/")) await assertSameFile(left, right);
    const [here, there] = [await Deno.stat(left), await Deno.stat(right)];
    if (path.endsWith("/")) continue;
    const drift = (here.mtime?.getTime() ?? 0) - (there.mtime?.getTime() ?? 0);
    assert(Math.abs(drift) < 1000, `the times of ${path} differ by ${drift}`);
  }
}

sceneTest(
  "put -r and get -r move a real tree byte by byte, and the second time nothing",
  async (scene) => {
    scene.isMeasured = true;
    const { host } = await scene.server();
    const files = (await tree(LIBRARY)).filter((path) => !path.endsWith("/"));
    const sent = await scene.ferry(["put", "-r", host, LIBRARY]);
    assertMatch(
      sent.stderr,
      new RegExp(`^Sent ${files.length} files, .*, verified and durable, `),
    );
    await assertSameTree(LIBRARY, `${scene.root}/lib`);
    await scene.ferry(["get", "-r", host, "lib"]);
    await assertSameTree(LIBRARY, `${scene.local}/lib`);
    const nothing = await scene.ferry(["put", "-r", host, LIBRARY]);
    assertEquals(nothing.stderr, `Sent nothing, ${files.length} unchanged\n`);
    const events = await scene.events(["get", "-r", host, "lib"]);
    const done = only(events, "done");
    assertEquals(
      [done["files"], done["equal"], done["wireBytes"]],
      [0, files.length, 0],
    );
  },
);

sceneTest(
  "get -r and put -r take empty directories, large files and strange names",
  async (scene) => {
    const { host } = await scene.server();
    await Deno.mkdir(`${scene.local}/t/empty/deeper`, { recursive: true });
    await scene.file("t/large", randomBytes(1, 3_000_000));
    await scene.file("t/none", "");
    await scene.file("t/-o", "dash");
    await scene.file("t/日本 \u{1f600}", "wide");
    await Deno.utime(`${scene.local}/t/empty`, 1_000_000_000, 1_000_000_000);
    await scene.ferry(["put", "-r", host, "t", "-o", "up/"]);
    await scene.ferry(["get", "-r", host, "up/t", "-o", "down"]);
    await assertSameTree(`${scene.local}/t`, `${scene.root}/up/t`);
    await assertSameTree(`${scene.local}/t`, `${scene.local}/down`);
    // What "." holds goes to the top.
    await scene.ferry(["put", "-r", host, "."], { cwd: `${scene.local}/t` });
    assert((await tree(scene.root)).includes("empty/deeper/"));
    // And the top comes here.
    await Deno.mkdir(`${scene.base}/here`);
    await scene.ferry(["get", "-r", host, "/"], { cwd: `${scene.base}/here` });
    assert((await tree(`${scene.base}/here`)).includes("up/t/large"));
  },
);

sceneTest(
  "get -r of directories keeps their times and with -p their permission bits",
  async (scene) => {
    const { host } = await scene.server();
    await Deno.mkdir(`${scene.root}/d/sub`, { recursive: true });
    await scene.served("d/sub/run", "#!");
    await Deno.chmod(`${scene.root}/d/sub/run`, 0o750);
    await Deno.chmod(`${scene.root}/d/sub`, 0o711);
    await Deno.utime(`${scene.root}/d/sub`, 1_100_000_000, 1_100_000_000);
    await scene.ferry(["get", "-rp", host, "d"]);
    const folder = await Deno.stat(`${scene.local}/d/sub`);
    const file = await Deno.stat(`${scene.local}/d/sub/run`);
    assertEquals(folder.mtime?.getTime(), 1_100_000_000_000);
    assertEquals(
      [folder.mode! & 0o777, file.mode! & 0o777],
      [0o711, 0o750],
    );
  },
  NEEDS_UNIX,
);

sceneTest(
  "links are left out, or followed as far as they stay inside",
  async (scene) => {
    const { host } = await scene.server();
    await Deno.mkdir(`${scene.local}/d/sub`, { recursive: true });
    await scene.file("secret", "s");
    await scene.file("d/sub/x", "x");
    await Deno.symlink("sub", `${scene.local}/d/again`);
    await Deno.symlink("../../secret", `${scene.local}/d/sub/out`);
    await Deno.symlink("..", `${scene.local}/d/sub/up`);
    const skipped = await scene.ferry(["put", "-r", host, "d"]);
    assertMatch(skipped.stderr, /, 3 links skipped, /);
    assertEquals(await tree(`${scene.root}/d`), ["sub/", "sub/x"]);
    await scene.ferry(["put", "-r", "--links", "follow", host, "d"]);
    assertEquals(
      await tree(`${scene.root}/d`),
      ["again/", "again/x", "sub/", "sub/x"],
    );
  },
  NEEDS_UNIX,
);

/** How many files a program has told receipts of. */
function receiptCount({ stdout }: Program): number {
  return stdout.split('"event":"receipt"').length - 1;
}

/** What the server keeps out of sight. */
function staged({ root }: Scene): Promise<string[]> {
  return tree(`${root}/.ferry`).catch(() => []);
}

const FILES = 400;
const MIB = 1_048_576;
/** So slow that there is a middle, whatever the machine. */
const RATE = 24 * MIB;

/** Files of all sizes, some of them large, in nested directories. */
async function plantTree(folder: string): Promise<void> {
  const random = new SeededRandom(7);
  for (let index = 0; index < FILES; index++) {
    const path = `d${index % 7}/e${index % 3}/f${index}`;
    const size = index % 100 === 50 ? 12 * MIB + index : random.size(0, 60_000);
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await writeLarge(`${folder}/${path}`, index + 1, size);
  }
}

for (const command of ["put", "get"] as const) {
  sceneTest(
    `a ${command} -r that is killed twice sends only what is missing, and then sync sends nothing`,
    async (scene) => {
      const [source, copy] = command === "put"
        ? [`${scene.local}/many`, `${scene.root}/many`]
        : [`${scene.root}/many`, `${scene.local}/many`];
      await plantTree(source);
      const server = await scene.server();
      const chaos = await scene.chaos(server, 7, { totalRate: RATE });
      const args = [command, "-r", chaos.host, "many"];
      for (let kill = 0; kill < 2; kill++) {
        const killed = scene.start(["--json", ...args]);
        await until("some receipts", () => {
          assertEquals(killed.ending, undefined, "it ended before it was hit");
          return receiptCount(killed) >= 60;
        });
        killed.kill("SIGKILL");
        await killed.ended;
      }
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
      assert(there >= 100, `${there} were there before`);
      assertEquals(done["bytes"], sent);
      const after = chaos.counters;
      const moved = after.bytesUp + after.bytesDown - before.bytesUp -
        before.bytesDown;
      const overhead = 0.02 * sent + 1000 * FILES;
      assert(moved <= sent + overhead, `${moved} bytes for ${sent} missing`);
      await assertSameTree(source, copy);

      const way = command === "put" ? "--to-server" : "--from-server";
      const synced = await scene.events(
        ["sync", way, chaos.host, "many", "many", "--delete", "--yes"],
      );
      const { files, equal, deleted, wireBytes } = only(synced, "done");
      assertEquals([files, equal, deleted, wireBytes], [0, FILES, 0, 0]);
      const { bytesUp, bytesDown } = chaos.counters;
      const listed = bytesUp + bytesDown - after.bytesUp - after.bytesDown;
      // Two listings of a name, a size and times, and not one byte of a file.
      assert(listed < 2 * 150 * FILES, `a sync took ${listed} bytes`);
      assertEquals(await localTree(scene), await tree(scene.local));
      const left = await staged(scene);
      assertEquals(left.filter((name) => !kept.has(name)), []);
      assertEquals(left.filter((name) => !name.endsWith(".group")), []);
    },
    NEEDS_UNIX,
  );
}
