/**
 * One run over a tree: what it was asked, what it has done, and whom it tells.
 *
 * @module
 */

import { type Clock, systemClock } from "../../platform/mod.ts";
import { DenoDisk, type Disk, StorageError } from "../../storage/mod.ts";
import { cancelled, FerryError, toFerryError } from "../errors.ts";
import type { Client } from "../types.ts";
import { Filter } from "./filter.ts";
import { TREE_LIMITS, type TreeLimits } from "./limits.ts";
import { localPath } from "./names.ts";
import type { PlanRules } from "./plan.ts";
import { Totals } from "./totals.ts";
import type {
  TreeDirection,
  TreeEvent,
  TreeOptions,
  TreePlaces,
  TreeSummary,
} from "./types.ts";

/** Failures of the connection, after which the same is tried once more. */
const LOST: ReadonlySet<string> = new Set(["connection-lost", "protocol"]);

/** Failures after which nothing else can be done either. */
const GONE: ReadonlySet<string> = new Set([
  "connect-failed",
  "wrong-protocol",
  "login-refused",
]);

/** Whether the connection broke while something was done. */
export function isLost(error: unknown): boolean {
  return LOST.has(toFerryError(error).code);
}

/** What failed, less the error. */
export interface FailedTry {
  /** What was tried. */
  readonly doing: Extract<TreeEvent, { kind: "failed" }>["doing"];
  /** Path from the root of the tree. */
  readonly path: string;
  /** What to call it, if that is not what the direction says. */
  readonly subject?: string;
}

type Counts = {
  -readonly [Name in Exclude<keyof TreeSummary, "isDurable" | "ended">]: number;
};

/** One run. */
export class TreeRun {
  readonly client: Client;
  readonly direction: TreeDirection;
  readonly places: TreePlaces;
  readonly options: TreeOptions;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly filter: Filter;
  readonly limits: TreeLimits;
  readonly totals: Totals;
  /** Ends every operation: the caller's signal, or a mistake of ours. */
  readonly signal: AbortSignal;
  readonly counts: Counts = {
    files: 0,
    bytes: 0,
    wireBytes: 0,
    folders: 0,
    equal: 0,
    skipped: 0,
    links: 0,
    specials: 0,
    failed: 0,
    notTried: 0,
    deleted: 0,
    extra: 0,
  };
  /** Whether every moved file is durable. */
  isDurable: boolean | undefined;
  /** What ended everything before its time. */
  ended: FerryError | undefined;
  readonly #crash = new AbortController();

  /**
   * @param client The session.
   * @param direction Which way.
   * @param places What and where to.
   * @param options How.
   * @throws {FerryError} `bad-name` for a pattern that is none.
   */
  constructor(
    client: Client,
    direction: TreeDirection,
    places: TreePlaces,
    options: TreeOptions,
  ) {
    this.client = client;
    this.direction = direction;
    this.places = places;
    this.options = options;
    this.disk = options.disk ?? new DenoDisk();
    this.clock = options.clock ?? systemClock;
    this.limits = { ...TREE_LIMITS, ...options.limits };
    this.filter = readFilter(options);
    this.totals = new Totals(options.onProgress);
    const { signal } = options;
    this.signal = signal === undefined
      ? this.#crash.signal
      : AbortSignal.any([signal, this.#crash.signal]);
  }

  /** Whether nothing is to be changed. */
  get isDry(): boolean {
    return this.options.dryRun ?? false;
  }

  /** How to decide about files. */
  get rules(): PlanRules {
    return {
      onConflict: this.options.onConflict ?? "fail",
      checksum: this.options.checksum ?? false,
      side: this.direction === "get" ? "local" : "remote",
    };
  }

  /** The remote name of an entry. */
  remote(path: string): string {
    const { remote } = this.places;
    return remote === "" || path === "" ? remote + path : `${remote}/${path}`;
  }

  /** The local path of an entry. */
  local(path: string): string {
    return localPath(this.places.local, path);
  }

  /** Ends everything that is under way, because of something unforeseen. */
  crash(error: unknown): void {
    const isOfDisk = error instanceof StorageError;
    this.#crash.abort(isOfDisk ? toFerryError(error) : error);
  }

  /** Throws if everything is to end. */
  check(): void {
    if (this.#crash.signal.aborted) throw this.#crash.signal.reason;
    if (this.signal.aborted) throw cancelled(this.signal.reason);
  }

  /** Tells the caller of something. */
  async tell(event: TreeEvent): Promise<void> {
    await this.options.onEvent?.(event);
  }

  /** Does something again, once, if it failed because the connection was lost. */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isLost(error) || this.signal.aborted) throw error;
    }
    try {
      return await work();
    } catch (error) {
      // The client has tried to come back as well: it is gone for good.
      if (isLost(error)) this.ended ??= toFerryError(error);
      throw error;
    }
  }

  /** An entry is left out. */
  async leaveOut(path: string, reason: "link" | "special"): Promise<void> {
    this.counts[reason === "link" ? "links" : "specials"]++;
    const [remote, local] = [this.remote(path), this.local(path)];
    await this.tell({ kind: "left-out", reason, path, remote, local });
  }

  /** Something failed, which does not stop the rest. */
  async fail(what: FailedTry, cause: unknown): Promise<void> {
    this.check();
    this.counts.failed++;
    const error = toFerryError(cause);
    if (GONE.has(error.code)) this.ended ??= error;
    const { doing, path } = what;
    const isWritten = this.direction === "get" &&
      (doing === "get" || doing === "make" || doing === "delete");
    await this.tell({
      kind: "failed",
      doing,
      path,
      subject: what.subject ?? this.subject(doing, path),
      target: isWritten ? this.local(path) : undefined,
      error,
    });
  }

  /** What an entry is called in a sentence about it. */
  subject(doing: FailedTry["doing"], path: string): string {
    // "get" names what is asked for, "make" and "delete" what is changed.
    const isDestination = doing === "make" || doing === "delete";
    return (this.direction === "get") === isDestination
      ? this.local(path)
      : this.remote(path);
  }

  /** What became of it all. */
  summary(): TreeSummary {
    const { counts, isDurable, ended } = this;
    return { ...counts, isDurable, ended };
  }
}

function readFilter({ filter = [] }: TreeOptions): Filter {
  try {
    return new Filter(filter);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FerryError("bad-name", `a pattern ${error.message}`, {
      side: "local",
      cause: error,
    });
  }
}

/** Whether something that was thrown is about the entry that was looked at, and stops no other. */
export function isAboutOneEntry(error: unknown): boolean {
  if (error instanceof StorageError) return true;
  return error instanceof FerryError &&
    !["cancelled", "limit", "connection-lost", "connect-failed", "untrusted"]
      .includes(error.code);
}
