/**
 * What a client process of the bench is told to do, and what it tells.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import type { Direction } from "../peers/peer.ts";
import type { Command } from "../processes.ts";

const ROOT = new URL("../../", import.meta.url);

/** A file that a client is to move. */
export interface Job {
  /** Port of 127.0.0.1 on which the server, or a proxy, listens. */
  readonly port: number;
  /** Which way. */
  readonly direction: Direction;
  /** Path below the folder that is served. */
  readonly remote: string;
  /** Local path. */
  readonly local: string;
  /** What the receipt is to promise. */
  readonly durability: "full" | "none";
  /** How many data connections. */
  readonly streams: number | "auto";
  /** Where what an interrupted upload needs is kept. */
  readonly stateFolder?: string;
}

/** How a transfer stood at a moment. */
export interface Moment {
  /** Milliseconds since the process began to connect. */
  readonly at: number;
  /** Verified bytes. */
  readonly bytes: number;
  /** Data connections at work. */
  readonly streams: number;
}

/** What came of a job. */
export interface JobResult {
  /** Milliseconds from before connecting to the receipt. */
  readonly milliseconds: number;
  /** Bytes of the file. */
  readonly size: number;
  /** What the receipt says. */
  readonly wireBytes: number;
  /** What the receipt says. */
  readonly resumedFrom: number;
  /** How it went on. */
  readonly moments: readonly Moment[];
}

/**
 * The command line that does a job.
 *
 * @param job What to do.
 */
export function jobCommand(job: Job): Command {
  return denoCommand("bench/ferry/client.ts", CLIENT_PERMISSIONS, [
    JSON.stringify(job),
  ]);
}

/** What a client may do. */
export const CLIENT_PERMISSIONS: readonly string[] = [
  "--allow-net=127.0.0.1",
  "--allow-read",
  "--allow-write",
  "--allow-env",
];

/**
 * The command line of a program of Ferry, run from its source.
 *
 * @param main Its file, from the top of the repository.
 * @param permissions What it may do.
 * @param args What follows.
 */
export function denoCommand(
  main: string,
  permissions: readonly string[],
  args: readonly string[],
): Command {
  return {
    program: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--frozen",
      "--no-prompt",
      ...permissions,
      fromFileUrl(new URL(main, ROOT)),
      ...args,
    ],
  };
}

/**
 * Finds the result in what a client wrote.
 *
 * @param output All of it.
 * @throws {Error} if there is none.
 */
export function readResult(output: string): JobResult {
  const line = output.trim().split("\n").findLast((line) =>
    line.startsWith("{")
  );
  if (line === undefined) throw new Error(`no result in "${output.trim()}"`);
  return JSON.parse(line);
}

/**
 * The rate over the second half of a transfer, when what was to be found out has
 * been found out.
 *
 * @param moments How it went on.
 * @returns Bytes a second; `undefined` if it was over too soon to tell.
 */
export function settledRate(moments: readonly Moment[]): number | undefined {
  const last = moments.at(-1);
  if (last === undefined) return undefined;
  const middle = moments.find(({ bytes }) => bytes >= last.bytes / 2);
  if (middle === undefined || last.at <= middle.at) return undefined;
  return (last.bytes - middle.bytes) * 1000 / (last.at - middle.at);
}

/**
 * When which number of connections was reached.
 *
 * @param moments How it went on.
 * @returns Such as `1, 2 at 1.1 s, 4 at 2.6 s`.
 */
export function describeStreams(moments: readonly Moment[]): string {
  const steps: string[] = [];
  let before: number | undefined;
  for (const { at, streams } of moments) {
    if (streams === before) continue;
    steps.push(
      before === undefined
        ? `${streams}`
        : `${streams} at ${(at / 1000).toFixed(1)} s`,
    );
    before = streams;
  }
  return steps.join(", ");
}
