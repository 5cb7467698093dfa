/**
 * Where an error comes from, for `--debug`.
 *
 * @module
 */

import { escapeText } from "./escape.ts";

/** Errors deep in a chain of causes say nothing new. */
const CAUSE_COUNT_MAX = 8;

/**
 * The stack of an error and of its causes, safe to show.
 *
 * @param error What was thrown.
 */
export function stackOf(error: unknown): string {
  const lines: string[] = [];
  let cause: unknown = error;
  for (let depth = 0; depth < CAUSE_COUNT_MAX && cause !== undefined; depth++) {
    const text = cause instanceof Error
      ? cause.stack ?? cause.message
      : String(cause);
    lines.push(...`${depth === 0 ? "" : "Caused by: "}${text}`.split("\n"));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines.map((line) => `${escapeText(line)}\n`).join("");
}
