// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * One file over a long link with a limit for each connection, and over loopback:
 * how many connections are best, and does Ferry find that out?
 *
 * @module
 */
import { join } from "@std/path";
import { formatRate } from "../../lib/cli/format.ts";
import { startChaosProxy } from "../../tools/chaos_proxy.ts";
import { ServerProcess } from "../ferry/server_process.ts";
import { describeMachine } from "../machine.ts";
import { writeSample } from "../sample.ts";
import type { Scenario } from "../scenario.ts";
import { makeFolders, prepareStorage } from "../storage.ts";
import { linkHelp, type LinkOptions, parseLinkOptions } from "./options.ts";
import { formatSizeOutcome, type SizeOutcome } from "./report.ts";
import { lanesFor, measureLanes } from "./run.ts";

/** All that is known after a run. */
interface LinkOutcome {
  readonly machine: string;
  readonly storage: string;
  readonly sizes: readonly SizeOutcome[];
}

/** The source, one copy, and one more that a server may keep for a moment. */
const COPIES = 3;

async function runLink(
  options: LinkOptions,
  signal: AbortSignal,
): Promise<LinkOutcome> {
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const storage = await prepareStorage(
    options.dir,
    COPIES * Math.max(...options.sizes),
  );
  stack.defer(() => storage.release());
  const folders = await makeFolders(storage.path);
  const server = await ServerProcess.start(folders.served);
  stack.defer(() => server.stop());
  // The proxy has this thread for itself: server and client are processes.
  const proxy = stack.use(
    await startChaosProxy({
      to: { hostname: "127.0.0.1", port: server.port },
      rate: options.rate,
      delay: options.delay,
    }),
  );
  const sizes: SizeOutcome[] = [];
  for (const size of options.sizes) {
    const name = `sample-${size}.bin`;
    const path = join(folders.served, name);
    const proof = await writeSample(path, size);
    const series = await measureLanes({
      lanes: lanesFor(options.over, options.streams),
      directions: options.only,
      runs: options.runs,
      ports: { link: proxy.address.port, loopback: server.port },
      folders,
      sample: { name, proof },
      signal,
      onStep: (text) => console.error(text),
    });
    await Deno.remove(path);
    sizes.push({ size, series });
  }
  return { machine, storage: storage.description, sizes };
}

function format(outcome: LinkOutcome, options: LinkOptions): string[] {
  return [
    `One file through a proxy with ${formatRate(options.rate)} a connection ` +
    `and ${options.delay} ms each way, and over loopback: medians of ` +
    `${options.runs} interleaved ${options.runs === 1 ? "run" : "runs"}.`,
    "Time is from before connecting to the receipt, without starting Deno.",
    "Ratios compare within a round.",
    `machine  ${outcome.machine}`,
    `storage  ${outcome.storage}`,
    ...outcome.sizes.flatMap(formatSizeOutcome),
  ];
}

/** One file over a long link. */
export const LINK: Scenario = {
  name: "link",
  help: linkHelp,
  async run(args, signal) {
    const options = parseLinkOptions(args);
    if (options.help) return console.log(linkHelp());
    const outcome = await runLink(options, signal);
    console.error("");
    console.log(
      options.json
        ? JSON.stringify(outcome)
        : format(outcome, options).join("\n"),
    );
  },
};
