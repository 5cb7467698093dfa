import { assert, assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "./hex.ts";
import { MemoryDisk, readJournal } from "../../lib/storage/mod.ts";
import {
  decodeRecord,
  encodePreamble,
  encodeRecord,
  type HeaderRecord,
  isPreamble,
  type JournalRecord,
  toSumsRecords,
} from "../../lib/storage/upload_journal.ts";
import { JournalFile } from "../../lib/storage/journal_file.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readDisk, writeDisk } from "./transfer.ts";

const DIGEST = { algorithm: "sha256", value: "ab".repeat(32) } as const;

/** Every kind of record, and the bytes that version 2 will always have for it;
 * made by hand, their lengths and sums by Python's struct and zlib. */
const GOLDEN: [JournalRecord, string][] = [
  [
    {
      kind: "header",
      id: "0f".repeat(16),
      path: "d/é",
      location: "d/é",
      size: 5,
      chunkSize: 1_048_576,
      modified: undefined,
      onConflict: "rename",
      durability: "none",
      algorithm: "sha256",
      created: 1.5,
      source: "cd".repeat(32),
      token: undefined,
      inode: 9,
    },
    "0000009c4fc2aa2e" + "01" + "0020" + "3066".repeat(16) +
    "0004642fc3a9" + "0004642fc3a9" + "014014000000000000" + "00100000" +
    "000000000000000000" + "020101" + "3ff8000000000000" + "0040" +
    "6364".repeat(32) + "0000" + "4022000000000000",
  ],
  [
    { kind: "sums", first: 7, sums: [1, 0xffffffff] },
    "00000011ad8d46f7" + "02" + "00000007" + "00000002" + "00000001" +
    "ffffffff",
  ],
  [
    {
      kind: "intent",
      name: "é",
      publication: "replaced",
      size: 5,
      digest: DIGEST,
      device: 1,
      inode: 2,
      modified: 3,
      resumedFrom: 4,
    },
    "00000072d54083f6" + "03" + "0002c3a9" + "01" + "4014000000000000" +
    "01" + "0040" + "6162".repeat(32) + "3ff0000000000000" +
    "4000000000000000" + "014008000000000000" + "4010000000000000",
  ],
  [
    {
      kind: "outcome",
      at: 3,
      outcome: {
        path: "d",
        publication: "created",
        size: 5,
        digest: DIGEST,
        durable: true,
        resumedFrom: 4,
      },
    },
    "000000620d691855" + "04" + "4008000000000000" + "000164" + "00" +
    "4014000000000000" + "01" + "4010000000000000" + "01" + "01" + "0040" +
    "6162".repeat(32),
  ],
  [
    {
      kind: "outcome",
      at: 3,
      outcome: {
        path: "d",
        publication: "skipped",
        size: 5,
        digest: undefined,
        durable: false,
        resumedFrom: 0,
      },
    },
    "0000001f673aecbe" + "04" + "4008000000000000" + "000164" + "03" +
    "4014000000000000" + "00" + "0000000000000000" + "00",
  ],
  [{ kind: "synced" }, "00000001a2681b02" + "05"],
  [
    { kind: "dropped", first: 7, count: 2 },
    "00000009c93dd018" + "06" + "00000007" + "00000002",
  ],
  [
    {
      kind: "member",
      id: "0f".repeat(16),
      path: "d/é",
      location: "d/é",
      durability: "full",
      intent: {
        kind: "intent",
        name: "é",
        publication: "replaced",
        size: 5,
        digest: DIGEST,
        device: 1,
        inode: 2,
        modified: 3,
        resumedFrom: 4,
      },
    },
    "000000a1dec92df2" + "07" + "0020" + "3066".repeat(16) + "0004642fc3a9" +
    "0004642fc3a9" + "00" + "0002c3a9" + "01" + "4014000000000000" + "01" +
    "0040" + "6162".repeat(32) + "3ff0000000000000" + "4000000000000000" +
    "014008000000000000" + "4010000000000000",
  ],
  [
    {
      kind: "settled",
      id: "0f".repeat(16),
      outcome: {
        kind: "outcome",
        at: 3,
        outcome: {
          path: "d",
          publication: "created",
          size: 5,
          digest: DIGEST,
          durable: true,
          resumedFrom: 4,
        },
      },
    },
    "00000084d04e15ba" + "08" + "0020" + "3066".repeat(16) +
    "4008000000000000" + "000164" +
    "00" + "4014000000000000" + "01" + "4010000000000000" + "01" + "01" +
    "0040" + "6162".repeat(32),
  ],
];

const WHOLE = concat([
  encodePreamble(),
  ...GOLDEN.slice(0, 5).map(([record]) => encodeRecord(record)),
  encodeRecord({ kind: "synced" }),
]);

function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

async function read(bytes: Uint8Array): Promise<
  Awaited<ReturnType<typeof readJournal>> & { sums?: number }
> {
  const disk = new MemoryDisk();
  await writeDisk(disk, "/map", bytes);
  const file = await disk.open("/map", "read");
  let sums = 0;
  const journal = await readJournal(file, (record) => {
    sums += record.sums.length;
  });
  return { ...journal!, sums };
}

Deno.test("version 2 has the bytes that it always had", () => {
  assertEquals(encodeHex(encodePreamble()), "46455252594d41500002");
  for (const [record, hex] of GOLDEN) {
    const bytes = encodeRecord(record);
    assertEquals(encodeHex(bytes), hex, record.kind);
    assertEquals(decodeRecord(decodeHex(hex), 0), {
      record,
      end: bytes.length,
    });
  }
});

Deno.test("a record that is cut or has one bit wrong does not exist", () => {
  for (const [record] of GOLDEN) {
    const bytes = encodeRecord(record);
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decodeRecord(bytes.subarray(0, length), 0), undefined);
      for (let bit = 0; bit < 8; bit++) {
        const wrong = bytes.slice();
        wrong[length]! ^= 1 << bit;
        assertEquals(decodeRecord(wrong, 0), undefined);
      }
    }
  }
});

