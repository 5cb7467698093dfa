/** Resuming and taking over, where nothing fails. */

import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  DiskStorage,
  type Durability,
  MemoryDisk,
  StorageError,
} from "../../lib/storage/mod.ts";
import { STAGING_EXPIRY } from "../../lib/storage/limits.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { assertFails } from "./storage_contract.ts";
import {
  assertMapsTrue,
  begin,
  chunksOf,
  digestOf,
  isSame,
  ManualClock,
  namesIn,
  readDisk,
  resume,
  resumeRequest,
  sample,
  sendRest,
  writeAll,
} from "./transfer.ts";

const ID = "00112233445566778899aabbccddeeff";
const OLD = sample(3 * CHUNK_SIZE + 100, 1);

/** Bytes that differ from `OLD` in one chunk. */
function edited(at: number, size = OLD.length): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  bytes.set(OLD.subarray(0, size));
  bytes[at] = bytes[at]! ^ 1;
  return bytes;
}

const EDITED = edited(CHUNK_SIZE + 5);

/** Begins an upload of `OLD`, sends some chunks and is suspended. */
async function leave(
  disk: MemoryDisk,
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
  await receiving.suspend();
  assertEquals(disk.openHandles, 0);
}

Deno.test("what was suspended is held after a loss of power, and not sent again", async () => {
  const disk = new MemoryDisk();
  await leave(disk, "full", [0, 3, 1]);
  disk.powerLoss();
  const storage = await DiskStorage.open(disk, "/");
  const request = resumeRequest(OLD, { id: ID });
  const receiving = await begin(storage, "f", request);
  const { held } = receiving;
  assertEquals([held.count, held.bytes], [3, 2 * CHUNK_SIZE + 100]);
  assertEquals(receiving.verifiedBytes, held.bytes);
  assertEquals(receiving.heldSource, request.source);
  assertEquals([...receiving.missing(OLD.length)], [{ first: 2, count: 1 }]);
  const sums = [...chunksOf(OLD)].map((chunk) => crc32(chunk));
  assertEquals([...held.runs()], [
    { first: 0, sums: sums.slice(0, 2) },
    { first: 3, sums: sums.slice(3) },
  ]);
  assertEquals(held.sum(2), undefined);
  await writeAll(receiving, OLD, [2, 0]);
  const outcome = await receiving.commit(OLD.length);
  assertEquals(outcome.resumedFrom, 2 * CHUNK_SIZE + 100);
  assertEquals(outcome.digest, digestOf(OLD));
  const again = await resume(storage, "f", OLD, { id: ID });
  assertEquals(again, outcome);
});

Deno.test("a killed process loses nothing that was noted, and what fits no more is sent again", async () => {
  const count = 30;
  const bytes = new Uint8Array(count * CHUNK_SIZE);
  for (let at = 0; at < count; at++) bytes.fill(at + 1, at * CHUNK_SIZE);
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const receiving = await begin(
    storage,
    "f",
    resumeRequest(bytes, { id: ID }),
  );
  await writeAll(receiving, bytes, [...Array(29).keys()]);
  disk.killProcess();
  // A bit flips on the disk, where nothing vouches for it.
  const file = await disk.open(`/.ferry/${ID}`, "write");
  await file.write(new Uint8Array([0]), 7 * CHUNK_SIZE);
  file.close();
  const again = await DiskStorage.open(disk, "/");
  const resumed = await begin(again, "f", resumeRequest(bytes, { id: ID }));
  assertEquals([...resumed.missing(bytes.length)], [
    { first: 7, count: 1 },
    { first: 24, count: 6 },
  ]);
  // Nothing vouches for the bad one later, together with what is good.
  await resumed.suspend();
  await assertMapsTrue(disk);
  await resume(again, "f", bytes, { id: ID });
  assert(isSame(await readDisk(disk, "/f"), bytes));
});

Deno.test("a sha256 digest over resumed data is that of the whole", async () => {
  for (const bytes of [OLD, EDITED]) {
    const disk = new MemoryDisk();
    await leave(disk, "full", [0, 1]);
    const storage = await DiskStorage.open(disk, "/");
    const choices = { id: ID, algorithm: "sha256" } as const;
    const outcome = await resume(storage, "f", bytes, choices);
    assertEquals(outcome.digest, digestOf(bytes, "sha256"));
  }
});

