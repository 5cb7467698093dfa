/** Mirrors between the two programs. */

import { assertEquals, assertMatch } from "@std/assert";
import { NEEDS_UNIX, type Scene, sceneTest, tree } from "./scene.ts";

/** What is at both ends before a sync: the source, and a destination that differs. */
async function plantEnds(
  scene: Scene,
  source: "local" | "root",
): Promise<void> {
  const other = source === "local" ? "root" : "local";
  for (
    const [end, folders, files] of [
      [source, ["d/sub", "d/empty"], { "d/same": "1", "d/sub/new": "22" }],
      [other, ["d/old/deep"], {
        "d/same": "1",
        "d/old/deep/x": "3",
        "d/y": "",
      }],
    ] as const
  ) {
    const base = scene[end];
    for (const folder of folders) {
      await Deno.mkdir(`${base}/${folder}`, { recursive: true });
    }
    for (const [path, content] of Object.entries(files)) {
      await Deno.writeTextFile(`${base}/${path}`, content);
      await Deno.utime(`${base}/${path}`, 1_500_000_000, 1_500_000_000);
    }
  }
}

const WANTED = ["empty/", "same", "sub/", "sub/new"];
const EXTRA = ["old/", "old/deep/", "old/deep/x", "y"];

for (const way of ["--from-server", "--to-server"] as const) {
  sceneTest(
    `sync ${way} makes one directory like the other, and deletes exactly what is extra`,
    async (scene) => {
      const { host } = await scene.server();
      const [source, other] = way === "--to-server"
        ? ["local", "root"] as const
        : ["root", "local"] as const;
      await plantEnds(scene, source);
      const destination = `${scene[other]}/d`;
      const args = ["sync", way, host, "d", "d"];
      const before = await tree(destination);

      // Without somebody to ask it refuses before it does anything.
      const refused = await scene.ferry([...args, "--delete"], { code: 2 });
      assertMatch(refused.stderr, /nobody is there to be asked/);
      const planned = await scene.ferry([...args, "--delete", "--dry-run"]);
      assertEquals(await tree(destination), before);
      assertEquals(planned.stdout.trimEnd().split("\n").length, 7);

      await scene.ferry(args);
      assertEquals(await tree(destination), [...WANTED, ...EXTRA].sort());
      const done = await scene.ferry([...args, "--delete", "--yes"]);
      assertMatch(done.stderr, /, 2 unchanged, 4 deleted\n$/);
      assertEquals(await tree(destination), WANTED);
      const again = await scene.ferry([...args, "--delete", "--yes"]);
      assertMatch(again.stderr, /^(Fetched|Sent) nothing, 2 unchanged\n$/);
    },
  );
}

sceneTest("sync must be told which way", async (scene) => {
  const { host } = await scene.server();
  const ending = await scene.ferry(["sync", host, "d", "d"], { code: 2 });
  assertMatch(ending.stderr, /^ferry: Say which way: /);
});

sceneTest(
  "sync --delete removes exactly what is extra, and nothing through a link",
  async (scene) => {
    const { host } = await scene.server();
    for (const folder of ["precious", "to/sub", "to/gone/deep"]) {
      await Deno.mkdir(`${scene.local}/${folder}`, { recursive: true });
    }
    await Deno.mkdir(`${scene.root}/from/sub`, { recursive: true });
    await scene.served("from/sub/kept", "kept");
    await scene.file("precious/gem", "gem");
    await scene.file("to/gone/deep/x", "x");
    await scene.file("to/sub/y", "y");
    await Deno.symlink("../../precious", `${scene.local}/to/gone/link`);
    await Deno.symlink("../precious/gem", `${scene.local}/to/file-link`);
    await Deno.symlink("../precious", `${scene.local}/to/link`);
    const args = ["sync", "--from-server", host, "from", "to"];
    const events = await scene.events([...args, "--delete", "--yes"]);
    const deleted = events.filter(({ event }) => event === "deleted")
      .map(({ local }) => String(local).replace(/^.*?to\//, "")).sort();
    const left = await tree(`${scene.local}/to`);
    assertEquals(left.filter((path) => !path.includes("link")), [
      "sub/",
      "sub/kept",
    ]);
    assertEquals(
      deleted.filter((path) => !path.includes("link")),
      ["gone", "gone/deep", "gone/deep/x", "sub/y"],
    );
    assertEquals(await tree(`${scene.local}/precious`), ["gem"]);
    assertEquals(
      await Deno.readTextFile(`${scene.local}/precious/gem`),
      "gem",
    );
  },
  NEEDS_UNIX,
);
