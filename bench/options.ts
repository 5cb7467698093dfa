/**
 * The command line of the bench.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Direction, DIRECTIONS } from "./peers/peer.ts";

/** What a run of the bench is to measure. */
export interface Options {
  /** Bytes of the file that is moved. */
  readonly size: number;
  /** Measured rounds, after the warm-up. */
  readonly runs: number;
  /** Where the files are; made by the bench if nobody says. */
  readonly dir: string | undefined;
  /** Which ways to measure. */
  readonly only: readonly Direction[];
  /** Which peers to measure, by their names. */
  readonly peers: readonly string[];
  /** One JSON object on stdout in place of the tables. */
  readonly json: boolean;
  /** Only the help is wanted. */
  readonly help: boolean;
}

/** The most rounds that anybody waits for. */
export const RUNS_MAX = 1000;
const SIZE_DEFAULT = "1GiB";
const RUNS_DEFAULT = "5";

const SIZE_PATTERN = /^(?<digits>\d+(?:\.\d+)?)(?<unit>[kmgt]?)(?:i?b)?$/i;
const UNIT_POWERS: Readonly<Record<string, number>> = {
  "": 0,
  k: 1,
  m: 2,
  g: 3,
  t: 4,
};

/**
 * What `--help` shows.
 *
 * @param peers The names of all peers.
 */
export function helpText(peers: readonly string[]): string {
  return [
    "deno task bench [large] [OPTIONS]",
    "",
    "Moves one large file over plain TCP on loopback, with Ferry and with the",
    "servers and clients of others that are installed here, and compares.",
    "",
    `  --size SIZE     size of the file, such as 200MiB (default ${SIZE_DEFAULT})`,
    `  --runs N        measured rounds, after one warm-up (default ${RUNS_DEFAULT})`,
    "  --dir PATH      folder for the files (default: a tmpfs if the bench may",
    "                  mount one, else the temporary folder)",
    `  --only WAYS     ${DIRECTIONS.join(", ")} (default both)`,
    `  --peers NAMES   ${peers.join(", ")}`,
    "                  (default all; ferry is always measured)",
    "  --json          one JSON object with every sample on stdout",
    "  --help          this text",
  ].join("\n");
}

/**
 * Reads a size in bytes; units are binary, as everywhere in Ferry.
 *
 * @param text Such as `1GiB`, `1.5g` or `4096`.
 * @throws {RangeError} if it is no size.
 */
export function parseSize(text: string): number {
  const groups = SIZE_PATTERN.exec(text)?.groups;
  const power = UNIT_POWERS[groups?.["unit"]?.toLowerCase() ?? ""] ?? 0;
  const size = Math.round(Number(groups?.["digits"]) * 1024 ** power);
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new RangeError(
    `Cannot use "${text}" as a size: write one such as 1GiB or 200MiB`,
  );
}

/**
 * Reads the command line.
 *
 * @param args The words.
 * @param known The names of all peers; the first is Ferry's.
 * @throws {TypeError} or {RangeError} with a sentence for whoever typed it.
 */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string", default: SIZE_DEFAULT },
      runs: { type: "string", default: RUNS_DEFAULT },
      dir: { type: "string" },
      only: { type: "string", default: DIRECTIONS.join() },
      peers: { type: "string", default: known.join() },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  const peers = readWords("--peers", values.peers, known);
  return {
    size: parseSize(values.size),
    runs: readCount("--runs", values.runs, RUNS_MAX),
    dir: values.dir,
    only: readWords("--only", values.only, DIRECTIONS),
    // Every ratio needs Ferry.
    peers: known.filter((name, index) => index === 0 || peers.includes(name)),
    json: values.json,
    help: values.help,
  };
}

/**
 * Reads a whole number from 1 on.
 *
 * @param option For the message.
 * @param text Digits.
 * @param max The most that it may be.
 * @throws {RangeError} if it is anything else.
 */
export function readCount(option: string, text: string, max: number): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= max) return count;
  throw new RangeError(
    `Cannot use "${text}" for ${option}: give a number from 1 to ${max}`,
  );
}

/**
 * Reads words with commas between them.
 *
 * @param option For the message.
 * @param text The words.
 * @param known All that there are.
 * @returns Those that were given, in the order of `known`.
 * @throws {RangeError} if one is unknown, or there is none.
 */
export function readWords<Word extends string>(
  option: string,
  text: string,
  known: readonly Word[],
): Word[] {
  const words = text.split(",").map((word) => word.trim()).filter(Boolean);
  const unknown = words.find((word) => !known.some((name) => name === word));
  if (unknown !== undefined || words.length === 0) {
    throw new RangeError(
      `Cannot use "${unknown ?? text}" for ${option}: choose from ${
        known.join(", ")
      }`,
    );
  }
  return known.filter((name) => words.includes(name));
}
