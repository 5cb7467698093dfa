/**
 * The measuring: peers take turns, round by round.
 *
 * @module
 */
import { join } from "@std/path";
import { peakMemory, watchPeakMemory } from "./memory.ts";
import type { Direction, Peer } from "./peers/peer.ts";
import type { Cargo } from "./cargo.ts";
import { runTimed } from "./processes.ts";
import type { Folders } from "./storage.ts";

const START_UP_RUNS = 5;

/** What was measured of one peer. */
export interface Measurement {
  /** Who. */
  readonly peer: Peer;
  /** Milliseconds of each round, by direction. */
  readonly durations: ReadonlyMap<Direction, number[]>;
  /** Milliseconds that the client takes to start and end, from several starts. */
  readonly startUps: readonly number[];
  /** What the client says its version is. */
  readonly version: string;
  /** Why a direction could not be measured: what went wrong in the warm-up. */
  readonly failures: ReadonlyMap<Direction, string>;
  /** Peaks in bytes, where known, measured in the warm-up. */
  readonly clientPeaks: ReadonlyMap<Direction, number>;
  /** Peak of the server in bytes, where known. */
  readonly serverPeak: number | undefined;
}

/** What all rounds have in common. */
export interface Plan {
  /** Who; all of them started. */
  readonly peers: readonly Peer[];
  /** Which ways. */
  readonly directions: readonly Direction[];
  /** Rounds that count. */
  readonly runs: number;
  /** Where the files are. */
  readonly folders: Folders;
  /** What is moved. */
  readonly cargo: Cargo;
  /** Ends the measuring. */
  readonly signal: AbortSignal;
  /** Learns of every step. */
  readonly onStep: (text: string) => void;
}

/** A measurement in the making. */
interface Draft {
  readonly peer: Peer;
  readonly durations: Map<Direction, number[]>;
  readonly failures: Map<Direction, string>;
  readonly clientPeaks: Map<Direction, number>;
}

/**
 * Measures. The first round does not count: in it, everybody is warmed up,
 * every arrived file is verified, and the clients' memory is watched.
 *
 * @param plan What to do.
 */
export async function measure(plan: Plan): Promise<Measurement[]> {
  const drafts = plan.peers.map((peer): Draft => ({
    peer,
    durations: new Map(),
    failures: new Map(),
    clientPeaks: new Map(),
  }));
  for (let round = 0; round <= plan.runs; round++) {
    for (const direction of plan.directions) {
      for (const draft of inTurn(drafts, round)) {
        if (draft.peer.lacks.has(direction)) continue;
        if (draft.failures.has(direction)) continue;
        await tryOnce(plan, draft, { direction, round });
      }
    }
  }
  const measurements: Measurement[] = [];
  for (const draft of drafts) measurements.push(await finish(plan, draft));
  return measurements;
}

/** Another peer begins in each round, so that nobody profits from its place. */
function inTurn(drafts: readonly Draft[], round: number): readonly Draft[] {
  const first = round % drafts.length;
  return [...drafts.slice(first), ...drafts.slice(0, first)];
}

/** One transfer in one round; round 0 is the warm-up. */
interface Turn {
  readonly direction: Direction;
  readonly round: number;
}

/**
 * Lets a peer have its turn. One that does not work here at all shows that in
 * the warm-up, and is left out; of Ferry, and later on, nothing is forgiven.
 */
async function tryOnce(plan: Plan, draft: Draft, turn: Turn): Promise<void> {
  try {
    await measureOnce(plan, draft, turn);
  } catch (error) {
    plan.signal.throwIfAborted();
    if (turn.round > 0 || draft.peer.client === "ferry") throw error;
    const reason = error instanceof Error ? error.message : String(error);
    draft.failures.set(turn.direction, reason);
    plan.onStep(`warm-up: ${turn.direction} ${draft.peer.title} failed`);
  }
}

async function measureOnce(
  plan: Plan,
  draft: Draft,
  { direction, round }: Turn,
): Promise<void> {
  const { folders, cargo, signal } = plan;
  const { peer } = draft;
  const name = `${peer.name}-${round}`;
  const isGet = direction === "get";
  const arrived = join(isGet ? folders.local : folders.incoming, name);
  const command = isGet
    ? cargo.get(peer, arrived)
    : cargo.put(peer, `incoming/${name}`);
  const isWarmUp = round === 0;
  let peak: Promise<number | undefined> | undefined;
  const { milliseconds } = await runTimed(command, {
    signal,
    onSpawn(pid): void {
      if (isWarmUp) peak = watchPeakMemory(pid);
    },
  });
  if (isWarmUp) {
    await cargo.verify(arrived);
    const bytes = await peak;
    if (bytes !== undefined) draft.clientPeaks.set(direction, bytes);
  } else {
    const durations = draft.durations.get(direction) ?? [];
    draft.durations.set(direction, [...durations, milliseconds]);
  }
  await cargo.look(arrived);
  await Deno.remove(arrived, { recursive: true });
  plan.onStep(
    `${isWarmUp ? "warm-up" : `round ${round} of ${plan.runs}`}: ` +
      `${direction} ${peer.title}, ${(milliseconds / 1000).toFixed(2)} s`,
  );
}

async function finish(plan: Plan, draft: Draft): Promise<Measurement> {
  const { peer } = draft;
  const serverPeak = peer.serverPid === undefined
    ? undefined
    : await peakMemory(peer.serverPid);
  return { ...draft, ...await measureStartUp(peer, plan.signal), serverPeak };
}

async function measureStartUp(
  peer: Peer,
  signal: AbortSignal,
): Promise<{ startUps: number[]; version: string }> {
  const startUps: number[] = [];
  let version = "";
  for (let run = 0; run < START_UP_RUNS; run++) {
    const { milliseconds, output } = await runTimed(peer.version(), { signal });
    startUps.push(milliseconds);
    version = output.trim().split("\n")[0] ?? "";
  }
  return { startUps, version };
}