Deno.test("what is held of another source is not spliced by a careless sender", async () => {
  const bytes = EDITED;
  for (const choices of [{}, { source: undefined }, { size: undefined }]) {
    const disk = new MemoryDisk();
    await leave(disk, "full", [0, 1, 3]);
    const storage = await DiskStorage.open(disk, "/");
    const request = resumeRequest(bytes, { id: ID, ...choices });
    const receiving = await begin(storage, "f", request);
    const chunk = bytes.subarray(2 * CHUNK_SIZE, 3 * CHUNK_SIZE);
    const write = () => receiving.writeChunk(2, chunk, crc32(chunk));
    await assertFails(write, "changed");
    await assertFails(() => receiving.commit(bytes.length), "changed");
    await receiving.setSource({
      size: bytes.length,
      modified: undefined,
      source: "new",
    });
    await write();
    // Nobody has compared the chunks that are held.
    await assertFails(() => receiving.commit(bytes.length), "integrity");
  }
});

Deno.test("nothing is left where there is nothing to resume", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const small = sample(10);
  const nothing = await begin(storage, "f", resumeRequest(small));
  await nothing.suspend();
  const endless = await begin(
    storage,
    "f",
    resumeRequest(OLD, { size: undefined }),
  );
  await writeAll(endless, OLD, [0]);
  await endless.suspend();
  await assertFails(() => endless.commit(1, digestOf(OLD)), "cancelled");
  assertEquals(await namesIn(disk, "/.ferry"), []);
});

Deno.test("a leftover is begun anew where it cannot be trusted", async () => {
  const spoil: Record<string, (disk: MemoryDisk) => Promise<void>> = {
    "a second name": async (disk) =>
      void await disk.link(`/.ferry/${ID}`, "/kept"),
    "another file in its place": async (disk) => {
      await disk.removeFile(`/.ferry/${ID}`);
      const file = await disk.open(`/.ferry/${ID}`, "create");
      await file.write(OLD, 0);
      file.close();
    },
    "a map of another version": async (disk) => {
      const file = await disk.open(`/.ferry/${ID}.map`, "write");
      await file.write(new Uint8Array([1]), 9);
      file.close();
    },
    "a broken header": async (disk) => {
      const file = await disk.open(`/.ferry/${ID}.map`, "write");
      await file.write(new Uint8Array([1]), 30);
      file.close();
    },
    "no data": (disk) => disk.removeFile(`/.ferry/${ID}`),
    "cut data": async (disk) => {
      const file = await disk.open(`/.ferry/${ID}`, "write");
      await file.truncate(0);
      file.close();
    },
  };
  for (const [what, apply] of Object.entries(spoil)) {
    const disk = new MemoryDisk();
    await leave(disk, "full", [0, 1, 2]);
    await apply(disk);
    const storage = await DiskStorage.open(disk, "/");
    const receiving = await begin(
      storage,
      "f",
      resumeRequest(OLD, { id: ID }),
    );
    assertEquals(receiving.held.count, 0, what);
    assertEquals(receiving.heldSource, undefined);
    await sendRest(receiving, OLD);
    await receiving.commit(OLD.length, digestOf(OLD));
    assert(isSame(await readDisk(disk, "/f"), OLD));
    if (what === "a second name") {
      const kept = (await readDisk(disk, "/kept"))!;
      assert(isSame(kept, OLD.subarray(0, 3 * CHUNK_SIZE)));
    }
  }
});

Deno.test("without resume an upload begins anew, and a taken name loses nothing that is held", async () => {
  const disk = new MemoryDisk();
  await leave(disk, "full", [0, 1]);
  const storage = await DiskStorage.open(disk, "/");
  await (await begin(storage, "f", resumeRequest(sample(9)))).abort();
  await resume(storage, "f", sample(9));
  await assertFails(
    () => begin(storage, "f", resumeRequest(OLD, { id: ID })),
    "exists",
  );
  const choices = { id: ID, onConflict: "overwrite" } as const;
  const request = resumeRequest(OLD, choices);
  const receiving = await begin(storage, "f", request);
  assertEquals(receiving.held.count, 2);
  await receiving.suspend();
  const anew = await begin(storage, "f", { ...request, resume: false });
  assertEquals(anew.held.count, 0);
  await anew.abort();
  assertEquals((await namesIn(disk, "/.ferry")).length, 1);
});

