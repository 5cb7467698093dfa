/**
 * What somebody can put an end to.
 *
 * @module
 */

import type { Environment } from "./environment.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { problems } from "./messages.ts";
import type { Reporter } from "./reporter.ts";
import { InterruptedError } from "./session.ts";

/** Does what can be interrupted, and tells if it was. */
export async function interruptible(
  { reporter, environment }: {
    readonly reporter: Reporter;
    readonly environment: Environment;
  },
  work: (signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interruption = new AbortController();
  const { signal } = interruption;
  const stopListening = environment.onTermination(() => {
    // Who asks twice will not wait for a farewell.
    if (signal.aborted) environment.exit(EXIT.interrupted);
    interruption.abort();
  });
  try {
    return await work(signal);
  } catch (error) {
    const isInterruption = error instanceof InterruptedError ||
      error === signal.reason;
    if (!isInterruption) throw error;
    const message = problems.interrupted;
    const failure = { code: "cancelled", side: "local" as const, message };
    await reporter.failure({ ...failure, path: undefined }, error);
    return EXIT.interrupted;
  } finally {
    stopListening();
  }
}
