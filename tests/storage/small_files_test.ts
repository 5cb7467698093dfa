/** Many small files at once: the promise is the same for each of them. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  type ConflictPolicy,
  type Disk,
  DiskStorage,
  type Durability,
  type KnownFolders,
  MemoryDisk,
  type Outcome,
  receiveLocalSmall,
  type ReceiveRequest,
  type SmallFile,
  type Storage,
  StorageError,
} from "../../lib/storage/mod.ts";
import {
  OUTCOME_RETENTION,
  SMALL_GROUP_FILES,
} from "../../lib/storage/limits.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  begin,
  digestOf,
  get,
  isSame,
  list,
  ManualClock,
  namesIn,
  newId,
  put,
  readDisk,
  requestFor,
  sample,
  writeAll,
  writeDisk,
} from "./transfer.ts";

const OLD = sample(50, 99);
const SIZES = [0, 1, 4096, 100];

interface Named extends SmallFile {
  readonly name: string;
}

function small(
  name: string,
  bytes: Uint8Array,
  choices: Partial<ReceiveRequest> = {},
): Named {
  const request = requestFor(bytes, choices);
  return { name, bytes, checksum: crc32(bytes), request };
}

async function putSmall(
  storage: Storage,
  files: readonly Named[],
): Promise<readonly (Outcome | StorageError)[]> {
  const items = [];
  for (const file of files) {
    items.push({ ...file, path: await storage.locate(file.name, "write") });
  }
  return await storage.receiveSmall(items);
}

/** What came of each: how it was published, or the kind of its error. */
function verdicts(results: readonly (Outcome | StorageError)[]): string[] {
  return results.map((result) =>
    result instanceof StorageError ? result.kind : result.publication
  );
}

async function newDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/d", 0o755);
  await disk.makeDirectory("/e", 0o755);
  await writeDisk(disk, "/d/taken", OLD);
  disk.syncAll();
  return disk;
}

Deno.test("small files of one call have the outcomes that they would have alone", async () => {
  for (const algorithm of ["crc32-chunks", "sha256"] as const) {
    for (const durability of ["full", "none"] as const) {
      const disk = await newDisk();
      const storage = await DiskStorage.open(disk, "/");
      const files = SIZES.map((size) =>
        small(`d/f${size}`, sample(size, size), { algorithm, durability })
      );
      const results = await putSmall(storage, files);
      for (const [at, { name, bytes }] of files.entries()) {
        assertEquals(results[at], {
          path: name,
          publication: "created",
          size: bytes.length,
          digest: digestOf(bytes, algorithm),
          durable: durability === "full",
          resumedFrom: 0,
        });
        assertEquals(await get(storage, name), bytes);
        const path = await storage.locate(name, "entry");
        assertEquals((await storage.stat(path)).modified, 1_700_000_000_123);
      }
      assertEquals(disk.openHandles, 0);
    }
  }
});

Deno.test("one bad file does not fail the others, and each policy holds", async () => {
  const disk = await newDisk();
  const storage = await DiskStorage.open(disk, "/");
  const bytes = sample(10);
  const id = newId();
  const files: [Named, string][] = [
    [small("d/a", bytes), "created"],
    [small("d/a", bytes), "exists"],
    [small("d/a", sample(11), { onConflict: "rename" }), "renamed"],
    [small("d/taken", bytes), "exists"],
    [small("d/taken", bytes, { onConflict: "skip" }), "skipped"],
    [small("d/taken", bytes, { onConflict: "rename" }), "renamed"],
    [small("d/taken", bytes, { onConflict: "overwrite" }), "replaced"],
    [small("e", bytes, { onConflict: "overwrite" }), "is-directory"],
    [small("d/size", bytes, { size: 11 }), "integrity"],
    [{ ...small("d/sum", bytes), checksum: 5 }, "integrity"],
    [small("d/id", bytes, { id: "../x" }), "bad-name"],
    [small("d/big", new Uint8Array(CHUNK_SIZE + 1)), "too-large"],
    [small("e/a", bytes, { id }), "created"],
    [small("e/a", bytes, { id }), "created"],
  ];
  const results = await putSmall(storage, files.map(([file]) => file));
  assertEquals(verdicts(results), files.map(([, verdict]) => verdict));
  assertEquals(results.at(-1), results.at(-2));
  assertEquals((await list(storage, "d")).map(({ name }) => name), [
    "a",
    "a-1",
    "taken",
    "taken-1",
  ]);
  assertEquals(disk.openHandles, 0);
  assertEquals(
    (await namesIn(disk, "/.ferry")).filter((name) => /\.\d+$/.test(name)),
    [],
  );
});

