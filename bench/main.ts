// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * How fast Ferry is, beside what people use today: see `README.md`.
 *
 * @module
 */
import { LARGE } from "./large.ts";
import { LINK } from "./link/mod.ts";
import { RESUME } from "./resume/mod.ts";
import { chooseScenario, type Scenario } from "./scenario.ts";
import { SMALL } from "./small/mod.ts";
import { START } from "./start/mod.ts";

/** All scenarios; the first one is meant where none is named. */
const SCENARIOS: readonly [Scenario, ...Scenario[]] = [
  LARGE,
  LINK,
  SMALL,
  RESUME,
  START,
];

/** Makes Ctrl-C end the bench as an error would, so that it cleans up. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    Deno.addSignalListener(
      signal,
      () => controller.abort(new Error("interrupted")),
    );
  }
  return controller.signal;
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<void> {
  const [first, ...others] = SCENARIOS;
  const { name, rest, helpForAll } = chooseScenario(Deno.args, [
    first.name,
    ...others.map(({ name }) => name),
  ]);
  if (helpForAll) {
    console.log(SCENARIOS.map((scenario) => scenario.help()).join("\n\n"));
    return;
  }
  const scenario = SCENARIOS.find((scenario) => scenario.name === name);
  await scenario?.run(rest, abortOnSignals());
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`bench: ${errorMessage(error)}`);
    Deno.exit(1);
  }
  // The listeners for signals would keep nothing alive, but a hung peer might.
  Deno.exit(0);
}
