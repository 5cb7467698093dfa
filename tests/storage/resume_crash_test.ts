/**
 * Resuming, whatever happens at whatever call: nothing is spliced, and at no
 * moment does a map vouch for bytes that are not there.
 */

import { assert, assertEquals } from "@std/assert";
import {
  CHUNK_SIZE,
  DiskStorage,
  type Durability,
  MemoryDisk,
  StorageError,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  assertMapsTrue,
  begin,
  digestOf,
  isSame,
  namesIn,
  newId,
  readDisk,
  resume,
  resumeRequest,
  sample,
  sendRest,
  writeAll,
} from "./transfer.ts";

const ID = "00112233445566778899aabbccddeeff";
const OLD = sample(2 * CHUNK_SIZE + 100, 1);

/** Bytes that differ from `OLD` in one place. */
function edited(at: number, size = OLD.length): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  bytes.set(OLD.subarray(0, size));
  bytes[at] = bytes[at]! ^ 1;
  return bytes;
}

const SOURCES: Record<string, Uint8Array<ArrayBuffer>> = {
  "the same": OLD,
  "edited in place": edited(5),
  "grown": edited(OLD.length + 10, OLD.length + CHUNK_SIZE),
  "grown to a whole chunk": edited(3 * CHUNK_SIZE - 1, 3 * CHUNK_SIZE),
  "shrunk": edited(5, CHUNK_SIZE + 7),
  "shrunk to whole chunks": OLD.slice(0, CHUNK_SIZE),
  "shrunk to nothing": new Uint8Array(0),
  "replaced": sample(CHUNK_SIZE + 9, 9),
};

type Disaster = (disk: MemoryDisk, seed: number) => void;

const DISASTERS: Record<string, Disaster> = {
  "dies": (disk) => disk.killProcess(),
  "loses power": (disk) => disk.powerLoss(),
  "loses power in part": (disk, seed) => disk.powerLoss(new SeededRandom(seed)),
};

/** Begins an upload of `OLD`, sends some chunks and is suspended. */
async function leave(
  disk: MemoryDisk | PowerLossDisk,
  durability: Durability,
  order: readonly number[],
): Promise<void> {
  const storage = await DiskStorage.open(disk, "/");
  const receiving = await begin(
    storage,
    "f",
    resumeRequest(OLD, { id: ID, durability }),
  );
  await writeAll(receiving, OLD, order);
  await receiving.suspend();
}

/** The next try succeeds, and whatever was told before stays true. */
async function assertArrives(
  disk: MemoryDisk,
  bytes: Uint8Array,
  promised: boolean,
): Promise<void> {
  await assertMapsTrue(disk);
  const storage = await DiskStorage.open(disk, "/");
  const outcome = await resume(storage, "f", bytes, {
    id: ID,
    onConflict: "overwrite",
  });
  // What was settled without a sync may be lost with the power, and says so.
  if (promised || outcome.durable) {
    assert(isSame(await readDisk(disk, "/f"), bytes));
  }
  assertEquals(outcome.size, bytes.length);
  assertEquals(disk.openHandles, 0);
  assertEquals(await namesIn(disk, "/.ferry"), [`${ID}.map`]);
}

