import { assert, assertEquals, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  DiskStorage,
  MemoryDisk,
  StorageError,
} from "../../lib/storage/mod.ts";
import {
  begin,
  digestOf,
  requestFor,
  resumeRequest,
  sample,
  writeAll,
} from "./transfer.ts";

const MIB = CHUNK_SIZE;

/** A folder on a small disk, of which a part is reserved. */
async function small({ capacity = 6 * MIB, reserve = 2 * MIB, sees = true }) {
  const access = { read: true, write: true, freeSpace: sees };
  const disk = new MemoryDisk({ capacity, access });
  await disk.makeDirectory("/srv", 0o755);
  const storage = await DiskStorage.open(disk, "/srv", { reserve });
  return { disk, storage };
}

async function refused(work: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(work, StorageError);
  assertEquals(error.kind, "no-space", error.message);
  return error.message;
}

Deno.test("a reserve is not told as free, and what needs it is refused before it is sent", async () => {
  const { disk, storage } = await small({});
  const free = (await storage.freeSpace())!;
  assertEquals(free, (await disk.freeSpace("/srv"))! - 2 * MIB);
  const request = requestFor(sample(5 * MIB, 1));
  const message = await refused(() => begin(storage, "large", request));
  assert(message.includes("are free"), message);
  await begin(storage, "fits", requestFor(sample(3 * MIB, 1)));
  await storage[Symbol.asyncDispose]();
});

Deno.test("uploads that were let in together do not use the reserve either", async () => {
  const { disk, storage } = await small({});
  const bytes = sample(3 * MIB, 2);
  const both = await Promise.all(
    ["one", "two"].map((name) => begin(storage, name, requestFor(bytes))),
  );
  const ended = await Promise.allSettled(
    both.map((receiving) => writeAll(receiving, bytes)),
  );
  const failed = ended.flatMap((result) =>
    result.status === "rejected" ? [result.reason] : []
  );
  assert(failed.length > 0);
  for (const error of failed) assertEquals(error.kind, "no-space");
  assert((await disk.freeSpace("/srv"))! >= 2 * MIB);
  await storage[Symbol.asyncDispose]();
});

Deno.test("neither does an upload of unknown size, and nothing stays of it", async () => {
  const { disk, storage } = await small({});
  const bytes = sample(6 * MIB, 3);
  const request = requestFor(bytes, { size: undefined });
  const before = (await disk.freeSpace("/srv"))!;
  const receiving = await begin(storage, "endless", request);
  await refused(() => writeAll(receiving, bytes));
  assert((await disk.freeSpace("/srv"))! >= 2 * MIB);
  await storage[Symbol.asyncDispose]();
  assert((await disk.freeSpace("/srv"))! > before - MIB);
});

Deno.test("neither do small files in a group, nor those of another root", async () => {
  const { disk, storage } = await small({ capacity: 2 * MIB + 100_000 });
  await disk.makeDirectory("/srv/alice", 0o755);
  const other = await DiskStorage.open(disk, "/srv/alice", {
    neighbour: storage,
  });
  for (const target of [storage, other]) {
    const bytes = sample(60_000, 4);
    const items = await Promise.all(["a", "b"].map(async (name) => ({
      path: await target.locate(name, "write"),
      bytes,
      checksum: crc32(bytes),
      request: requestFor(bytes),
    })));
    const results = await target.receiveSmall(items);
    const kinds = results.map((result) =>
      result instanceof StorageError ? result.kind : "received"
    );
    assertEquals(kinds, ["no-space", "no-space"]);
    const [one] = items;
    const path = await target.locate(`${target.root.length}`, "write");
    const [alone] = await target.receiveSmall([{ ...one!, path }]);
    assertEquals(
      alone instanceof StorageError ? alone.kind : "received",
      target === storage ? "received" : "no-space",
    );
  }
  // What the server writes down for itself is no part of an upload.
  assert((await disk.freeSpace("/srv"))! >= 2 * MIB - 32_768);
  await other[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
});

Deno.test("a reserve on a disk that does not tell what is free lets nothing in", async () => {
  const { storage } = await small({ sees: false });
  const bytes = sample(10, 5);
  await refused(() => begin(storage, "any", requestFor(bytes)));
  const request = requestFor(bytes, { size: undefined });
  const receiving = await begin(storage, "unknown", request);
  await refused(() => writeAll(receiving, bytes));
  await storage[Symbol.asyncDispose]();
});

Deno.test("what is resumed or replaces a file needs room for what is to come only", async () => {
  const { storage } = await small({ capacity: 9 * MIB });
  const bytes = sample(3 * MIB, 6);
  for (const onConflict of ["fail", "overwrite"] as const) {
    const request = requestFor(bytes, { onConflict });
    const receiving = await begin(storage, "file", request);
    await writeAll(receiving, bytes);
    const { publication } = await receiving.commit(
      bytes.length,
      digestOf(bytes),
    );
    assertEquals(publication, onConflict === "fail" ? "created" : "replaced");
  }
  const request = resumeRequest(bytes, { onConflict: "overwrite" });
  const receiving = await begin(storage, "file", request);
  await writeAll(receiving, bytes.subarray(0, 2 * MIB));
  await receiving.suspend();
  assert((await storage.freeSpace())! < 3 * MIB);
  const again = await begin(storage, "file", request);
  assertEquals(again.verifiedBytes, 2 * MIB);
  await again.abort();
  await storage[Symbol.asyncDispose]();
});
