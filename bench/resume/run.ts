/**
 * One transfer with all its interruptions.
 *
 * @module
 */
import { join } from "@std/path";
import { type ChaosProxy, startChaosProxy } from "../../tools/chaos_proxy.ts";
import type { Job, JobResult } from "../ferry/job.ts";
import { ServerProcess } from "../ferry/server_process.ts";
import type { Direction } from "../peers/peer.ts";
import { delay } from "../processes.ts";
import { type Proof, verify } from "../sample.ts";
import type { Folders } from "../storage.ts";
import { ClientRun } from "./client_run.ts";
import type { Stop, Victim } from "./stops.ts";

/** What followed an interruption. */
export interface Recovery {
  /** What broke. */
  readonly victim: Victim;
  /** Bytes that had gone over the wire by then, in the direction of the file. */
  readonly at: number;
  /**
   * Milliseconds until the first byte of the file moved again: from the start of
   * the new client process, from when the new server listened, or from the reset
   * of all connections.
   */
  readonly firstByte: number;
}

/** What came of a transfer. */
export interface ResumeResult {
  /** Which way. */
  readonly direction: Direction;
  /** Bytes of the file. */
  readonly size: number;
  /** Each interruption. */
  readonly recoveries: readonly Recovery[];
  /** Milliseconds from the last new start, see {@linkcode Recovery}, to the end. */
  readonly end: number;
  /** Bytes over the wire in the direction of the file, in all tries. */
  readonly wireBytes: number;
  /** Bytes the other way. */
  readonly backBytes: number;
  /** What the last client says. */
  readonly result: JobResult;
}

/** What a transfer needs. */
export interface ResumePlan {
  /** Which way. */
  readonly direction: Direction;
  /** How it is interrupted, in order. */
  readonly stops: readonly Stop[];
  /** Where the files are. */
  readonly folders: Folders;
  /** The file, in the served folder. */
  readonly sample: { readonly name: string; readonly proof: Proof };
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks at the wire. */
const LOOK_MS = 1;

/**
 * Bytes on one connection from which on data are among them: requests and
 * answers are smaller, and a piece of the file is larger.
 */
const DATA_SIZE_MIN = 4096;

/** How long new bytes are waited for. */
const PATIENCE_MS = 60_000;

/**
 * Runs a transfer through a proxy and interrupts it; compares the file.
 *
 * @param plan What to do.
 * @throws {Error} if it does not end well.
 */
export async function runInterrupted(plan: ResumePlan): Promise<ResumeResult> {
  const world = await World.start(plan);
  try {
    return await world.run();
  } finally {
    await world.stop();
  }
}

class World {
  readonly #plan: ResumePlan;
  readonly #proxy: ChaosProxy;
  readonly #job: Job;
  readonly #arrived: string;
  readonly #stateFolder: string;
  #server: ServerProcess;
  #client: ClientRun | undefined;

  private constructor(
    plan: ResumePlan,
    server: ServerProcess,
    proxy: ChaosProxy,
  ) {
    const { direction, folders, sample } = plan;
    this.#plan = plan;
    this.#server = server;
    this.#proxy = proxy;
    const name = "interrupted.bin";
    const isGet = direction === "get";
    this.#arrived = join(isGet ? folders.local : folders.incoming, name);
    this.#stateFolder = join(folders.scratch, "state");
    this.#job = {
      port: proxy.address.port,
      direction,
      remote: isGet ? sample.name : `incoming/${name}`,
      local: isGet ? this.#arrived : join(folders.served, sample.name),
      durability: "full",
      streams: "auto",
      stateFolder: this.#stateFolder,
    };
  }

  static async start(plan: ResumePlan): Promise<World> {
    const server = await ServerProcess.start(plan.folders.served);
    const to = { hostname: "127.0.0.1", port: server.port };
    return new World(plan, server, await startChaosProxy({ to }));
  }

  async stop(): Promise<void> {
    await this.#client?.kill();
    await this.#proxy.close();
    await this.#server.stop();
    for (const path of [this.#arrived, this.#stateFolder]) {
      await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }

  async run(): Promise<ResumeResult> {
    const { direction, stops, sample } = this.#plan;
    const { size } = sample.proof;
    const recoveries: Recovery[] = [];
    let client = this.#client = new ClientRun(this.#job);
    let started = client.started;
    for (const { victim, at } of stops) {
      await this.#until(
        () => this.#moved >= at * size,
        `${at * size} bytes went over the wire`,
      );
      const moved = this.#moved;
      const before = this.#proxy.counters.connections;
      started = await this.#break(victim);
      client = this.#client;
      await this.#until(() => this.#hasData(before), "new bytes moved");
      const firstByte = performance.now() - started;
      recoveries.push({ victim, at: moved, firstByte });
    }
    const result = await client.result;
    const end = performance.now() - started;
    if (result === undefined) throw new Error("the client was killed");
    const { bytesUp, bytesDown } = this.#proxy.counters;
    await verify(this.#arrived, sample.proof);
    const [wireBytes, backBytes] = direction === "get"
      ? [bytesDown, bytesUp]
      : [bytesUp, bytesDown];
    return { direction, size, recoveries, end, wireBytes, backBytes, result };
  }

  /** Breaks something and mends it; returns from when on time counts. */
  async #break(victim: Victim): Promise<number> {
    switch (victim) {
      case "client":
        await this.#client?.kill();
        this.#client = new ClientRun(this.#job);
        return this.#client.started;
      case "server": {
        await this.#server.kill();
        this.#server = await ServerProcess.start(this.#plan.folders.served);
        const { port } = this.#server;
        const ready = performance.now();
        await this.#proxy.set({ to: { hostname: "127.0.0.1", port } });
        return ready;
      }
      case "network":
        this.#proxy.resetAll();
        return performance.now();
    }
  }

  /** Bytes in the direction of the file. */
  get #moved(): number {
    const { bytesUp, bytesDown } = this.#proxy.counters;
    return this.#plan.direction === "get" ? bytesDown : bytesUp;
  }

  /** Whether data went over a connection that was made after so many others. */
  #hasData(connections: number): boolean {
    const isGet = this.#plan.direction === "get";
    return this.#proxy.counters.perConnection.some((one) =>
      one.connection > connections &&
      (isGet ? one.bytesDown : one.bytesUp) >= DATA_SIZE_MIN
    );
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      this.#plan.signal.throwIfAborted();
      if (this.#client?.isOver) await this.#client.result;
      if (this.#client?.isOver) throw new Error(`it was over before ${what}`);
      if (performance.now() > deadline) {
        throw new Error(`${PATIENCE_MS} ms passed before ${what}`);
      }
      await delay(LOOK_MS);
    }
  }
}
