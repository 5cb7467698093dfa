/**
 * What happens in one seed: who does what, and what goes wrong meanwhile.
 *
 * @module
 */
import { join } from "@std/path";
import type { CommitStep, StorageErrorKind } from "../../lib/storage/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { SimClient } from "./sim_client.ts";
import type { DiskCall, DiskTrigger } from "./sim_disk.ts";
import { type SimMachine, type SimWorld, SOURCES } from "./sim_world.ts";
import { type NetworkFaults, NO_NETWORK_FAULTS } from "./sim_network.ts";
import { keyOf, writeAll } from "./sim_tree.ts";

/** What goes wrong in a scenario, and how often. */
export interface Theme {
  /** What the trace calls it. */
  readonly name: string;
  /** What goes wrong on connections. */
  readonly network: Partial<NetworkFaults>;
  /** How often at most all connections fall silent, for some seconds or for ever. */
  readonly partitions?: number;
  /** The server is killed. */
  readonly kills?: number;
  /** The server's machine loses power. */
  readonly powerLosses?: number;
  /** A client is killed or loses power. */
  readonly clientDeaths?: number;
  /** Every connection is reset. */
  readonly cuts?: number;
  /** A call of some disk fails. */
  readonly diskFaults?: number;
  /** A sync of the server's disk fails. */
  readonly syncFaults?: number;
}

/** Every seed has one of these. */
export const THEMES: readonly Theme[] = [
  { name: "calm", network: {} },
  {
    name: "network",
    network: { refuse: 0.1, reset: 0.5, stall: 0.2, flip: 0.2 },
    partitions: 2,
  },
  { name: "flips", network: { flip: 0.9 } },
  { name: "silence", network: { silence: 0.3 } },
  { name: "kills", network: { reset: 0.1 }, kills: 6, clientDeaths: 3 },
  { name: "power", network: {}, powerLosses: 12 },
  { name: "power", network: { reset: 0.1 }, powerLosses: 12, clientDeaths: 3 },
  { name: "power", network: { flip: 0.1 }, powerLosses: 12, clientDeaths: 3 },
  { name: "disk", network: {}, diskFaults: 8 },
  { name: "dying disk", network: {}, syncFaults: 10, powerLosses: 8 },
  { name: "lost answers", network: {}, cuts: 12, kills: 1 },
  {
    name: "everything",
    network: { refuse: 0.05, reset: 0.2, stall: 0.1, flip: 0.3 },
    partitions: 1,
    kills: 2,
    powerLosses: 3,
    clientDeaths: 2,
    diskFaults: 3,
  },
];

/** Names of files that everybody fights over. */
export const REMOTE_NAMES = [
  "a",
  "b.bin",
  "dir/c",
  "dir/sub/d.txt",
  "-e f",
] as const;

/** Names of folders. */
const FOLDERS = ["dir", "dir/sub", "other"] as const;

/**
 * Folders that are renamed: side by side, as a folder that moves from one to
 * another has for the disk in memory two names after a loss of power.
 */
const TOP_FOLDERS = ["dir", "other"] as const;

/** Names that a client gives to what it fetches. */
const LOCAL_NAMES = ["x", "y.bin"] as const;

const POLICIES = ["fail", "overwrite", "overwrite", "rename", "skip"] as const;

/** Milliseconds of virtual time that pass at most from one event to the next. */
const EVENT_DELAY_MAX = 250;

/** The clients and what they do. */
export class Scenario {
  /** What goes wrong. */
  readonly theme: Theme;
  /** The clients. */
  readonly clients: SimClient[] = [];
  readonly #world: SimWorld;
  readonly #random: SeededRandom;
  readonly #chunkSize: number;
  #sources = 0;
  #isOver = false;

  /**
   * @param world The world to run in.
   * @param theme What goes wrong; by default the seed decides.
   */
  constructor(world: SimWorld, theme?: Theme) {
    this.#world = world;
    this.#random = world.fork();
    this.#chunkSize = world.library.storage.CHUNK_SIZE;
    const drawn = this.#random.pick(THEMES);
    this.theme = theme ?? drawn;
  }

