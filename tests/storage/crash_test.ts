/**
 * The promise of Ferry, tried at every call that the engine makes to the disk:
 * the process dies there, or the power goes, and afterwards every name is
 * absent, old, or complete and new.
 */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  type ConflictPolicy,
  DiskStorage,
  type Durability,
  MemoryDisk,
  type Outcome,
  readJournal,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  begin,
  chunksOf,
  isSame,
  list,
  namesIn,
  put,
  readDisk,
  requestFor,
  sample,
  writeDisk,
} from "./transfer.ts";

const OLD = sample(100, 1);
const ID = "00112233445566778899aabbccddeeff";

interface Scenario {
  readonly onConflict: ConflictPolicy;
  readonly durability: Durability;
  readonly size: number;
  readonly hardLinks: boolean;
  /** Whether a file has the name already. */
  readonly isTaken: boolean;
}

type Disaster = (disk: MemoryDisk, seed: number) => void;

const DISASTERS: Record<string, Disaster> = {
  "the process dies": (disk) => disk.killProcess(),
  "the power goes": (disk) => disk.powerLoss(),
  "the power goes, and some of what was not synced stays": (disk, seed) =>
    disk.powerLoss(new SeededRandom(seed)),
};

async function newDisk(scenario: Scenario): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ hardLinks: scenario.hardLinks });
  await disk.makeDirectory("/root", 0o755);
  await disk.makeDirectory("/root/d", 0o755);
  if (scenario.isTaken) await writeDisk(disk, "/root/d/f", OLD);
  disk.syncAll();
  return disk;
}

/** Runs a put that dies at call `failAt`, the disaster, and everything that must hold then. */
async function runOnce(
  scenario: Scenario,
  disaster: Disaster,
  failAt: number,
): Promise<boolean> {
  const disk = await newDisk(scenario);
  const young = sample(scenario.size, 2);
  const faulty = new PowerLossDisk(disk, { failAt, dies: true });
  const choices = { ...scenario, id: ID, size: young.length };
  let told: Outcome | undefined;
  try {
    const storage = await DiskStorage.open(faulty, "/root");
    told = await put(storage, "d/f", young, choices);
  } catch {
    // It died.
  }
  disaster(disk, failAt);
  const storage = await DiskStorage.open(disk, "/root");
  for (const { path } of await list(storage, "d")) {
    const found = await readDisk(disk, `/root/${path}`);
    const isOld = path === "d/f" && scenario.isTaken &&
      isSame(found, OLD);
    assert(
      isOld || isSame(found, young),
      `"${path}" is neither old nor new after call ${failAt}`,
    );
  }
  if (told?.durable) {
    assert(isSame(await readDisk(disk, `/root/${told.path}`), young));
  }
  // Asking again gives the same outcome, or starts over: no conflict with itself.
  const again = await put(storage, "d/f", young, choices);
  if (told !== undefined && scenario.durability === "full") {
    assertEquals(again.path, told.path);
    assertEquals(again.publication, told.publication);
  }
  const isRenamed = scenario.onConflict === "rename";
  const names = (await list(storage, "d")).map(({ name }) => name);
  assertEquals(names, isRenamed ? ["f", "f-1"] : ["f"]);
  assertEquals(again.path, isRenamed ? "d/f-1" : "d/f");
  if (scenario.onConflict !== "skip" || !scenario.isTaken) {
    assert(isSame(await readDisk(disk, `/root/${again.path}`), young));
  }
  const left = await namesIn(disk, "/root/.ferry");
  assert(left.every((name) => name === `${ID}.map`), left.join());
  assertEquals(disk.openHandles, 0);
  return faulty.hasFailed;
}

const SCENARIOS: Record<string, Scenario> = {
  fail: { onConflict: "fail", isTaken: false },
  overwrite: { onConflict: "overwrite", isTaken: true },
  rename: { onConflict: "rename", isTaken: true },
  "skip, free": { onConflict: "skip", isTaken: false },
  "skip, taken": { onConflict: "skip", isTaken: true },
} as unknown as Record<string, Scenario>;

