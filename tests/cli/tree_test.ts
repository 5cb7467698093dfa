import { assert, assertEquals, assertMatch } from "@std/assert";
import { runClient } from "../../lib/cli/mod.ts";
import { progressLine } from "../../lib/cli/progress_line.ts";
import { TreeMeter } from "../../lib/cli/tree_meter.ts";
import { FerryError } from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { clientOf } from "../client/hostile.ts";
import { harvest, plant, type Tree, whole } from "../client/tree/tree_world.ts";
import { startServer, type TestServer } from "../helpers/test_server.ts";
import {
  entry,
  FakeClient,
  makeWorld,
  receipt,
  settle,
  StillClock,
  type World,
  type WorldOptions,
} from "./world.ts";

const H = "127.0.0.1";

/** A world with a server and a disk in memory. */
async function treeWorld(
  server: TestServer,
  options: WorldOptions = {},
): Promise<{ world: World; disk: MemoryDisk }> {
  const disk = new MemoryDisk({ clock: server.clock });
  const world = makeWorld({
    disk,
    connect: async () => (await clientOf(server, { disk })).client,
    local: { "/there": { kind: "directory", size: 0 } },
    ...options,
  });
  await disk.makeDirectory("/there", 0o755);
  // A disk in memory has no current directory: this is what "." finds there.
  await disk.makeDirectory("/.", 0o755);
  return { world, disk };
}

/** Another run on the same disk. */
function again(server: TestServer, disk: MemoryDisk): World {
  return makeWorld({
    disk,
    connect: async () => (await clientOf(server, { disk })).client,
  });
}

async function run(
  world: World,
  code: number,
  ...args: string[]
): Promise<void> {
  assertEquals(
    await runClient(args, world.environment),
    code,
    world.stderr.text,
  );
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
}

const TREE: Tree = { "a": "1", "sub/b": "22", "hollow": null };

Deno.test("get -r and put -r put directories where they belong, whatever exists", async () => {
  const gets: ReadonlyArray<readonly [string[], string]> = [
    [["d"], "/d"],
    [["/x/d/"], "/d"],
    [["d", "-o", "/there"], "/there"],
    [["d", "-o", "/there/"], "/there/d"],
    [["d", "-o", "/new"], "/new"],
    [["d", "-o", "/new/"], "/new/d"],
    [["/", "-o", "/top/"], "/top/d"],
  ];
  for (const [args, target] of gets) {
    await using server = await startServer();
    await plant(server.disk, "/d", TREE);
    await plant(server.disk, "/x/d", TREE);
    const { world, disk } = await treeWorld(server);
    await run(world, 0, "get", "-r", H, ...args);
    assertEquals(await harvest(disk, target), whole(TREE), `${args}`);
  }
  const puts: ReadonlyArray<readonly [string[], string]> = [
    [["/d"], "/d"],
    [["/d/", "-o", "there"], "/there"],
    [["/d", "-o", "new"], "/new"],
    [["/d", "-o", "new/"], "/new/d"],
  ];
  for (const [args, target] of puts) {
    await using server = await startServer();
    await server.disk.makeDirectory("/there", 0o755);
    const { world, disk } = await treeWorld(server);
    await plant(disk, "/d", TREE);
    await run(world, 0, "put", "-r", H, ...args);
    assertEquals(await harvest(server.disk, target), whole(TREE), `${args}`);
  }
});

Deno.test("get -r takes files and directories together, and says what it did", async () => {
  await using server = await startServer();
  await plant(server.disk, "/", { ...TREE, "d/x": "333", "d/l": ["x"] });
  const { world, disk } = await treeWorld(server);
  await run(world, 0, "get", "-r", H, "d", "a", "-o", "/there");
  assertEquals(
    await harvest(disk, "/there"),
    whole({ "a": "1", "d/x": "333" }),
  );
  assertEquals(
    world.stderr.text,
    "Fetched 2 files, 4 B in <0.01 s, verified and durable, 1 link skipped, 1 directory made\n",
  );
});

Deno.test("get -r says that nothing had to be done, and -q not even that", async () => {
  await using server = await startServer();
  await plant(server.disk, "/d", TREE);
  const { world, disk } = await treeWorld(server);
  await run(world, 0, "get", "-rq", H, "d");
  assertEquals([world.stdout.text, world.stderr.text], ["", ""]);
  const second = again(server, disk);
  await run(second, 0, "get", "-r", H, "d");
  assertEquals(second.stderr.text, "Fetched nothing, 2 unchanged\n");
});