  /** Runs all clients to the end of what they do. */
  async run(): Promise<void> {
    const random = this.#random;
    this.#world.trace.note(`theme ${this.theme.name}`);
    this.#world.isCalm = this.theme.name === "calm";
    const count = random.chance(0.7) ? 2 : 1;
    for (let index = 0; index < count; index++) {
      const machine = await this.#world.makeClientMachine(`client${index}`);
      machine.oracle.watch(LOCAL_NAMES);
      this.clients.push(new SimClient(this.#world, machine));
    }
    this.#world.network.faults = {
      ...NO_NETWORK_FAULTS,
      ...this.theme.network,
    };
    this.#planEvents();
    if (random.chance(0.5)) await this.#duel();
    await Promise.all(
      this.clients.map((client) => this.#script(client, this.#world.fork())),
    );
    this.#isOver = true;
  }

  /** All clients put the same name at the same moment. */
  async #duel(): Promise<void> {
    const path = this.#random.pick(["a", "b.bin"]);
    await Promise.all(this.clients.map((client) => client.connected()));
    await Promise.all(
      this.clients.map((client) => this.#put(client, this.#world.fork(), path)),
    );
  }

  async #script(client: SimClient, random: SeededRandom): Promise<void> {
    const steps = random.integer(10, 24);
    for (let step = 0; step < steps; step++) {
      await this.#world.clock.sleep(
        random.chance(0.4) ? 0 : random.unit() * 200,
      );
      await this.#step(client, random);
      await this.#world.server.check();
      await client.machine.check();
    }
  }

