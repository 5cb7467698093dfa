/**
 * Where and how transfers are interrupted.
 *
 * @module
 */
import { draw } from "../../tools/chaos/chance.ts";

/** What can break: a process that is killed, or every connection. */
export const VICTIMS = ["client", "server", "network"] as const;

/** One of them. */
export type Victim = typeof VICTIMS[number];

/** One interruption. */
export interface Stop {
  /** What breaks. */
  readonly victim: Victim;
  /** When, as a part of the file's bytes that have gone over the wire. */
  readonly at: number;
}

/** Not so early that nothing has moved, not so late that all has. */
const FIRST = 0.02;
const LAST = 0.98;

/**
 * Draws interruptions: the same for the same seed.
 *
 * @param seed Settles it.
 * @param count How many.
 * @returns In their order.
 */
export function randomStops(seed: number, count: number): Stop[] {
  return Array.from({ length: count }, (_, index) => ({
    at: FIRST + (LAST - FIRST) * draw(seed, index, 1),
    victim: VICTIMS[index % VICTIMS.length] ?? "client",
  })).sort((a, b) => a.at - b.at);
}
