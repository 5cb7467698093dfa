import { assertEquals, assertRejects } from "@std/assert";
import {
  DiskStorage,
  MemoryDisk,
  type Review,
  type StagedFile,
  StorageError,
} from "../../lib/storage/mod.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";
import { chunksOf, digestOf, requestFor, sample } from "./transfer.ts";
import { crc32 } from "node:zlib";

const BYTES = sample(2_500_000);

async function receive(
  storage: DiskStorage,
  review: Review,
  options: Partial<ReturnType<typeof requestFor>> = {},
) {
  const path = await storage.locate("upload.bin", "write");
  const request = { ...requestFor(BYTES), ...options, review };
  const start = await storage.receive(path, request);
  if (start.kind === "settled") return start.outcome;
  let index = 0;
  for (const chunk of chunksOf(BYTES)) {
    await start.receiving.writeChunk(index++, chunk, crc32(chunk));
  }
  return await start.receiving.commit(BYTES.length, digestOf(BYTES));
}

async function names(disk: MemoryDisk, path = "/"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of disk.list(path)) found.push(name);
  return found.sort();
}

Deno.test("a review sees the whole file before it has a name, and lets it pass", async () => {
  const disk = new MemoryDisk();
  await using storage = await DiskStorage.open(disk, "/");
  const seen: { file: StagedFile; bytes: Uint8Array; names: string[] }[] = [];
  const outcome = await receive(storage, async (file) => {
    const bytes = await readMemory(disk, file.staged);
    seen.push({ file, bytes, names: await names(disk) });
    return undefined;
  });
  assertEquals(outcome.path, "upload.bin");
  const [{ file, bytes, names: before }] = seen as [typeof seen[number]];
  assertEquals(file.path, "upload.bin");
  assertEquals(file.size, BYTES.length);
  assertEquals(file.digest, digestOf(BYTES));
  assertEquals(bytes, BYTES);
  assertEquals(before, [".ferry"]);
  assertEquals(await readMemory(disk, "/upload.bin"), BYTES);
});

Deno.test("a file that a review rejects is not published, and nothing of it stays", async () => {
  const disk = new MemoryDisk();
  await using storage = await DiskStorage.open(disk, "/");
  const reject: Review = () =>
    Promise.reject(new StorageError("denied", "it has a virus"));
  await assertRejects(() => receive(storage, reject), StorageError, "a virus");
  assertEquals(await names(disk), [".ferry"]);
  assertEquals(await names(disk, "/.ferry"), []);
  // Nor does a fault of the one who looks publish anything.
  const crash: Review = () => Promise.reject(new TypeError("a bug"));
  await assertRejects(() => receive(storage, crash), TypeError);
  assertEquals(await names(disk), [".ferry"]);
});

Deno.test("a review may choose another name, in another directory, by the same rules", async () => {
  const disk = new MemoryDisk();
  await using storage = await DiskStorage.open(disk, "/");
  await disk.makeDirectory("/sorted", 0o755);
  const elsewhere: Review = () => storage.locate("sorted/a.bin", "write");
  assertEquals((await receive(storage, elsewhere)).path, "sorted/a.bin");
  assertEquals(await readMemory(disk, "/sorted/a.bin"), BYTES);
  assertEquals(await names(disk), [".ferry", "sorted"]);
  const again = () => receive(storage, elsewhere);
  const error = await assertRejects(again, StorageError);
  assertEquals(error.kind, "exists");
  const renamed = await receive(storage, elsewhere, { onConflict: "rename" });
  assertEquals(renamed.path, "sorted/a-1.bin");
});

Deno.test("a file that is changed while it is reviewed is not published", async () => {
  let now = 1_800_000_000_000;
  const clock = {
    now: () => now++,
    monotonic: () => now,
    after: () => () => {},
  };
  const disk = new MemoryDisk({ clock });
  await using storage = await DiskStorage.open(disk, "/", { clock });
  const meddle: Review = async ({ staged }) => {
    const file = await disk.open(staged, "write");
    await file.write(new Uint8Array([1, 2, 3]), 0);
    file.close();
    return undefined;
  };
  const error = await assertRejects(
    () => receive(storage, meddle),
    StorageError,
  );
  assertEquals(error.kind, "integrity");
  assertEquals(await names(disk), [".ferry"]);
});

Deno.test("what fails after a review chose another name is published by the next try, once", async () => {
  for (const step of ["synced", "intended", "published", "settled"] as const) {
    const disk = new MemoryDisk();
    await disk.makeDirectory("/sorted", 0o755);
    let isArmed = true;
    const hooks = {
      step: (done: string) => {
        if (isArmed && done === step) throw new Error("it failed here");
      },
    };
    const id = "ab".repeat(16);
    {
      const storage = await DiskStorage.open(disk, "/", { hooks });
      const elsewhere: Review = () => storage.locate("sorted/a.bin", "write");
      await assertRejects(() => receive(storage, elsewhere, { id }));
      await storage[Symbol.asyncDispose]();
    }
    isArmed = false;
    await using storage = await DiskStorage.open(disk, "/");
    const elsewhere: Review = () => storage.locate("sorted/a.bin", "write");
    const outcome = await receive(storage, elsewhere, { id });
    assertEquals(outcome.path, "sorted/a.bin", step);
    assertEquals(await readMemory(disk, "/sorted/a.bin"), BYTES, step);
    assertEquals(await names(disk), [".ferry", "sorted"], step);
  }
});

Deno.test("nobody looks at a file that is skipped", async () => {
  const disk = new MemoryDisk();
  await using storage = await DiskStorage.open(disk, "/");
  await writeMemory(disk, "/upload.bin", new Uint8Array([1]));
  const never: Review = () => Promise.reject(new TypeError("was called"));
  const outcome = await receive(storage, never, { onConflict: "skip" });
  assertEquals(outcome.publication, "skipped");
});
