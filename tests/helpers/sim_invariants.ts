/**
 * What never happens (`docs/architecture.md`, guarantees), one function each.
 *
 * @module
 */
import type { FerryError } from "../../lib/client/mod.ts";
import type { MemoryDisk } from "../../lib/storage/mod.ts";
import { ERROR_CODES } from "../../lib/protocol/mod.ts";
import { type SimDisk, stagedFilesOf } from "./sim_disk.ts";
import type { SimLibrary } from "./sim_library.ts";
import type { SimNetwork } from "./sim_network.ts";
import {
  ABSENT,
  type ContentKey,
  type Oracle,
  type Trial,
} from "./sim_oracle.ts";
import type { SimProcess } from "./sim_process.ts";
import { filesBelow, isReserved, keyOf, readAll } from "./sim_tree.ts";
import { crc32 } from "node:zlib";

/** A promise was broken. */
export class Violation extends Error {
  override name = "Violation";

  /**
   * @param invariant Which.
   * @param message What was seen.
   */
  constructor(invariant: string, message: string, options?: ErrorOptions) {
    super(`${invariant}: ${message}`, options);
  }
}

/**
 * Every published name holds exactly the content of one complete source that
 * was meant for it, or what was there before; what a receipt vouches for is
 * there until somebody tries to change it.
 */
export async function assertTreeWhole(
  disk: MemoryDisk,
  root: string,
  oracle: Oracle,
): Promise<void> {
  const files = await filesBelow(disk, root);
  const seen = new Map<string, string>();
  for (const [path, absolute] of files) {
    if (isReserved(path)) continue;
    const key = keyOf(await readAll(disk, absolute));
    seen.set(path, key);
    if (!oracle.allows(path, key)) {
      throw new Violation(
        "tree whole",
        `${path} holds ${key}, which nobody sent there whole`,
      );
    }
  }
  for (const [path, { key, durable }] of oracle.certainties) {
    const now = seen.get(path) ?? ABSENT;
    if (now === key) continue;
    throw new Violation(
      "receipts kept",
      `${path} holds ${now}, not ${key}${durable ? ", which was durable" : ""}`,
    );
  }
}

/**
 * A map vouches only for chunks that are in its staged file, at every moment,
 * also right after a loss of power.
 */
export async function assertMapsTrue(
  library: SimLibrary,
  disk: SimDisk,
  root: string,
): Promise<void> {
  const { readJournal, CHUNK_SIZE } = library.storage;
  const { memory } = disk;
  for (const [path, absolute] of await filesBelow(memory, root)) {
    if (!isReserved(path)) continue;
    const data = await stagedFileOf(disk, absolute);
    if (data === undefined) continue;
    const bytes = await readAll(memory, data);
    const wrong: number[] = [];
    using file = closing(await memory.open(absolute, "read"));
    const journal = await readJournal(file.file, ({ first, sums }) => {
      for (const [at, sum] of sums.entries()) {
        const start = (first + at) * CHUNK_SIZE;
        const chunk = bytes.subarray(start, start + CHUNK_SIZE);
        if (crc32(chunk) !== sum) wrong.push(first + at);
      }
    });
    if (wrong.length === 0 || journal?.outcome !== undefined) continue;
    throw new Violation(
      "maps true",
      `${path} vouches for chunks that are not there: ${wrong.join(", ")}`,
    );
  }
}

/** The staged file that a map was made for, if it is still there. */
async function stagedFileOf(
  { memory, pairs }: SimDisk,
  map: string,
): Promise<string | undefined> {
  const { inode } = await memory.lstat(map);
  for (const data of stagedFilesOf(map)) {
    const there = await memory.lstat(data).catch(() => undefined);
    if (there !== undefined && pairs.get(inode) === there.inode) return data;
  }
  return undefined;
}

function closing<T extends { close(): void }>(
  file: T,
): { file: T } & Disposable {
  return { file, [Symbol.dispose]: () => file.close() };
}

/** A file that is being renamed is under one name or the other, whoever dies meanwhile. */
export async function assertSomewhere(
  disk: MemoryDisk,
  root: string,
  key: ContentKey,
): Promise<void> {
  for (const [path, absolute] of await filesBelow(disk, root)) {
    if (isReserved(path)) continue;
    if (keyOf(await readAll(disk, absolute)) === key) return;
  }
  throw new Violation("nothing lost", `a rename has lost ${key}`);
}

/** After recovery and expiry nothing of Ferry's is left. */
export async function assertNoLeftovers(
  disk: MemoryDisk,
  root: string,
): Promise<void> {
  const left = [...(await filesBelow(disk, root)).keys()].filter(isReserved);
  if (left.length === 0) return;
  throw new Violation("no leftovers", left.join(", "));
}

/** Of two who took the same free name, one had it freed before. */
export function assertTakenOnce(
  oracle: Oracle,
  path: string,
  trial: Trial,
): void {
  if (oracle.take(path, trial) === undefined) return;
  throw new Violation(
    "taken once",
    `two receipts say that ${path} was free, and nobody freed it`,
  );
}

/** What fails is a FerryError with a code of the list, and never `internal`. */
export function assertKnownError(
  library: SimLibrary,
  error: unknown,
): asserts error is FerryError {
  if (!(error instanceof library.client.FerryError)) {
    throw new Violation("known errors", String(error), { cause: error });
  }
  const known = CLIENT_CODES.includes(error.code) || error.code in ERROR_CODES;
  // `protocol` among two who follow it is a bug as well, unless bits were flipped.
  if (known && error.code !== "internal") return;
  throw new Violation("known errors", `${error.code}: ${error.message}`, {
    cause: error.cause ?? error,
  });
}

const CLIENT_CODES: readonly string[] = [
  "connect-failed",
  "wrong-protocol",
  "connection-lost",
];

/** A program that has ended has no connection, file or timer open. */
export function assertNothingOpen(
  process: SimProcess,
  network: SimNetwork,
  disk: SimDisk,
): void {
  const open = [
    ...network.openOf(process).map(({ name }) => `connection ${name}`),
    ...Array(disk.memory.openHandles).fill("file"),
    ...Array(process.timerCount).fill("timer"),
  ];
  if (open.length === 0) return;
  throw new Violation("nothing open", `${process.name}: ${open.join(", ")}`);
}

/** No call names anything outside of the root. */
export function assertInside(disk: SimDisk): void {
  if (disk.trespasses.length === 0) return;
  throw new Violation("inside the root", disk.trespasses.join(", "));
}
