/**
 * What somebody probably meant who mistyped a word.
 *
 * @module
 */

/** Edits between two words: letters put in, left out, changed, or swapped. */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      let distance = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped = from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && isSwapped) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    [beforeLast, last] = [last, current];
  }
  return last[to.length] ?? 0;
}

/**
 * The candidate that a mistyped word is nearest to, or begins.
 *
 * @param word What was typed.
 * @param candidates What can be typed.
 * @returns The candidate; `undefined` if none is near enough to be meant.
 */
export function nearest(
  word: string,
  candidates: readonly string[],
): string | undefined {
  const typed = word.toLowerCase();
  const prefixed = candidates.filter((candidate) =>
    typed.replace(/^-+/, "").length > 1 && candidate.startsWith(typed)
  );
  if (prefixed.length === 1) return prefixed[0];
  let best: string | undefined;
  // A third of the letters may be wrong, or one of a short word; of "-x", none.
  const allowed = typed.length <= 2 ? 0 : Math.max(1, typed.length / 3);
  let bestDistance = Math.floor(allowed) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(typed, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
