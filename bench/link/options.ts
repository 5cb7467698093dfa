/**
 * The command line of the scenario `link`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseSize, readCount, readWords, RUNS_MAX } from "../options.ts";
import { type Direction, DIRECTIONS } from "../peers/peer.ts";

/** Numbers of connections that can be measured, as they are typed. */
export const STREAMS = ["1", "2", "4", "8", "auto"] as const;

/** One of them. */
export type Streams = typeof STREAMS[number];

/** Over what a file can go. */
export const WAYS = ["link", "loopback"] as const;

/** One of them. */
export type Way = typeof WAYS[number];

/** What is to be measured. */
export interface LinkOptions {
  /** Bytes of the file, one series for each. */
  readonly sizes: readonly number[];
  /** Rounds. */
  readonly runs: number;
  /** Bytes a second of each connection. */
  readonly rate: number;
  /** Milliseconds each way. */
  readonly delay: number;
  /** Numbers of connections. */
  readonly streams: readonly Streams[];
  /** Over what. */
  readonly over: readonly Way[];
  /** Which ways. */
  readonly only: readonly Direction[];
  /** Where the files are; made by the bench if nobody says. */
  readonly dir: string | undefined;
  /** One JSON object on stdout in place of the tables. */
  readonly json: boolean;
  /** Only the help is wanted. */
  readonly help: boolean;
}

const SIZES_DEFAULT = "256MiB,1GiB";
const RUNS_DEFAULT = "3";
const DELAY_DEFAULT = "60";
const DELAY_MAX = 10_000;
/** Decimal, as networks are sold: 20 million bytes a second. */
const RATE_DEFAULT = "20000000";

/** What `--help` shows. */
export function linkHelp(): string {
  return [
    "deno task bench link [OPTIONS]",
    "",
    "Moves one file through a proxy that delays every byte and limits every",
    "connection, with one and with several data connections, and over plain",
    "loopback with one and as many as Ferry chooses.",
    "",
    `  --size SIZES    sizes of the file (default ${SIZES_DEFAULT})`,
    `  --runs N        rounds (default ${RUNS_DEFAULT})`,
    "  --rate SIZE     bytes a second of each connection (default 20,000,000)",
    `  --delay MS      milliseconds each way (default ${DELAY_DEFAULT})`,
    `  --streams LIST  ${STREAMS.join(", ")} (default all)`,
    `  --over LIST     ${WAYS.join(", ")} (default both)`,
    "  --only WAYS     get, put (default both)",
    "  --dir PATH      folder for the files (default as above)",
    "  --json          one JSON object with every sample on stdout",
  ].join("\n");
}

/**
 * Reads the command line.
 *
 * @param args The words.
 * @throws {TypeError} or {RangeError} with a sentence for whoever typed it.
 */
export function parseLinkOptions(args: readonly string[]): LinkOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string", default: SIZES_DEFAULT },
      runs: { type: "string", default: RUNS_DEFAULT },
      rate: { type: "string", default: RATE_DEFAULT },
      delay: { type: "string", default: DELAY_DEFAULT },
      streams: { type: "string", default: STREAMS.join() },
      over: { type: "string", default: WAYS.join() },
      only: { type: "string", default: DIRECTIONS.join() },
      dir: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  return {
    sizes: values.size.split(",").map(parseSize),
    runs: readCount("--runs", values.runs, RUNS_MAX),
    rate: parseSize(values.rate),
    delay: readCount("--delay", values.delay, DELAY_MAX),
    streams: readWords("--streams", values.streams, STREAMS),
    over: readWords("--over", values.over, WAYS),
    only: readWords("--only", values.only, DIRECTIONS),
    dir: values.dir,
    json: values.json,
    help: values.help,
  };
}
