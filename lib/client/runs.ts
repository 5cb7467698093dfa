/**
 * Runs of chunks and their sums, as messages carry them.
 *
 * @module
 */

import {
  type MessageBody,
  RUN_COUNT_MAX,
  type WireRun,
} from "../protocol/mod.ts";

/** Every chunk of some runs. */
export function* indexesOf(runs: readonly WireRun[]): Iterable<number> {
  for (const { first, count } of runs) {
    for (let at = 0; at < count; at++) yield first + at;
  }
}

/** Ascending chunks as runs, in lists that fit in a message. */
export function* toRuns(indexes: Iterable<number>): Iterable<WireRun[]> {
  let runs: WireRun[] = [];
  let run: { first: number; count: number } | undefined;
  for (const index of indexes) {
    if (run !== undefined && index === run.first + run.count) {
      run.count++;
      continue;
    }
    if (runs.length === RUN_COUNT_MAX) {
      yield runs;
      runs = [];
    }
    run = { first: index, count: 1 };
    runs.push(run);
  }
  if (runs.length > 0) yield runs;
}

/** The chunks of a `HAVE`, each with its sum. */
export function* unpackSums(
  { first, sums }: MessageBody<"HAVE">,
): Iterable<readonly [index: number, sum: number]> {
  const view = new DataView(sums.buffer, sums.byteOffset, sums.byteLength);
  for (let at = 0; 4 * at + 4 <= sums.length; at++) {
    yield [first + at, view.getUint32(4 * at)];
  }
}
