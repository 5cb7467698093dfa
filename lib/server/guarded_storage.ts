/**
 * A user's files: what a storage holds, less what the user may not do with it.
 * This is the one place where rights by path and quotas are enforced, whatever
 * protocol the user speaks.
 *
 * @module
 */

import type {
  AccessRules,
  Quota,
  QuotaLedger,
  QuotaLimit,
  Reservation,
  Usage,
} from "../accounts/mod.ts";
import { folderOf, joinName, type Right } from "../protocol/mod.ts";
import {
  type Attributes,
  type ConflictPolicy,
  type DigestAlgorithm,
  type DiskAccess,
  type Durability,
  type Entry,
  type KnownFolders,
  type LocateIntent,
  type Outcome,
  type Publication,
  quoteName,
  type ReceiveRequest,
  type ReceiveStart,
  type SafePath,
  type SmallFile,
  type Source,
  type Storage,
  StorageError,
} from "../storage/mod.ts";
import { MeteredReceiving, settle } from "./metered_receiving.ts";
import { assertWanted, usageAt, walkBelow } from "./tree_walk.ts";

/** What {@linkcode GuardedStorage} goes by. */
export interface Guard {
  /** What may be done where. */
  readonly access: AccessRules;
  /** Counts what is kept. */
  readonly ledger: QuotaLedger;
  /** The root folder, every link resolved. */
  readonly root: string;
  /** How much may be kept; `undefined`: no limit. */
  readonly quota: Quota | undefined;
}

/** What may be done with a name that is located for something. */
const INTENT_RIGHTS: Readonly<Record<LocateIntent, readonly Right[]>> = {
  read: ["list", "read", "write"],
  write: ["write"],
  make: ["write"],
  entry: ["list", "write", "rename", "delete"],
};

type SmallItem = SmallFile & { readonly path: SafePath };

/** Told what became of a small file; nothing where all of them failed. */
type Settled = (outcome: Outcome | StorageError | undefined) => void;

const NOTHING: Usage = { bytes: 0, files: 0 };

/** {@linkcode Storage} for one user. */
export class GuardedStorage implements Storage {
  readonly #inner: Storage;
  readonly #guard: Guard;
  readonly #limit: QuotaLimit | undefined;

  /**
   * @param inner The files, which are not closed with this.
   * @param guard What the user may do.
   */
  constructor(inner: Storage, guard: Guard) {
    this.#inner = inner;
    this.#guard = guard;
    const { root, quota } = guard;
    this.#limit = quota && { root, quota };
  }

  /** What may be done at all. */
  get access(): DiskAccess {
    return this.#inner.access;
  }

  /**
   * Makes a safe path of a name. Where the user may do nothing of what it can be
   * for, nobody looks what is there.
   */
  async locate(
    name: string,
    intent: LocateIntent,
    known?: KnownFolders,
  ): Promise<SafePath> {
    const rights = INTENT_RIGHTS[intent];
    this.#requireOne(rights, name, name);
    const path = await this.#inner.locate(name, intent, known);
    this.#requireOne(rights, path.path, path.location);
    return path;
  }

  /** Looks at an entry. */
  async stat(path: SafePath): Promise<Entry> {
    // Whoever may fetch a file may know what there is to fetch.
    this.#requireOne(["list", "read"], path.path, path.location);
    return await this.#inner.stat(path);
  }

  /** Lists what may be listed of a directory. */
  async *list(path: SafePath): AsyncIterable<Entry> {
    this.#require("list", path);
    const { access } = this.#guard;
    for await (const entry of this.#inner.list(path)) {
      const places = [entry.path, joinName(path.location, entry.name)];
      if (places.every((place) => access.allows("list", place))) yield entry;
    }
  }

  /** Opens a file to send it. */
  async openSource(
    path: SafePath,
    algorithm: DigestAlgorithm,
  ): Promise<Source> {
    this.#require("read", path);
    return await this.#inner.openSource(path, algorithm);
  }

