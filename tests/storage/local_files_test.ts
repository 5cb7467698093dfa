import { assert, assertEquals } from "@std/assert";
import {
  CHUNK_SIZE,
  type ConflictPolicy,
  type Disk,
  makeLocalDirectory,
  MemoryDisk,
  type Outcome,
  receiveLocalFile,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { assertFails } from "./storage_contract.ts";
import {
  digestOf,
  isSame,
  namesIn,
  readDisk,
  requestFor,
  sample,
  writeAll,
  writeDisk,
} from "./transfer.ts";

const PART = ".ferry-252f10c83610ebca.part"; // sha256 of "f" begins so

async function getTo(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  onConflict: ConflictPolicy = "fail",
): Promise<Outcome> {
  const request = requestFor(bytes, { onConflict });
  const start = await receiveLocalFile(disk, {}, path, request);
  if (start.kind === "settled") return start.outcome;
  await writeAll(start.receiving, bytes);
  return await start.receiving.commit(bytes.length, digestOf(bytes));
}

Deno.test("a download is beside its target until it is whole", async () => {
  const disk = new MemoryDisk();
  const bytes = sample(CHUNK_SIZE + 1);
  await makeLocalDirectory(disk, "/a/b", "full");
  await makeLocalDirectory(disk, "/a/b", "full");
  const start = await receiveLocalFile(disk, {}, "/a/b/f", requestFor(bytes));
  assert(start.kind === "receiving");
  assertEquals(await namesIn(disk, "/a/b"), [PART]);
  await assertFails(() => getTo(disk, "/a/b/f", bytes), "busy");
  await writeAll(start.receiving, bytes);
  const outcome = await start.receiving.commit(bytes.length, digestOf(bytes));
  assertEquals([outcome.path, outcome.durable], ["/a/b/f", true]);
  disk.powerLoss();
  assert(isSame(await readDisk(disk, "/a/b/f"), bytes));
  assertEquals(await namesIn(disk, "/a/b"), ["f"]);
});

Deno.test("a download follows the conflict policy, and never writes through a link", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/d", 0o755);
  await writeDisk(disk, "/d/victim", sample(3));
  disk.symlink("victim", "/d/f");
  const bytes = sample(9);
  await assertFails(() => getTo(disk, "/d/f", bytes), "exists");
  assertEquals((await getTo(disk, "/d/f", bytes, "rename")).path, "/d/f-1");
  const skipped = await getTo(disk, "/d/f", bytes, "skip");
  assertEquals(skipped.publication, "skipped");
  await getTo(disk, "/d/f", bytes, "overwrite");
  assertEquals(await readDisk(disk, "/d/victim"), sample(3));
  assertEquals((await disk.lstat("/d/f")).kind, "file");
  await assertFails(() => getTo(disk, "/d", bytes), "is-directory");
  await assertFails(() => getTo(disk, "/missing/f", bytes), "not-found");
  await assertFails(() => getTo(disk, "/d/f/g", bytes), "not-directory");
  await assertFails(
    () => makeLocalDirectory(disk, "/d/f/g", "none"),
    "not-directory",
  );
  assertEquals(await namesIn(disk, "/d"), ["f", "f-1", "victim"]);
});

Deno.test("what a killed client left is replaced, wherever it died", async () => {
  const bytes = sample(CHUNK_SIZE + 1);
  for (let failAt = 1;; failAt++) {
    const disk = new MemoryDisk();
    const faulty = new PowerLossDisk(disk, { failAt, dies: true });
    await getTo(faulty, "/f", bytes, "overwrite").catch(() => {});
    disk.killProcess();
    const found = await readDisk(disk, "/f");
    assert(found === undefined || isSame(found, bytes));
    await getTo(disk, "/f", bytes, "overwrite");
    assertEquals(await namesIn(disk, "/"), ["f"]);
    assertEquals(disk.openHandles, 0);
    if (!faulty.hasFailed) break;
  }
});

Deno.test("a map of a killed client does not stand in the way of a new one", async () => {
  const disk = new MemoryDisk();
  const bytes = new Uint8Array(65 * CHUNK_SIZE);
  const map = PART.replace(".part", ".map");
  await writeDisk(disk, `/${map}`, sample(10));
  await getTo(disk, "/f", bytes);
  assertEquals(await namesIn(disk, "/"), ["f"]);
});

Deno.test("a link or a folder in place of the staged file is not followed", async () => {
  const disk = new MemoryDisk();
  await writeDisk(disk, "/victim", sample(3));
  disk.symlink("victim", `/${PART}`);
  await getTo(disk, "/f", sample(9));
  assertEquals(await readDisk(disk, "/victim"), sample(3));
  assertEquals(await namesIn(disk, "/"), ["f", "victim"]);
});
