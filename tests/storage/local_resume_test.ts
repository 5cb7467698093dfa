/** Downloads that go on, and what is left of those that do not. */

import { assert, assertEquals } from "@std/assert";
import {
  CHUNK_SIZE,
  type Disk,
  listLeftovers,
  MemoryDisk,
  receiveLocalFile,
  type Receiving,
  removeLeftover,
  setLocalAttributes,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { assertFails } from "./storage_contract.ts";
import {
  assertMapsTrue,
  digestOf,
  isSame,
  ManualClock,
  namesIn,
  newId,
  readDisk,
  resumeRequest,
  sample,
  sendRest,
  writeDisk,
} from "./transfer.ts";

const OLD = sample(2 * CHUNK_SIZE + 5);

/** A client that learns of the source only after it has looked at what it holds. */
async function beginGet(disk: Disk, bytes: Uint8Array): Promise<Receiving> {
  const start = await receiveLocalFile(
    disk,
    {},
    "/f",
    resumeRequest(bytes, {
      id: newId(),
      size: undefined,
      source: undefined,
      token: undefined,
      onConflict: "overwrite",
    }),
  );
  assert(start.kind === "receiving");
  await start.receiving.setSource({
    size: bytes.length,
    modified: 1_700_000_000_123,
    source: resumeRequest(bytes).source,
  });
  return start.receiving;
}

Deno.test("a download goes on, with the same source or another one, wherever it died", async () => {
  const disasters = [
    (disk: MemoryDisk) => disk.killProcess(),
    (disk: MemoryDisk) => disk.powerLoss(),
    (disk: MemoryDisk, seed: number) => disk.powerLoss(new SeededRandom(seed)),
  ];
  const young = sample(CHUNK_SIZE + 9, 2);
  for (const [at, disaster] of disasters.entries()) {
    for (const bytes of [OLD, young]) {
      for (let failAt = 1;; failAt++) {
        const disk = new MemoryDisk();
        const first = await beginGet(disk, OLD);
        await sendRest(first, OLD, 2);
        await first.suspend();
        const faulty = new PowerLossDisk(disk, { failAt, dies: true });
        try {
          const second = await beginGet(faulty, bytes);
          await sendRest(second, bytes);
          await second.commit(bytes.length, digestOf(bytes));
        } catch {
          // It died.
        }
        disaster(disk, failAt);
        await assertMapsTrue(disk, "");
        const found = await readDisk(disk, "/f");
        assert(found === undefined || isSame(found, bytes), `${at} ${failAt}`);
        const third = await beginGet(disk, bytes);
        await sendRest(third, bytes);
        await third.commit(bytes.length, digestOf(bytes));
        assert(isSame(await readDisk(disk, "/f"), bytes));
        assertEquals(await namesIn(disk, "/"), ["f"]);
        assertEquals(disk.openHandles, 0);
        if (!faulty.hasFailed) break;
      }
    }
  }
});

Deno.test("a resumed download of a known source needs no digest", async () => {
  const disk = new MemoryDisk();
  const first = await beginGet(disk, OLD);
  await sendRest(first, OLD, 2);
  await first.suspend();
  const second = await beginGet(disk, OLD);
  assertEquals(second.heldSource, resumeRequest(OLD).source);
  assertEquals(await sendRest(second, OLD), 1);
  const outcome = await second.commit(OLD.length);
  assertEquals(outcome.digest, digestOf(OLD));
  assertEquals(outcome.resumedFrom, 2 * CHUNK_SIZE);
});

Deno.test("leftovers are listed with name, age and size, and removed", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const first = await beginGet(disk, OLD);
  await sendRest(first, OLD, 1);
  await first.suspend();
  await writeDisk(disk, "/.ferry-0123456789abcdef.part", OLD);
  await writeDisk(disk, "/.ferry-1123456789abcdef.map", OLD.subarray(0, 9));
  await writeDisk(disk, "/.ferry-mine.part", OLD);
  await disk.makeDirectory("/.ferry-2123456789abcdef.part", 0o755);
  clock.time += 1000;
  const live = await beginGet(disk, OLD);
  const found = await Array.fromAsync(listLeftovers(disk, "/"));
  const shown = found.map(({ name, size, isInUse, modified }) => [
    name,
    size > CHUNK_SIZE,
    isInUse,
    modified! > clock.time - 2000,
  ]);
  assertEquals(shown, [
    ["f", true, true, true],
    [undefined, true, false, true],
    [undefined, false, false, true],
  ]);
  await assertFails(() => removeLeftover(disk, found[0]!), "busy");
  await live.suspend();
  for (const leftover of found) await removeLeftover(disk, leftover);
  for (const leftover of found) await removeLeftover(disk, leftover);
  assertEquals(await namesIn(disk, "/"), [
    ".ferry-2123456789abcdef.part",
    ".ferry-mine.part",
  ]);
});

Deno.test("attributes of local files and folders are set, never through a link", async () => {
  const disk = new MemoryDisk();
  await writeDisk(disk, "/f", OLD);
  await disk.makeDirectory("/d", 0o755);
  disk.symlink("/f", "/link");
  for (const path of ["/f", "/d"]) {
    await setLocalAttributes(disk, path, { modified: 5, mode: 0o4711 });
    const { modified, mode } = await disk.stat(path);
    assertEquals([modified, mode], [5, 0o711]);
  }
  await assertFails(
    () => setLocalAttributes(disk, "/link", { mode: 0 }),
    "not-file",
  );
});
