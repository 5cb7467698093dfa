/**
 * How many connections there are, in all and from each address, and when it is
 * enough.
 *
 * @module
 */

import { addressPrefix } from "../accounts/mod.ts";
import type { ServerLimits } from "./limits.ts";

/** Counts by key; a key without a count takes no room. */
class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, more: 1 | -1): void {
    this.#total += more;
    const count = this.of(key) + more;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

/** What the connections of a server are counted in. */
export class Crowd {
  readonly #limits: ServerLimits;
  readonly #open = new Tally();
  readonly #pending = new Tally();
  #refused = 0;

  /** @param limits How many there may be. */
  constructor(limits: ServerLimits) {
    this.#limits = limits;
  }

  /** Counts a connection, which waits to say what it wants. */
  enter(hostname: string): Place {
    return new Place(
      addressPrefix(hostname),
      this.#open,
      this.#pending,
    );
  }

  /**
   * Why a connection that is counted is one too many; `undefined` if it is not.
   * One that is refused is not counted any more, so that those who are told so
   * keep nobody else out.
   */
  refusal(place: Place): string | undefined {
    const limits = this.#limits;
    const isFull = this.#open.total > limits.connectionCountMax ||
      this.#pending.total > limits.pendingCountMax;
    if (isFull) {
      return "the server has as many connections as it takes; try again later";
    }
    const { prefix } = place;
    const isCrowded =
      this.#open.of(prefix) > limits.addressConnectionCountMax ||
      this.#pending.of(prefix) > limits.addressPendingCountMax;
    return isCrowded
      ? "your address has as many connections to the server as it may; try again later"
      : undefined;
  }

  /**
   * Takes back the count of a connection that is refused.
   *
   * @returns Whether there is time to tell it why: not where very many come at once.
   */
  refuse(place: Place): boolean {
    place.leave();
    if (this.#refused >= FAREWELL_COUNT_MAX) return false;
    this.#refused++;
    place.onLeave = () => this.#refused--;
    return true;
  }
}

/** Refused connections that are told why at the same time; the others are just closed. */
const FAREWELL_COUNT_MAX = 128;

/** One connection that is counted, until it leaves. */
export class Place {
  /** The address that it counts for. */
  readonly prefix: string;
  /** Called at the end, once. */
  onLeave: (() => void) | undefined;
  readonly #open: Tally;
  readonly #pending: Tally;
  #isOpen = true;
  #isPending = true;

  /**
   * @param prefix The address that it counts for.
   * @param open Counts those that are open.
   * @param pending Counts those that have not said yet what they want.
   */
  constructor(prefix: string, open: Tally, pending: Tally) {
    this.prefix = prefix;
    this.#open = open;
    this.#pending = pending;
    open.add(prefix, 1);
    pending.add(prefix, 1);
  }

  /** It has said what it wants. */
  settle(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#pending.add(this.prefix, -1);
  }

  /** It counts no more; a second call only tells {@linkcode Place.onLeave}. */
  leave(): void {
    this.settle();
    if (this.#isOpen) this.#open.add(this.prefix, -1);
    this.#isOpen = false;
    this.onLeave?.();
    this.onLeave = undefined;
  }
}