for (const [policy, base] of Object.entries(SCENARIOS)) {
  for (const [what, disaster] of Object.entries(DISASTERS)) {
    for (const size of [0, 1000, CHUNK_SIZE + 1]) {
      for (const hardLinks of [true, false]) {
        const title = `${what} at every call of a put of ${size} bytes, ` +
          `policy ${policy}${hardLinks ? "" : ", without hard links"}`;
        Deno.test(title, async () => {
          const scenario = { ...base, size, hardLinks, durability: "full" };
          let failAt = 1;
          while (await runOnce(scenario as Scenario, disaster, failAt)) {
            failAt++;
          }
          assert(failAt > 20, `only ${failAt} calls`);
        });
      }
    }
  }
  Deno.test(`the process dies at every call of a put without syncs, policy ${policy}`, async () => {
    const scenario = {
      ...base,
      size: 1000,
      hardLinks: true,
      durability: "none",
    } as const;
    const dies: Disaster = (disk) => disk.killProcess();
    for (let failAt = 1; await runOnce(scenario, dies, failAt);) failAt++;
  });
}

Deno.test("a directory that nobody synced is durable with the file in it", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const options = { parents: true, durability: "none" } as const;
  await storage.makeDirectory(await storage.locate("a/b/c", "make"), options);
  const bytes = sample(10);
  assert((await put(storage, "a/b/c/f", bytes)).durable);
  disk.powerLoss();
  assertEquals(await readDisk(disk, "/a/b/c/f"), bytes);
  const again = await DiskStorage.open(disk, "/");
  await put(again, "a/b/c/g", bytes);
  await again.rename(
    await again.locate("a/b", "entry"),
    await again.locate("moved", "entry"),
    "fail",
  );
  await put(again, "moved/c/h", bytes);
  disk.powerLoss();
  assertEquals(await readDisk(disk, "/moved/c/h"), bytes);
});

Deno.test("where a directory cannot be synced the outcome is not durable", async () => {
  const disk = new MemoryDisk({ directorySync: false });
  const storage = await DiskStorage.open(disk, "/");
  assertEquals((await put(storage, "f", sample(9))).durable, false);
});

Deno.test("after a checkpoint the map vouches for chunks that a loss of power leaves", async () => {
  const count = 66;
  const bytes = new Uint8Array(count * CHUNK_SIZE);
  for (let at = 0; at < count; at++) bytes.fill(at + 1, at * CHUNK_SIZE);
  const sumOf = (index: number) =>
    crc32(bytes.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE));
  for (const seed of [0, 1, 2]) {
    const disk = new MemoryDisk();
    const storage = await DiskStorage.open(disk, "/");
    const receiving = await begin(storage, "f", requestFor(bytes, { id: ID }));
    let index = 0;
    for (const chunk of chunksOf(bytes)) {
      await receiving.writeChunk(index++, chunk, crc32(chunk));
    }
    await disk.syncDirectory("/.ferry");
    disk.powerLoss(seed === 0 ? undefined : new SeededRandom(seed));
    const map = await disk.open(`/.ferry/${ID}.map`, "read");
    const vouched: number[] = [];
    const journal = await readJournal(map, ({ first, sums }) => {
      sums.forEach((_, at) => vouched.push(first + at));
      sums.forEach((sum, at) => assertEquals(sum, sumOf(first + at)));
    });
    map.close();
    assertEquals(vouched.length, 64);
    assertEquals(journal?.header.location, "f");
    const data = await readDisk(disk, `/.ferry/${ID}`);
    for (const each of vouched) {
      const chunk = data!.subarray(each * CHUNK_SIZE, (each + 1) * CHUNK_SIZE);
      assertEquals(crc32(chunk), sumOf(each));
    }
    // Young and valid: the recovery keeps it.
    await DiskStorage.open(disk, "/");
    assertEquals(await namesIn(disk, "/.ferry"), [ID, `${ID}.map`]);
    await receiving.abort();
  }
});

Deno.test("a failed sync of the file, the map or the directory ends the upload for good", async () => {
  for (let failAt = 1;; failAt++) {
    const disk = new MemoryDisk();
    const faulty = new PowerLossDisk(disk, { failAt });
    const storage = await DiskStorage.open(faulty, "/").catch(() => undefined);
    if (storage === undefined) continue;
    const bytes = sample(10);
    const result = await put(storage, "f", bytes).catch((error) => error);
    if (!faulty.hasFailed) break;
    const call = faulty.log[failAt - 1]!;
    if (!/sync/i.test(call)) continue;
    assert(result instanceof Error, `call ${failAt}, ${call}`);
    assertEquals((await list(storage)).length, 0);
    assertEquals(await namesIn(disk, "/.ferry"), []);
    assertEquals((await put(storage, "f", bytes)).durable, true);
  }
});