Deno.test("an outcome is told again, by either way, until it is acknowledged", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const files = SIZES.map((size) => small(`f${size}`, sample(size)));
  const ids = files.map(({ request }) => request.id);
  let storage = await DiskStorage.open(disk, "/", { clock });
  const first = await putSmall(storage, files);
  for (let time = 0; time < 2; time++) {
    assertEquals(await putSmall(storage, files), first);
    assertEquals(
      await put(storage, "f1", sample(1), { id: ids[1]! }),
      first[1],
    );
    storage = await DiskStorage.open(disk, "/", { clock });
  }
  // One that was received alone is known to a group as well.
  const alone = small("alone", sample(5));
  const outcome = await put(storage, "alone", alone.bytes, alone.request);
  assertEquals(await putSmall(storage, [alone]), [outcome]);
  await storage.acknowledge(alone.request.id);
  for (const id of ids.slice(1)) await storage.acknowledge(id);
  assertEquals((await namesIn(disk, "/.ferry")).length, 1);
  await storage.sweep();
  assertEquals(verdicts(await putSmall(storage, files.slice(0, 2))), [
    "created",
    "exists",
  ]);
  await storage.acknowledge(ids[0]!);
  assertEquals(await namesIn(disk, "/.ferry"), []);
  await putSmall(storage, [small("late", sample(1))]);
  clock.time += OUTCOME_RETENTION + 1;
  await storage.sweep();
  assertEquals(await namesIn(disk, "/.ferry"), []);
});

Deno.test("outcomes of a group go when none of its files is there as it was", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const files = ["a", "b", "c"].map((name) => small(name, sample(5)));
  const storage = await DiskStorage.open(disk, "/", { clock });
  await putSmall(storage, files);
  const kept = async (): Promise<number> => {
    await DiskStorage.open(disk, "/", { clock });
    return (await namesIn(disk, "/.ferry")).length;
  };
  await disk.removeFile("/a");
  // Another file of that name is not the one that was received.
  await disk.removeFile("/b");
  await writeDisk(disk, "/b", sample(5));
  assertEquals(await kept(), 1);
  await disk.rename("/c", "/d");
  assertEquals(await kept(), 0);
});

Deno.test("an upload that is live is busy, and one of the same sender is taken over", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const token = "70".repeat(32);
  const files = [small("a", sample(9)), small("b", sample(9), { token })];
  const live = [];
  for (const { name, request } of files) {
    live.push(await begin(storage, name, request));
  }
  assertEquals(verdicts(await putSmall(storage, files)), ["busy", "created"]);
  for (const receiving of live) await receiving.abort();
  // While a group is at work its ids are live; who comes then gets the outcome.
  const again = [small("c", sample(9), { token }), small("d", sample(9))];
  const working = putSmall(storage, again);
  while ((await namesIn(disk, "/.ferry")).length < 3) await Promise.resolve();
  const start = await storage.receive(
    await storage.locate("c", "write"),
    again[0]!.request,
  );
  assertEquals(start, {
    kind: "settled",
    outcome: (await working)[0]! as Outcome,
  });
});

Deno.test("a thousand small files need one sync each, and few more", async () => {
  const disk = new MemoryDisk();
  const counted = new PowerLossDisk(disk);
  const storage = await DiskStorage.open(counted, "/");
  const files = Array.from(
    { length: 1000 },
    (_, at) => small(`f${at}`, sample(100, at)),
  );
  const results = await putSmall(storage, files);
  assert(results.every((result) => "durable" in result && result.durable));
  const count = (call: string) =>
    counted.log.filter((each) => each === call).length;
  const groups = Math.ceil(1000 / SMALL_GROUP_FILES);
  assertEquals(count("file.sync"), 1000 + groups);
  assert(count("syncDirectory") <= 2 * groups + 2);
  disk.powerLoss();
  assertEquals(await readDisk(disk, "/f999"), sample(100, 999));
});

