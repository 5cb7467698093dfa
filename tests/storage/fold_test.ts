/** File systems that take two names for one: nothing is merged. */

import { assertEquals } from "@std/assert";
import {
  type ConflictPolicy,
  DiskStorage,
  makeLocalDirectory,
  MemoryDisk,
  receiveLocalFile,
} from "../../lib/storage/mod.ts";
import { crc32 } from "node:zlib";
import { assertFails } from "./storage_contract.ts";
import { get, list, namesIn, put, requestFor, sample } from "./transfer.ts";

const PAIRS = [["readme", "README"], ["\u00e9", "e\u0301"], ["\u212a", "k"]];

Deno.test("two names that the file system folds are an error, not one file", async () => {
  for (const [one, other] of PAIRS as [string, string][]) {
    const disk = new MemoryDisk({ foldNames: true });
    const storage = await DiskStorage.open(disk, "/");
    await put(storage, one, sample(3));
    for (
      const onConflict of ["fail", "overwrite", "skip"] as ConflictPolicy[]
    ) {
      const error = await assertFails(
        () => put(storage, other, sample(4), { onConflict }),
        "exists",
      );
      assertEquals(
        error.message.endsWith("are one name to this file system"),
        true,
      );
    }
    const path = await storage.locate(other, "write");
    const bytes = sample(4);
    const [result] = await storage.receiveSmall([{
      path,
      request: requestFor(bytes, { onConflict: "overwrite" }),
      bytes,
      checksum: crc32(bytes),
    }]);
    assertEquals(result instanceof Error && result.kind, "exists");
    assertEquals(await storage.twin(path), one);
    assertEquals(
      await storage.twin(await storage.locate(one, "entry")),
      undefined,
    );
    const renamed = await put(storage, other, bytes, { onConflict: "rename" });
    assertEquals(renamed.path, `${other}-1`);
    assertEquals(await get(storage, one), sample(3));
    // The very same name is the usual conflict.
    await put(storage, one, bytes, { onConflict: "overwrite" });
    assertEquals(await get(storage, one), bytes);
    await assertFails(
      () => receiveLocalFile(disk, {}, `/${other}`, requestFor(bytes)),
      "exists",
    );
  }
});

Deno.test("folders that would become one are an error", async () => {
  const disk = new MemoryDisk({ foldNames: true });
  const storage = await DiskStorage.open(disk, "/");
  const make = async (name: string) =>
    await storage.makeDirectory(await storage.locate(name, "make"), {
      parents: true,
      durability: "none",
    });
  await make("docs/a");
  await make("docs/a");
  for (const name of ["Docs", "Docs/b", "docs/A", "docs/A/c"]) {
    await assertFails(() => make(name), "exists");
  }
  assertEquals((await list(storage, "docs")).map(({ name }) => name), ["a"]);
  await assertFails(() => makeLocalDirectory(disk, "/DOCS", "none"), "exists");
  await makeLocalDirectory(disk, "/docs", "none");
  assertEquals((await namesIn(disk, "/")).includes("DOCS"), false);
  await put(storage, "f", sample(1));
  await assertFails(
    async () =>
      await storage.rename(
        await storage.locate("f", "entry"),
        await storage.locate("DOCS", "entry"),
        "overwrite",
      ),
    "exists",
  );
});

Deno.test("where names are not folded two links to one file are two names", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  await put(storage, "a", sample(3));
  await disk.link("/a", "/A");
  await put(storage, "A", sample(4), { onConflict: "overwrite" });
  assertEquals(await get(storage, "a"), sample(3));
  assertEquals(await get(storage, "A"), sample(4));
});
