/**
 * A server and its machine, clients and theirs, and the network between them.
 *
 * @module
 */
import { join, SEPARATOR } from "@std/path";
import type { Server } from "../../lib/server/mod.ts";
import type { CommitStep, MemoryDisk } from "../../lib/storage/mod.ts";
import { SeededRandom } from "./seeded_random.ts";
import { SimClock } from "./sim_clock.ts";
import { SimDisk } from "./sim_disk.ts";
import {
  assertInside,
  assertMapsTrue,
  assertNothingOpen,
  assertTreeWhole,
} from "./sim_invariants.ts";
import type { SimLibrary } from "./sim_library.ts";
import { SimNetwork } from "./sim_network.ts";
import { Oracle } from "./sim_oracle.ts";
import { type Death, SimProcess } from "./sim_process.ts";
import { SimTrace } from "./sim_trace.ts";
import { writeAll } from "./sim_tree.ts";

/** Where the server listens. */
export const SERVER_PORT = 65_430;

/** The served folder. */
export const SERVED = join(SEPARATOR, "data", "served");

/** Where clients keep what they send. */
export const SOURCES = join(SEPARATOR, "sources");

/** Where clients keep what another process needs to go on. */
export const STATE = join(SEPARATOR, "state");

/** Something that happens between two steps of a commit. */
export interface StepTrigger {
  /** Which step. */
  readonly step: CommitStep;
  /** How often it is passed first. */
  countdown: number;
  /** What happens. */
  readonly action: () => void;
}

/** A machine: its disk, and what is known of the tree on it. */
export class SimMachine {
  /** What the trace calls it. */
  readonly name: string;
  /** Its disk. */
  readonly disk: SimDisk;
  /** What the published tree may hold. */
  readonly oracle = new Oracle();
  /** The folder that the oracle speaks of. */
  readonly root: string;
  /** Events that wait for a step of a commit. */
  readonly stepTriggers: StepTrigger[] = [];
  /** The program that runs on it. */
  process: SimProcess | undefined;
  readonly #world: SimWorld;

  /**
   * @param world The world it is in.
   * @param name What the trace calls it.
   * @param root The folder that its program uses.
   */
  constructor(world: SimWorld, name: string, root: string) {
    this.#world = world;
    this.name = name;
    this.root = root;
    const { MemoryDisk } = world.library.storage;
    this.disk = new SimDisk({
      name,
      disk: new MemoryDisk({ clock: world.clock }),
      random: world.fork(),
      trace: world.trace,
      library: world.library,
      // A client may name any path.
      root: name === "server" ? root : "",
    });
  }

  /** What is on its disk. */
  get memory(): MemoryDisk {
    return this.disk.memory;
  }

  /** Starts a program. */
  start(): SimProcess {
    const { clock } = this.#world;
    this.process = new SimProcess(this.name, clock, this.#world.fork());
    return this.process;
  }

  /**
   * Ends its program in the middle of things, and with `power` forgets what no
   * sync covered.
   */
  die(how: Death): void {
    const { process } = this;
    if (process === undefined || !process.alive) return;
    this.#world.trace.note(`${this.name} dies: ${how}`);
    process.kill(how);
    if (how === "killed") return;
    const { random } = this.#world;
    this.memory.powerLoss(random.chance(0.8) ? random : undefined);
    this.oracle.powerLost();
  }

  /** Called by the engine between two steps of a commit. */
  passStep(step: CommitStep): void {
    for (const [index, trigger] of this.stepTriggers.entries()) {
      if (trigger.step !== step || trigger.countdown-- > 0) continue;
      this.stepTriggers.splice(index, 1);
      return trigger.action();
    }
  }

  /** The invariants of what is on its disk. */
  async check(): Promise<void> {
    const { library } = this.#world;
    assertInside(this.disk);
    await assertTreeWhole(this.memory, this.root, this.oracle);
    await assertMapsTrue(library, this.disk, this.root);
  }
}

/** Everything there is. */
export class SimWorld {
  /** The library that runs in it. */
  readonly library: SimLibrary;
  /** Its time. */
  readonly clock = new SimClock();
  /** What happened. */
  readonly trace = new SimTrace(() => this.clock.monotonic());
  /** Chance of what is decided for the world as a whole. */
  readonly random: SeededRandom;
  /** Joins the machines. */
  readonly network: SimNetwork;
  /** The machine of the server. */
  readonly server: SimMachine;
  /** Whether nothing goes wrong, so that whatever fails is the fault of the names. */
  isCalm = false;
  /** Rejects when a promise was broken somewhere in the background. */
  readonly broken: Promise<never>;
  #serving: Server | undefined;
  #break: (reason: unknown) => void;

