/**
 * One seed from the beginning to the end, and how to tell of its failure.
 *
 * @module
 */
import { join } from "@std/path";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { GHOST_TIME, SimClient } from "./sim_client.ts";
import { StuckError } from "./sim_clock.ts";
import { assertNoLeftovers, Violation } from "./sim_invariants.ts";
import type { SimLibrary } from "./sim_library.ts";
import { NO_NETWORK_FAULTS } from "./sim_network.ts";
import { REMOTE_NAMES, Scenario, type Theme } from "./sim_scenario.ts";
import { keyOf, readAll, writeAll } from "./sim_tree.ts";
import { SERVED, SimWorld, SOURCES } from "./sim_world.ts";

/** Longer than any staging or outcome is kept: 8 days. */
const EXPIRY = 8 * 24 * 60 * 60 * 1000;

/** The most that a put may take when nothing goes wrong any more. */
const PROBE_TIME_MAX = 60_000;

/** What a seed came to. */
export interface SimResult {
  /** The seed. */
  readonly seed: number;
  /** What went wrong in it. */
  readonly theme: string;
  /** Hash of everything that happened. */
  readonly hash: string;
  /** Milliseconds that passed in it. */
  readonly virtualTime: number;
  /** How to run it again. */
  readonly again: string;
  /** What was broken, if anything. */
  readonly failure: unknown;
  /** What happened last. */
  readonly recent: readonly string[];
}

/**
 * Runs one seed.
 *
 * @param library What to run.
 * @param seed Decides everything.
 * @param theme What goes wrong; by default the seed decides that too.
 */
export async function simulate(
  library: SimLibrary,
  seed: number,
  theme?: Theme,
): Promise<SimResult> {
  const world = new SimWorld(library, seed);
  const scenario = new Scenario(world, theme);
  let failure: unknown;
  await configure(logInto(world));
  try {
    const story = tell(world, scenario);
    story.catch(() => {});
    await world.clock.run(Promise.race([story, world.broken]));
  } catch (error) {
    if (!(error instanceof Violation || error instanceof StuckError)) {
      throw error;
    }
    failure = error;
  } finally {
    await reset();
  }
  return {
    seed,
    theme: scenario.theme.name,
    hash: world.trace.hash,
    virtualTime: world.clock.monotonic(),
    again: `FERRY_SIM_SEED=${seed} ${
      theme === undefined ? "" : `FERRY_SIM_THEME="${theme.name}" `
    }deno task sim`,
    failure,
    recent: world.trace.recent,
  };
}

/** Says what was broken, and how to see it again. */
export function describeFailure(result: SimResult): string {
  const { seed, theme, again, failure, recent } = result;
  const causes: string[] = [];
  for (let error = failure; error instanceof Error; error = error.cause) {
    causes.push(error.stack ?? String(error));
  }
  return [
    `seed ${seed} (${theme}) breaks a promise`,
    ...recent,
    ...causes,
    `again: ${again}`,
  ].join("\n");
}

async function tell(world: SimWorld, scenario: Scenario): Promise<void> {
  await world.makeServedFolder();
  world.server.oracle.watch(REMOTE_NAMES);
  await world.startServer();
  await scenario.run();
  await calmDown(world, scenario);
  world.isCalm = true;
  await probe(world);
  await world.stopServer();
  await world.server.check();
  await assertOutsideUntouched(world);
  await expire(world);
}

/** Nothing goes wrong any more; everybody ends in good order. */
async function calmDown(world: SimWorld, scenario: Scenario): Promise<void> {
  world.network.faults = NO_NETWORK_FAULTS;
  const machines = [world.server, ...scenario.clients.map((c) => c.machine)];
  for (const { disk, stepTriggers } of machines) {
    disk.triggers.length = 0;
    disk.faults.length = 0;
    stepTriggers.length = 0;
  }
  await world.clock.sleep(GHOST_TIME);
  await world.serverUp();
  for (const client of scenario.clients) {
    await client.close();
    await client.machine.check();
    await cleanUp(world, client);
  }
  await world.server.check();
}

/** What was interrupted can be found and removed, and nothing else is left. */
async function cleanUp(
  { library }: SimWorld,
  { machine: { memory, root } }: SimClient,
): Promise<void> {
  const { listLeftovers, removeLeftover } = library.storage;
  for (const leftover of await Array.fromAsync(listLeftovers(memory, root))) {
    if (leftover.isInUse) {
      throw new Violation("no lock outlives its owner", leftover.data);
    }
    await removeLeftover(memory, leftover);
  }
  await assertNoLeftovers(memory, root);
}

/**
 * Nobody's lock outlives him: a new client can put every name that is not in
 * the way of a folder, and at once.
 */
async function probe(world: SimWorld): Promise<void> {
  const machine = await world.makeClientMachine("probe");
  const client = new SimClient(world, machine);
  const bytes = world.random.bytes(5000);
  const source = join(SOURCES, "probe");
  await writeAll(machine.memory, source, bytes);
  for (const path of REMOTE_NAMES) {
    if (path.includes("/")) continue;
    const start = world.clock.monotonic();
    const ending = await client.put(source, path, [keyOf(bytes)], {
      onConflict: "overwrite",
      durability: "full",
      digest: "crc32-chunks",
    });
    const took = world.clock.monotonic() - start;
    const isFine = ending.kind === "done" ||
      ending.kind === "failed" && ending.error.code === "is-directory";
    if (isFine && took < PROBE_TIME_MAX) continue;
    throw new Violation(
      "no lock outlives its owner",
      `${path} cannot be put: ${
        ending.kind === "failed" ? ending.error.message : `${took} ms`
      }`,
    );
  }
  await client.close();
}

async function assertOutsideUntouched(world: SimWorld): Promise<void> {
  const secret = await readAll(world.server.memory, "/data/secret");
  if (keyOf(secret) === keyOf(new Uint8Array([1, 2, 3]))) return;
  throw new Violation("inside the root", "a file outside was changed");
}

/** The staging folder is empty when everything in it has expired, and was settled. */
async function expire(world: SimWorld): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await world.clock.sleep(EXPIRY);
    await world.startServer();
    await world.stopServer();
  }
  await world.server.check();
  await assertNoLeftovers(world.server.memory, SERVED);
}

/** The server says in its log what it takes for a bug of its own. */
function logInto(
  world: SimWorld,
): Parameters<typeof configure<string, string>>[0] {
  return {
    sinks: {
      world: (record: LogRecord) => {
        const cause = record.properties.error;
        world.break(
          new Violation("known errors", record.message.join(""), { cause }),
        );
      },
    },
    loggers: [
      { category: "ferry", sinks: ["world"], lowestLevel: "error" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
    ],
  };
}
