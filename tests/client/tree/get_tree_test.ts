import { assert, assertEquals } from "@std/assert";
import {
  FerryError,
  getTree,
  type TreeProgress,
} from "../../../lib/client/mod.ts";
import { patched } from "../../helpers/patched.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { assertFerryError } from "../hostile.ts";
import {
  counts,
  harvest,
  listing,
  Log,
  plant,
  remoteEntry,
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

Deno.test("getTree() fetches a tree with empty folders and all times, and the second run nothing", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/photos", TREE);
  await world.clock.advance(3_600_000);
  const places = { remote: "photos", local: "/mine" };
  const summary = await getTree(world.client, places, world.ports);
  assertEquals(counts(summary), { files: 3, folders: 5 });
  assertEquals([summary.bytes, summary.isDurable], [11, true]);
  assertEquals(await harvest(world.disk, "/mine"), whole(TREE));
  for (const path of ["", "/a.txt", "/deep", "/deep/er", "/empty/too"]) {
    const there = await world.remote.stat(`/photos${path}`);
    const here = await world.disk.stat(`/mine${path}`);
    assertEquals(here.modified, there.modified, path);
  }
  const log = new Log();
  const again = await getTree(world.client, places, {
    ...world.ports,
    onEvent: log.tell,
  });
  assertEquals(counts(again), { equal: 3 });
  assertEquals(again.wireBytes, 0);
  assertEquals(log.sorted, [
    "equal a.txt",
    "equal deep/c.txt",
    "equal deep/er/b.txt",
  ]);
});

Deno.test("getTree() fetches a file as a file, and the root as its content", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/", { "a": "x", "d/b": "y", "l": ["d"] });
  const one = await getTree(
    world.client,
    { remote: "a", local: "/b" },
    world.ports,
  );
  assertEquals(counts(one), { files: 1 });
  // A link that was named is followed.
  await getTree(world.client, { remote: "l", local: "/l" }, world.ports);
  const all = { remote: "", local: "/all" };
  assertEquals(counts(await getTree(world.client, all, world.ports)), {
    files: 2,
    folders: 2,
    links: 1,
  });
  assertEquals(
    await harvest(world.disk, "/"),
    whole({ "b": "x", "l/b": "y", "all/a": "x", "all/d/b": "y" }),
  );
  const none = { remote: "none", local: "/none" };
  const error = getTree(world.client, none, world.ports);
  await assertFerryError(error, "not-found");
});

Deno.test("getTree() fetches thousands of files, and what is missing of them later", async () => {
  await using world = await treeWorld();
  const tree: Record<string, string> = {};
  for (let index = 0; index < 3000; index++) {
    tree[`d${index % 17}/e${index % 5}/f${index}`] = `${index}`;
  }
  await plant(world.remote, "/many", tree);
  const places = { remote: "many", local: "/many" };
  const stop = new AbortController();
  let received = 0;
  const broken = getTree(world.client, places, {
    ...world.ports,
    signal: stop.signal,
    onEvent: ({ kind }) => {
      if (kind === "file" && ++received === 1000) stop.abort();
    },
  });
  await assertFerryError(broken, "cancelled");
  const rest = await getTree(world.client, places, world.ports);
  assertEquals(rest.failed, 0);
  assertEquals(rest.files + rest.equal, 3000);
  assert(rest.equal >= 1000 && rest.equal < 1100, `${rest.equal} were equal`);
  assertEquals(await harvest(world.disk, "/many"), whole(tree));
});

Deno.test("getTree() goes on when files fail, and tells of each", async () => {
  await using world = await treeWorld({
    wrap: (storage) =>
      patched(storage, {
        openSource: (path, algorithm) =>
          path.path.endsWith("bad")
            ? Promise.reject(new Error("out of order"))
            : storage.openSource(path, algorithm),
      }),
  });
  await plant(world.remote, "/d", { "a": "1", "bad": "2", "z": "3" });
  const log = new Log();
  const summary = await getTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    onEvent: log.tell,
  });
  assertEquals(counts(summary), { files: 2, folders: 1, failed: 1 });
  assertEquals(log.sorted, ["created a", "created z", "failed bad", "folder "]);
  assertEquals(await harvest(world.disk, "/d"), { "a": "1", "z": "3" });
});

