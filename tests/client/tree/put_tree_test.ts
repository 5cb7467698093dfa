import { assert, assertEquals } from "@std/assert";
import { FerryError, putTree } from "../../../lib/client/mod.ts";
import type { Attributes } from "../../../lib/storage/mod.ts";
import { patched } from "../../helpers/patched.ts";
import { assertFerryError } from "../hostile.ts";
import {
  counts,
  harvest,
  Log,
  plant,
  type Tree,
  treeWorld,
  whole,
} from "./tree_world.ts";

const TREE: Tree = {
  "a.txt": "first",
  "deep/er/b.txt": "second",
  "deep/c.txt": "",
  "empty": null,
  "empty/too": null,
};

Deno.test("putTree() sends a tree with empty folders and the times of files, and the second run nothing", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/photos", TREE);
  await world.clock.advance(3_600_000);
  const places = { remote: "up/photos", local: "/photos" };
  const summary = await putTree(world.client, places, world.ports);
  assertEquals(counts(summary), { files: 3, folders: 5 });
  assertEquals([summary.bytes, summary.isDurable], [11, true]);
  assertEquals(await harvest(world.remote, "/up/photos"), whole(TREE));
  const { modified } = await world.remote.stat("/up/photos/deep/er/b.txt");
  const here = await world.disk.stat("/photos/deep/er/b.txt");
  assertEquals(modified, here.modified);
  const again = await putTree(world.client, places, world.ports);
  assertEquals([counts(again), again.wireBytes], [{ equal: 3 }, 0]);
});

Deno.test("putTree() sends only what is missing or differs, beside what was there", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", { ...TREE, "new/x/y": "z" });
  await plant(world.remote, "/d", {
    "a.txt": "other",
    "deep/c.txt": "",
    "deep/theirs": "stays",
    "theirs/x": "stays",
    "empty": null,
  });
  const places = { remote: "d", local: "/d" };
  const log = new Log();
  const planned = await putTree(world.client, places, {
    ...world.ports,
    checksum: true,
    dryRun: true,
    onEvent: log.tell,
  });
  const expected = [
    "created deep/er/b.txt",
    "created new/x/y",
    "equal deep/c.txt",
    "failed a.txt",
    "folder deep/er",
    "folder empty/too",
    "folder new",
    "folder new/x",
  ];
  assertEquals(log.sorted, expected);
  assertEquals((await harvest(world.remote, "/d"))["new"], undefined);
  const done = new Log();
  const summary = await putTree(world.client, places, {
    ...world.ports,
    checksum: true,
    onEvent: done.tell,
  });
  assertEquals(done.sorted, expected);
  assertEquals(counts(summary), counts(planned));
  assertEquals(
    await harvest(world.remote, "/d"),
    whole({
      ...TREE,
      "a.txt": "other",
      "new/x/y": "z",
      "deep/theirs": "stays",
      "theirs/x": "stays",
    }),
  );
});

Deno.test("putTree() sends a file as a file, and refuses what is neither", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/", { "a": "x", "l": ["/a"] });
  world.disk.special("/pipe");
  const put = (local: string) =>
    putTree(world.client, { remote: "r", local }, world.ports);
  assertEquals(counts(await put("/a")), { files: 1 });
  assertEquals(counts(await put("/a")), { equal: 1 });
  assertEquals(counts(await put("/l")), { equal: 1 });
  await assertFerryError(put("/pipe"), "not-file");
  await assertFerryError(put("/none"), "not-found");
  await plant(world.disk, "/", { "folder/x": "y" });
  await assertFerryError(put("/folder"), "not-directory");
});

Deno.test("putTree() follows links only below the root, and never in circles", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/", {
    "secret/key": "s",
    "d/file": "x",
    "d/to-file": ["file"],
    "d/sub/y": "y",
    "d/again": ["sub"],
    "d/sub/up": [".."],
    "d/sub/self": ["."],
    "d/out": ["/secret"],
    "d/out-file": ["../secret/key"],
    "d/broken": ["nowhere"],
    "d/one/l": ["../two"],
    "d/two/l": ["../one"],
  });
  const places = { remote: "d", local: "/d" };
  const skipped = await putTree(world.client, places, world.ports);
  assertEquals(counts(skipped), { files: 2, folders: 4, links: 9 });
  const log = new Log();
  const followed = await putTree(world.client, places, {
    ...world.ports,
    links: "follow",
    onEvent: log.tell,
  });
  assertEquals(log.errors, ["put /d/broken: not-found: not found"]);
  assertEquals(followed.files, 2);
  assertEquals(
    await harvest(world.remote, "/d"),
    whole({
      "file": "x",
      "to-file": "x",
      "sub/y": "y",
      "again/y": "y",
      "one/l": null,
      "two/l": null,
    }),
  );
});