  /**
   * @param library The library to run.
   * @param seed Decides everything.
   */
  constructor(library: SimLibrary, seed: number) {
    this.library = library;
    this.random = new SeededRandom(seed);
    this.network = new SimNetwork({
      clock: this.clock,
      random: this.fork(),
      trace: this.trace,
      library,
    });
    const { promise, reject } = Promise.withResolvers<never>();
    this.broken = promise;
    this.broken.catch(() => {});
    this.#break = reject;
    this.server = new SimMachine(this, "server", SERVED);
  }

  /** A source of chance of its own. */
  fork(): SeededRandom {
    return new SeededRandom(this.random.u32());
  }

  /** Ends the run with a failure. */
  break(reason: unknown): void {
    this.#break(reason);
  }

  /** Makes a client's machine with its folders. */
  async makeClientMachine(name: string): Promise<SimMachine> {
    const home = join(SEPARATOR, "home");
    const machine = new SimMachine(this, name, home);
    await machine.memory.makeDirectory(home, 0o755);
    await machine.memory.makeDirectory(SOURCES, 0o755);
    machine.memory.syncAll();
    return machine;
  }

  /** Makes the served folder, with something outside that nobody may reach. */
  async makeServedFolder(): Promise<void> {
    const { memory } = this.server;
    const data = join(SEPARATOR, "data");
    await memory.makeDirectory(data, 0o755);
    await memory.makeDirectory(SERVED, 0o755);
    await writeAll(memory, join(data, "secret"), new Uint8Array([1, 2, 3]));
    memory.symlink(data, join(SERVED, "out"));
    memory.syncAll();
  }

  /** Starts the server, as often as it takes. */
  async startServer(): Promise<void> {
    for (let attempt = 0; this.server.process?.alive !== true; attempt++) {
      const process = this.server.start();
      const serving = await process.guard(
        this.#serve(process).catch((error) => {
          if (attempt > START_ATTEMPTS) throw error;
          this.trace.note(`server does not start: ${error.message}`);
          process.kill("killed");
          return "killed" as const;
        }),
      );
      if (serving === "killed") await this.clock.sleep(500);
      else this.#serving = serving;
    }
    this.trace.note("server started");
  }

  async #serve(process: SimProcess): Promise<Server> {
    const { DiskStorage } = this.library.storage;
    const { clock, random } = process;
    const storage = await DiskStorage.open(
      this.server.disk.for(process),
      SERVED,
      { clock, hooks: { step: (step) => this.server.passStep(step) } },
    );
    return await this.library.server.serve({
      root: storage,
      listen: [{ hostname: "127.0.0.1", port: SERVER_PORT }],
      network: this.network.for(process),
      clock,
      random,
    });
  }

  /** The server dies, and is there again after a while. */
  killServer(how: Death, downTime: number): void {
    const { process } = this.server;
    if (process === undefined || !process.alive) return;
    this.server.die(how);
    const restart = async () => {
      await assertMapsTrue(this.library, this.server.disk, SERVED);
      await this.clock.sleep(downTime);
      this.network.powerOn(process);
      await this.startServer();
      await this.server.check();
    };
    restart().catch((error) => this.break(error));
  }

  /** Waits until the server runs, at most for the time that it is ever down. */
  async serverUp(): Promise<void> {
    while (this.server.process?.alive !== true || this.#starting) {
      await this.clock.sleep(100);
    }
  }

  get #starting(): boolean {
    return this.network.listening === 0;
  }

  /** Stops the server in good order; nothing of it may be left open. */
  async stopServer(): Promise<void> {
    const { process } = this.server;
    if (process === undefined) return;
    await this.#serving?.shutdown({ drain: 0 });
    assertNothingOpen(process, this.network, this.server.disk);
    process.kill("killed");
  }
}

/** How often a server that finds a failing disk is started again. */
const START_ATTEMPTS = 20;