Deno.test("get -r tells programs of everything", async () => {
  await using server = await startServer();
  await plant(server.disk, "/d", { "a": "1", "l": ["a"], "sub": null });
  const { world } = await treeWorld(server);
  const args = ["--json", "get", "-r", H, "d", "--progress", "never"];
  await run(world, 0, ...args);
  const events = world.stdout.events();
  assertEquals(events.map(({ event }) => event).sort(), [
    "done",
    "folder",
    "folder",
    "receipt",
    "skipped",
    "start",
  ]);
  const of = (name: string) => events.filter(({ event }) => event === name);
  assertEquals(of("start"), [{
    event: "start",
    command: "get",
    direction: "get",
    files: null,
    bytes: null,
    dryRun: false,
  }]);
  assertEquals(of("skipped"), [{
    event: "skipped",
    path: "d/l",
    local: "d/l",
    reason: "link",
  }]);
  assertEquals(of("folder").map(({ local }) => local), ["d", "d/sub"]);
  const [done] = of("done");
  assertEquals({ ...done, wireBytes: 0 }, {
    event: "done",
    command: "get",
    direction: "get",
    files: 1,
    equal: 0,
    skipped: 0,
    links: 1,
    specials: 0,
    folders: 2,
    deleted: 0,
    extra: 0,
    failed: 0,
    notTried: 0,
    bytes: 1,
    wireBytes: 0,
    resumedFrom: 0,
    repaired: 0,
    seconds: 0,
    durable: true,
    dryRun: false,
  });
});

Deno.test("get -r reports each file that fails, and ends with 8", async () => {
  await using server = await startServer();
  await plant(server.disk, "/d", { "a": "1", "b": "22", "c": "3" });
  const { world, disk } = await treeWorld(server);
  await plant(disk, "/d", { "b": "mine" });
  await run(world, 8, "get", "-r", H, "d");
  assertMatch(
    world.stderr.text,
    /^ferry: Cannot write "d\/b": a file with other content has that name on this machine \(use --on-conflict overwrite, rename or skip\)$/m,
  );
  assertMatch(world.stderr.text, /^ferry: 1 of \d entries failed$/m);
});

Deno.test("get -r of one file, and of nothing, ends as get does", async () => {
  await using server = await startServer();
  await plant(server.disk, "/", { "a": "1" });
  const { world, disk } = await treeWorld(server);
  await plant(disk, "/", { "a": "other" });
  await run(world, 6, "get", "-r", H, "a");
  const none = await treeWorld(server);
  await run(none.world, 5, "get", "-r", H, "none");
  assertEquals(
    none.world.stderr.text,
    'ferry: Cannot get "none": not found on 127.0.0.1:1\n'
      .replace("127.0.0.1:1", `${H}:${server.address.port}`),
  );
  const both = await treeWorld(server);
  await run(both.world, 8, "get", "-r", H, "none", "a");
});

Deno.test("put -r stops when the connection is gone for good", async () => {
  const disk = new MemoryDisk();
  await plant(disk, "/d", { "a": "1", "b": "2", "c": "3", "e": "4", "f": "5" });
  const lost = new FerryError("connect-failed", "connection refused");
  const client = new FakeClient({
    stat: () => Promise.reject(new FerryError("not-found", "not found")),
    put: () => Promise.reject(lost),
  });
  const world = makeWorld({ client, disk });
  await run(world, 1, "put", "-r", H, "/d");
  assertMatch(
    world.stderr.text,
    /ferry: The connection is gone, so \d files? that were listed were not tried/,
  );
});

Deno.test("get -r --dry-run shows what it would do on stdout, and does nothing", async () => {
  await using server = await startServer();
  await plant(server.disk, "/d", {
    "a": "1",
    "b\x1b[2J": "2",
    "l": ["a"],
    "sub/c": "3",
    "same": "4",
  });
  const { world, disk } = await treeWorld(server);
  await plant(disk, "/d", { "same": "4", "a": "old" });
  const before = await harvest(disk, "/d");
  const args = ["get", "-rn", H, "d", "--on-conflict", "overwrite"];
  await run(world, 0, ...args);
  assertEquals(world.stdout.text.split("\n").sort(), [
    "",
    "get     d/b\\u{1b}[2J",
    "get     d/sub/c",
    "make    d/sub/",
    "replace d/a",
    "skip    d/l  (a link)",
  ]);
  assertEquals(
    world.stderr.text,
    "Would fetch 3 files, 3 B, 1 unchanged, 1 link skipped, 1 directory to make\n",
  );
  assertEquals(await harvest(disk, "/d"), before);
});