  /** Prepares to receive a file, and takes room for it. */
  async receive(
    path: SafePath,
    request: ReceiveRequest,
  ): Promise<ReceiveStart> {
    this.#require("write", path);
    const start = await this.#inner.receive(path, request);
    const { ledger } = this.#guard;
    if (start.kind === "settled" || !ledger.counts(path.absolute)) return start;
    const { receiving } = start;
    try {
      const reservation = await this.#reserve(path, request);
      const metered = new MeteredReceiving(receiving, {
        reservation,
        path: path.path,
        size: request.size,
        whileNamed: async (work) => {
          using _lock = await ledger.lock(path.absolute);
          return await work(await usageAt(this.#inner, path));
        },
      });
      return { kind: "receiving", receiving: metered };
    } catch (error) {
      // What an earlier try has left may be continued when there is room.
      await (receiving.held.count > 0
        ? receiving.suspend()
        : receiving.abort());
      throw error;
    }
  }

  /** Receives many small files, those for which there are rights and room. */
  async receiveSmall(
    items: readonly SmallItem[],
  ): Promise<readonly (Outcome | StorageError)[]> {
    const { ledger } = this.#guard;
    const counted = items.map(({ path }) => path.absolute)
      .filter((path) => ledger.counts(path));
    using _locks = await ledger.lock(...counted);
    const results = new Map<SmallItem, Outcome | StorageError>();
    const admitted: [item: SmallItem, settled: Settled][] = [];
    for (const item of items) {
      const settled = await this.#admit(item);
      if (settled instanceof StorageError) results.set(item, settled);
      else admitted.push([item, settled]);
    }
    try {
      const some = await this.#inner.receiveSmall(
        admitted.map(([item]) => item),
      );
      for (const [at, [item]] of admitted.entries()) {
        results.set(item, some[at]!);
      }
    } finally {
      for (const [item, settled] of admitted) settled(results.get(item));
    }
    return items.map((item) => results.get(item)!);
  }

  /** What to do with the outcome of a small file; or why it is not received. */
  async #admit(
    { path, request }: SmallItem,
  ): Promise<Settled | StorageError> {
    try {
      this.#require("write", path);
      if (!this.#guard.ledger.counts(path.absolute)) return () => {};
      const before = await usageAt(this.#inner, path);
      const reservation = await this.#reserve(path, request);
      return (outcome) =>
        outcome === undefined || outcome instanceof StorageError
          ? reservation.release(0)
          : settle({ reservation, path: path.path }, outcome, before);
    } catch (error) {
      if (error instanceof StorageError) return error;
      throw error;
    }
  }

  /** Takes room for a file that is to be received. */
  async #reserve(
    path: SafePath,
    { id, size = 0, onConflict }: ReceiveRequest,
  ): Promise<Reservation> {
    const before = await usageAt(this.#inner, path);
    const isReplacing = before.files > 0 && onConflict !== "rename";
    const share = { bytes: size, files: isReplacing ? 0 : 1 };
    const { ledger } = this.#guard;
    return await ledger.reserve(path.absolute, id, share, this.#limit);
  }

  /** Forgets an outcome. */
  async acknowledge(id: string): Promise<void> {
    await this.#inner.acknowledge(id);
  }

  /** Makes a directory, and with `parents` those above it. */
  async makeDirectory(
    path: SafePath,
    options: { readonly parents: boolean; readonly durability: Durability },
  ): Promise<void> {
    // Each that is made is a change.
    let [name, location] = [path.path, path.location];
    for (let made = Math.max(1, path.missing.length); made > 0; made--) {
      this.#requireAt("write", name, location);
      [name, location] = [folderOf(name), folderOf(location)];
    }
    const more = { bytes: 0, files: path.missing.length };
    await this.#whileCounted(path, more, async () => {
      await this.#inner.makeDirectory(path, options);
    });
  }

  /** Sets time and permission bits. */
  async setAttributes(path: SafePath, attributes: Attributes): Promise<void> {
    this.#require("write", path);
    await this.#inner.setAttributes(path, attributes);
  }

  /** The name that an entry really has, if it is another one. */
  async twin(path: SafePath): Promise<string | undefined> {
    this.#require("list", path);
    return await this.#inner.twin(path);
  }

  /** Removes an entry; a directory only if all that is in it may be removed. */
  async remove(
    path: SafePath,
    options: {
      readonly recursive: boolean;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<number> {
    this.#require("delete", path);
    const { access, ledger } = this.#guard;
    const isCounted = ledger.counts(path.absolute);
    if (!isCounted && !(options.recursive && access.hasRules)) {
      return await this.#inner.remove(path, options);
    }
    if (!options.recursive) return await this.#removeOne(path);
    await walkBelow(this.#inner, path, options.signal, (below, location) => {
      this.#requireAt("delete", below, location);
    });
    return await this.#removeAll(path, options.signal);
  }

  /**
   * Removes a directory from the bottom up, each entry for itself: what appears
   * in it meanwhile is looked at, and counted, like everything else.
   */
  async #removeAll(
    path: SafePath,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const folders = [path.path];
    let count = 0;
    while (folders.length > 0) {
      assertWanted(signal);
      const folder = folders.at(-1)!;
      const above = folders.length;
      const entry = await this.#inner.locate(folder, "entry");
      if ((await this.#inner.stat(entry)).kind === "directory") {
        const directory = await this.#inner.locate(folder, "read");
        for await (const { name, kind } of this.#inner.list(directory)) {
          assertWanted(signal);
          const below = joinName(folder, name);
          if (kind === "directory") folders.push(below);
          else {
            count += await this.#removeOne(
              await this.#inner.locate(below, "entry"),
            );
          }
        }
      }
      if (folders.length > above) continue;
      folders.pop();
      count += await this.#removeOne(entry);
    }
    return count;
  }

  /** Removes one entry that is no directory, or an empty one. */
  async #removeOne(path: SafePath): Promise<number> {
    this.#require("delete", path);
    const options = { recursive: false, signal: undefined };
    const { ledger } = this.#guard;
    if (!ledger.counts(path.absolute)) {
      return await this.#inner.remove(path, options);
    }
    using _lock = await ledger.lock(path.absolute);
    const before = await usageAt(this.#inner, path);
    const count = await this.#inner.remove(path, options);
    await this.#uncount(path, before);
    return count;
  }

  /**
   * Gives an entry another name. Whoever may rename both here and there may move
   * between the two; a directory only with all that is in it.
   */
  async rename(
    from: SafePath,
    to: SafePath,
    onConflict: ConflictPolicy,
  ): Promise<{ readonly path: string; readonly publication: Publication }> {
    this.#require("rename", from);
    this.#require("rename", to);
    const { access, ledger } = this.#guard;
    const isCounted = ledger.counts(from.absolute) ||
      ledger.counts(to.absolute);
    using _locks = isCounted
      ? await ledger.lock(from.absolute, to.absolute)
      : undefined;
    const replaced = await usageAt(this.#inner, to);
    if (replaced.files > 0 && onConflict === "overwrite") {
      this.#require("delete", to);
    }
    const moved = access.hasRules || isCounted
      ? await walkBelow(this.#inner, from, undefined, (below, location) => {
        this.#requireAt("rename", below, location);
        const rest = location.slice(from.location.length);
        this.#requireAt("rename", to.path + rest, to.location + rest);
      })
      : NOTHING;
    const result = await this.#inner.rename(from, to, onConflict);
    if (isCounted && result.publication !== "skipped") {
      await this.#uncount(from, moved);
      await ledger.change(to.absolute, moved);
      if (result.publication === "replaced") await this.#uncount(to, replaced);
    }
    return result;
  }

  /** What other files of the storage need is done by whoever owns it. */
  async sweep(): Promise<void> {
    await this.#inner.sweep();
  }

  /** Bytes free for this user: on the disk, and of the quota. */
  async freeSpace(): Promise<number | undefined> {
    const { ledger, root, quota } = this.#guard;
    const free = await this.#inner.freeSpace();
    if (quota?.bytes === undefined) return free;
    const used = await ledger.usage(root);
    const left = Math.max(0, quota.bytes - (used?.bytes ?? 0));
    return Math.min(free ?? left, left);
  }

  /** Nothing: the storage is shared. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Counts what is about to be made, and takes it back if it is not. */
  async #whileCounted(
    path: SafePath,
    more: Usage,
    work: () => Promise<void>,
  ): Promise<void> {
    const { ledger } = this.#guard;
    if (!ledger.counts(path.absolute)) return await work();
    await ledger.change(path.absolute, more, this.#limit);
    try {
      await work();
    } catch (error) {
      await this.#uncount(path, more);
      throw error;
    }
  }

  async #uncount(path: SafePath, less: Usage): Promise<void> {
    await this.#guard.ledger.change(path.absolute, {
      bytes: -less.bytes,
      files: -less.files,
    });
  }

  /**
   * Both the name and where it leads must be allowed: a link is no way around a
   * rule.
   */
  #require(right: Right, { path, location }: SafePath): void {
    this.#requireAt(right, path, location);
  }

  #requireAt(right: Right, path: string, location: string): void {
    const { access } = this.#guard;
    if (access.allows(right, path) && access.allows(right, location)) return;
    throw denied(right, path);
  }

  #requireOne(
    rights: readonly Right[],
    path: string,
    location: string,
  ): void {
    const { access } = this.#guard;
    const isAllowed = rights.some((right) =>
      access.allows(right, path) && access.allows(right, location)
    );
    if (!isAllowed) throw denied(rights[0]!, path);
  }
}

function denied(right: Right, path: string): StorageError {
  const where = path === "" ? "the top" : quoteName(path);
  return new StorageError("denied", `this user may not ${right} ${where}`, {
    name: path,
  });
}
