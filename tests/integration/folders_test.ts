/** Whole directories between the two programs. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  assertSameTree,
  NEEDS_UNIX,
  only,
  randomBytes,
  sceneTest,
  tree,
} from "./scene.ts";

/** This project's own code: a real tree that every checkout has. */
const LIBRARY = fromFileUrl(new URL("../../lib", import.meta.url));

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