Deno.test("getTree() decides on conflicts only where files differ", async () => {
  const policies = {
    fail: [["equal same", "failed other"], { other: "mine", same: "same" }],
    skip: [["equal same", "skipped other"], { other: "mine", same: "same" }],
    overwrite: [["equal same", "replaced other"], {
      other: "theirs",
      same: "same",
    }],
    rename: [["equal same", "renamed other"], {
      other: "mine",
      "other-1": "theirs",
      same: "same",
    }],
  } as const;
  for (const [policy, [lines, tree]] of Object.entries(policies)) {
    for (const dryRun of [true, false]) {
      await using world = await treeWorld();
      await plant(world.remote, "/d", { "same": "same", "other": "theirs" });
      await plant(world.disk, "/d", { "same": "same", "other": "mine" });
      const log = new Log();
      await getTree(world.client, { remote: "d", local: "/d" }, {
        ...world.ports,
        onConflict: policy as keyof typeof policies,
        dryRun,
        onEvent: log.tell,
      });
      assertEquals(log.sorted, [...lines].sort(), `${policy} ${dryRun}`);
      assertEquals<unknown>(
        await harvest(world.disk, "/d"),
        dryRun ? { other: "mine", same: "same" } : tree,
      );
    }
  }
});

Deno.test("getTree() compares content if it is told to", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", { "a": "one", "b": "two" });
  await plant(world.disk, "/d", { "a": "ONE", "b": "two" });
  const places = { remote: "d", local: "/d" };
  const quick = await getTree(world.client, places, world.ports);
  assertEquals(counts(quick), { equal: 2 });
  const log = new Log();
  const exact = await getTree(world.client, places, {
    ...world.ports,
    checksum: true,
    onConflict: "overwrite",
    onEvent: log.tell,
  });
  assertEquals(counts(exact), { equal: 1, files: 1 });
  assertEquals(log.sorted, ["equal b", "replaced a"]);
  assertEquals(await harvest(world.disk, "/d"), { "a": "one", "b": "two" });
});

Deno.test("getTree() skips links, or follows those to files", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", {
    "file": "x",
    "folder": null,
    "to-file": ["file"],
    "to-folder": ["folder"],
  });
  world.remote.special("/d/pipe");
  const places = { remote: "d", local: "/d" };
  const skipped = await getTree(world.client, places, world.ports);
  assertEquals(counts(skipped), {
    files: 1,
    folders: 2,
    links: 2,
    specials: 1,
  });
  const links = { ...world.ports, links: "follow" } as const;
  const followed = await getTree(world.client, places, links);
  assertEquals(counts(followed), { files: 1, equal: 1, links: 1, specials: 1 });
  const again = await getTree(world.client, places, links);
  assertEquals(counts(again), { equal: 2, links: 1, specials: 1 });
  assertEquals(
    await harvest(world.disk, "/d"),
    { "file": "x", "folder": null, "to-file": "x" },
  );
});

Deno.test("getTree() never writes through a link that is in its way", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", {
    "sub/a": "x",
    "sub/deep/b": "y",
    "c": "z",
  });
  await plant(world.disk, "/", { "outside": null, "d/sub": ["/outside"] });
  const log = new Log();
  const summary = await getTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    onConflict: "overwrite",
    onEvent: log.tell,
  });
  assertEquals(counts(summary), { files: 1, failed: 1, notTried: 2 });
  assertEquals(log.errors, [
    "make /d/sub: not-directory: a link is where a directory is needed",
  ]);
  assertEquals(await harvest(world.disk, "/outside"), {});
});

Deno.test("getTree() never writes into a folder that was swapped for a link meanwhile", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", { "sub/a": "x" });
  await plant(world.disk, "/", { "outside": null, "d/sub": null });
  const log = new Log();
  const { client } = world;
  const swapping = listing(client, async function* () {
    for await (const page of client.list("d", { recursive: true })) {
      for (const entry of page.entries) {
        yield { entries: [entry], problems: [] };
        if (entry.path !== "d/sub") continue;
        await world.disk.rename("/d/sub", "/d/old");
        world.disk.symlink("/outside", "/d/sub");
      }
    }
  });
  const summary = await getTree(swapping, { remote: "d", local: "/d" }, {
    ...world.ports,
    onEvent: log.tell,
  });
  assertEquals(counts(summary), { failed: 1 });
  assertEquals(log.errors, [
    "get d/sub/a: outside: its directory was replaced meanwhile",
  ]);
  assertEquals(await harvest(world.disk, "/outside"), {});
});

