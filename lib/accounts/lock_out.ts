/**
 * Makes guessing slow: who fails often must wait, longer each time.
 *
 * What counts is kept by user *and* by where the guess comes from: so nobody can
 * lock a user out from elsewhere, and one who guesses at many users from one
 * place does not slow the others there.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";

/** Limits of a {@linkcode LockOut}. Times are in milliseconds. */
export interface LockOutLimits {
  /** Failures that cost nothing: people mistype. */
  readonly freeCount: number;
  /** The wait after the first failure beyond those; it doubles with each one more. */
  readonly delayMin: number;
  /** The longest wait. */
  readonly delayMax: number;
  /** Time without a failure after which the failures are forgotten. */
  readonly memory: number;
  /** How many are remembered. */
  readonly countMax: number;
}

/** The limits unless others are given. */
export const LOCK_OUT_LIMITS: LockOutLimits = {
  // What pam_faillock allows is 3; people with two keyboards need some more.
  freeCount: 5,
  delayMin: 1000,
  // Four guesses an hour, for ever: 35,000 a year.
  delayMax: 900_000,
  memory: 3_600_000,
  // About 2 MB; each has cost its guesser a scrypt.
  countMax: 10_000,
};

interface Failures {
  count: number;
  /** When the last one was. */
  last: number;
  /** Until when no guess is taken. */
  until: number;
}

/** Counts failures and says who must wait. */
export class LockOut {
  readonly #clock: Clock;
  readonly #limits: LockOutLimits;
  readonly #failures = new Map<string, Failures>();

  /**
   * @param clock The time.
   * @param limits Limits that differ from the defaults.
   */
  constructor(clock: Clock, limits: Partial<LockOutLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...LOCK_OUT_LIMITS, ...limits };
  }

  /** How many are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** Milliseconds that a guess must wait; 0 when it need not. */
  wait(hostname: string, user: string): number {
    const found = this.#failures.get(toKey(hostname, user));
    return Math.max(0, (found?.until ?? 0) - this.#clock.monotonic());
  }

  /**
   * Counts a failure.
   *
   * @returns Milliseconds that the next guess must wait.
   */
  fail(hostname: string, user: string): number {
    const { freeCount, delayMin, delayMax, memory } = this.#limits;
    const key = toKey(hostname, user);
    const now = this.#clock.monotonic();
    const known = this.#failures.get(key);
    const isFresh = known === undefined || now - known.last > memory;
    const count = isFresh ? 1 : known.count + 1;
    const beyond = count - freeCount;
    const delay = beyond <= 0
      ? 0
      : Math.min(delayMax, delayMin * 2 ** Math.min(beyond - 1, 30));
    if (known === undefined) this.#makeRoom(now);
    this.#failures.set(key, { count, last: now, until: now + delay });
    return delay;
  }

  /** Forgets the failures of one who knew it in the end. */
  succeed(hostname: string, user: string): void {
    this.#failures.delete(toKey(hostname, user));
  }

  /** What is forgotten first: what is over, then who has failed least, then longest ago. */
  #makeRoom(now: number): void {
    const { countMax, memory } = this.#limits;
    if (this.#failures.size < countMax) return;
    let least: readonly [key: string, failures: Failures] | undefined;
    for (const entry of this.#failures) {
      const [key, { count, last }] = entry;
      if (now - last > memory) this.#failures.delete(key);
      else if (
        least === undefined || count < least[1].count ||
        count === least[1].count && last < least[1].last
      ) least = entry;
    }
    if (this.#failures.size >= countMax && least !== undefined) {
      this.#failures.delete(least[0]);
    }
  }
}

function toKey(hostname: string, user: string): string {
  return `${addressPrefix(hostname)} ${user.normalize("NFC")}`;
}

/**
 * The part of an address that stands for one subscriber: of IPv4 all of it, of
 * IPv6 the first 64 bits, for whoever has one address there has 2^64.
 *
 * @param hostname An address, IPv6 without brackets.
 */
export function addressPrefix(hostname: string): string {
  const address = hostname.toLowerCase().replace(/%.*$/, "");
  const mapped = /^::ffff:(?<v4>\d{1,3}(?:\.\d{1,3}){3})$/.exec(address)
    ?.groups;
  if (mapped?.v4 !== undefined) return mapped.v4;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + rest < 8) groups.push("0");
  }
  const prefix = groups.slice(0, 4).map((group) =>
    group.replace(/^0+(?=.)/, "")
  );
  return `${prefix.join(":")}::/64`;
}
