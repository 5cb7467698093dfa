/** How tests put files into a storage, get them out, and look behind it. */

import { crc32 } from "node:zlib";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Clock } from "../../lib/platform/mod.ts";
import {
  CHUNK_SIZE,
  chunkCount,
  ChunkDigest,
  type Digest,
  type DigestAlgorithm,
  type Disk,
  type Entry,
  type Outcome,
  readJournal,
  type ReceiveRequest,
  type Receiving,
  type Storage,
} from "../../lib/storage/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

let nextId = 1;

/** An upload id that no other test uses. */
export function newId(): string {
  return (nextId++).toString(16).padStart(32, "0");
}

const samples = new Map<string, Uint8Array<ArrayBuffer>>();

/** Bytes that are the same for the same seed; not to be changed. */
export function sample(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const key = `${size} ${seed}`;
  const bytes = samples.get(key) ?? new SeededRandom(seed).bytes(size);
  samples.set(key, bytes);
  return bytes;
}

/** Whether two arrays hold the same bytes; fast, unlike a deep comparison. */
export function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** The chunks of a file. */
export function* chunksOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
    yield bytes.subarray(at, at + CHUNK_SIZE);
  }
}

/** The digest of a file, made without the code under test where that is possible. */
export function digestOf(
  bytes: Uint8Array,
  algorithm: DigestAlgorithm = "crc32-chunks",
): Digest {
  if (algorithm === "sha256") {
    const value = createHash("sha256").update(bytes).digest("hex");
    return { algorithm, value };
  }
  const sums = new ChunkDigest();
  [...chunksOf(bytes)].forEach((chunk, index) => sums.set(index, crc32(chunk)));
  return { algorithm, value: sums.value(bytes.length) };
}

/** A request with the usual choices. */
export function requestFor(
  bytes: Uint8Array,
  choices: Partial<ReceiveRequest> = {},
): ReceiveRequest {
  return {
    id: newId(),
    size: bytes.length,
    modified: 1_700_000_000_123,
    onConflict: "fail",
    durability: "full",
    algorithm: "crc32-chunks",
    ...choices,
  };
}

/** Writes all chunks, in an order of its own if asked. */
export async function writeAll(
  receiving: Receiving,
  bytes: Uint8Array,
  order: readonly number[] = [...Array(chunkCount(bytes.length)).keys()],
): Promise<void> {
  const chunks = [...chunksOf(bytes)];
  for (const index of order) {
    await receiving.writeChunk(index, chunks[index]!, crc32(chunks[index]!));
  }
}

/** Receives a whole file. */
export async function put(
  storage: Storage,
  name: string,
  bytes: Uint8Array,
  choices: Partial<ReceiveRequest> = {},
): Promise<Outcome> {
  const path = await storage.locate(name, "write");
  const request = requestFor(bytes, choices);
  const start = await storage.receive(path, request);
  if (start.kind === "settled") return start.outcome;
  await writeAll(start.receiving, bytes);
  return await start.receiving.commit(
    bytes.length,
    digestOf(bytes, request.algorithm),
  );
}

/** What tells the content of a source from another, as a fingerprint would. */
export function identityOf(bytes: Uint8Array): string {
  return digestOf(bytes, "sha256").value;
}

/** A request of a sender who continues. */
export function resumeRequest(
  bytes: Uint8Array,
  choices: Partial<ReceiveRequest> = {},
): ReceiveRequest {
  return requestFor(bytes, {
    resume: true,
    source: identityOf(bytes),
    token: "70".repeat(32),
    ...choices,
  });
}

/** Sends what a receiving lacks, as a careful sender does; at most `limit` chunks. */
export async function sendRest(
  receiving: Receiving,
  bytes: Uint8Array,
  limit = Infinity,
): Promise<number> {
  const source = identityOf(bytes);
  if (
    receiving.held.count > 0 &&
    (receiving.heldSource !== source || receiving.held.bytes > bytes.length)
  ) {
    await receiving.setSource({
      size: bytes.length,
      modified: 1_700_000_000_456,
      source,
    });
  }
  let sent = 0;
  let index = 0;
  for (const chunk of chunksOf(bytes)) {
    const sum = crc32(chunk);
    if (sent < limit && receiving.held.sum(index) !== sum) {
      await receiving.writeChunk(index, chunk, sum);
      sent++;
    }
    index++;
  }
  return sent;
}

