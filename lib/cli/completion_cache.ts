/**
 * The names of the last few remote directories that were completed, in a file
 * that only their author can read: whoever presses Tab twice connects once.
 *
 * @module
 */

import { makeLocalDirectory, setLocalAttributes } from "../storage/mod.ts";
import type { Environment } from "./environment.ts";
import { readLocalText } from "./local_text.ts";
import { joinLocal } from "./names.ts";
import type { Candidate } from "./shell/expand.ts";

/** Milliseconds that a listing is kept: as long as somebody is at one line. */
const KEPT_FOR = 10_000;
/** Directories that are kept. */
const LISTINGS_MAX = 20;
/** Bytes from which on the file is not read: so many names for so many directories. */
const FILE_SIZE_MAX = 16_777_216;
const FILE_NAME = "completions";

/** One directory. */
interface Listing {
  /** What it is of. */
  readonly key: readonly string[];
  /** When it was asked for, in milliseconds from 1970. */
  readonly at: number;
  /** Its names. */
  readonly names: readonly Candidate[];
}

/** Knows the names of the last few directories. What cannot be kept is not. */
export class CompletionCache {
  readonly #environment: Environment;
  readonly #folder: string | undefined;

  /**
   * @param environment The world around.
   * @param folder Where to keep them; `undefined`: nowhere.
   */
  constructor(environment: Environment, folder: string | undefined) {
    this.#environment = environment;
    this.#folder = folder;
  }

  /** The names of a directory, if they are kept. */
  async get(key: readonly string[]): Promise<readonly Candidate[] | undefined> {
    return (await this.#load()).find((listing) => isSame(listing.key, key))
      ?.names;
  }

  /** Keeps the names of a directory. */
  async set(
    key: readonly string[],
    names: readonly Candidate[],
  ): Promise<void> {
    if (this.#folder === undefined) return;
    const { disk, clock, random } = this.#environment;
    const others = (await this.#load())
      .filter((listing) => !isSame(listing.key, key));
    const listings: Listing[] = [...others, { key, at: clock.now(), names }];
    const text = JSON.stringify(listings.slice(-LISTINGS_MAX));
    const path = joinLocal(this.#folder, FILE_NAME);
    const fresh = `${path}.${random.bytes(8).toHex()}`;
    try {
      await makeLocalDirectory(disk, this.#folder, "none");
      const file = await disk.open(fresh, "create");
      try {
        await setLocalAttributes(disk, fresh, { mode: 0o600 });
        await file.write(new TextEncoder().encode(text), 0);
      } finally {
        file.close();
      }
      await disk.rename(fresh, path);
    } catch {
      await disk.removeFile(fresh).catch(() => {});
    }
  }

  async #load(): Promise<readonly Listing[]> {
    if (this.#folder === undefined) return [];
    const { disk, clock } = this.#environment;
    try {
      const path = joinLocal(this.#folder, FILE_NAME);
      const text = await readLocalText(disk, path, FILE_SIZE_MAX);
      const listings: unknown = JSON.parse(text);
      const now = clock.now();
      return Array.isArray(listings)
        ? listings.filter(isListing)
          .filter(({ at }) => at <= now && now - at < KEPT_FOR)
        : [];
    } catch {
      return [];
    }
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length &&
    one.every((word, index) => word === other[index]);
}

function isListing(value: unknown): value is Listing {
  if (typeof value !== "object" || value === null) return false;
  const { key, at, names }: Partial<Record<keyof Listing, unknown>> = value;
  return Array.isArray(key) && typeof at === "number" &&
    Array.isArray(names) && names.every(isCandidate);
}

function isCandidate(value: unknown): value is Candidate {
  if (typeof value !== "object" || value === null) return false;
  const { name, isFolder }: Partial<Record<keyof Candidate, unknown>> = value;
  return typeof name === "string" && typeof isFolder === "boolean";
}
