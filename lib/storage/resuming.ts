/**
 * Going on where an earlier transfer of the same file ended.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { chunkCount, chunkLength } from "./chunk_digest.ts";
import { ChunkMap } from "./chunk_map.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { StorageError } from "./errors.ts";
import { JournalFile } from "./journal_file.ts";
import {
  type FindDirectory,
  judgeLeftover,
  type Leftover,
  openLeftoverFile,
} from "./leftovers.ts";
import {
  CHUNK_SIZE,
  JOURNAL_BASE_BYTES_MAX,
  JOURNAL_CHUNK_BYTES_MAX,
  STAGING_EXPIRY,
} from "./limits.ts";
import type { PublishTarget, ReceivingParts } from "./receiving_parts.ts";
import { readFully } from "./source.ts";
import type { Staging } from "./staging.ts";
import type { Outcome, ReceiveRequest } from "./storage.ts";
import type { DroppedRecord, HeaderRecord } from "./upload_journal.ts";

/** What {@linkcode findLeftover} is asked for. */
export interface TakeOptions {
  /** What is to be received. */
  readonly request: ReceiveRequest;
  /** Where it is to go. */
  readonly target: PublishTarget;
  /** The time, in milliseconds since 1970. */
  readonly now: number;
  /** Finds the directory that the map names. */
  readonly findDirectory: FindDirectory;
}

/** What a transfer that goes on begins with. */
export type Resumed = Pick<ReceivingParts, "data" | "journal" | "chunks">;

/** What there is in a staging place, with the locks on it until it is disposed of. */
export type Found =
  & Disposable
  & (
    /** There is an outcome. */
    | { readonly kind: "settled"; readonly outcome: Outcome }
    /** Somebody is at work on it. */
    | { readonly kind: "live" }
    /** It belongs to somebody else: it has another token, and is not expired. */
    | { readonly kind: "guarded" }
    /** It can be continued; whoever takes it has to close its files. */
    | { readonly kind: "resumable"; take(): Resumed }
    /** It is to be removed. */
    | { readonly kind: "useless" }
  );

