/**
 * The client's side of storage: any file of this machine, no jail around it,
 * and the same engine for what comes in.
 *
 * @module
 */

import { basename, dirname, join, SEPARATOR } from "@std/path";
import { type Clock, systemClock } from "../platform/mod.ts";
import { CommitEngine, type CommitEngineOptions } from "./commit_engine.ts";
import { findTwin, twinError } from "./conflict.ts";
import type { Disk } from "./disk.ts";
import { DurableDirectories } from "./durable_directories.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny, recheckDirectory, type SeenDirectory } from "./jail.ts";
import { NameLocks } from "./name_locks.ts";
import type { PublishTarget, StorageHooks } from "./receiving_parts.ts";
import { Room } from "./room.ts";
import { receiveSmallFiles } from "./small_files.ts";
import { asStorageError, type SmallItem } from "./small_group.ts";
import { openSource } from "./source.ts";
import { stagingBeside } from "./staging.ts";
import type {
  Attributes,
  DigestAlgorithm,
  Durability,
  Outcome,
  ReceiveRequest,
  ReceiveStart,
  SmallFile,
  Source,
} from "./storage.ts";
import { setEntryAttributes } from "./tree.ts";

/** Options of {@linkcode receiveLocalFile}. */
export interface LocalFileOptions {
  /** Gives the times in the map. @default {systemClock} */
  readonly clock?: Clock;
  /** Called between the steps of a commit, for tests. @default none */
  readonly hooks?: StorageHooks;
}

/** One set of name locks for all that goes on at one disk. */
const LOCKS = new WeakMap<Disk, NameLocks>();

/**
 * Opens a file of this machine to send it; links are followed.
 *
 * @throws {StorageError} `not-found`, `is-directory`, `not-file`.
 */
export async function openLocalSource(
  disk: Disk,
  path: string,
  algorithm: DigestAlgorithm,
): Promise<Source> {
  return await openSource(disk, path, { algorithm, followsLink: true });
}

/**
 * Prepares to receive a file of this machine. What is unfinished is beside it,
 * as `.ferry-<hash>.part`; what a killed client left there is replaced.
 *
 * @param disk Where it will be.
 * @param options The ports.
 * @param path The name to give it; a link there is never written through.
 * @param request What is asked for.
 * @throws {StorageError} `not-found` or `not-directory` for what is above it,
 * `busy` when another client receives it, `exists`, `no-space`.
 */
export async function receiveLocalFile(
  disk: Disk,
  options: LocalFileOptions,
  path: string,
  request: ReceiveRequest,
): Promise<ReceiveStart> {
  const directory = await seeFolder(disk, dirname(path));
  const place = placeIn(disk, directory, path);
  const { path: folder } = directory.seen;
  const engine = new CommitEngine(engineOptions(disk, options, folder));
  return await engine.receive(place.target, place.staging, request);
}

/**
 * Receives many small files of this machine at once, each with the guarantees
 * of {@linkcode receiveLocalFile}; those of one call share checks and syncs.
 * What fails is told in its place and hinders no other.
 */
export async function receiveLocalSmall(
  disk: Disk,
  options: LocalFileOptions,
  items: readonly (SmallFile & { readonly path: string })[],
): Promise<readonly (Outcome | StorageError)[]> {
  const directories = new Map<string, LocalFolder | StorageError>();
  const results: (Outcome | StorageError | undefined)[] = [];
  const all: SmallItem[] = [];
  for (const { path, request, bytes, checksum } of items) {
    const above = dirname(path);
    const directory = directories.get(above) ??
      await seeFolder(disk, above).catch(asStorageError);
    directories.set(above, directory);
    if (directory instanceof StorageError) {
      results.push(directory);
      continue;
    }
    results.push(undefined);
    const { target, staging } = placeIn(disk, directory, path);
    const relocate = () => Promise.resolve(target);
    all.push({
      ...{ target, staging, folder: undefined, relocate },
      ...{ request, bytes, checksum },
    });
  }
  const parts = engineOptions(disk, options, undefined);
  const engine = new CommitEngine(parts);
  const received = (await receiveSmallFiles(engine, parts, all)).values();
  return results.map((result) => result ?? received.next().value!);
}

/** Sets time and permission bits of a file or directory of this machine. */
export async function setLocalAttributes(
  disk: Disk,
  path: string,
  attributes: Attributes,
): Promise<void> {
  await setEntryAttributes(disk, path, attributes);
}

/** What all files of one folder have in common. */
interface LocalFolder {
  readonly seen: SeenDirectory;
  readonly target: Pick<
    PublishTarget,
    "directory" | "seen" | "check" | "sync"
  >;
}

async function seeFolder(disk: Disk, path: string): Promise<LocalFolder> {
  const seen = await seeDirectory(disk, path);
  const durable = new DurableDirectories(disk, undefined);
  const target: LocalFolder["target"] = {
    directory: seen.path,
    seen: `${seen.device}:${seen.inode}:${seen.path}`,
    check: () => recheckDirectory(disk, seen, path),
    sync: (each) => durable.sync(each),
  };
  return { seen, target };
}

function placeIn(
  disk: Disk,
  { seen, target }: LocalFolder,
  path: string,
): Pick<SmallItem, "target" | "staging"> {
  const name = basename(path);
  return {
    target: {
      ...target,
      path: path.split(SEPARATOR).join("/"),
      location: name,
      name,
    },
    staging: stagingBeside(seen, name, disk),
  };
}

function engineOptions(
  disk: Disk,
  options: LocalFileOptions,
  directory: string | undefined,
): CommitEngineOptions {
  const locks = LOCKS.get(disk) ?? new NameLocks();
  LOCKS.set(disk, locks);
  return {
    disk,
    clock: options.clock ?? systemClock,
    locks,
    room: new Room(disk),
    hooks: options.hooks ?? {},
    findDirectory: () => Promise.resolve(directory),
  };
}

/**
 * Makes a directory of this machine and those above it, as far as they are
 * missing; with durability `full` their names are durable then.
 *
 * @throws {StorageError} `not-directory` when a file is in the way.
 */
export async function makeLocalDirectory(
  disk: Disk,
  path: string,
  durability: Durability,
): Promise<void> {
  const missing: string[] = [];
  let at = path;
  while (await lstatIfAny(disk, at) === undefined && at !== dirname(at)) {
    missing.unshift(basename(at));
    at = dirname(at);
  }
  if ((await disk.stat(at)).kind !== "directory") {
    throw new StorageError("not-directory", "it is not a directory");
  }
  if (missing.length === 0) {
    const there = await lstatIfAny(disk, at);
    const twin = there && at !== dirname(at) &&
      await findTwin(disk, dirname(at), basename(at), there);
    if (twin) throw twinError({ path }, twin);
  }
  for (const name of missing) {
    const parent = at;
    at = join(at, name);
    await disk.makeDirectory(at, 0o777);
    if (durability === "full") await disk.syncDirectory(parent);
  }
}

async function seeDirectory(disk: Disk, path: string): Promise<SeenDirectory> {
  const real = await disk.realPath(path);
  const { kind, device, inode } = await disk.stat(real);
  if (kind !== "directory") {
    throw new StorageError("not-directory", "it is not a directory");
  }
  return { path: real, device, inode };
}