Deno.test("putTree() never writes through a link of the server", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", { "file": "new", "sub/x": "y", "z": "z" });
  await plant(world.remote, "/", {
    "kept": "old",
    "other": null,
    "d/file": ["../kept"],
    "d/sub": ["../other"],
  });
  for (const onConflict of ["overwrite", "rename", "fail"] as const) {
    const summary = await putTree(world.client, { remote: "d", local: "/d" }, {
      ...world.ports,
      onConflict,
    });
    assertEquals(summary.failed, 2, onConflict);
  }
  assertEquals(
    await harvest(world.remote, "/"),
    whole({
      "kept": "old",
      "other": null,
      "d/file": ["?"],
      "d/sub": ["?"],
      "d/z": "z",
    }),
  );
});

Deno.test("putTree() leaves alone what Ferry has not finished, and what it cannot name", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", {
    ".ferry-0123456789abcdef.part": "half",
    ".ferry/x": "y",
    "a\\b": "1",
    "good": "2",
  });
  const log = new Log();
  await putTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    onEvent: log.tell,
  });
  assertEquals(log.errors, [
    "put /d/a\\b: bad-name: the name has a backslash",
  ]);
  assertEquals(await harvest(world.remote, "/d"), { "good": "2" });
});

Deno.test("putTree() sends what is below a folder that failed to nobody, and goes on", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", {
    "taken/a": "1",
    "taken/b": "2",
    "ok/c": "3",
  });
  await plant(world.remote, "/d", { "taken": "a file" });
  const log = new Log();
  const summary = await putTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    onConflict: "overwrite",
    onEvent: log.tell,
  });
  assertEquals(counts(summary), { files: 1, folders: 1, failed: 1 });
  assertEquals(log.errors, [
    "put /d/taken: not-directory: a file is where a directory is needed",
  ]);
});

Deno.test("putTree() sends without looking where it may not look", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", TREE);
  const refuse = () => Promise.reject(new FerryError("denied", "not allowed"));
  const denied = patched(world.client, {
    stat: refuse,
    async *list() {
      yield await refuse();
    },
  });
  const places = { remote: "d", local: "/d" };
  const summary = await putTree(denied, places, world.ports);
  assertEquals(counts(summary), { files: 3, folders: 5 });
  assertEquals(await harvest(world.remote, "/d"), whole(TREE));
});

Deno.test("putTree() hands attributes of folders and files to who can set them", async () => {
  await using world = await treeWorld();
  await plant(world.disk, "/d", { "sub/a": "x", "b": "y" });
  await world.disk.setAttributes?.("/d/b", { mode: 0o4750 });
  await world.clock.advance(60_000);
  const set = new Map<string, Attributes>();
  const options = {
    ...world.ports,
    preserve: true,
    setAttributes(path: string, attributes: Attributes) {
      set.set(path, { ...set.get(path), ...attributes });
      return Promise.resolve();
    },
  };
  const places = { remote: "d", local: "/d" };
  await assertFerryError(
    putTree(world.client, places, { ...world.ports, preserve: true }),
    "unsupported",
  );
  await putTree(world.client, places, options);
  const { modified } = await world.disk.stat("/d/sub");
  assertEquals([...set.keys()].sort(), ["d", "d/b", "d/sub", "d/sub/a"]);
  assertEquals(set.get("d/b"), { mode: 0o750 });
  assertEquals(set.get("d/sub")?.modified, modified);
});

Deno.test("putTree() sends thousands of files in nested folders, and what is missing of them later", async () => {
  await using world = await treeWorld();
  const tree: Record<string, string> = {};
  for (let index = 0; index < 2000; index++) {
    tree[`d${index % 13}/e${index % 7}/f${index}`] = `${index}`;
  }
  await plant(world.disk, "/many", tree);
  const places = { remote: "many", local: "/many" };
  const stop = new AbortController();
  let sent = 0;
  const broken = putTree(world.client, places, {
    ...world.ports,
    signal: stop.signal,
    onEvent: ({ kind }) => {
      if (kind === "file" && ++sent === 700) stop.abort();
    },
  });
  await assertFerryError(broken, "cancelled");
  const rest = await world.clock.run(
    putTree(world.client, places, world.ports),
  );
  assertEquals(rest.failed, 0);
  assertEquals(rest.files + rest.equal, 2000);
  assert(rest.equal >= 700 && rest.equal < 800, `${rest.equal} were equal`);
  assertEquals(await harvest(world.remote, "/many"), whole(tree));
});
