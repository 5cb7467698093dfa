import {
  type Disk,
  type DiskAccess,
  type DiskEntry,
  type DiskFile,
  type DiskStat,
  type OpenMode,
  StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";

/** How a {@linkcode PowerLossDisk} fails. */
export interface FaultPlan {
  /** The call that fails, counted from 1. */
  readonly failAt: number;
  /** With which error. @default "io" */
  readonly kind?: StorageErrorKind;
  /** Whether every later call fails too, as if the process had died. @default false */
  readonly dies?: boolean;
}

/** Passes calls on to another disk, counts and logs them, and fails one, or all from one on. */
export class PowerLossDisk implements Disk {
  readonly #disk: Disk;
  readonly #plan: FaultPlan | undefined;
  /** Names of the calls so far. */
  readonly log: string[] = [];
  /** Called with the name of every call before it is made. */
  onCall: ((call: string) => void) | undefined;

  constructor(disk: Disk, plan?: FaultPlan) {
    this.#disk = disk;
    this.#plan = plan;
  }

  /** Whether the planned call was reached. */
  get hasFailed(): boolean {
    return this.#plan !== undefined && this.log.length >= this.#plan.failAt;
  }

  /** Counts a call; throws if it is to fail. */
  count(call: string): void {
    this.log.push(call);
    this.onCall?.(call);
    const { failAt, dies = false, kind = "io" } = this.#plan ??
      { failAt: Infinity };
    if (this.log.length === failAt || (dies && this.log.length > failAt)) {
      throw new StorageError(kind, `injected at call ${failAt}: ${call}`);
    }
  }

  // deno-lint-ignore require-await
  async access(path: string): Promise<DiskAccess> {
    this.count("access");
    return this.#disk.access(path);
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    this.count(`open ${mode}`);
    return new CountedFile(await this.#disk.open(path, mode), this);
  }

  // deno-lint-ignore require-await
  async stat(path: string): Promise<DiskStat> {
    this.count("stat");
    return this.#disk.stat(path);
  }

  // deno-lint-ignore require-await
  async lstat(path: string): Promise<DiskStat> {
    this.count("lstat");
    return this.#disk.lstat(path);
  }

  // deno-lint-ignore require-await
  async realPath(path: string): Promise<string> {
    this.count("realPath");
    return this.#disk.realPath(path);
  }

  async *list(path: string): AsyncIterable<DiskEntry> {
    this.count("list");
    yield* this.#disk.list(path);
  }

  // deno-lint-ignore require-await
  async makeDirectory(path: string, mode: number): Promise<void> {
    this.count("makeDirectory");
    return this.#disk.makeDirectory(path, mode);
  }

  // deno-lint-ignore require-await
  async setAttributes(
    path: string,
    attributes: { modified?: number | undefined; mode?: number | undefined },
  ): Promise<void> {
    this.count("setAttributes");
    return this.#disk.setAttributes?.(path, attributes);
  }

  // deno-lint-ignore require-await
  async rename(from: string, to: string): Promise<void> {
    this.count("rename");
    return this.#disk.rename(from, to);
  }

  // deno-lint-ignore require-await
  async link(from: string, to: string): Promise<boolean> {
    this.count("link");
    return this.#disk.link(from, to);
  }

  // deno-lint-ignore require-await
  async removeFile(path: string): Promise<void> {
    this.count("removeFile");
    return this.#disk.removeFile(path);
  }

  // deno-lint-ignore require-await
  async removeDirectory(path: string): Promise<void> {
    this.count("removeDirectory");
    return this.#disk.removeDirectory(path);
  }

  // deno-lint-ignore require-await
  async syncDirectory(path: string): Promise<boolean> {
    this.count("syncDirectory");
    return this.#disk.syncDirectory(path);
  }

  // deno-lint-ignore require-await
  async freeSpace(path: string): Promise<number | undefined> {
    this.count("freeSpace");
    return this.#disk.freeSpace(path);
  }
}

class CountedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #disk: PowerLossDisk;

  constructor(file: DiskFile, disk: PowerLossDisk) {
    this.#file = file;
    this.#disk = disk;
  }

  // deno-lint-ignore require-await
  async read(buffer: Uint8Array, offset: number): Promise<number> {
    this.#disk.count("file.read");
    return this.#file.read(buffer, offset);
  }

  // deno-lint-ignore require-await
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    this.#disk.count("file.write");
    return this.#file.write(bytes, offset);
  }

  // deno-lint-ignore require-await
  async truncate(size: number): Promise<void> {
    this.#disk.count("file.truncate");
    return this.#file.truncate(size);
  }

  // deno-lint-ignore require-await
  async sync(): Promise<void> {
    this.#disk.count("file.sync");
    return this.#file.sync();
  }

  // deno-lint-ignore require-await
  async stat(): Promise<DiskStat> {
    this.#disk.count("file.stat");
    return this.#file.stat();
  }

  // deno-lint-ignore require-await
  async setModified(modified: number): Promise<void> {
    this.#disk.count("file.setModified");
    return this.#file.setModified(modified);
  }

  // deno-lint-ignore require-await
  async tryLock(): Promise<boolean> {
    this.#disk.count("file.tryLock");
    return this.#file.tryLock();
  }

  close(): void {
    this.#file.close();
  }
}