/** Looks at what an earlier transfer left, as somebody who wants its place. */
export async function findLeftover(
  disk: Disk,
  staging: Staging,
  options: TakeOptions,
): Promise<Found> {
  const resume = options.request.resume ?? false;
  const files: DiskFile[] = [];
  const close = () => {
    for (const file of files) file.close();
  };
  const keep = (file: DiskFile | undefined) => {
    if (file !== undefined) files.push(file);
    return file;
  };
  const found = (kind: "live" | "guarded" | "useless") => ({
    kind,
    [Symbol.dispose]: close,
  });
  try {
    // A link or a pipe in its place is removed, never opened.
    const data = keep(await openData(disk, staging.data, resume));
    if (data !== undefined && !await data.tryLock()) return found("live");
    // Where no outcomes are kept a map matters only to who resumes.
    const map = staging.keepsOutcome || resume
      ? keep(await openLeftoverFile(disk, staging.map, "write"))
      : undefined;
    const chunks = new ChunkMap();
    const leftover = await judge(disk, staging, map, options, chunks);
    if (leftover.kind === "live") return found("live");
    if (leftover.kind === "settled") {
      return { ...leftover, [Symbol.dispose]: close };
    }
    if (leftover.kind === "invalid") return found("useless");
    const { journal } = leftover;
    const isExpired = options.now - leftover.modified > STAGING_EXPIRY;
    const isTheirs = journal.header.token === options.request.token;
    if (!isTheirs && !isExpired) return found("guarded");
    if (!resume || !isTheirs || data === undefined) return found("useless");
    const parts = { data, map: map!, chunks, journal };
    const resumed = await resumeFrom(disk, staging, options, parts);
    if (resumed === undefined) return found("useless");
    return {
      kind: "resumable",
      take: () => {
        files.length = 0;
        return resumed;
      },
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function openData(
  disk: Disk,
  path: string,
  resume: boolean,
): Promise<DiskFile | undefined> {
  try {
    return await openLeftoverFile(disk, path, resume ? "write" : "read");
  } catch (error) {
    // It has got the permission bits that were asked for, and not its name.
    // Nobody is at work on it: the map has a lock, too.
    if (isDenied(error)) return undefined;
    throw error;
  }
}

async function judge(
  disk: Disk,
  { keepsOutcome }: Staging,
  map: DiskFile | undefined,
  { request, target, now, findDirectory }: TakeOptions,
  chunks: ChunkMap,
): Promise<Leftover> {
  if (map === undefined) return { kind: "invalid" };
  const options = {
    // Downloads have a place by their name, whatever id each try has.
    id: keepsOutcome ? request.id : undefined,
    now,
    findDirectory,
    syncDirectory: (directory: string) => target.sync(directory),
  };
  return await judgeLeftover(disk, map, options, chunks);
}

/** Goes on with a valid map, unless it does not speak of this data. */
async function resumeFrom(
  disk: Disk,
  staging: Staging,
  { request, target }: TakeOptions,
  { data, map, chunks, journal }: {
    readonly data: DiskFile;
    readonly map: DiskFile;
    readonly chunks: ChunkMap;
    readonly journal: { readonly header: HeaderRecord; readonly end: number };
  },
): Promise<Resumed | undefined> {
  const { header, end } = journal;
  const { size } = header;
  const stat = await data.stat();
  const named = await disk.lstat(staging.data);
  if (
    size === undefined || header.chunkSize !== CHUNK_SIZE ||
    // Two names: it may be published already, and is never written to.
    stat.links !== 1 || named.inode !== stat.inode ||
    named.device !== stat.device || header.inode !== stat.inode ||
    (!staging.keepsOutcome && header.location !== target.location) ||
    end > JOURNAL_BASE_BYTES_MAX + JOURNAL_CHUNK_BYTES_MAX * chunkCount(size)
  ) return undefined;
  const isCut = stat.size < size && chunks.digest.top * CHUNK_SIZE > stat.size;
  const dropped = await recheck(data, chunks, size, stat.size);
  if (chunks.digest.count === 0) return undefined;
  if (stat.size > size) await data.truncate(size);
  const file = JournalFile.adopt(disk, staging.map, map, journal);
  const { id, modified, onConflict, durability, algorithm } = request;
  const wanted: HeaderRecord = {
    ...{ ...header, id, modified, onConflict, durability, algorithm },
    path: target.path,
    location: target.location,
    token: request.token,
  };
  if (!isSame(wanted, header)) await file.replaceHeader(wanted, dropped);
  else if (dropped.length > 0) await file.append(dropped);
  // What was vouched for and is not there: the file was cut by somebody.
  if (isCut) await file.sync();
  chunks.hold();
  return { data, journal: file, chunks };
}

/**
 * Reads again the chunks that the map does not vouch for, and forgets those
 * that do not fit their sum: in the map as well, before anything vouches for
 * all that was noted. What the map vouches for is believed, as far as the file
 * reaches.
 */
async function recheck(
  data: DiskFile,
  chunks: ChunkMap,
  size: number,
  fileSize: number,
): Promise<DroppedRecord[]> {
  const dropped: DroppedRecord[] = [];
  const drop = (first: number, count: number) => {
    chunks.drop({ first, count });
    dropped.push({ kind: "dropped", first, count });
  };
  const there = fileSize >= size
    ? chunkCount(size)
    : Math.floor(fileSize / CHUNK_SIZE);
  if (chunks.digest.top > there) drop(there, chunks.digest.top - there);
  const buffer = new Uint8Array(CHUNK_SIZE);
  for (const index of chunks.doubtful()) {
    const bytes = buffer.subarray(0, chunkLength(index, size));
    const count = await readFully(data, bytes, index * CHUNK_SIZE);
    if (count < bytes.length || crc32(bytes) !== chunks.get(index)) {
      drop(index, 1);
    }
  }
  return dropped;
}

function isSame(a: HeaderRecord, b: HeaderRecord): boolean {
  return Object.entries(a).every(([key, value]) =>
    b[key as keyof HeaderRecord] === value
  );
}

function isDenied(error: unknown): boolean {
  return error instanceof StorageError && error.kind === "denied";
}
