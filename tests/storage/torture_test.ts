/** Every call to the disk fails once, with every kind of error. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  DiskStorage,
  MemoryDisk,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";
import { STAGING_EXPIRY } from "../../lib/storage/limits.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { assertFails } from "./storage_contract.ts";
import {
  assertMapsTrue,
  begin,
  get,
  isSame,
  list,
  ManualClock,
  namesIn,
  put,
  readDisk,
  requestFor,
  resume,
  resumeRequest,
  sample,
  sendRest,
  writeDisk,
} from "./transfer.ts";

const KINDS: StorageErrorKind[] = [
  "io",
  "no-space",
  "denied",
  "not-found",
  "exists",
  "busy",
  "too-large",
  "outside",
];
const OLD = sample(50, 1);
const YOUNG = sample(CHUNK_SIZE + 7, 2);
const OTHER = sample(CHUNK_SIZE + 9, 3);
const SMALL = sample(60, 4);

type Work = (storage: Storage) => Promise<unknown>;

const locate = (storage: Storage, name: string) =>
  storage.locate(name, "entry");

const WORKS: Record<string, Work> = {
  "put, fail": (storage) => put(storage, "d/new", YOUNG),
  "put, overwrite": (storage) =>
    put(storage, "d/f", YOUNG, { onConflict: "overwrite" }),
  "put, rename": (storage) =>
    put(storage, "d/f", YOUNG, { onConflict: "rename" }),
  "put, skip": (storage) => put(storage, "d/f", YOUNG, { onConflict: "skip" }),
  "put, sha256, no sync": (storage) =>
    put(storage, "d/new", YOUNG, { algorithm: "sha256", durability: "none" }),
  "put, with attributes": (storage) =>
    put(storage, "d/new", YOUNG, { mode: 0o640 }),
  "suspend and resume": async (storage) => {
    const request = resumeRequest(YOUNG, { id: "ab".repeat(16) });
    const receiving = await begin(storage, "d/new", request);
    await sendRest(receiving, YOUNG, 1);
    await receiving.suspend();
    await resume(storage, "d/new", YOUNG, request);
  },
  "resume with a changed source": async (storage) => {
    const request = resumeRequest(OTHER, { id: "ab".repeat(16) });
    const receiving = await begin(storage, "d/new", request);
    await sendRest(receiving, OTHER);
    await receiving.suspend();
    const { source } = resumeRequest(YOUNG);
    await resume(storage, "d/new", YOUNG, {
      ...request,
      size: YOUNG.length,
      source,
    });
  },
  "small files": async (storage) => {
    const names = ["d/new", "d/f", "g"];
    const items = [];
    for (const [at, name] of names.entries()) {
      const bytes = at === 1 ? OLD : SMALL;
      items.push({
        path: await storage.locate(name, "write"),
        request: requestFor(bytes, { mode: 0o600 }),
        bytes,
        checksum: crc32(bytes),
      });
    }
    const results = await storage.receiveSmall(items);
    const failed = results.find((result) => result instanceof StorageError);
    if (failed !== undefined) throw failed;
  },
  attributes: async (storage) =>
    await storage.setAttributes(await locate(storage, "d/f"), { mode: 0o600 }),
  get: (storage) => get(storage, "d/f"),
  list: (storage) => list(storage, "d"),
  "make directories": async (storage) =>
    await storage.makeDirectory(await storage.locate("d/x/y", "make"), {
      parents: true,
      durability: "full",
    }),
  "remove a tree": async (storage) =>
    await storage.remove(await locate(storage, "d"), {
      recursive: true,
      signal: undefined,
    }),
  "rename a file": async (storage) =>
    await storage.rename(
      await locate(storage, "d/f"),
      await locate(storage, "g"),
      "fail",
    ),
  "rename a directory": async (storage) =>
    await storage.rename(
      await locate(storage, "d"),
      await locate(storage, "dd"),
      "fail",
    ),
};

async function runOnce(
  work: Work,
  kind: StorageErrorKind,
  failAt: number,
): Promise<boolean> {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  await disk.makeDirectory("/d", 0o755);
  await writeDisk(disk, "/d/f", OLD);
  const faulty = new PowerLossDisk(disk, { failAt, kind });
  try {
    await using storage = await DiskStorage.open(faulty, "/", { clock });
    await work(storage);
  } catch (error) {
    assert(error instanceof StorageError, String(error));
  }
  assertEquals(disk.openHandles, 0, `open after ${faulty.log[failAt - 1]}`);
  for (const path of ["/d/f", "/d/f-1", "/d/new", "/g", "/dd/f"]) {
    const found = await readDisk(disk, path);
    assert(
      found === undefined ||
        [OLD, YOUNG, SMALL].some((bytes) => isSame(found, bytes)),
      `${path} is partial`,
    );
  }
  await assertMapsTrue(disk);
  // The first recovery may find out an outcome, and keeps it for its time.
  for (let time = 0; time < 2; time++) {
    clock.time += STAGING_EXPIRY + 1;
    await DiskStorage.open(disk, "/", { clock });
  }
  assertEquals(await namesIn(disk, "/.ferry"), []);
  return faulty.hasFailed;
}

for (const [name, work] of Object.entries(WORKS)) {
  Deno.test(`every call of "${name}" fails once with every error`, async () => {
    // What writes the most is tried with the errors that differ the most.
    const kinds = name.includes("resume") ? KINDS.slice(0, 2) : KINDS;
    for (const kind of kinds) {
      let failAt = 1;
      while (await runOnce(work, kind, failAt)) failAt++;
      assert(failAt > 5);
    }
  });
}

Deno.test("a disk that fills up ends the upload, and nothing stays", async () => {
  const disk = new MemoryDisk({ capacity: 3 * CHUNK_SIZE });
  const storage = await DiskStorage.open(disk, "/");
  const bytes = sample(4 * CHUNK_SIZE);
  const early = await assertFails(() => put(storage, "f", bytes), "no-space");
  assertEquals(early.message, "it needs 4.0 MiB, 3.0 MiB are free");
  await assertFails(
    () => put(storage, "f", bytes, { size: undefined }),
    "no-space",
  );
  assertEquals(await namesIn(disk, "/"), [".ferry"]);
  assertEquals(await namesIn(disk, "/.ferry"), []);
  assertEquals(disk.openHandles, 0);
  await put(storage, "f", sample(CHUNK_SIZE));
});

Deno.test("dispose() aborts what is being received", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const path = await storage.locate("f", "write");
  await storage.receive(path, {
    id: "0".repeat(32),
    size: undefined,
    modified: undefined,
    onConflict: "fail",
    durability: "full",
    algorithm: "crc32-chunks",
  });
  assert(disk.openHandles > 0);
  await storage[Symbol.asyncDispose]();
  assertEquals(disk.openHandles, 0);
  assertEquals(await namesIn(disk, "/.ferry"), []);
});