/** One resume that dies at a call, the disaster, and the next one. */
async function runOnce(
  bytes: Uint8Array,
  durability: Durability,
  disaster: Disaster,
  failAt: number,
): Promise<boolean> {
  const disk = new MemoryDisk();
  await leave(disk, "full", [2, 0]);
  const faulty = new PowerLossDisk(disk, { failAt, dies: true });
  try {
    const storage = await DiskStorage.open(faulty, "/");
    const request = resumeRequest(bytes, { id: ID, durability });
    const receiving = await begin(storage, "f", request);
    assertEquals(receiving.held.bytes, CHUNK_SIZE + 100);
    await sendRest(receiving, bytes);
    if (failAt % 2 === 0) await receiving.suspend();
    else await receiving.commit(bytes.length, digestOf(bytes));
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  disaster(disk, failAt);
  await assertArrives(disk, bytes, durability === "full");
  return faulty.hasFailed;
}

for (const [what, disaster] of Object.entries(DISASTERS)) {
  for (const [change, bytes] of Object.entries(SOURCES)) {
    Deno.test(`a sender ${what} at every call of a resume with a source that is ${change}`, async () => {
      let failAt = 1;
      // Twice, as every other run ends with a suspension, the rest with a commit.
      while (await runOnce(bytes, "full", disaster, failAt)) failAt++;
      failAt++;
      while (await runOnce(bytes, "full", disaster, failAt)) failAt++;
      assert(failAt > 40);
    });
  }
  // Without syncs no promise outlives a loss of power, but no lie does either.
  Deno.test(`a sender ${what} at every call of a resume without syncs`, async () => {
    for (const change of ["the same", "edited in place", "shrunk"]) {
      let failAt = 1;
      const bytes = SOURCES[change]!;
      while (await runOnce(bytes, "none", disaster, failAt)) failAt++;
    }
  });

  Deno.test(`a sender ${what} at every call up to the suspension, and resumes`, async () => {
    for (const durability of ["full", "none"] as const) {
      for (let failAt = 1;; failAt++) {
        const disk = new MemoryDisk();
        const faulty = new PowerLossDisk(disk, { failAt, dies: true });
        await leave(faulty, durability, [1, 0]).catch(() => {});
        disaster(disk, failAt);
        await assertArrives(disk, OLD, true);
        if (!faulty.hasFailed) break;
      }
    }
  });
}

Deno.test("a sender is suspended after every chunk of a changed source", async () => {
  for (const bytes of Object.values(SOURCES)) {
    for (const durability of ["full", "none"] as const) {
      const disk = new MemoryDisk();
      await leave(disk, "full", [2, 0]);
      for (let done = false; !done;) {
        const storage = await DiskStorage.open(disk, "/");
        const request = resumeRequest(bytes, { id: ID, durability });
        const receiving = await begin(storage, "f", request);
        done = await sendRest(receiving, bytes, 1) === 0;
        await receiving.suspend();
        await assertMapsTrue(disk);
        if (durability === "full") disk.powerLoss();
        await assertMapsTrue(disk);
      }
      await assertArrives(disk, bytes, true);
    }
  }
});

Deno.test("a random life: suspended, killed, without power, changed, and in the end exact", async () => {
  const rounds = Number(Deno.env.get("FERRY_FUZZ_ITERATIONS") ?? 60);
  const sources = Object.values(SOURCES);
  for (let seed = 0; seed < Math.min(rounds, 2000); seed++) {
    const random = new SeededRandom(seed);
    const disk = new MemoryDisk();
    const id = newId();
    for (let life = random.integer(1, 5); life > 0; life--) {
      const bytes = random.pick(sources);
      const faulty = new PowerLossDisk(disk, {
        failAt: random.integer(1, 90),
        dies: true,
      });
      try {
        const storage = await DiskStorage.open(faulty, "/");
        const receiving = await begin(
          storage,
          "f",
          resumeRequest(bytes, {
            id,
            onConflict: "overwrite",
            durability: random.pick(["full", "full", "none"]),
            resume: random.chance(0.9),
          }),
        );
        await sendRest(receiving, bytes, random.below(4));
        if (random.chance(0.7)) await receiving.suspend();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
      if (random.chance(0.5)) disk.killProcess();
      else disk.powerLoss(random.chance(0.8) ? random : undefined);
      await assertMapsTrue(disk);
    }
    const bytes = random.pick(sources);
    const storage = await DiskStorage.open(disk, "/");
    await resume(storage, "f", bytes, { id, onConflict: "overwrite" });
    assert(isSame(await readDisk(disk, "/f"), bytes), `seed ${seed}`);
  }
});