Deno.test("decodeRecord() never throws, and what it takes it gives back", async () => {
  const { crc32 } = await import("node:zlib");
  const rounds = Number(Deno.env.get("FERRY_FUZZ_ITERATIONS") ?? 20_000);
  for (let seed = 0; seed < rounds; seed++) {
    const random = new SeededRandom(seed);
    const bytes = encodeRecord(GOLDEN[random.below(GOLDEN.length)]![0]);
    const body = bytes.subarray(8);
    for (let times = random.below(4); times >= 0; times--) {
      body[random.below(body.length)] = random.below(256);
    }
    // With a sum that fits, so that the fields are what is tried.
    new DataView(bytes.buffer).setUint32(4, crc32(body));
    const decoded = decodeRecord(bytes, 0);
    if (decoded === undefined) continue;
    const again = decodeRecord(encodeRecord(decoded.record), 0);
    assertEquals(again?.record, decoded.record, `seed ${seed}`);
  }
});

Deno.test("a map is read up to its torn tail", async () => {
  const whole = await read(WHOLE);
  assertEquals(whole.header, GOLDEN[0]![0]);
  assertEquals(whole.intent, GOLDEN[2]![0]);
  assertEquals(whole.outcome, GOLDEN[4]![0]);
  assertEquals(whole.end, WHOLE.length);
  assertEquals(whole.sums, 2);
  // Without the last record nothing vouches for the sums, and so on.
  const unsynced = await read(WHOLE.subarray(0, WHOLE.length - 1));
  assertEquals(unsynced.outcome, GOLDEN[4]![0]);
  assertEquals(unsynced.sums, 0);
  const torn = await read(WHOLE.subarray(0, WHOLE.length - 10));
  assertEquals(torn.outcome, GOLDEN[3]![0]);
  const garbage = await read(concat([WHOLE, new Uint8Array(50).fill(7)]));
  assertEquals(garbage.end, WHOLE.length);
});

Deno.test("a map without magic, version or header is not valid", async () => {
  const otherVersion = WHOLE.slice();
  otherVersion[9] = 1;
  assert(!isPreamble(otherVersion));
  const noHeader = concat([encodePreamble(), encodeRecord(GOLDEN[1]![0])]);
  const bad = [new Uint8Array(), WHOLE.subarray(1), otherVersion, noHeader];
  for (const bytes of [...bad, WHOLE.subarray(0, 40)]) {
    assertEquals((await read(bytes)).header, undefined);
  }
});

Deno.test("a map longer than the window is read whole", async () => {
  const disk = new MemoryDisk();
  const header = GOLDEN[0]![0] as never;
  const journal = new JournalFile(disk, "/map", header);
  const indexes = Array.from({ length: 150_000 }, (_, index) => index);
  await journal.append(toSumsRecords(indexes, (index) => index));
  await journal.append([{ kind: "synced" }, GOLDEN[3]![0]]);
  journal.close();
  const found = await read((await readDisk(disk, "/map"))!);
  assertEquals(found.sums, indexes.length);
  assertEquals(found.outcome, GOLDEN[3]![0]);
});

Deno.test("what was behind a torn record does not show through a new one", async () => {
  const disk = new MemoryDisk();
  const [header, sums] = [GOLDEN[0]![0] as HeaderRecord, GOLDEN[1]![0]];
  const torn = encodeRecord(sums);
  torn.fill(0);
  const head = concat([encodePreamble(), encodeRecord(header)]);
  const outcome = encodeRecord(GOLDEN[3]![0]);
  await writeDisk(disk, "/map", concat([head, torn, outcome]));
  const file = await disk.open("/map", "write");
  const journal = JournalFile.adopt(disk, "/map", file, {
    header,
    end: head.length,
  });
  await journal.append([sums]);
  journal.close();
  const found = await read((await readDisk(disk, "/map"))!);
  assertEquals(found.outcome, undefined);
  assertEquals(found.end, head.length + torn.length);
});

Deno.test("toSumsRecords() puts neighbours together, whatever their order", () => {
  assertEquals(toSumsRecords([9, 3, 2, 10, 5], (index) => index * 10), [
    { kind: "sums", first: 2, sums: [20, 30] },
    { kind: "sums", first: 5, sums: [50] },
    { kind: "sums", first: 9, sums: [90, 100] },
  ]);
});
