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
 * The first record is the header. After it come, appended and never changed,
 * sums of chunks *whose data was synced before the record was written*, the
 * intent to publish, and the outcome. Of intents and outcomes the last counts.
 * What does not decode is a torn tail: it and all after it do not exist.
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
const VERSION = 1;

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
}

/** Sums of chunks in a row, written after their data was synced. */
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

/** One record of a map. */
export type JournalRecord =
  | HeaderRecord
  | SumsRecord
  | IntentRecord
  | OutcomeRecord;

/** Kinds in the order of their numbers, from 1. */
const KINDS: readonly JournalRecord["kind"][] = [
  "header",
  "sums",
  "intent",
  "outcome",
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
  const writer = new JournalWriter().u8(KINDS.indexOf(record.kind) + 1);
  switch (record.kind) {
    case "header":
      encodeHeader(writer, record);
      break;
    case "sums":
      writer.u32(record.first).u32(record.sums.length);
      for (const sum of record.sums) writer.u32(sum);
      break;
    case "intent":
      writer.text(record.name).u8(PUBLICATIONS.indexOf(record.publication))
        .f64(record.size);
      encodeDigest(writer, record.digest);
      writer.f64(record.device).f64(record.inode).optional(record.modified);
      break;
    case "outcome":
      encodeOutcome(writer, record);
  }
  const body = writer.finish();
  return new JournalWriter().u32(body.length).u32(crc32(body)).raw(body)
    .finish();
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
      return {
        kind: "intent",
        name: reader.text(),
        publication: reader.oneOf(PUBLICATIONS),
        size: reader.size(),
        digest: decodeDigest(reader),
        device: reader.f64(),
        inode: reader.f64(),
        modified: reader.optional(),
      };
    case "outcome":
      return decodeOutcome(reader);
    default:
      return undefined;
  }
}

function encodeHeader(writer: JournalWriter, header: HeaderRecord): void {
  writer.text(header.id).text(header.path).text(header.location)
    .optional(header.size).u32(header.chunkSize).optional(header.modified)
    .u8(POLICIES.indexOf(header.onConflict))
    .u8(DURABILITIES.indexOf(header.durability))
    .u8(ALGORITHMS.indexOf(header.algorithm)).f64(header.created);
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
    .u8(outcome.durable ? 1 : 0).u8(outcome.digest === undefined ? 0 : 1);
  if (outcome.digest !== undefined) encodeDigest(writer, outcome.digest);
}

function decodeOutcome(reader: JournalReader): OutcomeRecord {
  const at = reader.f64();
  const path = reader.text();
  const publication = reader.oneOf(PUBLICATIONS);
  const size = reader.size();
  const durable = reader.oneOf([false, true]);
  const digest = reader.oneOf([false, true]) ? decodeDigest(reader) : undefined;
  return {
    kind: "outcome",
    at,
    outcome: { path, publication, size, digest, durable },
  };
}
