/**
 * The command line of the scenario `resume`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseSize, readCount, readWords } from "../options.ts";
import { type Direction, DIRECTIONS } from "../peers/peer.ts";

/** What is to be measured. */
export interface ResumeOptions {
  /** Bytes of the file. */
  readonly size: number;
  /** Interruptions of the series by chance. */
  readonly kills: number;
  /** Settles where they are. */
  readonly seed: number;
  /** Which ways. */
  readonly only: readonly Direction[];
  /** Where the files are; made by the bench if nobody says. */
  readonly dir: string | undefined;
  /** One JSON object on stdout in place of the tables. */
  readonly json: boolean;
  /** Only the help is wanted. */
  readonly help: boolean;
}

const SIZE_DEFAULT = "4GiB";
const KILLS_DEFAULT = "10";
const KILLS_MAX = 1000;
const SEED_DEFAULT = "1";
const SEED_MAX = 2 ** 31 - 1;

/** What `--help` shows. */
export function resumeHelp(): string {
  return [
    "deno task bench resume [OPTIONS]",
    "",
    "Interrupts transfers of one file: at 99 % by killing the client, the server",
    "and every connection, then at random points; and measures how long it takes",
    "until new bytes move, and how many are moved twice.",
    "",
    `  --size SIZE     size of the file (default ${SIZE_DEFAULT})`,
    `  --kills N       interruptions at random points (default ${KILLS_DEFAULT})`,
    `  --seed N        settles those points (default ${SEED_DEFAULT})`,
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
export function parseResumeOptions(args: readonly string[]): ResumeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      size: { type: "string", default: SIZE_DEFAULT },
      kills: { type: "string", default: KILLS_DEFAULT },
      seed: { type: "string", default: SEED_DEFAULT },
      only: { type: "string", default: DIRECTIONS.join() },
      dir: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  return {
    size: parseSize(values.size),
    kills: readCount("--kills", values.kills, KILLS_MAX),
    seed: readCount("--seed", values.seed, SEED_MAX),
    only: readWords("--only", values.only, DIRECTIONS),
    dir: values.dir,
    json: values.json,
    help: values.help,
  };
}
