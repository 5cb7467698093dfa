/**
 * What clients may come to, given what went wrong: every error has a reason, and
 * nothing is sent twice without one.
 *
 * @module
 */
import type { FerryError, Receipt } from "../../lib/client/mod.ts";
import { Violation } from "./sim_invariants.ts";
import type { SimWorld } from "./sim_world.ts";

/** An error has a reason in what went wrong. */
export function assertExcused(
  world: SimWorld,
  { code, message }: FerryError,
): void {
  const { hasFlipped } = world.network;
  if (DAMAGE_CODES.has(code) && !hasFlipped) {
    throw new Violation("no error without a reason", `${code}: ${message}`);
  }
  // Who meets his own predecessor takes over from it.
  if (code === "busy") {
    throw new Violation("no lock outlives its owner", message);
  }
  if (world.isCalm && !ORDINARY_CODES.has(code)) {
    throw new Violation("no error without a reason", `${code}: ${message}`);
  }
}

/** Codes that tell of bits that were flipped, or of a bug. */
const DAMAGE_CODES: ReadonlySet<string> = new Set([
  "protocol",
  "wrong-protocol",
  "integrity",
]);

/** Codes that tell of names and of what users do. */
const ORDINARY_CODES: ReadonlySet<string> = new Set([
  "not-found",
  "exists",
  "is-directory",
  "not-directory",
  "not-empty",
  "cancelled",
  "changed",
]);

/** Under which circumstances a transfer came to its receipt. */
export interface Circumstances {
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** Whether no connection was made anew meanwhile. */
  readonly isOneTry: boolean;
  /** Whether the same was begun before. */
  readonly hadBegun: boolean;
  /** Milliseconds that it took. */
  readonly duration: number;
}

/** A receipt is right about what was there; where nothing went wrong the rest was sent once. */
export function assertNothingTwice(
  what: string,
  { publication, size, resumedFrom, repaired, wireBytes }: Receipt,
  { chunkSize, isOneTry, hadBegun, duration }: Circumstances,
): void {
  if (resumedFrom > 0 && isOneTry && !hadBegun) {
    throw new Violation("receipts right", `${what}: nothing was there`);
  }
  if (publication === "skipped") return;
  if (resumedFrom > size) {
    throw new Violation("receipts right", `${what}: ${resumedFrom} of ${size}`);
  }
  // Headers, sums, and what is told while a disk is slow.
  const margin = 4000 + 40 * Math.ceil(size / chunkSize) + duration;
  if (!isOneTry || repaired > 0) return;
  if (wireBytes <= size - resumedFrom + margin) return;
  throw new Violation(
    "nothing sent twice",
    `${what}: ${wireBytes} bytes for ${size} of which ${resumedFrom} were there`,
  );
}
