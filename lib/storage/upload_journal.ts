/**
 * The format of a map, the journal beside a file that is being received.
 *
 * ```text
 *  0        8       10
 * +--------+-------+--------+--------+--------+ ...
 * |FERRYMAP|version| record | record | record |
 * +--------+-------+--------+--------+--------+ ...
 *
 * record: +----------+----------+------+----------------+
 *         |length u32|CRC-32 u32| kind |  fields  ...   |   the length and the
 *         +----------+----------+------+----------------+   CRC are of kind + fields
 * ```
 *
 * The first record is the header. After it come, appended and never changed:
 *
 * - *sums* of chunks that were verified and written: a note, which promises
 *   nothing before the bytes were read again and found to fit;
 * - *synced*: the data was synced after all notes before it, so that they are
 *   vouched for: they fit the bytes, also after a loss of power;
 * - *dropped*: nothing that was noted of these chunks holds any more; synced
 *   before any of their bytes is changed, if they were vouched for;
 * - another *header*: the source has changed, or the request;
 * - the *intent* to publish, and the *outcome*.
 *
 * Of sums, headers, intents and outcomes the last counts. What does not decode
 * is a torn tail: it and all after it do not exist.
 *
 * The map of a group of small files begins in the same way, has no header, and
 * for each file a *member* with its intent, and its outcome as *settled*.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { JournalReader, JournalWriter } from "./journal_bytes.ts";
import {
  CHUNK_COUNT_MAX,
  JOURNAL_RECORD_BYTES_MAX,
  JOURNAL_SUMS_MAX,
} from "./limits.ts";
import type {
  ConflictPolicy,
  Digest,
  DigestAlgorithm,
  Durability,
  Outcome,
  Publication,
} from "./storage.ts";

/** Version of the format; a map of another one is not valid. */
const VERSION = 2;

/** Bytes before the first record. */
export const PREAMBLE_BYTES = 10;

/** Bytes of a record before its body. */
const RECORD_HEAD_BYTES = 8;

const MAGIC: Uint8Array = new TextEncoder().encode("FERRYMAP");

const POLICIES: readonly ConflictPolicy[] = [
  "fail",
  "overwrite",
  "rename",
  "skip",
];
const DURABILITIES: readonly Durability[] = ["full", "none"];
const ALGORITHMS: readonly DigestAlgorithm[] = ["crc32-chunks", "sha256"];
const PUBLICATIONS: readonly Publication[] = [
  "created",
  "replaced",
  "renamed",
  "skipped",
];

/** What is being received. */
export interface HeaderRecord {
  /** Kind of record. */
  readonly kind: "header";
  /** The upload's id: 32 hexadecimal digits. */
  readonly id: string;
  /** The path that was asked for, as users know it. */
  readonly path: string;
  /** The same with every link resolved, relative to the root. */
  readonly location: string;
  /** Size in bytes, if it was announced. */
  readonly size: number | undefined;
  /** Bytes in a chunk. */
  readonly chunkSize: number;
  /** The time of last change to give the file. */
  readonly modified: number | undefined;
  /** What to do if the name is taken. */
  readonly onConflict: ConflictPolicy;
  /** Whether anything is synced. */
  readonly durability: Durability;
  /** How the file is summed up. */
  readonly algorithm: DigestAlgorithm;
  /** When it began, in milliseconds since 1970. */
  readonly created: number;
  /** What tells the source from another one, if the sender said. */
  readonly source: string | undefined;
  /** The SHA-256 of what proves that it is the same sender who comes back, in hexadecimal. */
  readonly token: string | undefined;
  /** The data within its file system: an old map must not speak of a new file. */
  readonly inode: number;
}

/** Sums of chunks in a row. */
export interface SumsRecord {
  /** Kind of record. */
  readonly kind: "sums";
  /** Index of the first chunk. */
  readonly first: number;
  /** The CRC-32 of each. */
  readonly sums: readonly number[];
}

/** What is about to be published, written after everything was synced. */
export interface IntentRecord {
  /** Kind of record. */
  readonly kind: "intent";
  /** The last segment of the name that was decided on. */
  readonly name: string;
  /** How it is to be published. */
  readonly publication: Publication;
  /** Size in bytes. */
  readonly size: number;
  /** The digest that was compared. */
  readonly digest: Digest;
  /** File system of the data. */
  readonly device: number;
  /** The data within its file system: what proves later that it was published. */
  readonly inode: number;
  /** Time of last change of the data, which the number alone may outlive. */
  readonly modified: number | undefined;
  /** Bytes that were there from an earlier try. */
  readonly resumedFrom: number;
}

/** What became of it. */
export interface OutcomeRecord {
  /** Kind of record. */
  readonly kind: "outcome";
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** The answer to give again. */
  readonly outcome: Outcome;
}

