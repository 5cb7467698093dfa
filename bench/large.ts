// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * One large file over loopback, with Ferry and with what people use today.
 *
 * @module
 */
import { join } from "@std/path";
import { formatSize } from "../lib/cli/format.ts";
import { describeMachine } from "./machine.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { largeCargo, SAMPLE_NAME } from "./cargo.ts";
import { allPeers } from "./peers/mod.ts";
import type { Peer } from "./peers/peer.ts";
import { failureNotes, startPeers } from "./start_peers.ts";
import { formatOutcome, type Outcome, outcomeToJson } from "./report.ts";
import { measure } from "./rounds.ts";
import type { Scenario } from "./scenario.ts";
import { writeSample } from "./sample.ts";
import { makeFolders, prepareStorage } from "./storage.ts";

/** The source, one copy, and one more that a server may keep for a moment. */
const COPIES = 3;

/** Prepares everything, measures, and cleans up whatever happened. */
async function runLarge(
  options: Options,
  wanted: readonly Peer[],
  signal: AbortSignal,
): Promise<Outcome> {
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const storage = await prepareStorage(options.dir, COPIES * options.size);
  stack.defer(() => storage.release());
  const folders = await makeFolders(storage.path);
  const sample = join(folders.served, SAMPLE_NAME);
  const proof = await writeSample(sample, options.size);
  const { peers, notes } = await startPeers(wanted, folders, stack);
  const measurements = await measure({
    peers,
    directions: options.only,
    runs: options.runs,
    folders,
    cargo: largeCargo(folders, proof),
    signal,
    onStep: (text) => console.error(text),
  });
  return {
    title: `One file of ${formatSize(options.size)} over TCP on loopback`,
    size: options.size,
    files: 1,
    runs: options.runs,
    directions: options.only,
    machine,
    storage: storage.description,
    measurements,
    notes: [...notes, ...measurements.flatMap(failureNotes)],
  };
}

/** One large file. */
export const LARGE: Scenario = {
  name: "large",
  help: () => helpText(allPeers().map(({ name }) => name)),
  async run(args, signal) {
    const all = allPeers();
    const options = parseOptions(args, all.map(({ name }) => name));
    if (options.help) return console.log(this.help());
    const wanted = all.filter(({ name }) => options.peers.includes(name));
    const outcome = await runLarge(options, wanted, signal);
    console.error("");
    console.log(
      options.json ? outcomeToJson(outcome) : formatOutcome(outcome).join("\n"),
    );
  },
};
