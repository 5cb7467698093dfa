/**
 * Whole clients and a server in simulated worlds, one a seed, under every fault
 * that the helpers know. `FERRY_SIM_SEED` runs one seed, `FERRY_SIM_SEEDS` as
 * many as it says, `FERRY_SIM_THEME` one kind of trouble only.
 *
 * @module
 */
import { assertEquals, assertNotEquals, fail } from "@std/assert";
import {
  editedLibrary,
  shippingLibrary,
  type SimLibrary,
  SMALL_LIMITS,
} from "../helpers/sim_library.ts";
import { describeFailure, simulate } from "../helpers/sim_run.ts";
import { chosenSeeds, chosenTheme } from "./seeds.ts";

/** Seeds of a usual run, with small chunks: some four seconds. */
const SMALL_SEEDS = 80;

/** Seeds of a usual run, with the limits that ship: some four seconds. */
const SHIPPING_SEEDS = 15;

async function runAll(
  library: SimLibrary,
  seeds: readonly number[],
): Promise<void> {
  const theme = chosenTheme();
  for (const seed of seeds) {
    const result = await simulate(library, seed, theme);
    if (result.failure !== undefined) fail(describeFailure(result));
  }
}

Deno.test("simulation - no promise is broken, with small chunks", async () => {
  const library = await editedLibrary(SMALL_LIMITS);
  await runAll(library, chosenSeeds(SMALL_SEEDS));
});

Deno.test("simulation - no promise is broken, with the limits that ship", async () => {
  const library = await shippingLibrary();
  await runAll(library, chosenSeeds(SHIPPING_SEEDS));
});

Deno.test("simulation - the same seed gives the same trace, another one another", async () => {
  const library = await editedLibrary(SMALL_LIMITS);
  const hashes: string[] = [];
  for (let seed = 0; seed < 10; seed++) {
    const { hash } = await simulate(library, seed);
    assertEquals((await simulate(library, seed)).hash, hash);
    assertNotEquals(hashes.at(-1), hash);
    hashes.push(hash);
  }
});
