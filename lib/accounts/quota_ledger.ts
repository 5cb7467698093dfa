/**
 * Keeps count of what is below the folders of users with a quota.
 *
 * A folder is counted by a walk before the first write to it is let through,
 * and every change after that by what it changes. At the end of a run the counts
 * are written down and trusted by the next one; a run that ends in any other way
 * leaves them marked as open, and then the next one walks again. Once a day, a
 * walk corrects what other programs have changed.
 *
 * @module
 */

import * as v from "valibot";
import type { Clock, Random } from "../platform/mod.ts";
import { type Disk, NameLocks } from "../storage/mod.ts";
import { Meter, type MeterRecord } from "./meter.ts";
import { SecretFile } from "./secret_file.ts";
import type { Usage } from "./usage.ts";
import type { Quota } from "./users_file.ts";

/** Time between two walks, in milliseconds: a day. */
const COUNT_INTERVAL = 86_400_000;

/** Bytes of the largest file of counts that is read. */
const FILE_SIZE_MAX = 67_108_864;

const FORMAT = 1;

/** Whose quota a change counts against. */
export interface QuotaLimit {
  /** The user's root folder, every link resolved. */
  readonly root: string;
  /** The quota. */
  readonly quota: Quota;
}

/** The share of an upload that is under way. */
export interface Reservation {
  /**
   * Makes it larger.
   *
   * @throws {StorageError} `quota`; then it is as it was.
   */
  grow(bytes: number): void;
  /** The upload was published, and changed so much. */
  settle(delta: Usage): void;
  /** The upload was given up, but so many bytes of it stay. */
  release(left: number): void;
}

/** What a {@linkcode QuotaLedger} works with. */
export interface QuotaLedgerParts {
  /** Where the folders are. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Names of drafts. */
  readonly random: Random;
  /** Where counts are written down; `undefined`: nowhere, so each run walks. */
  readonly path: string | undefined;
}

/** What is kept, and by whom how much more may be. */
export class QuotaLedger {
  readonly #parts: QuotaLedgerParts;
  readonly #file: SecretFile | undefined;
  readonly #meters = new Map<string, Meter>();
  readonly #locks = new NameLocks();
  readonly #ending = new AbortController();
  readonly #walks = new Set<Promise<void>>();
  /** By upload, what ends the hold of the reservation that has its share. */
  readonly #holders = new Map<string, () => void>();

  private constructor(parts: QuotaLedgerParts) {
    this.#parts = parts;
    const { path } = parts;
    this.#file = path === undefined
      ? undefined
      : new SecretFile({ ...parts, path, sizeMax: FILE_SIZE_MAX });
  }

  /**
   * Opens a ledger.
   *
   * @param parts What it works with.
   * @param roots The folders to count, every link resolved. What the last run has
   * written down counts for these only: of others nobody has kept count since.
   * @throws {AccountsError} When the counts cannot be read or written.
   */
  static async open(
    parts: QuotaLedgerParts,
    roots: readonly string[],
  ): Promise<QuotaLedger> {
    const ledger = new QuotaLedger(parts);
    const records = await ledger.#takeRecords();
    for (const root of roots) {
      ledger.#meters.set(root, new Meter(root, records[root]));
    }
    return ledger;
  }

