/**
 * Every command, for people and for programs, and what each exit code is for.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { READER_PERMISSIONS } from "../helpers/spawn_main.ts";
import {
  CHUNK,
  Gate,
  NEEDS_UNIX,
  publicTree,
  type Scene,
  sceneTest,
  settles,
} from "./scene.ts";

async function furnished(scene: Scene): Promise<string> {
  // These few show what the adapters of the real programs do.
  scene.isMeasured = true;
  const { host } = await scene.server();
  await Deno.mkdir(`${scene.root}/dir/deep`, { recursive: true });
  await scene.served("small", "1");
  await scene.served("large", "x".repeat(3000));
  await scene.served("dir/inner", "inner\n");
  await scene.served("dir/deep/leaf", "leaf\n");
  await Deno.chmod(`${scene.root}/small`, 0o640);
  const times = [["small", 1_000_000], ["large", 2_000_000], [
    "dir",
    3_000_000,
  ]] as const;
  for (const [name, seconds] of times) {
    await Deno.utime(`${scene.root}/${name}`, seconds, seconds);
  }
  return host;
}

sceneTest("ls lists, long, recursively, sorted and as JSON", async (scene) => {
  const host = await furnished(scene);
  const lines = async (...args: string[]): Promise<string[]> => {
    const { stdout, stderr } = await scene.ferry(["ls", host, ...args]);
    assertEquals(stderr, "");
    return stdout.trimEnd().split("\n");
  };
  assertEquals((await lines()).sort(), ["dir/", "large", "small"]);
  assertEquals(await lines("--sort", "name"), ["dir/", "large", "small"]);
  assertEquals(
    (await lines("--sort", "size")).slice(0, 2).includes("large"),
    true,
  );
  assertEquals(await lines("--sort", "time"), ["dir/", "large", "small"]);
  assertEquals((await lines("-R")).sort(), [
    "dir/",
    "dir/deep/",
    "dir/deep/leaf",
    "dir/inner",
    "large",
    "small",
  ]);
  assertEquals((await lines("dir")).sort(), ["deep/", "inner"]);
  assertEquals((await lines("/dir/")).sort(), ["deep/", "inner"]);
  assertEquals(await lines("small"), ["small"]);
  const long = await lines("-l", "--sort", "name");
  assertMatch(
    long[0] ?? "",
    /^d[rwx-]{9} {8,}- {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}dir\/$/,
  );
  assertMatch(
    long[1] ?? "",
    /^-[rwx-]{9} +2\.9\d? KiB {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}large$/,
  );
  assertMatch(
    long[2] ?? "",
    /^-rw-r----- +1 B {2}1970-01-12 \d\d:\d\d:\d\d {2}small$/,
  );

  const entries = await scene.events(["ls", host, "-R", "--sort", "name"]);
  assertEquals(entries.map(({ path }) => path), [
    "dir",
    "dir/deep",
    "dir/deep/leaf",
    "dir/inner",
    "large",
    "small",
  ]);
  assertEquals(entries.at(-1), {
    event: "entry",
    name: "small",
    path: "small",
    type: "file",
    size: 1,
    mtime: "1970-01-12T13:46:40.000Z",
    mode: "0640",
    addressable: true,
  });
  const below = await scene.events(["ls", host, "dir", "-R", "--sort", "name"]);
  // The path is that from the user's root, so that it can be asked for.
  assertEquals(below.map(({ path }) => path), [
    "dir/deep",
    "dir/deep/leaf",
    "dir/inner",
  ]);
}, NEEDS_UNIX);

sceneTest("mv, rename and change are one", async (scene) => {
  const host = await furnished(scene);
  const moved = await scene.ferry(["mv", host, "small", "a"]);
  assertEquals([moved.stdout, moved.stderr], ["", 'Renamed "small" to "a"\n']);
  await scene.ferry(["rename", host, "a", "b"]);
  await scene.ferry(["change", host, "/b", "/dir/"]);
  const [event] = await scene.events(["mv", host, "dir", "folder"]);
  assertEquals(event, {
    event: "renamed",
    from: "dir",
    path: "folder",
    publication: "created",
  });
  await settles(scene, [
    "folder/",
    "folder/b",
    "folder/deep/",
    "folder/deep/leaf",
    "folder/inner",
    "large",
  ]);
  await scene.fails(
    ["mv", host, "gone", "x"],
    5,
    `Cannot rename "gone": not found on ${host}`,
  );
  await scene.fails(
    ["mv", host, "folder", "folder/deep/x"],
    2,
    'Cannot rename "folder": a directory cannot go into itself',
  );
  assertEquals((await publicTree(scene)).includes("folder/deep/leaf"), true);
});

sceneTest(
  "rm removes files and empty directories, and with -r everything",
  async (scene) => {
    const host = await furnished(scene);
    await scene.fails(
      ["rm", host, "dir"],
      6,
      'Cannot remove "dir": the directory is not empty (use -r to remove it with everything in it)',
    );
    await scene.ferry(["rm", host, "small", "large"]);
    await scene.ferry(["rm", host, "dir/deep/leaf"]);
    await scene.ferry(["rm", host, "dir/deep"]);
    await settles(scene, ["dir/", "dir/inner"]);
    const [event] = await scene.events(["rm", "-r", host, "dir"]);
    assertEquals(event, { event: "removed", path: "dir", count: 2 });
    await settles(scene, []);
    await scene.fails(
      ["rm", host, "dir"],
      5,
      `Cannot remove "dir": not found on ${host}`,
    );
    await scene.fails(
      ["rm", host, "/"],
      2,
      'Cannot remove "/": it means the top of the server\'s tree',
    );
  },
);

sceneTest(
  "mkdir makes one directory, with -p those above it too",
  async (scene) => {
    const { host } = await scene.server();
    await scene.ferry(["mkdir", host, "a"]);
    await scene.fails(
      ["mkdir", host, "a"],
      6,
      `Cannot make "a": exists already on ${host}`,
    );
    await scene.fails(
      ["mkdir", host, "b/c"],
      5,
      `Cannot make "b/c": the directory above it is missing on ${host} (use -p to make it as well)`,
    );
    await scene.ferry(["mkdir", "-p", host, "a"]);
    const [event] = await scene.events(["mkdir", "-p", host, "b/c/d/"]);
    assertEquals(event, { event: "created", path: "b/c/d" });
    await settles(scene, ["a/", "b/", "b/c/", "b/c/d/"]);
  },
);

sceneTest("stat shows size, time, mode and digest", async (scene) => {
  const host = await furnished(scene);
  const { stdout } = await scene.ferry([
    "stat",
    host,
    "small",
    "--digest",
    "sha256",
  ]);
  assertMatch(
    stdout,
    /^Path {6}\/small\nType {6}file\nSize {6}1 byte\nModified {2}1970-01-12 [^\n]+\nMode {6}-rw-r----- \(0640\)\nDigest {4}sha256 6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b\n$/,
  );
  const [root] = await scene.events(["stat", host, "/"]);
  assertEquals(root?.["type"], "directory");
  await scene.fails(
    ["stat", host, "gone"],
    5,
    `Cannot look at "gone": not found on ${host}`,
  );
}, NEEDS_UNIX);

sceneTest("info tells who, what and where", async (scene) => {
  const server = await scene.server();
  const { stdout } = await scene.ferry(["info", server.host]);
  assertMatch(
    stdout,
    /^Server {6}ferryd\/\S+ at tcp:\/\/127\.0\.0\.1:\d+\nProtocol {4}version 1, not encrypted\nUser {8}anonymous\nMay {9}list, read, write, rename, delete \(ls, get, put, mv, rm, mkdir, stat, info\)\nDigests {5}crc32-chunks, sha256\n[^]*Free space {2}[^\n]+\n$/,
  );
});

sceneTest("transfers as JSON: start, receipts, done", async (scene) => {
  const { host } = await scene.server();
  await scene.file("a", "a");
  await scene.file("b", "bb");
  const put = await scene.events(["put", host, "a", "b"]);
  assertEquals(put.map(({ event }) => event), [
    "start",
    "receipt",
    "receipt",
    "done",
  ]);
  assertEquals(put[0], { event: "start", command: "put", files: 2, bytes: 3 });
  const { digest, wireBytes, ...receipt } = put[1] ?? {};
  assertEquals(receipt, {
    event: "receipt",
    path: "a",
    local: "a",
    size: 1,
    publication: "created",
    durable: true,
    resumedFrom: 0,
    repaired: 0,
  });
  assertEquals(Object.keys(digest as object), ["algorithm", "value"]);
  assert(Number(wireBytes) > 1);
  const fast = await scene.events([
    "put",
    host,
    "a",
    "-o",
    "c",
    "--durability",
    "none",
  ]);
  assertEquals(fast[1]?.["durable"], false);
});

sceneTest(
  "progress as JSON comes while a transfer runs, and only grows",
  async (scene) => {
    await scene.file("big", new Uint8Array(6 * CHUNK));
    const server = await scene.server();
    const gate = new Gate();
    const proxy = scene.proxy(
      server,
      ({ type, index }) =>
        type === "DATA" && index === 3 ? gate.hold() : "pass",
    );
    const put = scene.start([
      "--json",
      "--progress",
      "always",
      "put",
      proxy.host,
      "big",
    ]);
    await put.says(/"event":"progress"/, "stdout");
    gate.open();
    assertEquals((await put.ended).code, 0);
    const progress = put.stdout.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    )
      .filter(({ event }) => event === "progress");
    let last = 0;
    for (const { bytes, bytesTotal } of progress) {
      assert(bytes >= last && bytes <= 6 * CHUNK);
      assertEquals(bytesTotal, 6 * CHUNK);
      last = bytes;
    }
  },
);

sceneTest(
  "-q says nothing on success, and still tells errors",
  async (scene) => {
    const host = await furnished(scene);
    await scene.file("a", "a");
    for (
      const args of [
        ["put", host, "a"],
        ["get", host, "large"],
        ["mv", host, "a", "b"],
        ["rm", host, "b"],
        ["mkdir", host, "c"],
      ]
    ) {
      const { stdout, stderr } = await scene.ferry(["-q", ...args]);
      assertEquals([stdout, stderr], ["", ""]);
    }
    await scene.fails(
      ["-q", "rm", host, "b"],
      5,
      `Cannot remove "b": not found on ${host}`,
    );
  },
);

sceneTest("--debug tells more, on stderr only", async (scene) => {
  const { host } = await scene.server();
  const { stdout, stderr } = await scene.ferry(["-d", "get", host, "gone"], {
    code: 5,
  });
  assertEquals(stdout, "");
  assertMatch(stderr, /^ferry: Cannot get "gone": not found on \S+$/m);
  assertMatch(stderr, /^ +at /m);
});

sceneTest("the exit codes", async (scene) => {
  const host = await furnished(scene);
  await scene.file("a", "a");
  await scene.ferry(["ls", host], { code: 0 });
  await scene.ferry(["ls"], { code: 2 });
  await scene.ferry(["frobnicate", host], { code: 2 });
  await scene.ferry(["put", "--classic", host, "a"], { code: 2 });
  await scene.ferry(["ls", "--active", "tls://127.0.0.1"], { code: 2 });
  await scene.ferry(["ls", `tls://${host}`], { code: 3 });
  await scene.ferry(["ls", "127.0.0.1:1"], { code: 3 });
  const reader = await scene.server({ permissions: READER_PERMISSIONS });
  await scene.ferry(["put", reader.host, "a"], { code: 4 });
  await scene.ferry(["get", host, "gone"], { code: 5 });
  await scene.ferry(["put", host, "a", "-o", "small"], { code: 6 });
  await scene.ferry(["get", host, "large", "gone"], { code: 8 });
});
