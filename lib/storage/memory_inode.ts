/**
 * What {@linkcode MemoryDisk} keeps: files and directories that know what of
 * them a loss of power would leave.
 *
 * @module
 */

import type { Random } from "../platform/mod.ts";
import type { DiskStat, EntryKind } from "./disk.ts";

/** Bytes in a page, the unit in which unsynced data survives or not. */
const PAGE_SIZE = 64 * 1024;

/** Bytes that arrive together. */
const SECTOR_SIZE = 256;

interface FileState {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly size: number;
  readonly modified: number;
}

const EMPTY: FileState = { pages: new Map(), size: 0, modified: 0 };

/** One yes or no. */
export function flip(random: Random): boolean {
  return (random.bytes(1)[0]! & 1) === 1;
}

/** A file, a link or something else, whatever its names are. */
export class MemoryInode {
  /** Its number. */
  readonly inode: number;
  /** Its file system. */
  readonly device: number;
  /** What it is. */
  readonly kind: EntryKind;
  /** Permission bits. */
  mode: number;
  /** Where a link leads. */
  readonly target: string;
  /** How many names it has. */
  links = 1;
  /** Last change of the data. */
  modified: number;
  /** Last change of anything. */
  changed: number;
  /** Who holds the lock. */
  lockHolder: object | undefined;

  /** Makes one. */
  constructor(
    options: {
      readonly inode: number;
      readonly device: number;
      readonly kind: EntryKind;
      readonly mode: number;
      readonly now: number;
      readonly target?: string;
    },
  ) {
    this.inode = options.inode;
    this.device = options.device;
    this.kind = options.kind;
    this.mode = options.mode;
    this.target = options.target ?? "";
    this.modified = options.now;
    this.changed = options.now;
  }

  /** Size in bytes. */
  get size(): number {
    return 0;
  }

  /** Bytes that it occupies. */
  get footprint(): number {
    return 0;
  }

  /** Makes what it is now what a loss of power leaves. */
  sync(): void {}

  /** Goes back to what was synced, and with `random` to some of what was not. */
  powerLoss(_random: Random | undefined): void {
    this.lockHolder = undefined;
  }

  /** What a disk tells of it. */
  toStat(): DiskStat {
    return {
      kind: this.kind,
      size: this.size,
      modified: this.modified,
      changed: this.changed,
      device: this.device,
      inode: this.inode,
      links: this.links,
      mode: this.mode,
    };
  }
}

/** A file: pages that are shared with the synced state until they are written. */
export class MemoryFile extends MemoryInode {
  #pages = new Map<number, Uint8Array>();
  #size = 0;
  #synced: FileState = EMPTY;

  /** Size in bytes. */
  override get size(): number {
    return this.#size;
  }

  /** Bytes in pages. */
  override get footprint(): number {
    return this.#pages.size * PAGE_SIZE;
  }

  /** Pages that writing there would add, in bytes. */
  growth(offset: number, length: number): number {
    let added = 0;
    for (let at = offset; at < offset + length;) {
      const page = Math.floor(at / PAGE_SIZE);
      if (!this.#pages.has(page)) added += PAGE_SIZE;
      at = (page + 1) * PAGE_SIZE;
    }
    return added;
  }

  /** Copies out; returns how many bytes. */
  read(buffer: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(buffer.length, this.#size - offset));
    for (let done = 0; done < length;) {
      const at = offset + done;
      const inPage = at % PAGE_SIZE;
      const count = Math.min(length - done, PAGE_SIZE - inPage);
      const page = this.#pages.get(Math.floor(at / PAGE_SIZE));
      const part = buffer.subarray(done, done + count);
      if (page === undefined) part.fill(0);
      else part.set(page.subarray(inPage, inPage + count));
      done += count;
    }
    return length;
  }

  /** Copies in. */
  write(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const inPage = at % PAGE_SIZE;
      const count = Math.min(bytes.length - done, PAGE_SIZE - inPage);
      this.#own(Math.floor(at / PAGE_SIZE)).set(
        bytes.subarray(done, done + count),
        inPage,
      );
      done += count;
    }
    this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** Sets the length. */
  truncate(size: number): void {
    if (size < this.#size) {
      const last = Math.floor(size / PAGE_SIZE);
      for (const page of [...this.#pages.keys()]) {
        if (page > last) this.#pages.delete(page);
      }
      if (this.#pages.has(last)) this.#own(last).fill(0, size % PAGE_SIZE);
    }
    this.#size = size;
  }

  override sync(): void {
    this.#synced = {
      pages: new Map(this.#pages),
      size: this.#size,
      modified: this.modified,
    };
  }

  override powerLoss(random: Random | undefined): void {
    super.powerLoss(random);
    const current = this.#pages;
    const synced = this.#synced;
    this.#pages = new Map(synced.pages);
    this.modified = synced.modified;
    if (random === undefined) {
      this.#size = synced.size;
      return;
    }
    // Of each dirty page a part from its beginning arrives, perhaps all; where
    // the size arrives and the page does not, there are zeros.
    for (const [at, page] of current) {
      const before = synced.pages.get(at);
      if (before === page || flip(random)) continue;
      const torn = before?.slice() ?? new Uint8Array(PAGE_SIZE);
      const cut = flip(random) ? PAGE_SIZE : random.bytes(1)[0]! * SECTOR_SIZE;
      torn.set(page.subarray(0, cut));
      this.#pages.set(at, torn);
    }
    if (flip(random)) this.#size = synced.size;
  }

  #own(at: number): Uint8Array {
    const page = this.#pages.get(at);
    if (page !== undefined && this.#synced.pages.get(at) !== page) return page;
    const own = page?.slice() ?? new Uint8Array(PAGE_SIZE);
    this.#pages.set(at, own);
    return own;
  }
}

/** One name set (or, `undefined`, removed) and not yet synced. */
type Change = readonly [name: string, inode: MemoryInode | undefined];

/** A directory: entries now, entries synced, and the operations in between. */
export class MemoryDirectory extends MemoryInode {
  /** What is in it now. */
  entries: Map<string, MemoryInode> = new Map();
  #synced = new Map<string, MemoryInode>();
  #unsynced: Change[][] = [];

  /** Carries out one operation: the changes of it survive together or not at all. */
  apply(changes: Change[], now: number): void {
    play(this.entries, changes);
    this.#unsynced.push(changes);
    this.modified = now;
    this.changed = now;
  }

  /** Everything that has a name here, or might have one after a loss of power. */
  *remembered(): Iterable<MemoryInode> {
    yield* this.entries.values();
    yield* this.#synced.values();
    for (const [, inode] of this.#unsynced.flat()) if (inode) yield inode;
  }

  override sync(): void {
    this.#synced = new Map(this.entries);
    this.#unsynced = [];
  }

  override powerLoss(random: Random | undefined): void {
    super.powerLoss(random);
    if (random !== undefined) {
      for (const changes of this.#unsynced) {
        if (flip(random)) play(this.#synced, changes);
      }
    }
    this.entries = new Map(this.#synced);
    this.#unsynced = [];
  }
}

function play(entries: Map<string, MemoryInode>, changes: Change[]): void {
  for (const [name, inode] of changes) {
    if (inode === undefined) entries.delete(name);
    else entries.set(name, inode);
  }
}