/** Continues an upload to its end. */
export async function resume(
  storage: Storage,
  name: string,
  bytes: Uint8Array,
  choices: Partial<ReceiveRequest> = {},
): Promise<Outcome> {
  const request = resumeRequest(bytes, choices);
  const path = await storage.locate(name, "write");
  const start = await storage.receive(path, request);
  if (start.kind === "settled") return start.outcome;
  await sendRest(start.receiving, bytes);
  return await start.receiving.commit(
    bytes.length,
    digestOf(bytes, request.algorithm),
  );
}

/** Fails when a map vouches for bytes that are not there. */
export async function assertMapsTrue(
  disk: Disk,
  folder = "/.ferry",
): Promise<void> {
  for (const name of await namesIn(disk, folder)) {
    if (!name.endsWith(".map")) continue;
    const stem = `${folder}/${name.slice(0, -4)}`;
    const data = await readDisk(disk, stem) ??
      await readDisk(disk, `${stem}.part`);
    const file = await disk.open(`${stem}.map`, "read");
    const wrong: number[] = [];
    const journal = await readJournal(file, ({ first, sums }) => {
      for (const [at, sum] of sums.entries()) {
        const start = (first + at) * CHUNK_SIZE;
        const chunk = data?.subarray(start, start + CHUNK_SIZE);
        if (chunk !== undefined && crc32(chunk) !== sum) wrong.push(first + at);
      }
    });
    file.close();
    if (journal?.outcome === undefined && wrong.length > 0) {
      throw new Error(`${name} vouches for ${wrong.join()}, not there`);
    }
  }
}

/** Begins to receive; it must not be settled. */
export async function begin(
  storage: Storage,
  name: string,
  request: ReceiveRequest,
): Promise<Receiving> {
  const start = await storage.receive(
    await storage.locate(name, "write"),
    request,
  );
  if (start.kind === "settled") throw new Error("It is settled already");
  return start.receiving;
}

/** Reads a whole file and checks its digest. */
export async function get(
  storage: Storage,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  using source = await storage.openSource(
    await storage.locate(name, "read"),
    "crc32-chunks",
  );
  const bytes = new Uint8Array(source.fingerprint.size);
  const buffer = new Uint8Array(CHUNK_SIZE);
  for (let index = 0; index < chunkCount(bytes.length); index++) {
    bytes.set(
      (await source.readChunk(index, buffer)).bytes,
      index * CHUNK_SIZE,
    );
  }
  await source.digest();
  return bytes;
}

/** All entries of a directory, sorted by name. */
export async function list(storage: Storage, name = ""): Promise<Entry[]> {
  const path = await storage.locate(name, "read");
  const entries = await Array.fromAsync(storage.list(path));
  return entries.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The names in a directory of a disk, sorted; none if it is missing. */
export async function namesIn(disk: Disk, path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(disk.list(path))).map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}

/** The content of a file of a disk. */
export async function readDisk(
  disk: Disk,
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const { size } = await disk.stat(path);
    const file = await disk.open(path, "read");
    const bytes = new Uint8Array(size);
    await file.read(bytes, 0);
    file.close();
    return bytes;
  } catch {
    return undefined;
  }
}

/** Makes a file on a disk, durable unless the whole disk is not synced. */
export async function writeDisk(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const file = await disk.open(path, "create");
  await file.write(bytes, 0);
  await file.sync();
  file.close();
}

/** A clock that stands still until it is set. */
export class ManualClock implements Clock {
  time = 1_800_000_000_000;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
  after(): () => void {
    throw new Error("The storage room sets no timers");
  }
}
