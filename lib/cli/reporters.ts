/**
 * Who is told what a command does, as its command line wants it.
 *
 * @module
 */

import {
  DEBUG,
  JSON_OUTPUT,
  LOCAL_OUTPUT,
  PROGRESS,
  QUIET,
} from "./client_options.ts";
import type { CommandLine } from "./command_line.ts";
import type { Caller } from "./environment.ts";
import { JsonReporter } from "./json_reporter.ts";
import { usage } from "./messages.ts";
import type { Reporter } from "./reporter.ts";
import { TextReporter } from "./text_reporter.ts";
import { UsageError } from "./usage_error.ts";

/** How a {@linkcode Reporter} is to be. */
export interface ReporterSettings {
  /** Whether programs read it. */
  readonly isJson: boolean;
  /** Whether to leave out what is no result and no error. */
  readonly isQuiet?: boolean;
  /** Whether to add stack traces. */
  readonly isDebugging?: boolean;
  /** Whether data have stdout for themselves. */
  readonly hasDataOnStdout?: boolean;
}

/** What a command line wants of its reporter. */
export function reporterSettings(line: CommandLine): ReporterSettings {
  return {
    isJson: line.value(JSON_OUTPUT),
    isQuiet: line.value(QUIET),
    isDebugging: line.value(DEBUG),
    hasDataOnStdout: line.value(LOCAL_OUTPUT) === "-",
  };
}

/**
 * Makes a reporter.
 *
 * @param caller Who called.
 * @param settings How it is to be.
 * @param prefix What stands before errors that people read.
 */
export function makeReporter(
  caller: Caller,
  settings: ReporterSettings,
  prefix: string,
): Reporter {
  const { stdout, stderr, clock } = caller;
  const { isQuiet = false, isDebugging = false } = settings;
  return settings.isJson
    ? new JsonReporter({
      events: settings.hasDataOnStdout ? stderr : stdout,
      remarks: stderr,
      clock,
      isDebugging,
    })
    : new TextReporter({
      results: stdout,
      remarks: stderr,
      clock,
      prefix,
      isPlain: caller.variable("TERM") === "dumb",
      isQuiet,
      isDebugging,
    });
}

/**
 * Refuses options that contradict each other.
 *
 * @throws {UsageError} if there are such.
 */
export function rejectContradictions(line: CommandLine): void {
  if (!line.value(QUIET)) return;
  if (line.value(JSON_OUTPUT)) {
    throw new UsageError(usage.contradiction("--quiet", "--json"));
  }
  if (line.value(PROGRESS) === "always") {
    throw new UsageError(usage.contradiction("--quiet", "--progress always"));
  }
}
