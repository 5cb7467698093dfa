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

/** Runs a case under many seeds; says which one failed. */
export function fuzz(name: string, run: (random: SeededRandom) => void): void {
  Deno.test(`fuzz, seed ${SEED}, ${ITERATIONS} times: ${name}`, () => {
    assert(ITERATIONS > 0);
    for (let count = 0; count < ITERATIONS; count++) {
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
