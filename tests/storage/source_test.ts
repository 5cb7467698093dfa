import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CHUNK_SIZE,
  chunkCount,
  ChunkDigest,
  chunkLength,
  MemoryDisk,
  openLocalSource,
  type StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { assertFails } from "./storage_contract.ts";
import { digestOf, ManualClock, sample, writeDisk } from "./transfer.ts";

const GOLDEN_HELLO =
  "7c5611f1c3c5e2a351772929a8647786e12f568fddb784b9e65b9b473bce9f20";
const GOLDEN_EMPTY =
  "9aa29a94388f3529183cefaf03f09be1324f7e0aaae197d3b0b73aa128151b79";

const SIZE = 2 * CHUNK_SIZE + 100;

const CHANGES: Record<string, (disk: MemoryDisk) => Promise<void>> = {
  grows: async (disk) => {
    const file = await disk.open("/f", "write");
    await file.write(new Uint8Array(1), SIZE);
    file.close();
  },
  shrinks: async (disk) => {
    const file = await disk.open("/f", "write");
    await file.truncate(CHUNK_SIZE + 1);
    file.close();
  },
  "is written to": async (disk) => {
    const file = await disk.open("/f", "write");
    await file.write(new Uint8Array(1), 5);
    file.close();
  },
};

for (const [change, apply] of Object.entries(CHANGES)) {
  for (const algorithm of ["crc32-chunks", "sha256"] as const) {
    for (const readFirst of [0, 1, 3]) {
      Deno.test(`a source that ${change} after ${readFirst} chunks is told as changed, ${algorithm}`, async () => {
        const clock = new ManualClock();
        const disk = new MemoryDisk({ clock });
        await writeDisk(disk, "/f", sample(SIZE));
        using source = await openLocalSource(disk, "/f", algorithm);
        const buffer = new Uint8Array(CHUNK_SIZE);
        for (let index = 0; index < readFirst; index++) {
          await source.readChunk(index, buffer);
        }
        clock.time += 1000;
        await apply(disk);
        if (change === "shrinks") {
          await assertFails(() => source.readChunk(2, buffer), "changed");
        }
        const error = await assertFails(() => source.digest(), "changed");
        assertEquals(error.message, "it changed while it was read");
      });
    }
  }
}

Deno.test("a source that loses its name is read to the end", async () => {
  const disk = new MemoryDisk();
  await writeDisk(disk, "/f", sample(SIZE));
  using source = await openLocalSource(disk, "/f", "sha256");
  await disk.removeFile("/f");
  // To unlink changes the attributes on real systems, but not what is read.
  assertEquals(await source.digest(), digestOf(sample(SIZE), "sha256"));
  source.close();
  assertEquals(disk.openHandles, 0);
});

Deno.test("a source's identity sees every change of size, times, place and samples", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk({ clock });
  const identify = async (path = "/f") => {
    using source = await openLocalSource(disk, path, "crc32-chunks");
    return await source.identity();
  };
  await writeDisk(disk, "/f", sample(SIZE));
  const first = await identify();
  assertEquals(first.length, 64);
  assertEquals(await identify(), first);
  const seen = new Set([first]);
  const differs = async (path = "/f") => {
    const now = await identify(path);
    assertEquals(seen.has(now), false);
    seen.add(now);
  };
  await writeDisk(disk, "/copy", sample(SIZE));
  await differs("/copy");
  for (const size of [0, 1, 4096, 65_536, 65_537]) {
    await writeDisk(disk, `/s${size}`, sample(size));
    await differs(`/s${size}`);
  }
  for (const at of [0, SIZE - 1]) {
    const file = await disk.open("/f", "write");
    await file.write(new Uint8Array([99]), at);
    // Within the same millisecond: only the samples tell.
    file.close();
    await differs();
  }
  clock.time++;
  await disk.setAttributes("/f", { mode: 0o600 });
  await differs();
  using source = await openLocalSource(disk, "/f", "crc32-chunks");
  await CHANGES.shrinks!(disk);
  await assertFails(() => source.identity(), "changed");
});

Deno.test("only regular files are sources", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/d", 0o755);
  disk.special("/fifo");
  disk.symlink("d", "/link");
  disk.symlink("link", "/chain");
  const table: Record<string, StorageErrorKind> = {
    "/d": "is-directory",
    "/chain": "is-directory",
    "/fifo": "not-file",
    "/missing": "not-found",
  };
  for (const [path, kind] of Object.entries(table)) {
    await assertFails(() => openLocalSource(disk, path, "sha256"), kind);
  }
  const file = await disk.open("/big", "create");
  await file.truncate(2 ** 44 + 1);
  file.close();
  await assertFails(() => openLocalSource(disk, "/big", "sha256"), "too-large");
  assertEquals(disk.openHandles, 0);
});

