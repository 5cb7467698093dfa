/**
 * Asks whoever sits at the terminal.
 *
 * @module
 */

import type { Environment } from "./environment.ts";

/**
 * Asks a question that only a yes answers with a yes.
 *
 * @param environment Who to ask.
 * @param question The question.
 * @param signal Ends the wait, with a no.
 */
export async function isConfirmed(
  environment: Environment,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  const answer = await Promise.race([environment.ask(question), promise]);
  signal.removeEventListener("abort", onAbort);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}
