/**
 * The measuring: the numbers of connections take turns, round by round.
 *
 * @module
 */
import { join } from "@std/path";
import { jobCommand, type JobResult, readResult } from "../ferry/job.ts";
import type { Direction } from "../peers/peer.ts";
import { runTimed } from "../processes.ts";
import { type Proof, verify } from "../sample.ts";
import type { Folders } from "../storage.ts";
import type { Streams, Way } from "./options.ts";

/** A way with a number of connections. */
export interface Lane {
  /** Over what. */
  readonly way: Way;
  /** How many connections. */
  readonly streams: Streams;
}

/** All rounds of one lane, in one direction. */
export interface LaneSeries extends Lane {
  /** Which way. */
  readonly direction: Direction;
  /** One for each round. */
  readonly results: readonly JobResult[];
}

/** What all rounds have in common. */
export interface LinkPlan {
  /** What is compared. */
  readonly lanes: readonly Lane[];
  /** Which ways. */
  readonly directions: readonly Direction[];
  /** Rounds. */
  readonly runs: number;
  /** The port for each way. */
  readonly ports: Readonly<Record<Way, number>>;
  /** Where the files are. */
  readonly folders: Folders;
  /** The file, in the served folder. */
  readonly sample: { readonly name: string; readonly proof: Proof };
  /** Ends the measuring. */
  readonly signal: AbortSignal;
  /** Learns of every step. */
  readonly onStep: (text: string) => void;
}

/**
 * The lanes that are worth measuring: all over the link, and over loopback only
 * those between which Ferry has to choose well.
 *
 * @param over Over what.
 * @param streams The numbers that are wanted.
 */
export function lanesFor(
  over: readonly Way[],
  streams: readonly Streams[],
): Lane[] {
  return over.flatMap((way) =>
    streams
      .filter((word) => way === "link" || word === "1" || word === "auto")
      .map((streams) => ({ way, streams }))
  );
}

/**
 * Measures. In the first round every arrived file is verified; the time of that
 * does not count.
 *
 * @param plan What to do.
 */
export async function measureLanes(plan: LinkPlan): Promise<LaneSeries[]> {
  const { lanes, directions, runs } = plan;
  const series = directions.flatMap((direction) =>
    lanes.map((lane) => ({ ...lane, direction, results: [] as JobResult[] }))
  );
  for (let round = 0; round < runs; round++) {
    for (const direction of directions) {
      const all = series.filter((one) => one.direction === direction);
      const first = round % all.length;
      for (const one of [...all.slice(first), ...all.slice(0, first)]) {
        one.results.push(await moveOnce(plan, one, round));
      }
    }
  }
  return series;
}

async function moveOnce(
  plan: LinkPlan,
  { way, streams, direction }: Omit<LaneSeries, "results">,
  round: number,
): Promise<JobResult> {
  const { folders, sample, ports, signal } = plan;
  const name = `${way}-${streams}-${round}.bin`;
  const isGet = direction === "get";
  const arrived = join(isGet ? folders.local : folders.incoming, name);
  const command = jobCommand({
    direction,
    port: ports[way],
    remote: isGet ? sample.name : `incoming/${name}`,
    local: isGet ? arrived : join(folders.served, sample.name),
    streams: streams === "auto" ? streams : Number(streams),
    durability: "full",
  });
  const { output } = await runTimed(command, { signal });
  const result = readResult(output);
  if (round === 0) await verify(arrived, sample.proof);
  await Deno.remove(arrived);
  plan.onStep(
    `round ${round + 1} of ${plan.runs}: ${direction} over the ${way}, ` +
      `streams ${streams}, ${(result.milliseconds / 1000).toFixed(2)} s`,
  );
  return result;
}
