// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * Interrupted transfers: how soon do new bytes move, and how many move twice?
 *
 * @module
 */
import { join } from "@std/path";
import { formatSize } from "../../lib/cli/format.ts";
import { describeMachine } from "../machine.ts";
import { writeSample } from "../sample.ts";
import type { Scenario } from "../scenario.ts";
import { makeFolders, prepareStorage } from "../storage.ts";
import {
  parseResumeOptions,
  resumeHelp,
  type ResumeOptions,
} from "./options.ts";
import { formatResults } from "./report.ts";
import { type ResumeResult, runInterrupted } from "./run.ts";
import { randomStops, type Stop, VICTIMS } from "./stops.ts";

/** All that is known after a run. */
interface ResumeOutcome {
  readonly machine: string;
  readonly storage: string;
  readonly results: readonly ResumeResult[];
}

const SAMPLE_NAME = "sample.bin";

/** The source, and what arrives. */
const COPIES = 2;

/** Where the whole file has nearly arrived. */
const NEARLY = 0.99;

async function runResume(
  options: ResumeOptions,
  signal: AbortSignal,
): Promise<ResumeOutcome> {
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const storage = await prepareStorage(options.dir, COPIES * options.size);
  stack.defer(() => storage.release());
  const folders = await makeFolders(storage.path);
  const path = join(folders.served, SAMPLE_NAME);
  const proof = await writeSample(path, options.size);
  const series: Stop[][] = [
    ...VICTIMS.map((victim) => [{ victim, at: NEARLY }]),
    randomStops(options.seed, options.kills),
  ];
  const results: ResumeResult[] = [];
  for (const direction of options.only) {
    for (const stops of series) {
      const result = await runInterrupted({
        direction,
        stops,
        folders,
        sample: { name: SAMPLE_NAME, proof },
        signal,
      });
      for (const { victim, at, firstByte } of result.recoveries) {
        console.error(
          `${direction}: ${victim} at ${formatSize(at)}, first new byte ` +
            `after ${firstByte.toFixed(0)} ms`,
        );
      }
      results.push(result);
    }
  }
  return { machine, storage: storage.description, results };
}

/** Interrupted transfers. */
export const RESUME: Scenario = {
  name: "resume",
  help: resumeHelp,
  async run(args, signal) {
    const options = parseResumeOptions(args);
    if (options.help) return console.log(resumeHelp());
    const outcome = await runResume(options, signal);
    console.error("");
    if (options.json) return console.log(JSON.stringify(outcome));
    console.log([
      `One file of ${formatSize(options.size)} through a proxy, interrupted; ` +
      "every file was compared with what was sent.",
      `machine  ${outcome.machine}`,
      `storage  ${outcome.storage}`,
      "",
      ...formatResults(outcome.results),
    ].join("\n"));
  },
};
