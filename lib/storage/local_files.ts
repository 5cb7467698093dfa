/**
 * The client's side of storage: any file of this machine, no jail around it,
 * and the same engine for what comes in.
 *
 * @module
 */

import { basename, dirname, join, SEPARATOR } from "@std/path";
import { type Clock, systemClock } from "../platform/mod.ts";
import { CommitEngine } from "./commit_engine.ts";
import type { Disk } from "./disk.ts";
import { DurableDirectories } from "./durable_directories.ts";
import { StorageError } from "./errors.ts";
import { lstatIfAny, recheckDirectory, type SeenDirectory } from "./jail.ts";
import { NameLocks } from "./name_locks.ts";
import type { PublishTarget, StorageHooks } from "./receiving.ts";
import { openSource } from "./source.ts";
import { stagingBeside } from "./staging.ts";
import type {
  DigestAlgorithm,
  Durability,
  ReceiveRequest,
  ReceiveStart,
  Source,
} from "./storage.ts";

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
  return await openSource(disk, await disk.realPath(path), { algorithm });
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
  const directory = await seeDirectory(disk, dirname(path));
  const name = basename(path);
  const durable = new DurableDirectories(disk, undefined);
  const locks = LOCKS.get(disk) ?? new NameLocks();
  LOCKS.set(disk, locks);
  const target: PublishTarget = {
    path: path.split(SEPARATOR).join("/"),
    location: name,
    directory: directory.path,
    name,
    check: () => recheckDirectory(disk, directory, path),
    sync: (each) => durable.sync(each),
  };
  const engine = new CommitEngine({
    disk,
    clock: options.clock ?? systemClock,
    locks,
    hooks: options.hooks ?? {},
    findDirectory: () => Promise.resolve(directory.path),
  });
  return await engine.receive(
    target,
    stagingBeside(directory, name, disk),
    request,
  );
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
