import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  DenoDisk,
  openFileStorage,
  StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";
import {
  hostErrorCode,
  toStorageError,
} from "../../lib/storage/deno_errors.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { assertFails } from "./storage_contract.ts";
import { get, list, put, sample } from "./transfer.ts";

const disk = new DenoDisk();

Deno.test("every failure of the host has a kind, and names no path", async () => {
  await using dir = await tempDir();
  const at = (name: string) => `${dir.path}/${name}`;
  await disk.makeDirectory(at("d"), 0o755);
  await disk.makeDirectory(at("d/e"), 0o755);
  (await disk.open(at("f"), "create")).close();
  await Deno.symlink("loop", at("loop"));
  await Deno.symlink("nothing", at("dangling"));
  const table: [() => Promise<unknown>, StorageErrorKind][] = [
    [() => disk.stat(at("missing")), "not-found"],
    [() => disk.open(at("f"), "create"), "exists"],
    [() => disk.open(at("dangling"), "create"), "exists"],
    [() => disk.open(at("d"), "write"), "is-directory"],
    [() => disk.stat(at("f/x")), "not-directory"],
    [() => disk.removeDirectory(at("d")), "not-empty"],
    [() => disk.realPath(at("loop")), "outside"],
    [() => disk.lstat(at("x".repeat(300))), "bad-name"],
    [() => disk.link(at("f"), at("d")), "exists"],
    [() => disk.rename(at("f"), at("d")), "is-directory"],
    [() => Array.fromAsync(disk.list(at("f"))), "not-directory"],
    [() => disk.syncDirectory(at("missing")), "not-found"],
    [() => disk.freeSpace(at("missing")), "not-found"],
  ];
  for (const [work, kind] of table) {
    const error = await assertFails(work, kind);
    assert(!error.message.includes(dir.path), error.message);
  }
  assertEquals(await disk.link(at("d"), at("dd")), false);
});

Deno.test("errors without a code are told by their number or class", () => {
  const table: [unknown, StorageErrorKind][] = [
    [new Error("File too large (os error 27)"), "too-large"],
    [new Error("No space left on device (os error 28)"), "no-space"],
    [new Error("Disk quota exceeded (os error 122)"), "no-space"],
    [new Error("something (os error 12345)"), "io"],
    [new Deno.errors.NotFound("x"), "not-found"],
    [new Deno.errors.FilesystemLoop("x"), "outside"],
    [new Deno.errors.NotCapable("Requires write access"), "denied"],
    ["not an error", "io"],
  ];
  for (const [error, kind] of table) {
    assertEquals(toStorageError(error).kind, kind, String(error));
  }
  assertEquals(hostErrorCode("text"), undefined);
  const own = new StorageError("busy", "x");
  assertEquals(toStorageError(own), own);
});

