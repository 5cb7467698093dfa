/**
 * What a hook's command says of a file.
 *
 * @module
 */

import * as v from "valibot";
import type { Verdict } from "../server/mod.ts";

/** A hook's command did not say what is to become of a file. */
export class HookError extends Error {
  override readonly name = "HookError";
}

/** Characters of a reason that a client is told. */
const REASON_LENGTH_MAX = 500;

const VERDICT = v.variant("verdict", [
  v.strictObject({ verdict: v.literal("accept") }),
  v.strictObject({
    verdict: v.literal("reject"),
    reason: v.pipe(v.string(), v.minLength(1), v.maxLength(REASON_LENGTH_MAX)),
  }),
  v.strictObject({
    verdict: v.literal("rename"),
    path: v.pipe(v.string(), v.minLength(1)),
  }),
]);

/**
 * Reads what a command has written.
 *
 * @param output All of its stdout.
 * @throws {HookError} if it is neither nothing nor a verdict.
 */
export function readVerdict(output: string): Verdict {
  if (output.trim() === "") return { verdict: "accept" };
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    throw new HookError(`it wrote no JSON: ${output.slice(0, 100).trim()}`);
  }
  const { issues, output: verdict, success } = v.safeParse(VERDICT, value);
  if (success) return verdict;
  throw new HookError(`it wrote no verdict: ${issues[0].message}`);
}
