// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * How fast Ferry is, beside what people use today: see `README.md`.
 *
 * @module
 */
import { join } from "@std/path";
import { describeMachine } from "./machine.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { allPeers } from "./peers/mod.ts";
import type { Peer } from "./peers/peer.ts";
import { formatOutcome, type Outcome, outcomeToJson } from "./report.ts";
import { measure, type Measurement, SAMPLE_NAME } from "./rounds.ts";
import { writeSample } from "./sample.ts";
import { type Folders, makeFolders, prepareStorage } from "./storage.ts";

/** Who can be measured, and why the others cannot. */
interface Field {
  readonly peers: readonly Peer[];
  readonly notes: readonly string[];
}

function isRoot(): boolean {
  return Deno.build.os !== "windows" && Deno.uid() === 0;
}

/** Starts every peer that can be; what was started goes onto `stack`. */
async function startPeers(
  wanted: readonly Peer[],
  folders: Folders,
  stack: AsyncDisposableStack,
): Promise<Field> {
  const peers: Peer[] = [];
  const notes: string[] = [];
  for (const peer of wanted) {
    const availability = await peer.available();
    if (availability.kind === "missing") {
      notes.push(`${peer.title}: not measured, ${availability.message}`);
      continue;
    }
    const scratch = join(folders.scratch, peer.name);
    await Deno.mkdir(scratch);
    stack.defer(() => peer.stop());
    try {
      await peer.start({ ...folders, scratch, isRoot: isRoot() });
    } catch (error) {
      // Without Ferry there is nothing to compare with.
      if (peer === wanted[0]) throw error;
      notes.push(`${peer.title}: not measured, ${errorMessage(error)}`);
      continue;
    }
    peers.push(peer);
    for (const [direction, reason] of peer.lacks) {
      notes.push(`${peer.title}: no ${direction}, ${reason}`);
    }
  }
  return { peers, notes };
}

/** Prepares everything, measures, and cleans up whatever happened. */
async function runBench(
  options: Options,
  wanted: readonly Peer[],
  signal: AbortSignal,
): Promise<Outcome> {
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const storage = await prepareStorage(options.dir, options.size);
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
    proof,
    signal,
    onStep: (text) => console.error(text),
  });
  return {
    size: options.size,
    runs: options.runs,
    directions: options.only,
    machine,
    storage: storage.description,
    measurements,
    notes: [...notes, ...measurements.flatMap(failureNotes)],
  };
}

function failureNotes({ peer, failures }: Measurement): string[] {
  return [...failures].map(([direction, reason]) =>
    `${peer.title}: ${direction} does not work here, ${reason}`
  );
}

/** Makes Ctrl-C end the bench as an error would, so that it cleans up. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    Deno.addSignalListener(
      signal,
      () => controller.abort(new Error("interrupted")),
    );
  }
  return controller.signal;
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<void> {
  const all = allPeers();
  const names = all.map(({ name }) => name);
  const options = parseOptions(Deno.args, names);
  if (options.help) {
    console.log(helpText(names));
    return;
  }
  const wanted = all.filter(({ name }) => options.peers.includes(name));
  const outcome = await runBench(options, wanted, abortOnSignals());
  console.error("");
  console.log(
    options.json ? outcomeToJson(outcome) : formatOutcome(outcome).join("\n"),
  );
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`bench: ${errorMessage(error)}`);
    Deno.exit(1);
  }
  // The listeners for signals would keep nothing alive, but a hung peer might.
  Deno.exit(0);
}