Deno.test("getTree() takes what the filter lets through, and makes only folders for it", async () => {
  const tree: Tree = {
    "a.jpg": "1",
    "b.tmp": "2",
    "build/x": "3",
    "d/e/c.jpg": "4",
    "d/f/x.tmp": "5",
  };
  const cases: ReadonlyArray<readonly [string[], Tree]> = [
    [["-*.tmp", "-/build/"], { "a.jpg": "1", "d/e/c.jpg": "4", "d/f": null }],
    [["+*.jpg"], { "a.jpg": "1", "d/e/c.jpg": "4" }],
    [["+none"], {}],
  ];
  for (const [texts, expected] of cases) {
    await using world = await treeWorld();
    await plant(world.remote, "/d", tree);
    await plant(world.disk, "/", { "here": null });
    const summary = await getTree(world.client, {
      remote: "d",
      local: "/here/d",
    }, {
      ...world.ports,
      filter: texts.map((text) => ({
        action: text.startsWith("+") ? "include" : "exclude",
        pattern: text.slice(1),
      })),
    });
    assertEquals(summary.failed, 0);
    const found = await harvest(world.disk, "/here");
    const below = Object.fromEntries(
      Object.entries(expected).map(([path, content]) => [`d/${path}`, content]),
    );
    assertEquals(found, whole(below), `${texts}`);
  }
});

Deno.test("getTree() names one total, which grows only while listing goes on", async () => {
  await using world = await treeWorld();
  const random = new SeededRandom(5);
  const tree: Record<string, string> = {};
  for (let index = 0; index < 200; index++) {
    tree[`f${index}`] = "x".repeat(random.bytes(1)[0]!);
  }
  await plant(world.remote, "/d", tree);
  const seen: TreeProgress[] = [];
  await getTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    onProgress: (progress) => seen.push(progress),
  });
  const size = Object.values(tree).reduce((sum, text) => sum + text.length, 0);
  const last = seen.at(-1)!;
  assertEquals([last.bytes, last.bytesTotal, last.files], [size, size, 200]);
  let before = seen[0]!;
  for (const now of seen) {
    assert(now.bytes >= before.bytes && now.bytes <= now.bytesTotal);
    assert(now.isCounting ? before.isCounting : now.bytesTotal === size);
    before = now;
  }
});

Deno.test("getTree() keeps permission bits if asked, without the dangerous ones", async () => {
  for (const preserve of [true, false]) {
    await using world = await treeWorld();
    await plant(world.remote, "/d", { "a": "x" });
    await world.remote.setAttributes?.("/d/a", { mode: 0o750 });
    await getTree(world.client, { remote: "d", local: "/d" }, {
      ...world.ports,
      preserve,
    });
    const { mode } = await world.disk.stat("/d/a");
    assertEquals(mode === 0o750, preserve);
  }
});

Deno.test("getTree() moves small files together if it is given how", async () => {
  await using world = await treeWorld();
  const tree: Record<string, string> = { "large": "x".repeat(2000) };
  for (let index = 0; index < 50; index++) tree[`f${index}`] = "small";
  await plant(world.remote, "/d", tree);
  const batches: number[] = [];
  const summary = await getTree(world.client, { remote: "d", local: "/d" }, {
    ...world.ports,
    concurrency: 1,
    smallFiles: {
      sizeMax: 1000,
      countMax: 20,
      async transfer(_direction, files, options, settled) {
        batches.push(files.length);
        for (const [index, file] of files.entries()) {
          if (file.path === "f7") {
            const reason = new FerryError("io", "this one fails");
            settled(index, { status: "rejected", reason });
            continue;
          }
          if (file.path === "f9") {
            // Lost with the connection: it is tried again by itself.
            const reason = new FerryError("connection-lost", "gone");
            settled(index, { status: "rejected", reason });
            continue;
          }
          const value = await world.client.get(
            file.remote,
            file.local,
            options,
          );
          settled(index, { status: "fulfilled", value });
        }
      },
    },
  });
  assertEquals(counts(summary), { files: 50, folders: 1, failed: 1 });
  assert(batches.length >= 3 && Math.max(...batches) === 20, `${batches}`);
});

Deno.test("getTree() refuses what a hostile server lists, and fetches the rest", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", { "good": "x", "twice": "y" });
  const bad = [".ferry", ".ferry-0123456789abcdef.part", "a\\b", "nul\0"];
  const log = new Log();
  const hostile = listing(world.client, async function* () {
    yield {
      entries: [
        ...bad.map((name) => remoteEntry(`d/${name}`)),
        remoteEntry("d/twice"),
        remoteEntry("d/twice"),
        remoteEntry("d/hidden", { addressable: false }),
        remoteEntry("d/good"),
      ],
      problems: [],
    };
  });
  const places = { remote: "d", local: "/d" };
  const options = { ...world.ports, onEvent: log.tell };
  const summary = await getTree(hostile, places, options);
  assertEquals(counts(summary), { files: 2, folders: 1, failed: 6 });
  assertEquals(await harvest(world.disk, "/d"), { "good": "x", "twice": "y" });
});

