/**
 * The command line of the scenario `start`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { resolve } from "@std/path";
import { readCount, RUNS_MAX } from "../options.ts";

/** What is to be measured. */
export interface StartOptions {
  /** Starts of each program, after one that does not count. */
  readonly runs: number;
  /** The folder of the executables. */
  readonly dist: string;
  /** Only the help is wanted. */
  readonly help: boolean;
}

const RUNS_DEFAULT = "15";
const DIST_DEFAULT = "dist";

/** What `--help` shows. */
export function startHelp(): string {
  return [
    "deno task bench start [OPTIONS]",
    "",
    'Starts the executables that "deno task compile" has made, with nothing in',
    "their environment, beside a compiled program that does nothing.",
    "",
    `  --runs N        starts of each (default ${RUNS_DEFAULT})`,
    `  --dist PATH     folder of the executables (default ${DIST_DEFAULT})`,
  ].join("\n");
}

/**
 * Reads the command line.
 *
 * @param args The words.
 * @throws {TypeError} or {RangeError} with a sentence for whoever typed it.
 */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: RUNS_DEFAULT },
      dist: { type: "string", default: DIST_DEFAULT },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  return {
    runs: readCount("--runs", values.runs, RUNS_MAX),
    dist: resolve(values.dist),
    help: values.help,
  };
}
