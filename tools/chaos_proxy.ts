/**
 * A TCP proxy that does to connections what bad networks do: delay, rate limits,
 * tiny pieces, wrong bits, resets, closes, silence and refusal, all by a seed
 * that is printed. A program, and a module for tests and benches.
 *
 * @module
 */
import { UsageError } from "../lib/cli/usage_error.ts";
import { formatAddress } from "../lib/transport/network.ts";
import { HELP, readCommandLine } from "./chaos/command_line.ts";
import { type ChaosProxy, startChaosProxy } from "./chaos/proxy.ts";

export type { CancelTimer, Clock } from "../lib/platform/mod.ts";
export type { NetworkAddress } from "../lib/transport/network.ts";
export type {
  ChaosCounters,
  ConnectionCounters,
  ConnectionState,
} from "./chaos/counters.ts";
export type {
  Cut,
  Direction,
  Directions,
  EachWay,
  Faults,
  Flip,
  Refusal,
  Stammer,
} from "./chaos/faults.ts";
export {
  type ChaosChanges,
  type ChaosOptions,
  type ChaosProxy,
  startChaosProxy,
} from "./chaos/proxy.ts";

/** Writes a line. */
function say(stream: "stdout" | "stderr", line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  let at = 0;
  while (at < bytes.length) at += Deno[stream].writeSync(bytes.subarray(at));
}

/** Resolves when somebody ends the program. */
function ended(): Promise<void> {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  return new Promise((resolve) => {
    for (const signal of signals) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

async function runUntilEnded(proxy: ChaosProxy): Promise<void> {
  const end = ended();
  say("stderr", `seed ${proxy.seed}`);
  say("stdout", `listening ${formatAddress(proxy.address)}`);
  await end;
  await proxy.close();
  const { seed, counters } = proxy;
  say("stdout", JSON.stringify({ event: "counters", seed, ...counters }));
}

/** Runs the program; gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readCommandLine(args);
    if (options === "help") say("stdout", HELP.trimEnd());
    else await runUntilEnded(await startChaosProxy(options));
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say("stderr", `chaos_proxy: ${message}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
