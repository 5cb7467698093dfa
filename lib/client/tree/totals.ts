/**
 * How far a tree is: one total, which grows only while listing goes on.
 *
 * @module
 */

import type { TreeFile, TreeProgress } from "./types.ts";

interface Active {
  bytes: number;
  size: number;
}

/** Adds up the files of a tree. Kept as sums: it is asked after every change. */
export class Totals {
  readonly #onChange: ((progress: TreeProgress) => void) | undefined;
  readonly #active = new Map<TreeFile, Active>();
  #latest: TreeFile | undefined;
  #isCounting = true;
  #files = 0;
  #filesTotal = 0;
  /** Bytes that have moved, of files that are through or on their way. */
  #bytes = 0;
  /** Bytes of files that are on their way or through, as far as they came. */
  #bytesBegun = 0;
  #bytesWaiting = 0;

  /** @param onChange Told of every change. */
  constructor(onChange: ((progress: TreeProgress) => void) | undefined) {
    this.#onChange = onChange;
  }

  /** A file is to be moved. */
  add({ size = 0 }: TreeFile): void {
    this.#filesTotal++;
    this.#bytesWaiting += size;
    this.#tell();
  }

  /** A file that was to be moved is not. */
  drop({ size = 0 }: TreeFile): void {
    this.#filesTotal--;
    this.#bytesWaiting -= size;
    this.#tell();
  }

  /** A file begins to move. */
  begin(file: TreeFile): void {
    const { size = 0 } = file;
    this.#bytesWaiting -= size;
    this.#bytesBegun += size;
    this.#active.set(file, { bytes: 0, size });
    this.#latest = file;
    this.#tell();
  }

  /** A file is this far; one that starts over does not go back. */
  advance(file: TreeFile, bytes: number, total: number | undefined): void {
    const active = this.#active.get(file);
    if (active === undefined) return;
    const before = Math.max(active.size, active.bytes);
    this.#bytes += Math.max(0, bytes - active.bytes);
    active.bytes = Math.max(active.bytes, bytes);
    active.size = total ?? active.size;
    this.#bytesBegun += Math.max(active.size, active.bytes) - before;
    this.#tell();
  }

  /** A file is through; what is missing of it will not come. */
  end(file: TreeFile): void {
    const { bytes, size } = this.#active.get(file) ?? { bytes: 0, size: 0 };
    this.#bytesBegun -= Math.max(0, size - bytes);
    this.#active.delete(file);
    if (this.#latest === file) this.#latest = [...this.#active.keys()].at(-1);
    this.#files++;
    this.#tell();
  }

  /** Everything is listed. */
  counted(): void {
    this.#isCounting = false;
    this.#tell();
  }

  /** How far everything is now. */
  read(): TreeProgress {
    const { path = "", remote = "" } = this.#latest ?? {};
    return {
      files: this.#files,
      filesTotal: this.#filesTotal,
      bytes: this.#bytes,
      bytesTotal: this.#bytesBegun + this.#bytesWaiting,
      isCounting: this.#isCounting,
      name: path === "" ? remote : path,
      active: this.#active.size,
    };
  }

  #tell(): void {
    this.#onChange?.(this.read());
  }
}
