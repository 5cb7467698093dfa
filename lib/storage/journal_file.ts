/**
 * A map on a disk: appending to one, and reading one back.
 *
 * @module
 */

import type { Disk, DiskFile, DiskStat } from "./disk.ts";
import { JOURNAL_RECORD_BYTES_MAX, JOURNAL_WINDOW_BYTES } from "./limits.ts";
import { readFully } from "./source.ts";
import {
  decodeRecord,
  encodePreamble,
  encodeRecord,
  type HeaderRecord,
  type IntentRecord,
  isPreamble,
  type JournalRecord,
  type OutcomeRecord,
  PREAMBLE_BYTES,
  type SumsRecord,
} from "./upload_journal.ts";

/** What a valid map says. */
export interface Journal {
  /** What was being received. */
  readonly header: HeaderRecord;
  /** The last intent to publish. */
  readonly intent: IntentRecord | undefined;
  /** What became of it. */
  readonly outcome: OutcomeRecord | undefined;
  /** Where the valid records end and new ones go. */
  readonly end: number;
}

/**
 * Reads a map, holding no more than a window of it in memory.
 *
 * @param file The map.
 * @param onSums Is given the sums of chunks as they come.
 * @returns `undefined` when it has no valid header.
 */
export async function readJournal(
  file: DiskFile,
  onSums: (record: SumsRecord) => void = () => {},
): Promise<Journal | undefined> {
  let header: HeaderRecord | undefined;
  let intent: IntentRecord | undefined;
  let outcome: OutcomeRecord | undefined;
  let end = 0;
  for await (const [record, recordEnd] of readRecords(file)) {
    if (record.kind === "header") header ??= record;
    if (header === undefined) return undefined;
    if (record.kind === "sums") onSums(record);
    if (record.kind === "intent") intent = record;
    if (record.kind === "outcome") outcome = record;
    end = recordEnd;
  }
  return header && { header, intent, outcome, end };
}

async function* readRecords(
  file: DiskFile,
): AsyncIterable<[record: JournalRecord, end: number]> {
  const { size } = await file.stat();
  const window = new Uint8Array(Math.min(size, JOURNAL_WINDOW_BYTES));
  let base = 0;
  let length = await readFully(file, window, base);
  if (!isPreamble(window.subarray(0, length))) return;
  let at = PREAMBLE_BYTES;
  while (true) {
    // A record that is cut by the window, not by the end of the file, is whole
    // in the next one: no record is longer than the limit.
    if (
      length - at <= JOURNAL_RECORD_BYTES_MAX + PREAMBLE_BYTES &&
      base + length < size
    ) {
      base += at;
      at = 0;
      length = await readFully(file, window, base);
    }
    const decoded = decodeRecord(window.subarray(0, length), at);
    if (decoded === undefined) return;
    at = decoded.end;
    yield [decoded.record, base + at];
  }
}

/** Appends to a map that this process holds. */
export class JournalFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #header: HeaderRecord;
  #file: DiskFile | undefined;
  #end = 0;

  /** Writes to `path`, which is not made before it is needed. */
  constructor(disk: Disk, path: string, header: HeaderRecord) {
    this.#disk = disk;
    this.#path = path;
    this.#header = header;
  }

  /** Whether there is a file yet. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /**
   * Makes the file, empty.
   *
   * @throws {StorageError} `exists`, `busy`.
   */
  async create(): Promise<void> {
    const file = await this.#disk.open(this.#path, "create");
    this.#file = file;
    // Whoever else looks for leftovers sees by this that the map is in use.
    await file.tryLock();
  }

  /** Appends records in one write, the header before the first. */
  async append(records: readonly JournalRecord[]): Promise<void> {
    if (this.#file === undefined) await this.create();
    const parts = records.map(encodeRecord);
    if (this.#end === 0) {
      parts.unshift(encodePreamble(), encodeRecord(this.#header));
    }
    const bytes = concat(parts);
    await this.#file!.write(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Makes durable what was appended; the name of the file is not. */
  async sync(): Promise<void> {
    await this.#file?.sync();
  }

  /** Looks at the open file, if there is one. */
  stat(): Promise<DiskStat | undefined> {
    return this.#file?.stat() ?? Promise.resolve(undefined);
  }

  /** Closes; a second call does nothing. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

/** Appends a record to a map that was read. */
export async function appendToJournal(
  file: DiskFile,
  journal: Journal,
  record: JournalRecord,
): Promise<void> {
  // A torn tail must not show through behind a shorter record.
  await file.truncate(journal.end);
  await file.write(encodeRecord(record), journal.end);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
