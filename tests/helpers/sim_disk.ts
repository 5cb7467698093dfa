/**
 * The disk of a simulated machine: slow, failing when told to, and gone with
 * the process that uses it.
 *
 * @module
 */
import { SEPARATOR } from "@std/path";
import type {
  Disk,
  DiskEntry,
  DiskFile,
  MemoryDisk,
  OpenMode,
  StorageErrorKind,
} from "../../lib/storage/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimLibrary } from "./sim_library.ts";
import { never, type SimProcess } from "./sim_process.ts";
import type { SimTrace } from "./sim_trace.ts";

/** The calls that can be told to fail or to set something off. */
export type DiskCall =
  | "open"
  | "stat"
  | "list"
  | "makeDirectory"
  | "rename"
  | "link"
  | "remove"
  | "syncDirectory"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "lock";

/** A call that fails. */
export interface DiskFault {
  /** Which calls count. */
  readonly calls: readonly DiskCall[];
  /** How many of them still succeed. */
  countdown: number;
  /** How many fail then. */
  times: number;
  /** With which error. */
  readonly kind: StorageErrorKind;
}

/** Something that happens right before or after a call. */
export interface DiskTrigger {
  /** Which calls count. */
  readonly calls: readonly DiskCall[];
  /** How the paths end that count. */
  readonly suffix: string;
  /** How many of them pass first. */
  countdown: number;
  /** Whether the call still takes effect. */
  readonly after: boolean;
  /** What happens. */
  readonly action: () => void;
}

/** What a disk is made with. */
export interface SimDiskOptions {
  /** What the trace calls it. */
  readonly name: string;
  /** What it really is. */
  readonly disk: MemoryDisk;
  /** Its own chance. */
  readonly random: SeededRandom;
  /** Is told of every change. */
  readonly trace: SimTrace;
  /** Whose errors to throw. */
  readonly library: SimLibrary;
  /** The only folder that the process may name. */
  readonly root: string;
}

/** A disk that outlives the processes that use it. */
export class SimDisk {
  /** What is on it, for who looks from outside. */
  readonly memory: MemoryDisk;
  /** Calls that are about to fail. */
  readonly faults: DiskFault[] = [];
  /** Events that wait for a call. */
  readonly triggers: DiskTrigger[] = [];
  /**
   * By the number of a map, the number of the staged file that it was made for.
   * Under the same id there may be another one later.
   */
  readonly pairs = new Map<number, number>();
  /** Paths that were named outside of the root. */
  readonly trespasses: string[] = [];
  /** Whether some call has failed. */
  hasFailed = false;
  readonly #options: SimDiskOptions;
  /**
   * Files of which a sync has failed. The system told of it once and has dropped
   * the pages: later syncs succeed and save nothing.
   */
  readonly #condemned = new Set<number>();

  /** @param options What it is made with. */
  constructor(options: SimDiskOptions) {
    this.#options = options;
    this.memory = options.disk;
  }

  /** The disk as a process sees it. */
  for(process: SimProcess): Disk {
    process.onKill(() => this.memory.killProcess());
    const { memory } = this;
    const call = <T>(kind: DiskCall, path: string, action: () => Promise<T>) =>
      this.#call(process, kind, path, action);
    return {
      access: (path) => memory.access(path),
      open: (path, mode) => this.#open(process, path, mode),
      stat: (path) => call("stat", path, () => memory.stat(path)),
      lstat: (path) => call("stat", path, () => memory.lstat(path)),
      realPath: (path) => call("stat", path, () => memory.realPath(path)),
      list: (path) => this.#list(process, path),
      makeDirectory: (path, mode) =>
        call("makeDirectory", path, () => memory.makeDirectory(path, mode)),
      rename: (from, to) => {
        this.#assertInside(to);
        return call("rename", from, () => memory.rename(from, to));
      },
      link: (from, to) => {
        this.#assertInside(to);
        return call("link", from, () => memory.link(from, to));
      },
      removeFile: (path) => call("remove", path, () => memory.removeFile(path)),
      removeDirectory: (path) =>
        call("remove", path, () => memory.removeDirectory(path)),
      syncDirectory: (path) =>
        call("syncDirectory", path, () => memory.syncDirectory(path)),
      freeSpace: (path) => call("stat", path, () => memory.freeSpace(path)),
    };
  }

