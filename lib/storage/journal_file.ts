/**
 * A map on a disk: appending to one, and reading one back.
 *
 * @module
 */

import { ChunkMap } from "./chunk_map.ts";
import type { Disk, DiskFile, DiskStat } from "./disk.ts";
import { JournalWriter } from "./journal_bytes.ts";
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
  writeRecord,
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
 * Reads a map.
 *
 * @param file The map.
 * @param onSums Is given the sums of the chunks that it vouches for, in order,
 * once all of it was read: what is noted may be dropped further on.
 * @returns `undefined` when it has no valid header.
 */
export async function readJournal(
  file: DiskFile,
  onSums?: (record: SumsRecord) => void,
): Promise<Journal | undefined> {
  const chunks = new ChunkMap();
  const journal = await loadJournal(file, onSums && chunks);
  if (journal === undefined || onSums === undefined) return journal;
  for (const run of chunks.sums((index) => chunks.isVouched(index))) {
    onSums({ kind: "sums", ...run });
  }
  return journal;
}

/**
 * Reads a map, holding no more than a window of it in memory, and what it says
 * of chunks.
 *
 * @param file The map.
 * @param chunks Where to put what it says of chunks, if that is wanted.
 * @returns `undefined` when it has no valid header.
 */
export async function loadJournal(
  file: DiskFile,
  chunks: ChunkMap | undefined,
): Promise<Journal | undefined> {
  let header: HeaderRecord | undefined;
  let intent: IntentRecord | undefined;
  let outcome: OutcomeRecord | undefined;
  let end = 0;
  for await (const [record, recordEnd] of readRecords(file)) {
    if (record.kind === "header") header = record;
    if (header === undefined) return undefined;
    if (record.kind === "intent") intent = record;
    if (record.kind === "outcome") outcome = record;
    if (chunks !== undefined) apply(chunks, record);
    end = recordEnd;
  }
  return header && { header, intent, outcome, end };
}

function apply(chunks: ChunkMap, record: JournalRecord): void {
  if (record.kind === "dropped") chunks.drop(record);
  if (record.kind === "synced") chunks.vouch();
  if (record.kind !== "sums") return;
  record.sums.forEach((sum, at) => chunks.note(record.first + at, sum));
}

/** Reads every record of a map that is not torn. */
export async function* readRecords(
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
  #header: HeaderRecord | undefined;
  #file: DiskFile | undefined;
  #end = 0;
  /** Whether there may be something torn behind the end. */
  #isTorn = false;

  /**
   * Writes to `path`, which is not made before it is needed.
   *
   * @param disk Where it is.
   * @param path Its name.
   * @param header What it begins with; a group's has none.
   */
  constructor(disk: Disk, path: string, header: HeaderRecord | undefined) {
    this.#disk = disk;
    this.#path = path;
    this.#header = header;
  }

  /** Goes on with a map that was read, and whose lock is held. */
  static adopt(
    disk: Disk,
    path: string,
    file: DiskFile,
    { header, end }: Pick<Journal, "header" | "end">,
  ): JournalFile {
    const journal = new JournalFile(disk, path, header);
    journal.#file = file;
    journal.#end = end;
    journal.#isTorn = true;
    return journal;
  }

  /** What is being received, as the map says or will say. */
  get header(): HeaderRecord | undefined {
    return this.#header;
  }

  /** Another header from here on; written at once if the map has one already. */
  async replaceHeader(
    header: HeaderRecord,
    before: readonly JournalRecord[] = [],
  ): Promise<void> {
    this.#header = header;
    if (this.#end > 0) await this.append([...before, header]);
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
    const writer = new JournalWriter();
    if (this.#end === 0) {
      writer.raw(encodePreamble());
      if (this.#header !== undefined) writeRecord(writer, this.#header);
    }
    for (const record of records) writeRecord(writer, record);
    const bytes = writer.since(0);
    // A torn tail must not show through behind a shorter record.
    if (this.#isTorn) await this.#file!.truncate(this.#end);
    this.#isTorn = false;
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

/** Appends a record to a map that was read; returns where it ends then. */
export async function appendToJournal(
  file: DiskFile,
  { end }: Pick<Journal, "end">,
  record: JournalRecord,
): Promise<number> {
  const bytes = encodeRecord(record);
  // A torn tail must not show through behind a shorter record.
  await file.truncate(end);
  await file.write(bytes, end);
  return end + bytes.length;
}
