/**
 * The delay: bytes that are under way, each until its own moment, so that a
 * delay holds nothing back but the first byte.
 *
 * @module
 */
import { type Clock, sleep } from "../../lib/platform/mod.ts";

/** What is under way: bytes, or the end. */
export interface Parcel {
  /** The bytes; `undefined` is the end. */
  readonly bytes: Uint8Array | undefined;
  /** When it arrives. */
  readonly due: number;
}

/** What a parcel takes besides its bytes, so that tiny ones are bounded too. */
const PARCEL_COST = 64;

function cost({ bytes }: Parcel): number {
  return PARCEL_COST + (bytes?.length ?? 0);
}

/** Bytes under way, in their order. */
export class DelayLine {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #parcels: Parcel[] = [];
  /** Where the first is; those before are gone. */
  #head = 0;
  #size = 0;
  #sizeMax = 0;
  #lastDue = -Infinity;
  #changed = Promise.withResolvers<void>();

  /**
   * Makes an empty one.
   *
   * @param clock What time it is.
   * @param signal Ends every wait; it then throws the signal's reason.
   */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Whether nothing is under way. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The most bytes that were under way at a time. */
  get sizeMax(): number {
    return this.#sizeMax;
  }

  /**
   * Sends something on its way; waits while too much is.
   *
   * @param bytes The bytes; `undefined` is the end.
   * @param delay Milliseconds; nothing overtakes what was sent before.
   * @param capacity Bytes that may be under way; one parcel always may.
   */
  async push(
    bytes: Uint8Array | undefined,
    delay: number,
    capacity: number,
  ): Promise<void> {
    // It arrives so long after it was sent, not after there was room for it.
    const due = Math.max(this.#lastDue, this.#clock.monotonic() + delay);
    const parcel = { bytes: bytes && compact(bytes), due };
    const size = cost(parcel);
    while (this.#size > 0 && this.#size + size > capacity) await this.#wait();
    this.#lastDue = due;
    this.#parcels.push(parcel);
    this.#size += size;
    this.#sizeMax = Math.max(this.#sizeMax, this.#size);
    this.#wake();
  }

  /** Waits for the next that arrives; it counts as under way until it is shifted. */
  async next(): Promise<Parcel> {
    for (;;) {
      this.#signal.throwIfAborted();
      const first = this.#parcels[this.#head];
      if (first === undefined) {
        await this.#wait();
        continue;
      }
      const wait = first.due - this.#clock.monotonic();
      if (wait <= 0) return first;
      await sleep(this.#clock, wait, this.#signal);
    }
  }

  /** Takes away what {@linkcode DelayLine.next} gave. */
  shift(): void {
    const parcel = this.#parcels[this.#head];
    if (parcel === undefined) return;
    this.#head++;
    if (this.#head * 2 >= this.#parcels.length) {
      this.#parcels = this.#parcels.slice(this.#head);
      this.#head = 0;
    }
    this.#size -= cost(parcel);
    this.#wake();
  }

  async #wait(): Promise<void> {
    await this.#changed.promise;
    this.#signal.throwIfAborted();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** A small piece must not keep the whole buffer that it came in. */
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 < bytes.buffer.byteLength ? bytes.slice() : bytes;
}