Deno.test("getTree() stops at a listing that leads out of its folder or makes no sense", async () => {
  const listings = {
    "below": [remoteEntry("elsewhere/x")],
    "none": [remoteEntry("d/never-listed/x")],
    "file-as-folder": [remoteEntry("d/a"), remoteEntry("d/a/b")],
    "two parts": [
      remoteEntry("d/s", { kind: "directory" }),
      remoteEntry("d/s/x"),
      remoteEntry("d/late"),
    ],
    "dots": [remoteEntry("d/../x")],
  } as const;
  for (const [name, entries] of Object.entries(listings)) {
    await using world = await treeWorld();
    await plant(world.remote, "/", { "d/a": "x", "d/s/x": "y", "x": "z" });
    const hostile = listing(world.client, async function* () {
      yield { entries, problems: [] };
    });
    const places = { remote: "d", local: "/in/d" };
    const summary = await getTree(hostile, places, world.ports);
    assertEquals(summary.ended?.code, "protocol", name);
    const found = Object.keys(await harvest(world.disk, "/"));
    assertEquals(found.filter((path) => !path.startsWith("in")), [], name);
  }
});

Deno.test("getTree() ends a listing that never ends, in bounded memory", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/", { "d": null });
  const endless = (kind: "file" | "directory") =>
    listing(world.client, async function* () {
      for (let index = 0;; index++) {
        yield {
          entries: [remoteEntry(`d/${index}`, { kind })],
          problems: [],
        };
      }
    });
  for (const kind of ["file", "directory"] as const) {
    const summary = await getTree(
      endless(kind),
      { remote: "d", local: "/d" },
      { ...world.ports, dryRun: true, limits: { folders: 100, names: 100 } },
    );
    assertEquals(summary.ended?.code, "limit", kind);
  }
});

Deno.test("getTree() begins a lost listing again, and tells nothing twice", async () => {
  await using world = await treeWorld();
  const tree: Tree = {
    "a/1": "x",
    "a/2": "y",
    "b/3": "z",
    "c": null,
    "d": "w",
  };
  await plant(world.remote, "/d", tree);
  const { client } = world;
  let passes = 0;
  const lossy = listing(client, async function* () {
    const pass = ++passes;
    let told = 0;
    for await (const page of client.list("d", { recursive: true })) {
      for (const entry of page.entries) {
        if (++told > pass * 2) {
          throw new FerryError("connection-lost", "gone");
        }
        yield { entries: [entry], problems: [] };
      }
    }
  });
  const log = new Log();
  const work = getTree(lossy, { remote: "d", local: "/d" }, {
    ...world.ports,
    onEvent: log.tell,
  });
  const summary = await world.clock.run(work);
  assertEquals(counts(summary), { files: 4, folders: 4 });
  assertEquals(await harvest(world.disk, "/d"), whole(tree));
  assertEquals(passes, 4);
});

Deno.test("getTree() gives up when the connection is gone for good, and counts what it did not try", async () => {
  await using world = await treeWorld();
  const tree: Record<string, string> = {};
  for (let index = 0; index < 40; index++) tree[`f${index}`] = "x";
  await plant(world.remote, "/d", tree);
  let got = 0;
  const dying = patched(world.client, {
    get: (...asked) =>
      ++got > 10
        ? Promise.reject(new FerryError("connect-failed", "refused"))
        : world.client.get(...asked),
  });
  const summary = await getTree(
    dying,
    { remote: "d", local: "/d" },
    world.ports,
  );
  assertEquals(summary.ended?.code, "connect-failed");
  assertEquals(summary.files, 10);
  // Of the listing, only what had come is counted.
  assert(summary.notTried > 0, "nothing was left");
  assert(summary.files + summary.failed + summary.notTried <= 40);
});

Deno.test("getTree() keeps apart names that the local disk takes for one", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", {
    "README": "1",
    "readme": "2",
    "Sub/a": "3",
    "sub/b": "4",
  });
  const places = { remote: "d", local: "/d" };
  // A disk that tells them apart has all of them.
  assertEquals(counts(await getTree(world.client, places, world.ports)), {
    files: 4,
    folders: 3,
  });
  const fold = (path: string) => path.toLowerCase();
  const folding = new Proxy(world.disk, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name === "list") return (path: string) => target.list(fold(path));
      return (...args: unknown[]) =>
        value.apply(
          target,
          args.map((arg) => typeof arg === "string" ? fold(arg) : arg),
        );
    },
  });
  await using other = await treeWorld(
    { disk: world.remote },
    { disk: folding },
  );
  const log = new Log();
  const summary = await getTree(
    other.client,
    { remote: "d", local: "/folded" },
    { disk: folding, clock: other.clock, onEvent: log.tell },
  );
  assertEquals(summary.failed, 2, log.errors.join("\n"));
  assertEquals([summary.files, summary.notTried], [2, 1]);
  assert(log.errors.every((error) => error.includes(": exists: ")));
});