Deno.test("include and exclude work in the order in which they are given", async () => {
  const cases: ReadonlyArray<readonly [string[], string[]]> = [
    [["--exclude", "*.jpg", "--include", "keep.*"], ["keep.jpg", "x.txt"]],
    [["--include=keep.*", "--exclude=*.jpg"], []],
    [["--include", "*.jpg"], ["keep.jpg", "y.jpg"]],
    [["--include", "*.jpg", "--exclude", "y*"], ["keep.jpg"]],
  ];
  for (const [args, names] of cases) {
    await using server = await startServer();
    await plant(server.disk, "/d", {
      "keep.jpg": "1",
      "y.jpg": "2",
      "x.txt": "3",
    });
    const { world, disk } = await treeWorld(server);
    await run(world, 0, "get", "-r", H, "d", "-o", "/out/", ...args);
    const found = names.length === 0 ? {} : await harvest(disk, "/out/d");
    assertEquals(Object.keys(found), names, `${args}`);
  }
});

Deno.test("sync --delete asks, and deletes only after a yes", async () => {
  const answers = { y: true, YES: true, n: false, "": false, yep: false };
  for (const [answer, isYes] of Object.entries(answers)) {
    await using server = await startServer();
    await plant(server.disk, "/d", { "a": "1" });
    const { world, disk } = await treeWorld(server, { answer });
    await plant(disk, "/d", { "old/x": "2", "b": "3" });
    await run(world, 0, "sync", "--from-server", "--delete", H, "d", "/d");
    assertMatch(
      world.stderr.text,
      /^The source does not have:\n( {2}(b|old|old\/x)\n){3}Delete these 3 entries from "\/d"\? \[y\/N\] /,
    );
    const left = isYes ? { "a": "1" } : { "a": "1", "b": "3", "old/x": "2" };
    assertEquals(await harvest(disk, "/d"), whole(left), answer);
    const told = /3 entries that the source does not have left as they are/;
    assertEquals(told.test(world.stderr.text), !isYes);
  }
});

Deno.test("sync works both ways, without a question with --yes, and dry", async () => {
  await using server = await startServer();
  await plant(server.disk, "/d", { "a": "1", "b": "2" });
  const { world, disk } = await treeWorld(server);
  const names = ["--delete", "--yes", "--json", "--progress=never"];
  await run(world, 0, "sync", "--from-server", ...names, H, "d", "/d");
  assertEquals(await harvest(disk, "/d"), { "a": "1", "b": "2" });
  await disk.removeFile("/d/a");
  const dry = again(server, disk);
  const back = ["sync", "--to-server", "--delete"];
  await run(dry, 0, ...back, "-n", "--json", H, "/d", "d");
  assertEquals(
    dry.stdout.events().filter(({ event }) => event === "deleted"),
    [{
      event: "deleted",
      path: "d/a",
      local: null,
      type: "file",
      dryRun: true,
    }],
  );
  const real = again(server, disk);
  await run(real, 0, ...back, "-y", H, "/d", "d");
  assertEquals(real.stderr.text, "Sent nothing, 1 unchanged, 1 deleted\n");
  assertEquals(await harvest(server.disk, "/d"), { "b": "2" });
});

Deno.test("put -rp keeps permission bits on the server", async () => {
  await using server = await startServer();
  const { world, disk } = await treeWorld(server);
  await plant(disk, "/d", { "a": "1", "sub/b": "22" });
  await disk.setAttributes("/d/a", { mode: 0o640 });
  await run(world, 0, "put", "-rp", H, "/d");
  assertEquals((await server.disk.stat("/d/a")).mode & 0o777, 0o640);
});