Deno.test("the digest over chunks has the value that it always had", () => {
  const digest = new ChunkDigest();
  // Made with: printf 'ferry crc32-chunks 1\n\0\0\0\0\0\0\0\5\0\20\0\0\x36\x10\xa6\x86' | sha256sum
  digest.set(0, 0x3610a686);
  assertEquals(digest.value(5), GOLDEN_HELLO);
  // Made with: printf 'ferry crc32-chunks 1\n\0\0\0\0\0\0\0\0\0\20\0\0' | sha256sum
  assertEquals(new ChunkDigest().value(0), GOLDEN_EMPTY);
});

Deno.test("ChunkDigest refuses what cannot be", () => {
  const digest = new ChunkDigest();
  for (const index of [-1, 0.5, 2 ** 24, NaN]) {
    assertThrows(() => digest.set(index, 1), RangeError);
  }
  digest.set(1, 5);
  digest.set(1, 6);
  assertEquals([digest.count, digest.top, digest.get(1)], [1, 2, 6]);
  assertEquals([digest.get(0), digest.get(99)], [undefined, undefined]);
  assertThrows(() => digest.value(CHUNK_SIZE), RangeError);
  assertThrows(() => digest.value(2 * CHUNK_SIZE), RangeError);
  for (let index = 0; index < 20_000; index++) digest.set(index, index);
  assertEquals(digest.value(20_000 * CHUNK_SIZE).length, 64);
});

Deno.test("a file has as many chunks as it needs", () => {
  const sizes = [0, 1, CHUNK_SIZE, CHUNK_SIZE + 1];
  assertEquals(sizes.map(chunkCount), [0, 1, 1, 2]);
  assertEquals(chunkLength(1, CHUNK_SIZE + 1), 1);
  assertEquals(chunkLength(2, CHUNK_SIZE + 1), 0);
});

Deno.test("a chunk that is not there cannot be read", async () => {
  const disk = new MemoryDisk();
  await writeDisk(disk, "/f", new Uint8Array());
  using source = await openLocalSource(disk, "/f", "crc32-chunks");
  for (const index of [-1, 0, 0.5]) {
    await assertRejects(
      () => source.readChunk(index, new Uint8Array(CHUNK_SIZE)),
      RangeError,
    );
  }
  assertEquals(await source.digest(), digestOf(new Uint8Array()));
});

Deno.test("a small source is one and the same file, whatever happens around it", async () => {
  const calls = ["open read", "file.stat", "file.read", "lstat"];
  for (const call of calls) {
    for (const change of ["grows", "is replaced", "goes"] as const) {
      const clock = new ManualClock();
      const disk = new MemoryDisk({ clock });
      await writeDisk(disk, "/f", sample(3000));
      await writeDisk(disk, "/other", sample(3000, 7));
      clock.time += 1000;
      const counted = new PowerLossDisk(disk);
      let isDone = false;
      const changed: Promise<unknown>[] = [];
      counted.onCall = (name) => {
        // Not at the first look, which is before anything was opened.
        const isFirst = name === "lstat" && counted.log.length === 1;
        if (isDone || name !== call || isFirst) return;
        isDone = true;
        if (change === "goes") changed.push(disk.removeFile("/f"));
        else if (change === "is replaced") {
          changed.push(disk.rename("/other", "/f"));
        } else {
          changed.push(
            disk.open("/f", "write").then(async (file) => {
              await file.write(new Uint8Array(10), 3000);
              file.close();
            }),
          );
        }
      };
      const opening = openLocalSource(counted, "/f", "crc32-chunks").then(
        async (source) => {
          const buffer = new Uint8Array(CHUNK_SIZE);
          return (await source.readChunk(0, buffer)).bytes.slice();
        },
        (error: StorageError) => error.kind,
      );
      const result = await opening;
      await Promise.all(changed);
      if (typeof result === "string") {
        assertEquals(["changed", "not-found"].includes(result), true, result);
      } else {
        // Whole, and one of those that were there.
        const versions = [sample(3000), sample(3000, 7), grown()];
        const isWhole = versions.some((bytes) =>
          bytes.toHex() === result.toHex()
        );
        assertEquals(isWhole, true, `${call}, ${change}`);
      }
      assertEquals(disk.openHandles, 0);
    }
  }
});

function grown(): Uint8Array {
  const bytes = new Uint8Array(3010);
  bytes.set(sample(3000));
  return bytes;
}