/** The data was synced after everything that was noted before. */
export interface SyncedRecord {
  /** Kind of record. */
  readonly kind: "synced";
}

/** What was noted of some chunks holds no more. */
export interface DroppedRecord {
  /** Kind of record. */
  readonly kind: "dropped";
  /** Index of the first chunk. */
  readonly first: number;
  /** How many. */
  readonly count: number;
}

/** One of a group of small files, about to be published. */
export interface MemberRecord {
  /** Kind of record. */
  readonly kind: "member";
  /** The upload's id: 32 hexadecimal digits. */
  readonly id: string;
  /** The path that was asked for, as users know it. */
  readonly path: string;
  /** The same with every link resolved, relative to the root. */
  readonly location: string;
  /** Whether anything is synced. */
  readonly durability: Durability;
  /** What is about to be done. */
  readonly intent: IntentRecord;
}

/** What became of one of a group. */
export interface SettledRecord {
  /** Kind of record. */
  readonly kind: "settled";
  /** The upload's id. */
  readonly id: string;
  /** The outcome. */
  readonly outcome: OutcomeRecord;
}

/** One record of a map. */
export type JournalRecord =
  | HeaderRecord
  | SumsRecord
  | IntentRecord
  | OutcomeRecord
  | SyncedRecord
  | DroppedRecord
  | MemberRecord
  | SettledRecord;

/** Kinds in the order of their numbers, from 1. */
const KINDS: readonly JournalRecord["kind"][] = [
  "header",
  "sums",
  "intent",
  "outcome",
  "synced",
  "dropped",
  "member",
  "settled",
];

/** Puts the sums of chunks into records, runs of neighbours together. */
export function toSumsRecords(
  indexes: readonly number[],
  sumOf: (index: number) => number,
): SumsRecord[] {
  const runs: { kind: "sums"; first: number; sums: number[] }[] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (
      run !== undefined && run.first + run.sums.length === index &&
      run.sums.length < JOURNAL_SUMS_MAX
    ) {
      run.sums.push(sumOf(index));
    } else {
      runs.push({ kind: "sums", first: index, sums: [sumOf(index)] });
    }
  }
  return runs;
}

/** The bytes that a map begins with. */
export function encodePreamble(): Uint8Array<ArrayBuffer> {
  return new JournalWriter().raw(MAGIC).u16(VERSION).finish();
}

/** Whether a map begins as this version does. */
export function isPreamble(bytes: Uint8Array): boolean {
  const expected = encodePreamble();
  return bytes.length >= expected.length &&
    expected.every((byte, index) => bytes[index] === byte);
}

/** Encodes a record, ready to be appended. */
export function encodeRecord(record: JournalRecord): Uint8Array<ArrayBuffer> {
  const writer = new JournalWriter();
  writeRecord(writer, record);
  return writer.finish();
}

/** Writes a record behind others. */
export function writeRecord(
  writer: JournalWriter,
  record: JournalRecord,
): void {
  const start = writer.length;
  writer.u32(0).u32(0);
  writeBody(writer.u8(KINDS.indexOf(record.kind) + 1), record);
  const body = writer.since(start + RECORD_HEAD_BYTES);
  writer.setU32(start, body.length);
  writer.setU32(start + 4, crc32(body));
}

function writeBody(writer: JournalWriter, record: JournalRecord): void {
  switch (record.kind) {
    case "header":
      encodeHeader(writer, record);
      break;
    case "sums":
      writer.u32(record.first).u32(record.sums.length);
      for (const sum of record.sums) writer.u32(sum);
      break;
    case "intent":
      encodeIntent(writer, record);
      break;
    case "outcome":
      encodeOutcome(writer, record);
      break;
    case "synced":
      break;
    case "dropped":
      writer.u32(record.first).u32(record.count);
      break;
    case "member":
      writer.text(record.id).text(record.path).text(record.location)
        .u8(DURABILITIES.indexOf(record.durability));
      encodeIntent(writer, record.intent);
      break;
    case "settled":
      encodeOutcome(writer.text(record.id), record.outcome);
  }
}

/**
 * Decodes the record at `offset`: the record and where the next one begins, or
 * `undefined` where the rest is torn.
 */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
): { readonly record: JournalRecord; readonly end: number } | undefined {
  const head = new JournalReader(
    bytes.subarray(offset, offset + RECORD_HEAD_BYTES),
  );
  const length = head.u32();
  const checksum = head.u32();
  const start = offset + RECORD_HEAD_BYTES;
  if (
    !head.isComplete || length > JOURNAL_RECORD_BYTES_MAX ||
    start + length > bytes.length
  ) return undefined;
  const body = bytes.subarray(start, start + length);
  if (crc32(body) !== checksum) return undefined;
  const reader = new JournalReader(body);
  const record = decodeBody(reader);
  return record !== undefined && reader.isComplete
    ? { record, end: start + length }
    : undefined;
}