Deno.test("only who has the token continues, until it is expired", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  await leave(disk, "full", [0, 1]);
  const storage = await DiskStorage.open(disk, "/", { clock });
  for (const token of ["71".repeat(32), undefined]) {
    for (const resume of [true, false]) {
      const request = resumeRequest(OLD, { id: ID, token, resume });
      await assertFails(() => begin(storage, "f", request), "busy");
    }
  }
  const own = await begin(storage, "f", resumeRequest(OLD, { id: ID }));
  assertEquals(own.held.count, 2);
  await own.suspend();
  clock.time += STAGING_EXPIRY - 1;
  await storage.sweep();
  assertEquals(await namesIn(disk, "/.ferry"), [ID, `${ID}.map`]);
  clock.time += 2;
  const request = resumeRequest(OLD, { id: ID, token: undefined });
  const other = await begin(storage, "f", request);
  assertEquals(other.held.count, 0);
  await other.abort();
  await leave(disk, "full", [0]);
  clock.time += STAGING_EXPIRY + 1;
  await storage.sweep();
  assertEquals(await namesIn(disk, "/.ferry"), []);
});

Deno.test("a newer connection takes over, after the write that is under way", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const request = resumeRequest(OLD, { id: ID });
  const first = await begin(storage, "f", request);
  const writes = Promise.allSettled([writeAll(first, OLD, [0, 1, 2])]);
  await Promise.resolve();
  const second = await begin(storage, "f", request);
  const error = await assertFails(() => writeAll(first, OLD, [3]), "busy");
  assertEquals(error.message, "it was taken over by a newer connection");
  await writes;
  await first.abort();
  await first.suspend();
  assert(second.held.count > 0);
  await sendRest(second, OLD);
  // Two more come while it is being published: both get its outcome.
  const committed = second.commit(OLD.length, digestOf(OLD));
  const path = await storage.locate("f", "write");
  const starts = await Promise.all([
    storage.receive(path, request),
    storage.receive(path, request),
  ]);
  for (const start of starts) {
    assert(start.kind === "settled");
    assertEquals(start.outcome, await committed);
  }
  assertEquals(disk.openHandles, 0);
});

Deno.test("many newcomers at once: one continues, none is lost, nothing is spliced", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new SeededRandom(seed);
    const disk = new MemoryDisk();
    const storage = await DiskStorage.open(disk, "/");
    const one = async () => {
      for (let tries = 0; tries < 50; tries++) {
        try {
          return await resume(storage, "f", OLD, { id: ID });
        } catch (error) {
          if (!(error instanceof StorageError && error.kind === "busy")) {
            throw error;
          }
          await new Promise((done) => setTimeout(done, random.below(3)));
        }
      }
      throw new Error("Always busy");
    };
    const outcomes = await Promise.all([one(), one(), one()]);
    const other = resumeRequest(OLD, { id: ID, token: "72".repeat(32) });
    assertEquals(
      (await storage.receive(
        await storage.locate("f", "write"),
        other,
      )).kind,
      "settled",
    );
    for (const { publication } of outcomes) {
      assertEquals(publication, "created");
    }
    assert(isSame(await readDisk(disk, "/f"), OLD));
    assertEquals(disk.openHandles, 0);
  }
});

Deno.test("a live upload is busy for who does not have its token", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const receiving = await begin(storage, "f", resumeRequest(OLD, { id: ID }));
  for (const token of ["71".repeat(32), undefined]) {
    const request = resumeRequest(OLD, { id: ID, token });
    const error = await assertFails(() => begin(storage, "f", request), "busy");
    assert(error.message.includes("wait"));
  }
  await receiving.abort();
});

Deno.test("a storage that is closed leaves what can be continued", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const receiving = await begin(storage, "f", resumeRequest(OLD, { id: ID }));
  await writeAll(receiving, OLD, [1]);
  await storage[Symbol.asyncDispose]();
  assertEquals(disk.openHandles, 0);
  const again = await DiskStorage.open(disk, "/");
  const outcome = await resume(again, "f", OLD, { id: ID });
  assertEquals(outcome.resumedFrom, CHUNK_SIZE);
});

Deno.test("chunks from several streams at once arrive, and a bad one hurts nobody", async () => {
  const disk = new MemoryDisk();
  const storage = await DiskStorage.open(disk, "/");
  const receiving = await begin(storage, "f", resumeRequest(OLD));
  const chunks = [...chunksOf(OLD)];
  const results = await Promise.allSettled([
    ...chunks.map((chunk, at) => receiving.writeChunk(at, chunk, crc32(chunk))),
    receiving.writeChunk(1, chunks[0]!, 5),
    receiving.writeChunk(9, chunks[0]!, crc32(chunks[0]!)),
  ]);
  assertEquals(results.filter(({ status }) => status === "rejected").length, 2);
  await receiving.commit(OLD.length, digestOf(OLD));
  assert(isSame(await readDisk(disk, "/f"), OLD));
});