  #step(client: SimClient, random: SeededRandom): Promise<unknown> {
    const choice = random.integer(0, 99);
    if (choice < 50) return this.#put(client, random);
    if (choice < 68) return this.#get(client, random);
    if (choice < 76) {
      const names = random.chance(0.8) ? REMOTE_NAMES : TOP_FOLDERS;
      const from = random.pick(names);
      const to = random.pick(names.filter((name) => name !== from));
      return client.rename(from, to, random.pick(POLICIES));
    }
    if (choice < 84) return client.remove(random.pick(REMOTE_NAMES), false);
    if (choice < 87) return client.remove(random.pick(FOLDERS), true);
    if (choice < 92) return client.makeDirectory(random.pick(FOLDERS));
    if (choice < 96) return client.list();
    return client.stat(random.pick(REMOTE_NAMES));
  }

  async #put(
    client: SimClient,
    random: SeededRandom,
    path: string = random.pick(REMOTE_NAMES),
  ): Promise<void> {
    const bytes = random.bytes(this.#size(random));
    // Two of three names are worth nothing without their folder.
    if (path.includes("/") && random.chance(0.7)) {
      await client.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    }
    const keys = [keyOf(bytes)];
    let source: string | ReadableStream<Uint8Array>;
    if (random.chance(0.15)) source = streamOf(bytes, random);
    else {
      source = join(SOURCES, `${this.#sources++}`);
      await writeAll(client.machine.memory, source, bytes);
      if (random.chance(0.1)) {
        keys.push(this.#planChange(client.machine, source, bytes, random));
      }
    }
    const options = {
      onConflict: random.pick(POLICIES),
      durability: random.chance(0.1) ? "none" : "full",
      digest: random.chance(0.25) ? "sha256" : "crc32-chunks",
    } as const;
    for (let attempt = 0; attempt < 4; attempt++) {
      const { kind } = await client.put(source, path, keys, {
        ...options,
        ...this.#maybeAbort(random),
      });
      if (kind === "done" || typeof source !== "string") return;
      if (random.chance(0.3)) return;
      // The same command again; what it sends may be another file by now.
      if (keys.length === 1 && random.chance(0.3)) {
        keys.length = 0;
        keys.push(await this.#change(client.machine, source, bytes, random));
      }
    }
  }

  /** Replaces or edits a source while nobody reads it; returns what it is then. */
  async #change(
    machine: SimMachine,
    path: string,
    bytes: Uint8Array,
    random: SeededRandom,
  ): Promise<string> {
    const { memory, name } = machine;
    const isReplaced = random.chance(0.3);
    const size = random.chance(0.5) ? bytes.length : this.#size(random);
    const changed = random.bytes(size);
    if (!isReplaced) changed.set(bytes.subarray(0, size));
    if (size > 0) changed[random.below(size)]! ^= 1;
    this.#world.trace.note(`${name} source changed to ${size}`);
    if (isReplaced) await memory.removeFile(path);
    const file = await memory.open(path, isReplaced ? "create" : "write");
    await file.write(changed, 0);
    await file.truncate(size);
    file.close();
    await keepSource(machine, path);
    return keyOf(changed);
  }

  async #get(client: SimClient, random: SeededRandom): Promise<void> {
    const path = random.pick(REMOTE_NAMES);
    const name = random.pick(LOCAL_NAMES);
    const options = {
      onConflict: random.pick(POLICIES),
      durability: random.chance(0.1) ? "none" : "full",
      digest: random.chance(0.25) ? "sha256" : "crc32-chunks",
    } as const;
    for (let attempt = 0; attempt < 3; attempt++) {
      const { kind } = await client.get(path, name, {
        ...options,
        ...this.#maybeAbort(random),
      });
      if (kind === "done" || random.chance(0.3)) return;
    }
  }

  #maybeAbort(random: SeededRandom): { readonly signal?: AbortSignal } {
    if (!random.chance(0.1)) return {};
    const controller = new AbortController();
    this.#world.clock.after(random.unit() * 200, () => {
      this.#world.trace.note("user aborts");
      controller.abort();
    });
    return { signal: controller.signal };
  }

  /** Sizes at the edges of chunks; large ones only where chunks are small. */
  #size(random: SeededRandom): number {
    const chunk = this.#chunkSize;
    const sizes = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 1000];
    if (chunk > 100_000) return random.pick([...sizes, 2000, 3000, 1, 100]);
    if (random.chance(0.5)) return random.pick(sizes);
    return random.integer(0, 20 * chunk);
  }

  /** Changes a source soon after, in one of three ways; returns what it is then. */
  #planChange(
    machine: SimMachine,
    path: string,
    bytes: Uint8Array,
    random: SeededRandom,
  ): string {
    const { memory, name } = machine;
    const kind = bytes.length === 0 ? 0 : random.integer(0, 2);
    const at = Math.floor(bytes.length / 2);
    const added = random.bytes(10);
    const changed = kind === 0
      ? new Uint8Array([...bytes, ...added])
      : kind === 1
      ? bytes.slice(0, at)
      : bytes.with(at, bytes[at]! ^ 1);
    this.#world.clock.after(2 + random.unit() * 100, async () => {
      this.#world.trace.note(`${name} source changes: ${kind}`);
      const file = await memory.open(path, "write");
      await file.write(changed, 0);
      await file.truncate(changed.length);
      file.close();
      await keepSource(machine, path);
    });
    return keyOf(changed);
  }

  /** Decides when what goes wrong. */
  #planEvents(): void {
    const { theme } = this;
    const random = this.#random;
    const { server, network } = this.#world;
    this.#plan(theme.kills, (action) => this.#onServer(action), () => {
      this.#kill("killed");
    });
    this.#plan(theme.powerLosses, (action) => this.#onServer(action), () => {
      this.#kill("power");
    });
    this.#plan(theme.partitions, (action) => this.#later(action), () => {
      network.partition(random.chance(0.3) ? Infinity : random.unit() * 40_000);
    });
    this.#plan(theme.cuts, (action) => this.#onServer(action), () => {
      network.cut();
    });
    this.#plan(theme.syncFaults, (action) => this.#later(action), () => {
      const countdown = random.integer(0, 3);
      server.disk.faults.push({
        calls: ["sync"],
        countdown,
        times: 1,
        kind: "io",
      });
    });
    const victim = random.pick(this.clients);
    this.#plan(
      theme.clientDeaths,
      (action) => this.#at(victim.machine, action),
      () => victim.die(random.pick(["killed", "power"])),
    );
    const machines = [server, server, ...this.clients.map((c) => c.machine)];
    this.#plan(theme.diskFaults, (action) => this.#later(action), () => {
      random.pick(machines).disk.faults.push({
        calls: random.pick(FAILING),
        countdown: random.integer(0, 12),
        times: random.pick([1, 1, 2, 5]),
        kind: random.pick<StorageErrorKind>(["io", "no-space"]),
      });
    });
  }

  /** Lets something happen some times, each time some time after the last. */
  #plan(
    countMax: number | undefined,
    arm: (action: () => void) => void,
    event: () => void,
  ): void {
    if (countMax === undefined) return;
    let left = this.#random.integer(Math.ceil(countMax / 2), countMax);
    const next = () => {
      if (left-- === 0 || this.#isOver) return;
      arm(() => {
        event();
        this.#later(next);
      });
    };
    next();
  }

  #kill(how: "killed" | "power"): void {
    if (this.#world.server.process?.alive !== true) return;
    this.#world.killServer(how, this.#random.unit() * 1000);
    for (const client of this.clients) client.serverDied();
  }

  /** Something that happens to the server: also between two steps of a commit. */
  #onServer(action: () => void): void {
    if (!this.#random.chance(0.3)) return this.#at(this.#world.server, action);
    this.#world.server.stepTriggers.push({
      step: this.#random.pick(COMMIT_STEPS),
      countdown: this.#random.integer(0, 2),
      action,
    });
  }

  /** Something that happens at some time, or at some call of a disk. */
  #at(machine: SimMachine, action: () => void): void {
    const random = this.#random;
    if (random.chance(0.1)) return this.#later(action);
    machine.disk.triggers.push({
      ...random.pick(FATAL),
      countdown: random.size(0, 8),
      after: random.chance(0.5),
      action,
    });
  }

  #later(action: () => void): void {
    const { clock } = this.#world;
    clock.after(this.#random.unit() * EVENT_DELAY_MAX, () => {
      if (!this.#isOver) action();
    });
  }
}