  /** Counts a folder from now on. */
  watch(root: string): void {
    if (!this.#meters.has(root)) this.#meters.set(root, new Meter(root));
  }

  /** Whether anybody counts what is at a path. */
  counts(path: string): boolean {
    return this.#around(path).length > 0;
  }

  /**
   * Keeps others from changing what is at some paths while it is looked at and
   * changed: two who replace the same file must not both count it as replaced.
   */
  async lock(...paths: string[]): Promise<Disposable> {
    return await this.#locks.acquire(...paths);
  }

  /** What is kept below a folder, and under way; `undefined`: it is not counted. */
  async usage(root: string): Promise<Usage | undefined> {
    const meter = this.#meters.get(root);
    if (meter === undefined) return undefined;
    await this.#ready([meter]);
    return meter.usage;
  }

  /**
   * Takes a share for an upload, before its first byte.
   *
   * @param path Where it will be, every link resolved.
   * @param id Which upload; a share that it has already is replaced.
   * @param share How much it may need.
   * @param limit Whose quota it counts against.
   * @throws {StorageError} `quota`.
   */
  async reserve(
    path: string,
    id: string,
    share: Usage,
    limit: QuotaLimit | undefined,
  ): Promise<Reservation> {
    const meters = this.#around(path);
    await this.#ready(meters);
    let { bytes } = share;
    const take = (size: number): void => {
      const wanted = { bytes: size, files: share.files };
      for (const { meter, quota } of limited(meters, limit)) {
        meter.assertRoom(wanted, quota, id);
      }
      for (const meter of meters) meter.reserve(id, wanted);
      bytes = size;
    };
    take(bytes);
    let isHeld = true;
    const letGo = (): void => void (isHeld = false);
    // Whoever goes on with an upload has its share from now on.
    this.#holders.get(id)?.();
    this.#holders.set(id, letGo);
    const release = (left: number): void => {
      if (!isHeld) return;
      letGo();
      this.#holders.delete(id);
      for (const meter of meters) meter.release(id, left);
    };
    return {
      grow: (more) => isHeld ? take(bytes + more) : undefined,
      settle: (delta) => {
        release(0);
        for (const meter of this.#around(path)) meter.change(delta);
      },
      release,
    };
  }

  /**
   * Counts a change that is about to be made, or was.
   *
   * @param path Where, every link resolved.
   * @param delta What it changes.
   * @param limit Whose quota it counts against; `undefined`: it is made in any case.
   * @throws {StorageError} `quota`.
   */
  async change(
    path: string,
    delta: Usage,
    limit?: QuotaLimit,
  ): Promise<void> {
    const meters = this.#around(path);
    await this.#ready(meters);
    for (const { meter, quota } of limited(meters, limit)) {
      meter.assertRoom(delta, quota);
    }
    for (const meter of meters) meter.change(delta);
  }

  /** Ends walks, and writes the counts down for the next run. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled(this.#walks);
    await this.#write(true);
  }

  /** The meters of all folders that a path is in. */
  #around(path: string): readonly Meter[] {
    return [...this.#meters.values()].filter(({ root }) => isBelow(path, root));
  }

  /** Waits for a first count; a late one goes on meanwhile. */
  async #ready(meters: readonly Meter[]): Promise<void> {
    const { clock } = this.#parts;
    for (const meter of meters) {
      if (meter.counted === undefined) await this.#count(meter);
      else if (clock.now() - meter.counted >= COUNT_INTERVAL) {
        this.#count(meter).catch(() => {});
      }
    }
  }

  #count(meter: Meter): Promise<void> {
    const { disk, clock } = this.#parts;
    const walk = meter.count(disk, () => clock.now(), this.#ending.signal);
    this.#walks.add(walk);
    return walk.finally(() => this.#walks.delete(walk));
  }

  /** Reads what the last run has left, and marks it as open. */
  async #takeRecords(): Promise<Readonly<Record<string, MeterRecord>>> {
    const text = (await this.#file?.read())?.text;
    const found = text === undefined ? undefined : parseRecords(text);
    await this.#write(false);
    return found?.isClosed ? found.meters : {};
  }

  async #write(isClosed: boolean): Promise<void> {
    const meters = isClosed
      ? [...this.#meters].map(([root, { record }]) => [root, record])
      : [];
    await this.#file?.write(
      JSON.stringify({
        format: FORMAT,
        isClosed,
        meters: Object.fromEntries(meters),
      }),
    );
  }
}

const amount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const RECORDS_SCHEMA = v.object({
  format: v.literal(FORMAT),
  isClosed: v.boolean(),
  meters: v.record(
    v.string(),
    v.object({
      used: v.object({ bytes: amount, files: amount }),
      staged: v.record(v.string(), amount),
      counted: v.number(),
    }),
  ),
});

/** What a text says; `undefined` when it is damaged: a walk finds out the same. */
function parseRecords(
  text: string,
): v.InferOutput<typeof RECORDS_SCHEMA> | undefined {
  try {
    const result = v.safeParse(RECORDS_SCHEMA, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isBelow(path: string, root: string): boolean {
  const base = /[/\\]$/.test(root) ? root.slice(0, -1) : root;
  return path === root || path.startsWith(`${base}/`) ||
    path.startsWith(`${base}\\`);
}

/** The meter that a quota is about, and the quota. */
function limited(
  meters: readonly Meter[],
  limit: QuotaLimit | undefined,
): readonly { readonly meter: Meter; readonly quota: Quota }[] {
  return meters.filter(({ root }) => root === limit?.root)
    .map((meter) => ({ meter, quota: limit!.quota }));
}
