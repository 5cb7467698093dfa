/**
 * The names in remote directories, for completion: kept for a while, and never
 * waited for for long. What comes too late is there the next time.
 *
 * @module
 */

import type { Client } from "../../client/mod.ts";
import type { CancelTimer, Clock } from "../../platform/mod.ts";
import type { Candidate } from "./expand.ts";

/** What is needed of a connection. */
export type Lister = Pick<Client, "list">;

/** Milliseconds that a listing is kept. */
const KEPT_FOR = 30_000;
/** Milliseconds that somebody who types is usually kept waiting: as long as people take for the same moment. */
const PATIENCE = 700;
/** Milliseconds after which a listing is given up. */
const TIMEOUT = 10_000;
/** Names of one directory: more than anybody completes. */
const NAMES_MAX = 5000;
/** Directories that are kept. */
const FOLDERS_MAX = 100;

interface Listing {
  readonly at: number;
  readonly names: Promise<readonly Candidate[]>;
}

const NOTHING: readonly Candidate[] = [];

/** Knows the names in remote directories. */
export class RemoteNames {
  readonly #clock: Clock;
  readonly #lister: () => Lister | undefined;
  readonly #patience: number;
  readonly #listings = new Map<string, Listing>();
  #ending = new AbortController();

  /**
   * @param clock The time.
   * @param lister Who is asked; `undefined` where nobody can be.
   * @param patience Milliseconds that somebody who types is kept waiting.
   */
  constructor(
    clock: Clock,
    lister: () => Lister | undefined,
    patience: number = PATIENCE,
  ) {
    this.#clock = clock;
    this.#lister = lister;
    this.#patience = patience;
  }

  /** The names in a directory, or nothing if they do not come soon. */
  async in(path: string): Promise<readonly Candidate[]> {
    let cancel: CancelTimer = () => {};
    const late = new Promise<readonly Candidate[]>((resolve) => {
      cancel = this.#clock.after(this.#patience, () => resolve(NOTHING));
    });
    try {
      return await Promise.race([this.#listing(path), late]);
    } finally {
      cancel();
    }
  }

  #listing(path: string): Promise<readonly Candidate[]> {
    const now = this.#clock.monotonic();
    const kept = this.#listings.get(path);
    if (kept !== undefined && now - kept.at < KEPT_FOR) return kept.names;
    const names = this.#list(path).catch(() => {
      // It may work the next time.
      if (this.#listings.get(path)?.names === names) {
        this.#listings.delete(path);
      }
      return NOTHING;
    });
    this.#listings.delete(path);
    this.#listings.set(path, { at: now, names });
    const [oldest] = this.#listings.keys();
    if (this.#listings.size > FOLDERS_MAX && oldest !== undefined) {
      this.#listings.delete(oldest);
    }
    return names;
  }

  async #list(path: string): Promise<readonly Candidate[]> {
    const lister = this.#lister();
    if (lister === undefined) return NOTHING;
    const { signal } = this.#ending;
    const late = new AbortController();
    const cancel = this.#clock.after(TIMEOUT, () => late.abort());
    const names: Candidate[] = [];
    try {
      const ending = AbortSignal.any([signal, late.signal]);
      for await (const { entries } of lister.list(path, { signal: ending })) {
        for (const { name, kind, addressable } of entries) {
          const isFolder = kind === "directory" || kind === "link";
          if (addressable) names.push({ name, isFolder });
        }
        if (names.length >= NAMES_MAX) break;
      }
    } finally {
      cancel();
    }
    return names;
  }

  /** Forgets everything: something may have changed. */
  forget(): void {
    this.#listings.clear();
  }

  /** Gives up what is under way. */
  close(): void {
    this.#ending.abort();
    this.forget();
  }
}