function decodeBody(reader: JournalReader): JournalRecord | undefined {
  switch (KINDS[reader.u8() - 1]) {
    case "header":
      return decodeHeader(reader);
    case "sums":
      return decodeSums(reader);
    case "intent":
      return decodeIntent(reader);
    case "outcome":
      return decodeOutcome(reader);
    case "synced":
      return { kind: "synced" };
    case "dropped":
      return decodeDropped(reader);
    case "member":
      return {
        kind: "member",
        id: reader.text(),
        path: reader.text(),
        location: reader.text(),
        durability: reader.oneOf(DURABILITIES),
        intent: decodeIntent(reader),
      };
    case "settled":
      return {
        kind: "settled",
        id: reader.text(),
        outcome: decodeOutcome(reader),
      };
    default:
      return undefined;
  }
}

function encodeHeader(writer: JournalWriter, header: HeaderRecord): void {
  writer.text(header.id).text(header.path).text(header.location)
    .optional(header.size).u32(header.chunkSize).optional(header.modified)
    .u8(POLICIES.indexOf(header.onConflict))
    .u8(DURABILITIES.indexOf(header.durability))
    .u8(ALGORITHMS.indexOf(header.algorithm)).f64(header.created)
    .text(header.source ?? "").text(header.token ?? "").f64(header.inode);
}

function decodeHeader(reader: JournalReader): HeaderRecord {
  return {
    kind: "header",
    id: reader.text(),
    path: reader.text(),
    location: reader.text(),
    size: reader.optional(),
    chunkSize: reader.u32(),
    modified: reader.optional(),
    onConflict: reader.oneOf(POLICIES),
    durability: reader.oneOf(DURABILITIES),
    algorithm: reader.oneOf(ALGORITHMS),
    created: reader.f64(),
    source: reader.text() || undefined,
    token: reader.text() || undefined,
    inode: reader.f64(),
  };
}

function decodeSums(reader: JournalReader): SumsRecord {
  const first = reader.u32();
  const count = reader.u32();
  // Checked before the loop: a count is not believed, only bounded.
  if (count > JOURNAL_SUMS_MAX || first + count > CHUNK_COUNT_MAX) {
    reader.fail();
    return { kind: "sums", first: 0, sums: [] };
  }
  const sums = Array.from({ length: count }, () => reader.u32());
  return { kind: "sums", first, sums };
}

function decodeDropped(reader: JournalReader): DroppedRecord {
  const first = reader.u32();
  const count = reader.u32();
  if (first + count > CHUNK_COUNT_MAX) reader.fail();
  return { kind: "dropped", first, count };
}

function encodeIntent(writer: JournalWriter, intent: IntentRecord): void {
  writer.text(intent.name).u8(PUBLICATIONS.indexOf(intent.publication))
    .f64(intent.size);
  encodeDigest(writer, intent.digest);
  writer.f64(intent.device).f64(intent.inode).optional(intent.modified)
    .f64(intent.resumedFrom);
}

function decodeIntent(reader: JournalReader): IntentRecord {
  return {
    kind: "intent",
    name: reader.text(),
    publication: reader.oneOf(PUBLICATIONS),
    size: reader.size(),
    digest: decodeDigest(reader),
    device: reader.f64(),
    inode: reader.f64(),
    modified: reader.optional(),
    resumedFrom: reader.size(),
  };
}

function encodeDigest(writer: JournalWriter, digest: Digest): void {
  writer.u8(ALGORITHMS.indexOf(digest.algorithm)).text(digest.value);
}

function decodeDigest(reader: JournalReader): Digest {
  return { algorithm: reader.oneOf(ALGORITHMS), value: reader.text() };
}

function encodeOutcome(writer: JournalWriter, record: OutcomeRecord): void {
  const { outcome } = record;
  writer.f64(record.at).text(outcome.path)
    .u8(PUBLICATIONS.indexOf(outcome.publication)).f64(outcome.size)
    .u8(outcome.durable ? 1 : 0).f64(outcome.resumedFrom ?? 0)
    .u8(outcome.digest === undefined ? 0 : 1);
  if (outcome.digest !== undefined) encodeDigest(writer, outcome.digest);
}

function decodeOutcome(reader: JournalReader): OutcomeRecord {
  const at = reader.f64();
  const path = reader.text();
  const publication = reader.oneOf(PUBLICATIONS);
  const size = reader.size();
  const durable = reader.oneOf([false, true]);
  const resumedFrom = reader.size();
  const digest = reader.oneOf([false, true]) ? decodeDigest(reader) : undefined;
  return {
    kind: "outcome",
    at,
    outcome: { path, publication, size, digest, durable, resumedFrom },
  };
}