/** Steps of a commit between which the server dies; the most dangerous one twice. */
const COMMIT_STEPS: readonly CommitStep[] = [
  "written",
  "synced",
  "intended",
  "published",
  "published",
  "settled",
  "recorded",
];

/** Calls that are made to fail. */
const FAILING: readonly (readonly DiskCall[])[] = [
  ["sync"],
  ["syncDirectory"],
  ["write"],
  ["link", "rename"],
  ["remove"],
  ["open", "makeDirectory"],
  ["read", "stat", "list", "lock"],
];

/** Calls at which somebody dies. */
const FATAL: readonly Pick<DiskTrigger, "calls" | "suffix">[] = [
  { calls: ["sync"], suffix: "" },
  { calls: ["sync"], suffix: ".map" },
  { calls: ["sync"], suffix: ".map" },
  { calls: ["syncDirectory"], suffix: "" },
  { calls: ["write"], suffix: "" },
  { calls: ["write", "sync"], suffix: "" },
  { calls: ["link", "rename"], suffix: "" },
  { calls: ["remove"], suffix: "" },
  { calls: ["open", "makeDirectory", "truncate"], suffix: "" },
  { calls: ["syncDirectory", "write", "link", "remove", "stat"], suffix: "" },
];

/** What users have in their files survives a loss of power: it is theirs, not Ferry's. */
async function keepSource(
  { memory }: SimMachine,
  path: string,
): Promise<void> {
  const file = await memory.open(path, "write");
  await file.sync();
  file.close();
  await memory.syncDirectory(SOURCES);
}

/** A stream that gives bytes in pieces. */
function streamOf(
  bytes: Uint8Array<ArrayBuffer>,
  random: SeededRandom,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      const length = Math.min(bytes.length - at, random.integer(1, 9000));
      controller.enqueue(bytes.slice(at, at + length));
      at += length;
    },
  });
}
