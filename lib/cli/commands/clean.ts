/**
 * `ferry clean`, which needs no server.
 *
 * @module
 */

import { FerryError } from "../../client/mod.ts";
import {
  type Disk,
  listLeftovers,
  type LocalLeftover,
  removeLeftover,
  StorageError,
} from "../../storage/mod.ts";
import { isConfirmed } from "../ask.ts";
import { CLEAN_RECURSIVE, JSON_OUTPUT, QUIET, YES } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import { uploadsFolder } from "../connection.ts";
import type { Environment } from "../environment.ts";
import { EXIT, type ExitCode, exitCodeOf } from "../exit_codes.ts";
import { describeFailure } from "../failure.ts";
import { notes } from "../messages.ts";
import { joinLocal } from "../names.ts";
import type { Reporter } from "../reporter.ts";
import { rethrowEnd } from "../session.ts";

/** What cleaning works with. */
export interface CleanParts {
  /** Who is told. */
  readonly reporter: Reporter;
  /** The world around. */
  readonly environment: Environment;
  /** Aborted when somebody asks the program to end. */
  readonly signal: AbortSignal;
}

/** Records of uploads that nobody has come back to for this long: 30 days. */
const RECORD_AGE_MAX = 2_592_000_000;
const RECORD_REGEXP = /^[0-9a-f]{32}\.json(\.[0-9a-f]{8})?$/;

/**
 * Lists what interrupted downloads have left, and removes it if that is wanted.
 *
 * @param line The command line.
 * @param parts What it works with.
 */
export async function runClean(
  line: CommandLine,
  parts: CleanParts,
): Promise<ExitCode> {
  const { reporter, environment, signal } = parts;
  const [directory = "."] = line.operands;
  const found: LocalLeftover[] = [];
  const failures = new Failures(parts);
  for await (
    const folder of foldersOf(
      environment.disk,
      directory,
      line.value(CLEAN_RECURSIVE),
    )
  ) {
    await failures.attempt("look into", folder, async () => {
      for await (const leftover of listLeftovers(environment.disk, folder)) {
        signal.throwIfAborted();
        found.push(leftover);
        await reporter.leftover(leftover, environment.clock.now());
      }
    });
  }
  const removable = found.filter(({ isInUse }) => !isInUse);
  const isWanted = await mayRemove(line, parts, removable);
  let [removed, bytes] = [0, 0];
  for (const leftover of isWanted ? removable : []) {
    await failures.attempt("remove", leftover.data, async () => {
      signal.throwIfAborted();
      await removeLeftover(environment.disk, leftover);
      removed++;
      bytes += leftover.size;
      await reporter.leftoverRemoved(leftover);
    });
  }
  if (isWanted) await forgetUploads(environment);
  const { failed } = failures;
  const report = { found: found.length, removed, bytes, failed, isWanted };
  await reporter.cleanEnd(report);
  return failures.code(found.length);
}

async function mayRemove(
  line: CommandLine,
  { reporter, environment, signal }: CleanParts,
  removable: readonly LocalLeftover[],
): Promise<boolean> {
  if (line.value(YES)) return true;
  if (removable.length === 0) return false;
  if (!environment.canAsk || line.value(JSON_OUTPUT)) {
    if (!line.value(QUIET)) await reporter.remark(notes.cleanNeedsYes);
    return false;
  }
  const bytes = removable.reduce((sum, { size }) => sum + size, 0);
  const question = notes.confirmClean(removable.length, bytes);
  const isYes = await isConfirmed(environment, question, signal);
  signal.throwIfAborted();
  return isYes;
}

/** A directory, and all below it if those are wanted; not through links. */
async function* foldersOf(
  disk: Disk,
  directory: string,
  isRecursive: boolean,
): AsyncIterable<string> {
  yield directory;
  if (!isRecursive) return;
  const below: string[] = [];
  try {
    for await (const { name, kind } of disk.list(directory)) {
      if (kind === "directory") below.push(joinLocal(directory, name));
    }
  } catch {
    // Whoever looks for leftovers in it says why.
    return;
  }
  for (const folder of below) yield* foldersOf(disk, folder, true);
}

/** Forgets uploads that were interrupted long ago; whatever fails can wait. */
async function forgetUploads(environment: Environment): Promise<void> {
  const folder = await uploadsFolder(environment);
  if (folder === undefined) return;
  const { disk, clock } = environment;
  const old = clock.now() - RECORD_AGE_MAX;
  try {
    for await (const { name, kind } of disk.list(folder)) {
      if (kind !== "file" || !RECORD_REGEXP.test(name)) continue;
      const path = joinLocal(folder, name);
      const { modified = Infinity } = await disk.lstat(path);
      if (modified < old) await disk.removeFile(path);
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

/** What went wrong, told and counted. */
class Failures {
  failed = 0;
  readonly #parts: CleanParts;
  #code: ExitCode = EXIT.done;

  constructor(parts: CleanParts) {
    this.#parts = parts;
  }

  async attempt(
    doing: string,
    path: string,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      rethrowEnd(error, this.#parts.signal);
      if (!(error instanceof StorageError)) throw error;
      const { kind, message } = error;
      const told = new FerryError(kind, message, {
        side: "local",
        cause: error,
      });
      this.failed++;
      this.#code = exitCodeOf(told, "connected");
      const server = { hostname: "", port: 0 };
      await this.#parts.reporter.failure(
        describeFailure(told, { doing, path, server }),
        error,
      );
    }
  }

  /** The code of the failure if there was nothing else, else {@linkcode EXIT.someFailed}. */
  code(found: number): ExitCode {
    return this.failed === 0 || found <= 1 ? this.#code : EXIT.someFailed;
  }
}
