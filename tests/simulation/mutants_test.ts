/**
 * The simulation can fail: mutants of the shipping code are caught, each soon.
 *
 * @module
 */
import { assertLess, fail } from "@std/assert";
import { editedLibrary, SMALL_LIMITS } from "../helpers/sim_library.ts";
import { describeFailure, simulate } from "../helpers/sim_run.ts";
import { type Theme, THEMES } from "../helpers/sim_scenario.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";

/** Seeds that a mutant may survive. */
const SEEDS_MAX = 200;

/** The first seed that catches a mutant. */
async function catchingSeed({ edits, theme }: Mutant): Promise<number> {
  const library = await editedLibrary([...SMALL_LIMITS, ...edits]);
  for (let seed = 0; seed < SEEDS_MAX; seed++) {
    const { failure } = await simulate(library, seed, themeOf(theme));
    if (failure !== undefined) return seed;
  }
  return SEEDS_MAX;
}

function themeOf(name: string | undefined): Theme | undefined {
  return THEMES.find((theme) => theme.name === name);
}

Deno.test("mutants - each is caught, by seeds that the shipping code passes", async (test) => {
  const library = await editedLibrary(SMALL_LIMITS);
  for (const mutant of MUTANTS) {
    await test.step(mutant.name, async () => {
      const seed = await catchingSeed(mutant);
      assertLess(seed, SEEDS_MAX, "no seed catches it");
      const theme = themeOf(mutant.theme);
      const result = await simulate(library, seed, theme);
      if (result.failure !== undefined) fail(describeFailure(result));
    });
  }
});
