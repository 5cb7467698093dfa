/**
 * What a handful of samples says. Medians, because one hiccup of the machine
 * says nothing about the program that happened to run.
 *
 * @module
 */

/** A series of samples, in short. */
export interface Summary {
  /** How many there were. */
  readonly count: number;
  /** The one in the middle. */
  readonly median: number;
  /** The smallest. */
  readonly min: number;
  /** The largest. */
  readonly max: number;
}

/**
 * The middle of the samples; of an even number, the mean of the middle two.
 *
 * @param samples At least one.
 */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) {
    throw new RangeError("Cannot take the median of nothing");
  }
  return (lower + upper) / 2;
}

/**
 * Sums a series up.
 *
 * @param samples At least one.
 */
export function summarize(samples: readonly number[]): Summary {
  return {
    count: samples.length,
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
  };
}

/**
 * How many times as fast as `theirs` is `ours`? Round by round, because what
 * slows the machine down in one round slows down both.
 *
 * @param ours Durations of one program, by round.
 * @param theirs Durations of the other in the same rounds.
 */
export function speedRatios(
  ours: readonly number[],
  theirs: readonly number[],
): number[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(
      `Cannot compare ${ours.length} rounds with ${theirs.length}`,
    );
  }
  return ours.map((duration, round) => (theirs[round] ?? NaN) / duration);
}
