/**
 * A remote tree as it is listed, judged like anything that a stranger says.
 *
 * What is kept:
 *
 * - Every entry is below the root that was asked for, in a folder that was
 *   listed before, and comes once.
 * - The entries of one folder come together, as `ferryd` lists them. So only
 *   the names of the folder that is being listed are held, and it is known when
 *   a folder is complete.
 * - A listing that is lost is begun again, and what was told is not told again.
 *
 * @module
 */

import { folderOf, joinName, lastSegment } from "../../protocol/mod.ts";
import { sleep } from "../../platform/mod.ts";
import { FerryError, toFerryError } from "../errors.ts";
import type { RemoteEntry } from "../types.ts";
import { LISTING_DELAY_MIN, LISTING_TRIES } from "./limits.ts";
import { NameSet } from "./names.ts";
import type { TreeRun } from "./run.ts";

/** What a listing tells. Paths are from the root of the tree. */
export type RemoteItem =
  | {
    /** An entry. */
    readonly kind: "entry";
    readonly path: string;
    /** The folder that it is in. */
    readonly folder: string;
    readonly entry: RemoteEntry;
    /** An entry before it whose name some file systems take for the same. */
    readonly twin: string | undefined;
  }
  | {
    /** All entries of a folder have come. */
    readonly kind: "complete";
    readonly folder: string;
    readonly names: NameSet;
  }
  | {
    /** A folder could not be listed; it is never complete. */
    readonly kind: "problem";
    readonly folder: string;
    readonly error: FerryError;
  }
  | {
    /** An entry that cannot be. */
    readonly kind: "refused";
    readonly path: string;
    readonly error: FerryError;
  };

/** Where a folder stands in the listing. */
type FolderState = "announced" | "listing" | "complete" | "unreadable";

/** Errors after which a listing may be begun again. */
const PASSING: ReadonlySet<string> = new Set([
  "connection-lost",
  "connect-failed",
  "protocol",
  "unavailable",
  "limit",
]);

function impossible(message: string): FerryError {
  return new FerryError("protocol", message);
}

/** Lists the remote tree of a run, once. */
export class RemoteTree {
  readonly #run: TreeRun;
  readonly #folders = new Map<string, FolderState>([["", "announced"]]);
  /** Names of the folders that are not complete and of which something has come. */
  readonly #names = new Map<string, NameSet>();
  #current: string | undefined;
  /** Whether this pass is not the first: then it repeats what is known. */
  #isRepeating = false;
  #isFresh = false;
  #hasAnswered = false;

  /** @param run Whose remote tree. */
  constructor(run: TreeRun) {
    this.#run = run;
  }

  /** Whether the server has begun to list: its root can be listed. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Lists.
   *
   * @throws {FerryError} when the root cannot be listed, when the connection is
   * gone for good, and `protocol` for a listing that cannot be.
   */
  async *items(): AsyncGenerator<RemoteItem> {
    for (let tries = 0;;) {
      this.#isFresh = false;
      try {
        yield* this.#pass();
        break;
      } catch (cause) {
        this.#run.check();
        const error = toFerryError(cause);
        if (this.#isFresh) tries = 0;
        const isHopeless = isAboutListing(cause) || !PASSING.has(error.code) ||
          !this.#hasAnswered;
        if (isHopeless || ++tries >= LISTING_TRIES) throw error;
        const delay = LISTING_DELAY_MIN * 2 ** (tries - 1);
        await sleep(this.#run.clock, delay, this.#run.signal);
        this.#isRepeating = true;
        this.#current = undefined;
      }
    }
    for (const [folder, state] of this.#folders) {
      if (state === "announced" || state === "listing") {
        yield this.#complete(folder);
      }
    }
  }

  async *#pass(): AsyncGenerator<RemoteItem> {
    const { client, places, signal } = this.#run;
    const options = { recursive: true, signal };
    for await (const page of client.list(places.remote, options)) {
      this.#hasAnswered = true;
      for (const entry of page.entries) yield* this.#entry(entry);
      for (const error of page.problems) yield* this.#problem(error);
    }
  }

  *#entry(entry: RemoteEntry): Generator<RemoteItem> {
    const path = this.#relative(entry.path);
    const [folder, name] = [folderOf(path), lastSegment(path)];
    const state = this.#folders.get(folder);
    const isPast = state === "complete" || state === "unreadable";
    if (this.#isRepeating && isPast) return;
    if (state === undefined) {
      throw misled("the server listed something in a folder that is none");
    }
    if (isPast) {
      throw misled("the server listed the same folder in two parts");
    }
    if (folder !== this.#current) {
      if (this.#current !== undefined) yield this.#complete(this.#current);
      this.#current = folder;
      this.#folders.set(folder, "listing");
    }
    const names = this.#names.get(folder) ?? new NameSet();
    this.#names.set(folder, names);
    const twin = names.twin(name);
    if (!names.add(name)) {
      if (this.#isRepeating) return;
      const error = impossible("the server listed it twice");
      return yield { kind: "refused", path, error };
    }
    this.#isFresh = true;
    this.#limit(names);
    if (entry.kind === "directory") this.#folders.set(path, "announced");
    yield {
      kind: "entry",
      path,
      folder,
      entry,
      twin: twin === undefined ? undefined : joinName(folder, twin),
    };
  }

  *#problem(error: FerryError): Generator<RemoteItem> {
    const folder = this.#relative(error.path ?? this.#run.places.remote);
    const state = this.#folders.get(folder);
    if (this.#isRepeating && state === "unreadable") return;
    if (state === undefined) {
      throw misled("the server listed something in a folder that is none");
    }
    if (this.#current === folder) this.#current = undefined;
    this.#folders.set(folder, "unreadable");
    this.#names.delete(folder);
    yield { kind: "problem", folder, error };
  }

  #complete(folder: string): RemoteItem {
    const names = this.#names.get(folder) ?? new NameSet();
    this.#names.delete(folder);
    this.#folders.set(folder, "complete");
    return { kind: "complete", folder, names };
  }

  #relative(path: string): string {
    const { remote } = this.#run.places;
    if (remote === "" || path === remote) {
      return remote === "" ? path : "";
    }
    if (path.startsWith(`${remote}/`)) return path.slice(remote.length + 1);
    throw misled("the server listed something that is not below the folder");
  }

  #limit(names: NameSet): void {
    const { folders, names: namesMax } = this.#run.limits;
    if (this.#folders.size > folders) throw tooMany(`${folders} folders`);
    if (names.size > namesMax) {
      throw tooMany(`${namesMax} entries in one folder`);
    }
  }
}

/** Errors that another listing would not mend. */
const LISTING_ERRORS = new WeakSet<FerryError>();

function misled(message: string): FerryError {
  const error = impossible(message);
  LISTING_ERRORS.add(error);
  return error;
}

function tooMany(what: string): FerryError {
  const error = new FerryError(
    "limit",
    `the listing has more than ${what}`,
    { side: "local" },
  );
  LISTING_ERRORS.add(error);
  return error;
}

function isAboutListing(error: unknown): boolean {
  return error instanceof FerryError && LISTING_ERRORS.has(error);
}