  async #open(
    process: SimProcess,
    path: string,
    mode: OpenMode,
  ): Promise<DiskFile> {
    const file = await this.#call(
      process,
      "open",
      path,
      () => this.memory.open(path, mode),
    );
    const call = <T>(kind: DiskCall, action: () => Promise<T>) =>
      this.#call(process, kind, path, action);
    const { inode } = await file.stat();
    if (mode === "create") await this.#pair(path, inode);
    return {
      read: (buffer, offset) => call("read", () => file.read(buffer, offset)),
      write: (bytes, offset) => call("write", () => file.write(bytes, offset)),
      truncate: (size) => call("truncate", () => file.truncate(size)),
      sync: async () => {
        try {
          await call(
            "sync",
            () => this.#condemned.has(inode) ? Promise.resolve() : file.sync(),
          );
        } catch (error) {
          this.#condemned.add(inode);
          throw error;
        }
      },
      stat: () => call("stat", () => file.stat()),
      setModified: (modified) => call("stat", () => file.setModified(modified)),
      tryLock: () => call("lock", () => file.tryLock()),
      close: () => {
        if (process.alive) file.close();
      },
    };
  }

  async #pair(path: string, inode: number): Promise<void> {
    for (const data of stagedFilesOf(path)) {
      await this.memory.lstat(data).then(
        (stat) => this.pairs.set(inode, stat.inode),
        () => {},
      );
    }
  }

  async *#list(process: SimProcess, path: string): AsyncIterable<DiskEntry> {
    const entries = await this.#call(
      process,
      "list",
      path,
      () => Array.fromAsync(this.memory.list(path)),
    );
    yield* entries;
  }

  async #call<T>(
    process: SimProcess,
    kind: DiskCall,
    path: string,
    action: () => Promise<T>,
  ): Promise<T> {
    this.#assertInside(path);
    await this.#pause(process, kind);
    if (!process.alive) return never();
    const trigger = this.#triggered(kind, path);
    if (trigger?.after === false) trigger.action();
    if (!process.alive) return never();
    const fault = this.#faultOf(kind);
    if (fault !== undefined) {
      this.hasFailed = true;
      this.#options.trace.note(`${process.name} ${kind} ${path} FAILS`);
      throw new this.#options.library.storage.StorageError(
        fault.kind,
        `simulated failure of ${kind}`,
      );
    }
    if (CHANGES.has(kind)) {
      this.#options.trace.note(`${process.name} ${kind} ${path}`);
    }
    const result = await action();
    if (trigger?.after) trigger.action();
    return process.alive ? result : never();
  }

  /** Every call takes some time, so that others come in between. */
  #pause(process: SimProcess, kind: DiskCall): Promise<void> {
    const { random } = this.#options;
    const delay = kind === "sync" || kind === "syncDirectory"
      ? random.unit() * 10
      : random.unit() * 0.2;
    return new Promise((resolve) => void process.clock.after(delay, resolve));
  }

  #triggered(kind: DiskCall, path: string): DiskTrigger | undefined {
    for (const [index, trigger] of this.triggers.entries()) {
      const { calls, suffix } = trigger;
      if (!calls.includes(kind) || !path.endsWith(suffix)) continue;
      if (trigger.countdown-- > 0) continue;
      this.triggers.splice(index, 1);
      return trigger;
    }
    return undefined;
  }

  #faultOf(kind: DiskCall): DiskFault | undefined {
    for (const [index, fault] of this.faults.entries()) {
      if (!fault.calls.includes(kind)) continue;
      if (fault.countdown-- > 0) continue;
      if (--fault.times <= 0) this.faults.splice(index, 1);
      return fault;
    }
    return undefined;
  }

  #assertInside(path: string): void {
    const { root } = this.#options;
    if (path !== root && !path.startsWith(root + SEPARATOR)) {
      this.trespasses.push(path);
    }
  }
}

/** Where the staged file of a map may be: on a server, on a client. */
export function stagedFilesOf(map: string): readonly string[] {
  return map.endsWith(".map")
    ? [map.replace(/\.map$/, ""), map.replace(/\.map$/, ".part")]
    : [];
}

/** Calls that the trace tells of. */
const CHANGES: ReadonlySet<DiskCall> = new Set<DiskCall>([
  "makeDirectory",
  "rename",
  "link",
  "remove",
  "syncDirectory",
  "write",
  "truncate",
  "sync",
]);
