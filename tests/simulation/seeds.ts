/**
 * What the environment says about which seeds to run.
 *
 * @module
 */
import { type Theme, THEMES } from "../helpers/sim_scenario.ts";

/**
 * The seed that `FERRY_SIM_SEED` names, or the first of all, as many as
 * `FERRY_SIM_SEEDS` says.
 *
 * @param usual How many when it says nothing.
 */
export function chosenSeeds(usual: number): readonly number[] {
  const one = numberIn("FERRY_SIM_SEED");
  if (one !== undefined) return [one];
  const count = numberIn("FERRY_SIM_SEEDS") ?? usual;
  return Array.from({ length: count }, (_, seed) => seed);
}

/** The theme that `FERRY_SIM_THEME` names; `undefined` if it names none. */
export function chosenTheme(): Theme | undefined {
  const name = textIn("FERRY_SIM_THEME");
  if (name === undefined) return undefined;
  const theme = THEMES.find((each) => each.name === name);
  if (theme === undefined) throw new RangeError(`There is no theme "${name}"`);
  return theme;
}

function textIn(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  return text === "" ? undefined : text;
}

function numberIn(variable: string): number | undefined {
  const text = textIn(variable);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`Cannot use ${variable}: "${text}" is no seed`);
}
