import { assert, assertEquals } from "@std/assert";
import {
  type CommitStep,
  DiskStorage,
  MemoryDisk,
} from "../../lib/storage/mod.ts";
import {
  OUTCOME_RETENTION,
  STAGING_EXPIRY,
  SWEEP_INTERVAL,
} from "../../lib/storage/limits.ts";
import { assertFails } from "./storage_contract.ts";
import {
  begin,
  get,
  list,
  ManualClock,
  namesIn,
  newId,
  put,
  requestFor,
  sample,
  writeAll,
  writeDisk,
} from "./transfer.ts";

const BYTES = sample(100);

/** A storage whose process died at a step of a put of "f". */
async function dieAt(
  step: CommitStep,
  id: string,
): Promise<{ disk: MemoryDisk; clock: ManualClock }> {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const storage = await DiskStorage.open(disk, "/", {
    clock,
    hooks: {
      step: (at) => {
        if (at !== step) return;
        disk.killProcess();
        throw new Error("The process died");
      },
    },
  });
  await put(storage, "f", BYTES, { id }).catch(() => {});
  return { disk, clock };
}

Deno.test("a live upload of another process stays and is busy", async () => {
  const disk = new MemoryDisk();
  const one = await DiskStorage.open(disk, "/");
  const request = requestFor(BYTES);
  const receiving = await begin(one, "f", request);
  const two = await DiskStorage.open(disk, "/");
  await assertFails(() => begin(two, "f", request), "busy");
  await two.acknowledge(request.id);
  await writeAll(receiving, BYTES);
  await receiving.abort();
  await (await begin(two, "f", request)).abort();
});

Deno.test("a published file whose answer was lost is settled at start", async () => {
  const id = newId();
  for (const power of [false, true]) {
    const { disk, clock } = await dieAt("published", id);
    if (power) disk.syncAll();
    const storage = await DiskStorage.open(disk, "/", { clock });
    assertEquals(await namesIn(disk, "/.ferry"), [`${id}.map`]);
    const outcome = await put(storage, "f", BYTES, { id });
    assertEquals(outcome.publication, "created");
    assertEquals(outcome.durable, true);
    assertEquals((await list(storage)).length, 1);
  }
});

Deno.test("an intent is not believed when another file has the name", async () => {
  const id = newId();
  const { disk, clock } = await dieAt("intended", id);
  await writeDisk(disk, "/f", sample(100, 2));
  const storage = await DiskStorage.open(disk, "/", { clock });
  // Young and valid: it stays, but it proves nothing.
  assertEquals(await namesIn(disk, "/.ferry"), [id, `${id}.map`]);
  await assertFails(() => put(storage, "f", BYTES, { id }), "exists");
  assertEquals(await get(storage, "f"), sample(100, 2));
});

Deno.test("a staged file with a second name is unlinked, never written", async () => {
  const id = newId();
  const { disk, clock } = await dieAt("intended", id);
  await disk.link(`/.ferry/${id}`, "/kept");
  const storage = await DiskStorage.open(disk, "/", { clock });
  await put(storage, "f", sample(100, 3), { id });
  assertEquals(await get(storage, "kept"), BYTES);
  assertEquals(await get(storage, "f"), sample(100, 3));
});

Deno.test("what is expired, invalid or not a file goes, what is not Ferry's stays", async () => {
  const id = newId();
  const { disk, clock } = await dieAt("intended", id);
  const [noMap, badMap, aLink, loneMap] = [newId(), newId(), newId(), newId()];
  await writeDisk(disk, `/.ferry/${noMap}`, BYTES);
  await writeDisk(disk, `/.ferry/${badMap}`, BYTES);
  await writeDisk(disk, `/.ferry/${badMap}.map`, BYTES);
  await writeDisk(disk, `/.ferry/${loneMap}.map`, BYTES);
  disk.symlink("/elsewhere", `/.ferry/${aLink}`);
  await disk.makeDirectory(`/.ferry/${newId()}`, 0o700);
  await writeDisk(disk, "/.ferry/README", BYTES);
  const before = await namesIn(disk, "/.ferry");
  await DiskStorage.open(disk, "/", { clock });
  const young = await namesIn(disk, "/.ferry");
  assert(young.includes(id) && young.includes("README"));
  for (
    const gone of [noMap, badMap, `${badMap}.map`, aLink, `${loneMap}.map`]
  ) {
    assert(before.includes(gone) && !young.includes(gone), gone);
  }
  clock.time += STAGING_EXPIRY + 1;
  await DiskStorage.open(disk, "/", { clock });
  assert(!(await namesIn(disk, "/.ferry")).includes(id));
  assertEquals(disk.openHandles, 0);
});

Deno.test("outcomes are kept for a day, or until they are acknowledged", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const storage = await DiskStorage.open(disk, "/", { clock });
  const [one, two] = [newId(), newId()];
  await put(storage, "a", BYTES, { id: one });
  await put(storage, "b", BYTES, { id: two });
  await storage.acknowledge(one);
  await storage.acknowledge(one);
  assertEquals(await namesIn(disk, "/.ferry"), [`${two}.map`]);
  clock.time += SWEEP_INTERVAL;
  await put(storage, "c", BYTES, { id: one });
  assertEquals((await namesIn(disk, "/.ferry")).length, 2);
  clock.time += OUTCOME_RETENTION;
  await (await begin(storage, "d", requestFor(BYTES))).abort();
  clock.time += SWEEP_INTERVAL;
  await (await begin(storage, "d", requestFor(BYTES))).abort();
  assertEquals(await namesIn(disk, "/.ferry"), []);
});

Deno.test("a file system mounted below the root has its own staging folder", async () => {
  const disk = new MemoryDisk();
  disk.mount("/m");
  await disk.makeDirectory("/m/d", 0o755);
  const steps: string[][] = [];
  const storage = await DiskStorage.open(disk, "/", {
    hooks: {
      step: async (step) => {
        if (step === "opened") steps.push(await namesIn(disk, "/m/.ferry"));
      },
    },
  });
  const id = newId();
  await put(storage, "m/d/f", BYTES, { id });
  assertEquals(steps, [[id, `${id}.map`]]);
  assertEquals(await get(storage, "m/d/f"), BYTES);
  assertEquals((await list(storage, "m")).map(({ name }) => name), ["d"]);
  await storage.acknowledge(id);
  assertEquals(await namesIn(disk, "/m/.ferry"), []);
  await disk.makeDirectory("/above", 0o755);
  disk.mount("/above/m");
  for (const name of ["m", "above"]) {
    const path = await storage.locate(name, "entry");
    const options = { recursive: true, signal: undefined };
    await assertFails(() => storage.remove(path, options), "busy");
  }
  assertEquals(await get(storage, "m/d/f"), BYTES);
});

Deno.test("a tree with a live staging folder of another server is not removed", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/d", 0o755);
  const inner = await DiskStorage.open(disk, "/d");
  const receiving = await begin(inner, "f", requestFor(BYTES));
  const outer = await DiskStorage.open(disk, "/");
  const path = await outer.locate("d", "entry");
  const options = { recursive: true, signal: undefined };
  await assertFails(() => outer.remove(path, options), "busy");
  await receiving.abort();
  assertEquals(await outer.remove(path, options), 2);
});
