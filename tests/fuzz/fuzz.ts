/**
 * Runs a case under many seeds: `FERRY_FUZZ_SEED` is the first,
 * `FERRY_FUZZ_ITERATIONS` says how many.
 *
 * @module
 */
import { assert } from "@std/assert";
import { SeededRandom } from "../helpers/seeded_random.ts";

/** An environment variable as a number, where it may be read. */
function setting(variable: string, otherwise: number): number {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  return text === undefined ? otherwise : Number(text);
}

const SEED = setting("FERRY_FUZZ_SEED", 20_260_814);
const ITERATIONS = setting("FERRY_FUZZ_ITERATIONS", 2000);

/**
 * Runs a case under many seeds; says which one failed.
 *
 * @param name What holds.
 * @param run The case.
 * @param factor How many times as often as the others, for quick cases.
 */
export function fuzz(
  name: string,
  run: (random: SeededRandom) => void,
  factor = 1,
): void {
  const iterations = ITERATIONS * factor;
  Deno.test(`fuzz, seed ${SEED}, ${iterations} times: ${name}`, () => {
    assert(iterations > 0);
    for (let count = 0; count < iterations; count++) {
      const seed = (SEED + count) >>> 0;
      try {
        run(new SeededRandom(seed));
      } catch (error) {
        const hint = `FERRY_FUZZ_SEED=${seed} FERRY_FUZZ_ITERATIONS=1`;
        throw new Error(`repeat with ${hint}`, { cause: error });
      }
    }
  });
}