Deno.test("put -r moves small files together, and large ones as it was told", async () => {
  const disk = new MemoryDisk();
  const names = Array.from({ length: 60 }, (_, index) => `f${index}`);
  await plant(disk, "/d", Object.fromEntries(names.map((name) => [name, "1"])));
  await plant(disk, "/d", { "large": "x".repeat(1_048_577) });
  const batches: string[][] = [];
  const told: unknown[] = [];
  const client = new FakeClient({
    stat: () => Promise.reject(new FerryError("not-found", "not found")),
    moveSmall({ direction, files, options, settled }) {
      told.push([direction, options.resume, options.streams]);
      batches.push(files.map(({ path }) => path));
      for (const [index, { path, local }] of files.entries()) {
        const value = receipt({ path, local, size: 1, wireBytes: 9 });
        settled(index, { status: "fulfilled", value });
      }
      return Promise.resolve();
    },
    async put(_source, path, options = {}) {
      told.push([path, options.resume, options.streams]);
      // Others are found in the meantime.
      await settle();
      const isLarge = path.endsWith("large");
      const more = isLarge
        ? { size: 1_048_577, resumedFrom: 1024, wireBytes: 9, repaired: 2 }
        : {};
      return receipt({ path, ...more });
    },
  });
  const world = makeWorld({ client, disk });
  const args = ["put", "-r", H, "/d", "--no-resume", "--streams", "3"];
  await run(world, 0, ...args);
  assertEquals(batches.flat().length > 1, true, JSON.stringify(batches));
  assertEquals(
    told.map((one) => JSON.stringify(one).slice(-8)),
    told.map(() => "false,3]"),
  );
  assertMatch(
    world.stderr.text,
    /verified and durable, 1\.00 KiB of it from an earlier try, 2 damaged chunks sent again/,
  );
});

Deno.test("get -r is interrupted like everything else", async () => {
  await using server = await startServer();
  const tree: Record<string, string> = {};
  for (let index = 0; index < 500; index++) tree[`f${index}`] = "x";
  await plant(server.disk, "/d", tree);
  const { world } = await treeWorld(server);
  const running = runClient(["get", "-r", H, "d"], world.environment);
  for (let turn = 0; turn < 100; turn++) await settle();
  world.signal();
  assertEquals(await running, 130);
  assertMatch(world.stderr.text, /^ferry: Interrupted$/m);
});

Deno.test("get -r shows hostile names safely", async () => {
  const client = new FakeClient({
    async *list() {
      yield {
        entries: [entry("d/\x1b]0;x\x07", { kind: "link" })],
        problems: [new FerryError("denied", "no \x1b[2J", { path: "d" })],
      };
    },
    stat: (path) => Promise.resolve(entry(path, { kind: "directory" })),
  });
  const world = makeWorld({ client });
  await run(world, 8, "get", "-r", H, "d", "-o", "/d");
  assertMatch(world.stderr.text, /1 link skipped/);
  assert(!world.stderr.text.includes("\x1b"));
});

Deno.test("TreeMeter promises nothing while it counts, and adds trees up", () => {
  const clock = new StillClock();
  const meter = new TreeMeter(clock, 2);
  const progress = {
    files: 1,
    filesTotal: 4,
    bytes: 1024,
    bytesTotal: 4096,
    isCounting: true,
    name: "a",
    active: 3,
  };
  meter.update(progress);
  assertEquals(meter.read().percent, undefined);
  assertEquals(
    progressLine({ reading: meter.read() }, 80),
    "1.00 KiB of 4.00 KiB+  file 2 of 4+  a",
  );
  meter.update({ ...progress, isCounting: false });
  assertEquals(meter.read().percent, undefined, "another tree is to come");
  meter.next();
  assertEquals(meter.read().isCounting, true);
  meter.update({ ...progress, isCounting: false });
  assertEquals(meter.read().percent, 25);
  assertEquals([meter.read().bytes, meter.read().filesTotal], [2048, 8]);
  // A file that grows does not take anything back.
  meter.update({ ...progress, bytesTotal: 40_960, isCounting: false });
  assertEquals(meter.read().percent, 25);
  meter.next();
  assertEquals(meter.read().isCounting, false);
});

Deno.test("put -r of a file into a folder that is missing says how to make it", async () => {
  await using server = await startServer();
  const { world, disk } = await treeWorld(server);
  await plant(disk, "/d", TREE);
  await run(world, 5, "put", "-r", H, "/d/a", "-o", "missing/");
  assertMatch(
    world.stderr.text,
    /^ferry: Cannot put "missing\/a": there is no folder "missing" on 127\.0\.0\.1:\d+ \(make it first: ferry mkdir -p 127\.0\.0\.1:\d+ missing\)\n/,
  );
});
