/**
 * The command line of the scenario `small`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseSize, readCount, readWords, RUNS_MAX } from "../options.ts";
import { type Direction, DIRECTIONS } from "../peers/peer.ts";
import type { TreeShape } from "./tree.ts";

/** What is to be measured. */
export interface SmallOptions {
  /** What is moved. */
  readonly shape: TreeShape;
  /** Rounds, after the warm-up. */
  readonly runs: number;
  /** Where the files are; made by the bench if nobody says. */
  readonly dir: string | undefined;
  /** Which ways. */
  readonly only: readonly Direction[];
  /** Which peers, by their names. */
  readonly peers: readonly string[];
  /** Only how much memory both ends take, of ever more and ever larger files. */
  readonly memory: boolean;
  /** One JSON object on stdout in place of the tables. */
  readonly json: boolean;
  /** Only the help is wanted. */
  readonly help: boolean;
}

const FILES_DEFAULT = "10000";
const FILES_MAX = 10_000_000;
const FOLDERS_DEFAULT = "100";
const SIZE_DEFAULT = "4KiB";
const RUNS_DEFAULT = "3";

/** What `--help` shows. */
export function smallHelp(peers: readonly string[]): string {
  return [
    "deno task bench small [OPTIONS]",
    "",
    "Moves a folder of small files over loopback, with Ferry and with others.",
    "",
    `  --files N       how many (default ${FILES_DEFAULT})`,
    `  --folders N     in how many folders (default ${FOLDERS_DEFAULT})`,
    `  --size SIZE     bytes of each, at most 1MiB (default ${SIZE_DEFAULT})`,
    `  --runs N        rounds, after one warm-up (default ${RUNS_DEFAULT})`,
    "  --dir PATH      folder for the files (default as above)",
    "  --only WAYS     get, put (default both)",
    `  --peers NAMES   ${peers.join(", ")}`,
    "                  (default all; ferry is always measured)",
    "  --memory        measure only how much memory both ends of Ferry take:",
    "                  1,000 to 100,000 files, and one sparse file to 8 GiB",
    "  --json          one JSON object with every sample on stdout",
  ].join("\n");
}

/**
 * Reads the command line.
 *
 * @param args The words.
 * @param known The names of all peers; the first is Ferry's.
 * @throws {TypeError} or {RangeError} with a sentence for whoever typed it.
 */
export function parseSmallOptions(
  args: readonly string[],
  known: readonly string[],
): SmallOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      files: { type: "string", default: FILES_DEFAULT },
      folders: { type: "string", default: FOLDERS_DEFAULT },
      size: { type: "string", default: SIZE_DEFAULT },
      runs: { type: "string", default: RUNS_DEFAULT },
      dir: { type: "string" },
      only: { type: "string", default: DIRECTIONS.join() },
      peers: { type: "string", default: known.join() },
      memory: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  const size = parseSize(values.size);
  if (size > SMALL_SIZE_MAX) {
    throw new RangeError(
      `Cannot use "${values.size}" for --size: small files have at most 1 MiB`,
    );
  }
  const peers = readWords("--peers", values.peers, known);
  return {
    shape: {
      files: readCount("--files", values.files, FILES_MAX),
      folders: readCount("--folders", values.folders, FILES_MAX),
      size,
    },
    runs: readCount("--runs", values.runs, RUNS_MAX),
    dir: values.dir,
    only: readWords("--only", values.only, DIRECTIONS),
    // Every ratio needs Ferry.
    peers: known.filter((name, index) => index === 0 || peers.includes(name)),
    memory: values.memory,
    json: values.json,
    help: values.help,
  };
}

/** One chunk: what Ferry moves together with others. */
const SMALL_SIZE_MAX = 1024 ** 2;