Deno.test("a file is read and written at any place", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/f`;
  const file = await disk.open(path, "create");
  const bytes = sample(300_000);
  await file.write(bytes.subarray(100_000), 100_000);
  await file.write(bytes.subarray(0, 100_000), 0);
  const buffer = new Uint8Array(200_000);
  assertEquals(await file.read(buffer, 50_000), 200_000);
  assertEquals(buffer, bytes.subarray(50_000, 250_000));
  assertEquals(await file.read(buffer.subarray(0, 10), 299_995), 5);
  assertEquals(await file.read(buffer, 300_000), 0);
  await file.truncate(10);
  await file.setModified(1_700_000_000_123);
  await file.sync();
  const stat = await file.stat();
  assertEquals([stat.size, stat.modified], [10, 1_700_000_000_123]);
  assert(await file.tryLock());
  const other = await disk.open(path, "read");
  assertEquals(await other.tryLock(), false);
  await assertFails(() => other.write(new Uint8Array(1), 0), "io");
  await assertFails(() => other.read(buffer, -5), "io");
  file.close();
  file.close();
  assertEquals(await other.tryLock(), true);
  other.close();
  await assertRejects(() => other.stat());
});

Deno.test("a fifo is no source, and is not waited for", async () => {
  await using dir = await tempDir();
  const made = await new Deno.Command("mkfifo", { args: [`${dir.path}/p`] })
    .output();
  assert(made.success);
  await using storage = await openFileStorage(dir.path);
  await assertFails(() => get(storage, "p"), "not-file");
  assertEquals((await list(storage))[0]?.kind, "other");
});

Deno.test("names that are not UTF-8 are listed as not addressable", async () => {
  await using dir = await tempDir();
  const script = `cd "$0" && touch "$(printf 'a\\377b')" 'back\\slash'`;
  await new Deno.Command("sh", { args: ["-c", script, dir.path] }).output();
  await using storage = await openFileStorage(dir.path);
  const entries = await list(storage);
  assertEquals(entries.map(({ addressable }) => addressable), [false, false]);
  assertEquals(entries.map(({ kind }) => kind), ["file", "file"]);
  await storage.makeDirectory(await storage.locate("d", "make"), {
    parents: false,
    durability: "none",
  });
});

Deno.test("a directory of 100,000 entries streams", async () => {
  await using dir = await tempDir();
  for (let at = 0; at < 100_000; at++) {
    (await disk.open(`${dir.path}/${at}`, "create")).close();
  }
  await using storage = await openFileStorage(dir.path);
  let count = 0;
  for await (const entry of storage.list(await storage.locate("", "read"))) {
    assert(entry.addressable);
    count++;
  }
  assertEquals(count, 100_000);
});

Deno.test("a root must be a directory that is there", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(`${dir.path}/f`, "");
  await assertFails(() => openFileStorage(`${dir.path}/f`), "not-directory");
  await assertFails(() => openFileStorage(`${dir.path}/x`), "not-found");
});

const ROOT = Deno.makeTempDirSync({ prefix: "ferry-test-" });
const OUT = Deno.makeTempDirSync({ prefix: "ferry-test-" });
Deno.writeTextFileSync(`${ROOT}/f`, "hello");
addEventListener("unload", () => {
  for (const each of [ROOT, OUT]) Deno.removeSync(each, { recursive: true });
});

Deno.test({
  name: "with a grant to read only, nothing is ever written",
  permissions: { read: [ROOT] },
  fn: async () => {
    await using storage = await openFileStorage(ROOT);
    assertEquals(storage.access, {
      read: true,
      write: false,
      freeSpace: false,
    });
    assertEquals(await storage.freeSpace(), undefined);
    assertEquals(await get(storage, "f"), new TextEncoder().encode("hello"));
    const error = await assertFails(
      () => put(storage, "g", sample(1)),
      "denied",
    );
    assertEquals(
      error.message,
      "this program runs without --allow-write for the served folder",
    );
    await storage.acknowledge("0".repeat(32));
    assertEquals((await list(storage)).map(({ name }) => name), ["f"]);
    const host = await assertFails(
      () => disk.makeDirectory(`${ROOT}/d`, 0o777),
      "denied",
    );
    assertEquals(
      host.message,
      "permission denied: this program runs without --allow-write",
    );
    const read = await assertFails(() => disk.stat(OUT), "denied");
    assertEquals(
      read.message,
      "permission denied: this program runs without --allow-read",
    );
  },
});

Deno.test({
  name: "a grant for the root alone is enough to serve it",
  permissions: { read: [ROOT], write: [ROOT] },
  fn: async () => {
    await using storage = await openFileStorage(ROOT);
    assert(storage.access.write);
    const outcome = await put(storage, "g", sample(10));
    assertEquals(outcome.durable, true);
    await storage.remove(await storage.locate("g", "entry"), {
      recursive: false,
      signal: undefined,
    });
  },
});

Deno.test("a read-only storage refuses every change, and makes nothing", async () => {
  await using dir = await tempDir();
  await using storage = await openFileStorage(dir.path, { readOnly: true });
  const root = await storage.locate("", "entry");
  const file = await storage.locate("f", "entry");
  const works = [
    () => put(storage, "f", sample(1)),
    () => storage.remove(file, { recursive: false, signal: undefined }),
    () => storage.rename(file, root, "fail"),
    () => storage.makeDirectory(file, { parents: false, durability: "none" }),
  ];
  for (const work of works) {
    const error = await assertFails(work, "denied");
    assertEquals(error.message, "the served folder is read-only");
  }
  assertEquals(await Array.fromAsync(Deno.readDir(dir.path)), []);
});

Deno.test("a time that the host cannot hold changes nothing, and none is told that cannot be read", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/f`;
  const file = await disk.open(path, "create");
  await file.setModified(1_000_000);
  // What the wire can carry, and a Date cannot.
  for (const beyond of [8.64e15 + 1, Number.MAX_SAFE_INTEGER, -9e15]) {
    await file.setModified(beyond);
    await disk.setAttributes(path, { modified: beyond });
    assertEquals((await file.stat()).modified, 1_000_000);
  }
  file.close();
});

Deno.test({
  name: "a time of the host that is beyond what a Date holds is not known",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using dir = await tempDir();
    const path = `${dir.path}/f`;
    await Deno.writeTextFile(path, "x");
    const { success } = await new Deno.Command("touch", {
      args: ["-d", "@9000000000000", path],
    }).output();
    const { modified } = await disk.stat(path);
    // A file system may hold less, and cut it.
    const isCut = !success || modified !== undefined;
    if (isCut) assert(modified === undefined || Number.isFinite(modified));
    else assertEquals(modified, undefined);
  },
});