type Disaster = (disk: MemoryDisk, seed: number) => void;

const DISASTERS: Record<string, Disaster> = {
  "the process dies": (disk) => disk.killProcess(),
  "the power goes": (disk) => disk.powerLoss(),
  "the power goes in part": (disk, seed) =>
    disk.powerLoss(new SeededRandom(seed)),
};

const POLICIES: ConflictPolicy[] = ["fail", "overwrite", "rename"];

async function runOnce(
  durability: Durability,
  hardLinks: boolean,
  disaster: Disaster,
  failAt: number,
): Promise<boolean> {
  const disk = new MemoryDisk({ hardLinks });
  await disk.makeDirectory("/d", 0o755);
  await disk.makeDirectory("/e", 0o755);
  await writeDisk(disk, "/d/taken", OLD);
  disk.syncAll();
  const files = [
    ...POLICIES.map((onConflict, at) =>
      small(at % 2 === 0 ? "d/new" : "e/new", sample(30 + at, at), {
        ...{ onConflict, durability },
        id: `${at}`.repeat(32),
      })
    ),
    small("d/taken", sample(40, 4), {
      ...{ onConflict: "overwrite", durability },
      id: "4".repeat(32),
    }),
  ];
  const faulty = new PowerLossDisk(disk, { failAt, dies: true });
  let told: readonly (Outcome | StorageError)[] = [];
  try {
    told = await putSmall(await DiskStorage.open(faulty, "/"), files);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  disaster(disk, failAt);
  const storage = await DiskStorage.open(disk, "/");
  const contents = [OLD, ...files.map(({ bytes }) => bytes)];
  for (const folder of ["d", "e"]) {
    for (const { path } of await list(storage, folder)) {
      const found = await readDisk(disk, `/${path}`);
      assert(
        contents.some((bytes) => isSame(found, bytes)),
        `"${path}" is partial after call ${failAt}`,
      );
    }
  }
  for (const [at, result] of told.entries()) {
    if (result instanceof StorageError || !result.durable) continue;
    assert(isSame(await readDisk(disk, `/${result.path}`), files[at]!.bytes));
  }
  // Asking again: the same outcomes, no conflict of a file with itself.
  const again = await putSmall(storage, files);
  for (const [at, result] of again.entries()) {
    assert(!(result instanceof StorageError), `${at}: ${result}`);
    const before = told[at];
    if (before instanceof StorageError || before === undefined) continue;
    if (durability === "full") assertEquals(result.path, before.path);
  }
  assertEquals((await list(storage, "d")).map(({ name }) => name), [
    "new",
    "new-1",
    "taken",
  ]);
  for (const { request } of files) await storage.acknowledge(request.id);
  assertEquals(await namesIn(disk, "/.ferry"), []);
  assertEquals(disk.openHandles, 0);
  return faulty.hasFailed;
}

for (const [what, disaster] of Object.entries(DISASTERS)) {
  for (const hardLinks of [true, false]) {
    Deno.test(`${what} at every call of a batch${hardLinks ? "" : ", without hard links"}`, async () => {
      let failAt = 1;
      while (await runOnce("full", hardLinks, disaster, failAt)) failAt++;
      assert(failAt > 60);
    });
  }
}

Deno.test("the process dies at every call of a batch without syncs", async () => {
  const dies: Disaster = (disk) => disk.killProcess();
  for (let failAt = 1; await runOnce("none", true, dies, failAt);) failAt++;
});

Deno.test("a folder that is exchanged during a batch takes nothing, and is told", async () => {
  for (const step of ["synced", "intended", "published"] as const) {
    const disk = await newDisk();
    await disk.makeDirectory("/outside", 0o755);
    const storage = await DiskStorage.open(disk, "/", {
      hooks: {
        step: async (at) => {
          if (at !== step) return;
          await disk.rename("/d", "/moved");
          disk.symlink("/outside", "/d");
        },
      },
    });
    const files = [small("d/a", sample(3)), small("e/a", sample(3))];
    const results = await putSmall(storage, files);
    assertEquals(verdicts(results), ["outside", "created"], step);
    assertEquals(await namesIn(disk, "/outside"), []);
    assertEquals(disk.openHandles, 0);
  }
});

Deno.test("a staged file that was exchanged is not published", async () => {
  const disk = await newDisk();
  const storage = await DiskStorage.open(disk, "/", {
    hooks: {
      step: async (at) => {
        if (at !== "intended") return;
        const staged = (await namesIn(disk, "/.ferry"))
          .find((name) => name.endsWith(".0"))!;
        await disk.removeFile(`/.ferry/${staged}`);
        await writeDisk(disk, `/.ferry/${staged}`, OLD);
      },
    },
  });
  const results = await putSmall(storage, [
    small("d/a", sample(3)),
    small("d/b", sample(3)),
  ]);
  assertEquals(verdicts(results), ["io", "created"]);
  assertEquals((await list(storage, "d")).map(({ name }) => name), [
    "b",
    "taken",
  ]);
});

Deno.test("a name that others take in between is given to them", async () => {
  for (const onConflict of ["fail", "rename"] as const) {
    const disk = await newDisk();
    let isFree = true;
    const storage = await DiskStorage.open(disk, "/", {
      hooks: {
        step: async (at) => {
          if (at !== "intended" || !isFree) return;
          isFree = false;
          await writeDisk(disk, "/d/a", OLD);
        },
      },
    });
    const results = await putSmall(storage, [
      small("d/a", sample(3), { onConflict }),
      small("d/b", sample(4)),
    ]);
    assertEquals(verdicts(results), [
      onConflict === "fail" ? "exists" : "renamed",
      "created",
    ]);
    assertEquals(await readDisk(disk, "/d/a"), OLD);
  }
});

Deno.test("a link under the name of a small file is what it is to one alone", async () => {
  for (const link of ["/d/taken", "/nothing", "/../outside", "/d/link"]) {
    for (const onConflict of [...POLICIES, "skip"] as const) {
      const results = [];
      for (const isGroup of [true, false]) {
        const disk = looksThroughLinks(await newDisk());
        disk.symlink(link, "/d/link");
        const storage = await DiskStorage.open(disk, "/d");
        const file = small("link", sample(5), { onConflict });
        const [result] = isGroup
          ? await putKnown(storage, [file])
          : [await put(storage, "link", file.bytes, file.request).catch(same)];
        results.push([
          result instanceof StorageError ? result.kind : result?.publication,
          (await list(storage, "")).map(({ name }) => name).sort(),
          await readDisk(disk, "/d/taken"),
        ]);
      }
      assertEquals(results[0], results[1], `${link} ${onConflict}`);
    }
  }
});

Deno.test("a link that appears under the name of a small file is not followed", async () => {
  for (const onConflict of [...POLICIES, "skip"] as const) {
    const disk = await newDisk();
    const storage = await DiskStorage.open(disk, "/", {
      hooks: {
        step: (at) => {
          if (at === "synced") disk.symlink("/d/taken", "/e/x");
        },
      },
    });
    const file = small("e/x", sample(5), { onConflict });
    // What it leads to is not what was located: who may write there, was not asked.
    const expected = { fail: "outside", overwrite: "replaced" }[
      onConflict as string
    ] ?? onConflict.replace("rename", "renamed").replace("skip", "skipped");
    assertEquals(verdicts(await putKnown(storage, [file])), [expected]);
    assertEquals(await readDisk(disk, "/d/taken"), OLD);
    assertEquals(disk.openHandles, 0);
  }
});

Deno.test("what a small file finds under its name costs it alone", async () => {
  const disk = await newDisk();
  const storage = await DiskStorage.open(disk, "/");
  const files = Array.from(
    { length: 20 },
    (_, at) => small(at % 5 === 0 ? `d/${at}/x` : `d/f${at}`, sample(at, at)),
  );
  await writeDisk(disk, "/d/f7", OLD);
  await disk.makeDirectory("/d/f8", 0o755);
  const results = await putKnown(storage, files);
  const expected = files.map((_, at) => {
    if (at % 5 === 0) return "not-found";
    if (at === 8) return "is-directory";
    return at === 7 ? "exists" : "created";
  });
  assertEquals(verdicts(results), expected);
  assertEquals(await readDisk(disk, "/d/f7"), OLD);
  assertEquals(disk.openHandles, 0);
  for (const { request } of files) await storage.acknowledge(request.id);
  assertEquals(await namesIn(disk, "/.ferry"), []);
});

/** As on a real disk, what leads nowhere does not exist. */
function looksThroughLinks(disk: MemoryDisk): MemoryDisk {
  const exists = (path: string) =>
    disk.stat(path).then(() => true, () => false);
  return Object.assign(disk, { exists });
}

/** As a server does: what is in one folder is located together. */
async function putKnown(
  storage: Storage,
  files: readonly Named[],
): Promise<readonly (Outcome | StorageError)[]> {
  const known: KnownFolders = new Map();
  const results = new Map<Named, Outcome | StorageError>();
  const items = [];
  for (const file of files) {
    try {
      const path = await storage.locate(file.name, "write", known);
      items.push({ file, ...file, path });
    } catch (error) {
      results.set(file, same(error));
    }
  }
  const received = await storage.receiveSmall(items);
  for (const [at, { file }] of items.entries()) {
    results.set(file, received[at]!);
  }
  return files.map((file) => results.get(file)!);
}

function same(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  throw error;
}

async function getSmall(
  disk: Disk,
  files: readonly Named[],
): Promise<readonly (Outcome | StorageError)[]> {
  return await receiveLocalSmall(
    disk,
    {},
    files.map((file) => ({ ...file, path: `/${file.name}` })),
  );
}

Deno.test("small downloads of one call, and what a killed client left of them", async () => {
  for (let failAt = 1;; failAt++) {
    const disk = await newDisk();
    const faulty = new PowerLossDisk(disk, { failAt, dies: true });
    const files = [
      small("d/a", sample(3)),
      small("d/taken", sample(4), { onConflict: "overwrite" }),
      small("e/b", sample(5), { onConflict: "skip" }),
      small("missing/c", sample(6)),
    ];
    const told = await getSmall(faulty, files);
    disk.killProcess();
    for (const { name, bytes } of files) {
      const found = await readDisk(disk, `/${name}`);
      assert(found === undefined || isSame(found, bytes) || isSame(found, OLD));
    }
    const again = await getSmall(disk, files);
    assertEquals(verdicts(again).at(-1), "not-found");
    if (!faulty.hasFailed) {
      const expected = ["created", "replaced", "created", "not-found"];
      assertEquals(verdicts(told), expected);
      assertEquals(verdicts(again), [
        "exists",
        "replaced",
        "skipped",
        "not-found",
      ]);
    }
    assertEquals(await namesIn(disk, "/d"), ["a", "taken"]);
    assertEquals(await namesIn(disk, "/e"), ["b"]);
    assertEquals(disk.openHandles, 0);
    if (!faulty.hasFailed) break;
  }
});

Deno.test("two clients at once never mix a small download", async () => {
  const disk = await newDisk();
  const results = await Promise.all(
    [1, 2].map((seed) =>
      getSmall(disk, [
        small("d/a", sample(40, seed), { onConflict: "overwrite" }),
      ])
    ),
  );
  const found = await readDisk(disk, "/d/a");
  assert([1, 2].some((seed) => isSame(found, sample(40, seed))));
  assert(verdicts(results.flat()).some((verdict) => verdict === "created"));
  assertEquals(await namesIn(disk, "/d"), ["a", "taken"]);
});

Deno.test("a live receiving is not hurt by a group beside it", async () => {
  const disk = await newDisk();
  const storage = await DiskStorage.open(disk, "/");
  const bytes = sample(20);
  const receiving = await begin(storage, "d/x", requestFor(bytes));
  await putSmall(storage, [small("d/y", bytes)]);
  await storage.sweep();
  await writeAll(receiving, bytes);
  await receiving.commit(bytes.length, digestOf(bytes));
  assertEquals(await get(storage, "d/x"), bytes);
});
