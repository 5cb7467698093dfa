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

/** Adds up the files of a tree. */
export class Totals {
  readonly #onChange: ((progress: TreeProgress) => void) | undefined;
  readonly #active = new Map<TreeFile, Active>();
  #isCounting = true;
  #files = 0;
  #filesTotal = 0;
  #bytesDone = 0;
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
    this.#active.set(file, { bytes: 0, size });
    this.#tell();
  }

  /** A file is this far; one that starts over does not go back. */
  advance(file: TreeFile, bytes: number, total: number | undefined): void {
    const active = this.#active.get(file);
    if (active === undefined) return;
    active.bytes = Math.max(active.bytes, bytes);
    active.size = total ?? active.size;
    this.#tell();
  }

  /** A file is through; what is missing of it will not come. */
  end(file: TreeFile): void {
    this.#bytesDone += this.#active.get(file)?.bytes ?? 0;
    this.#active.delete(file);
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
    let bytes = this.#bytesDone;
    let bytesTotal = this.#bytesDone + this.#bytesWaiting;
    let name = "";
    for (const [file, active] of this.#active) {
      bytes += active.bytes;
      bytesTotal += Math.max(active.size, active.bytes);
      name = file.path === "" ? file.remote : file.path;
    }
    return {
      files: this.#files,
      filesTotal: this.#filesTotal,
      bytes,
      bytesTotal,
      isCounting: this.#isCounting,
      name,
      active: this.#active.size,
    };
  }

  #tell(): void {
    this.#onChange?.(this.read());
  }
}
