/**
 * A client's machine and what is done on it: every operation with its effect on
 * the oracles, and with the checks of what comes back.
 *
 * @module
 */
import { join } from "@std/path";
import type { Client, FerryError, Receipt } from "../../lib/client/mod.ts";
import type { ConflictPolicy } from "../../lib/storage/mod.ts";
import {
  assertKnownError,
  assertNothingOpen,
  assertSomewhere,
  assertTakenOnce,
  Violation,
} from "./sim_invariants.ts";
import { assertExcused, assertNothingTwice } from "./sim_excuses.ts";
import {
  ABSENT,
  type Certainty,
  type Oracle,
  type Trial,
} from "./sim_oracle.ts";
import type { Death, SimProcess } from "./sim_process.ts";
import { keyOf, readAll } from "./sim_tree.ts";
import {
  SERVED,
  SERVER_PORT,
  type SimMachine,
  type SimWorld,
  STATE,
} from "./sim_world.ts";

/** Silence after which a client of the simulation gives up, in milliseconds. */
const CLIENT_TIMEOUT = 10_000;

/**
 * The longest that any operation may take: four tries, each with a new session,
 * a data connection and the longest silence, and the stalls that end by
 * themselves.
 */
const OPERATION_TIME_MAX = 300_000;

/** After this time the server has given up whatever a client has left behind. */
export const GHOST_TIME = 150_000;

/** What an operation came to. */
export type Ending<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: FerryError }
  | { readonly kind: "killed" };

/** Options of a transfer in the simulation. */
export interface SimTransfer {
  readonly onConflict: ConflictPolicy;
  readonly durability: "full" | "none";
  readonly digest: "sha256" | "crc32-chunks";
  readonly signal?: AbortSignal;
}

/** One client. */
export class SimClient {
  /** Its machine. */
  readonly machine: SimMachine;
  readonly #world: SimWorld;
  #client: Client | undefined;
  #hasDied = false;
  /** Trials whose end nobody knows. */
  readonly #ghosts = new Set<Trial>();
  /** What a transfer may find of an earlier one: sources, and local names. */
  readonly #begun = new Set<string>();
  /** How often a connection was made anew. */
  #reconnects = 0;

  /**
   * @param world The world it is in.
   * @param machine Its machine.
   */
  constructor(world: SimWorld, machine: SimMachine) {
    this.#world = world;
    this.machine = machine;
  }

  /** The oracle of the served tree. */
  get #remote(): Oracle {
    return this.#world.server.oracle;
  }

  /** Its session, made anew after a death. */
  async connected(): Promise<Client> {
    const { clock, library, network } = this.#world;
    for (let attempt = 0;; attempt++) {
      if (this.#client !== undefined && this.machine.process?.alive) {
        return this.#client;
      }
      const process = this.machine.start();
      const ending = await this.#limit(
        "connect",
        process,
        library.client.connect({
          hostname: "127.0.0.1",
          port: SERVER_PORT,
          timeout: CLIENT_TIMEOUT,
          network: network.for(process),
          disk: this.machine.disk.for(process),
          clock: process.clock,
          random: process.random,
          stateFolder: STATE,
          onReconnect: () => this.#reconnects++,
        }),
      );
      if (ending.kind === "done") {
        this.#client = ending.value;
        return ending.value;
      }
      if (ending.kind === "failed") {
        assertNothingOpen(process, network, this.machine.disk);
        process.kill("killed");
      }
      if (attempt > CONNECT_ATTEMPTS) {
        throw new Violation("both ends end", "the server cannot be reached");
      }
      await clock.sleep(1000);
    }
  }

  /** Whether it has died at least once. */
  get hasDied(): boolean {
    return this.#hasDied;
  }

  /** It dies; the next operation begins with a new process. */
  die(how: Death): void {
    const { process } = this.machine;
    this.#hasDied ||= process?.alive === true;
    this.machine.die(how);
    if (how === "power" && process !== undefined) {
      this.#world.clock.after(3000, () => this.#world.network.powerOn(process));
    }
  }

  /** Ends its session in good order; nothing of it may be left open. */
  async close(): Promise<void> {
    const { process } = this.machine;
    if (process === undefined || !process.alive) return;
    const client = this.#client;
    if (client === undefined) return;
    await this.#limit("close", process, client.close());
    assertNothingOpen(process, this.#world.network, this.machine.disk);
    process.kill("killed");
  }

  /** Notes that the server's process is gone: what it had not done is not done. */
  serverDied(): void {
    for (const trial of this.#ghosts) this.#remote.end(trial);
    this.#ghosts.clear();
  }

  /** Sends a file. */
  async put(
    source: string | ReadableStream<Uint8Array>,
    path: string,
    keys: readonly string[],
    options: SimTransfer,
  ): Promise<Ending<Receipt>> {
    const client = await this.connected();
    const remote = this.#remote;
    const known = remote.certainOf(path);
    const trial = remote.begin({
      adds: keys.map((key) => ({ path, key })),
      touches: [path],
      spares: isKept(known?.key, options.onConflict) ? [path] : [],
      soft: options.durability === "none" ? path : undefined,
    });
    const work = client.put(source, path, options);
    const ending = await this.#limitTransfer(
      `put ${path} ${JSON.stringify(options)} ${keys.join(" or ")}`,
      `${source} ${path}`,
      work,
    );
    if (ending.kind === "done") {
      const key = keys.length === 1 ? keys[0] : undefined;
      this.#judgeReceipt(remote, ending.value, path, {
        trial,
        key,
        known: known?.key,
        onConflict: options.onConflict,
        durability: options.durability,
      });
    } else if (ending.kind === "failed") {
      this.#judgeConflict(remote, ending.error, path, known?.key, trial);
    }
    this.#finish(trial, ending);
    return ending;
  }

  /** Fetches a file. */
  async get(
    path: string,
    name: string,
    options: SimTransfer,
  ): Promise<Ending<Receipt>> {
    const client = await this.connected();
    const { oracle, root, memory } = this.machine;
    const before = this.#remote.certainOf(path);
    const known = oracle.certainOf(name);
    const trial = oracle.begin({
      touches: [name],
      spares: isKept(known?.key, options.onConflict) ? [name] : [],
      soft: options.durability === "none" ? name : undefined,
    });
    // Whatever the name may hold at the server, it may hold here.
    oracle.borrow(name, this.#remote, path);
    const ending = await this.#limitTransfer(
      `get ${path} ${name} ${JSON.stringify(options)}`,
      name,
      client.get(path, join(root, name), options),
    );
    const after = this.#remote.certainOf(path);
    if (ending.kind === "done") {
      const local = ending.value.local?.slice(root.length + 1) ?? name;
      const key = ending.value.publication === "skipped"
        ? undefined
        : keyOf(await readAll(memory, join(root, local)));
      if (key !== undefined && before !== undefined && before === after) {
        if (key !== before.key) {
          throw new Violation("tree whole", `got ${key} of ${before.key}`);
        }
      }
      this.#judgeReceipt(oracle, { ...ending.value, path: local }, name, {
        trial,
        key,
        known: known?.key,
        onConflict: options.onConflict,
        durability: options.durability,
      });
    } else if (ending.kind === "failed") {
      const { error } = ending;
      this.#judgeConflict(oracle, error, name, known?.key, trial);
      const isLost = error.code === "not-found" && before === after &&
        before !== undefined && before.key !== ABSENT;
      if (isLost) throw new Violation("receipts kept", `${path} is not found`);
    }
    oracle.end(trial);
    return ending;
  }

  /** Renames a file or a folder. */
  async rename(
    from: string,
    to: string,
    onConflict: ConflictPolicy,
  ): Promise<void> {
    const client = await this.connected();
    const remote = this.#remote;
    const source = remote.certainOf(from);
    const target = remote.certainOf(to)?.key;
    const trial = remote.begin({
      moves: [{ from, to }],
      touches: [from, to],
      spares: isKept(target, onConflict) ? [to] : [],
      frees: [from],
    });
    const ending = await this.#limit(
      `rename ${from} ${to} ${onConflict}`,
      this.machine.process!,
      client.rename(from, to, { onConflict }),
    );
    if (ending.kind === "done") {
      const { path, publication } = ending.value;
      if (publication === "skipped") {
        if (source !== undefined) remote.settle(from, source, trial);
      } else {
        if (publication !== "replaced") assertTakenOnce(remote, path, trial);
        remote.settle(from, { key: ABSENT, durable: true }, trial);
        const isKnown = source !== undefined && source.key !== ABSENT;
        if (isKnown && remote.undisturbed(from, trial)) {
          remote.settle(path, source, trial);
        }
      }
    }
    await this.#assertNotLost(from, to, source, trial);
    this.#finish(trial, ending);
  }

  /**
   * What was renamed, or was not, is there. After a loss of power this is not
   * asked: to the disk in memory a rename from one folder to another is two
   * changes, of which each may survive alone.
   */
  async #assertNotLost(
    from: string,
    to: string,
    source: Certainty | undefined,
    trial: Trial,
  ): Promise<void> {
    await this.#world.serverUp();
    const remote = this.#remote;
    if (source === undefined || source.key === ABSENT) return;
    if (!remote.undisturbed(from, trial)) return;
    if (!remote.undisturbed(to, trial) || !remote.powered(trial)) return;
    await assertSomewhere(this.#world.server.memory, SERVED, source.key);
  }

  /** Removes a file or a folder. */
  async remove(path: string, recursive: boolean): Promise<void> {
    const client = await this.connected();
    const trial = this.#remote.begin({ touches: [path], frees: [path] });
    const ending = await this.#limit(
      `remove ${path} ${recursive}`,
      this.machine.process!,
      client.remove(path, { recursive }),
    );
    if (ending.kind === "done") {
      this.#remote.settle(path, { key: ABSENT, durable: true }, trial);
    }
    this.#finish(trial, ending);
  }

  /** Makes a folder. */
  async makeDirectory(path: string): Promise<void> {
    const client = await this.connected();
    await this.#limit(
      `mkdir ${path}`,
      this.machine.process!,
      client.makeDirectory(path, { parents: true }),
    );
  }

  /** Lists everything; what is certain must be there, what is Ferry's must not. */
  async list(): Promise<void> {
    const client = await this.connected();
    const before = [...this.#remote.certainties];
    const ending = await this.#limit(
      "list",
      this.machine.process!,
      Array.fromAsync(client.list("", { recursive: true })),
    );
    if (ending.kind !== "done") return;
    const names = ending.value.flatMap(({ entries }) =>
      entries.map(({ path }) => path)
    );
    const hidden = names.find((name) => /(^|\/)\.ferry/.test(name));
    if (hidden !== undefined) throw new Violation("reserved names", hidden);
    for (const [path, known] of before) {
      if (this.#remote.certainOf(path) !== known) continue;
      if (names.includes(path) !== (known.key !== ABSENT)) {
        throw new Violation("receipts kept", `the listing is wrong on ${path}`);
      }
    }
  }

  /** Looks at a file, and lets the server sum it up. */
  async stat(path: string): Promise<void> {
    const client = await this.connected();
    const before = this.#remote.certainOf(path);
    const ending = await this.#limit(
      `stat ${path}`,
      this.machine.process!,
      client.stat(path, { digest: "crc32-chunks" }),
    );
    if (ending.kind !== "done" || before === undefined) return;
    if (this.#remote.certainOf(path) !== before) return;
    if (before.key.startsWith(`${ending.value.size}:`)) return;
    throw new Violation("receipts kept", `${path} has another size`);
  }

  /**
   * Waits for a transfer; its receipt must be right about what was there, and
   * nothing may have been sent twice without need.
   */
  async #limitTransfer(
    what: string,
    name: string,
    work: Promise<Receipt>,
  ): Promise<Ending<Receipt>> {
    const { clock } = this.#world;
    const { CHUNK_SIZE } = this.#world.library.storage;
    const start = clock.monotonic();
    const reconnects = this.#reconnects;
    const hadBegun = this.#begun.has(name);
    this.#begun.add(name);
    const ending = await this.#limit(what, this.machine.process!, work);
    if (ending.kind !== "done") return ending;
    this.#begun.delete(name);
    assertNothingTwice(what, ending.value, {
      chunkSize: CHUNK_SIZE,
      isOneTry: this.#reconnects === reconnects,
      hadBegun,
      duration: clock.monotonic() - start,
    });
    return ending;
  }

  /** Waits for an operation; it must end in time, and in a known way. */
  async #limit<T>(
    what: string,
    process: SimProcess,
    work: Promise<T>,
  ): Promise<Ending<T>> {
    const { clock, trace, library } = this.#world;
    const name = this.machine.name;
    trace.note(`${name} ${what}`);
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(OPERATION_TIME_MAX, () =>
      late.reject(
        new Violation(
          "both ends end",
          `${name} ${what}: no end after ${OPERATION_TIME_MAX / 1000} s`,
        ),
      ));
    try {
      const value = await Promise.race([process.guard(work), late.promise]);
      if (value === "killed") return { kind: "killed" };
      trace.note(`${name} done ${JSON.stringify(value)}`.slice(0, 200));
      return { kind: "done", value: value as T };
    } catch (error) {
      if (error instanceof Violation) throw error;
      assertKnownError(library, error);
      trace.note(`${name} failed ${error.code}: ${error.message}`);
      assertExcused(this.#world, error);
      return { kind: "failed", error };
    } finally {
      cancel();
    }
  }

  /** What is known of the end of a trial at the server. */
  #finish(trial: Trial, ending: Ending<unknown>): void {
    if (ending.kind === "done") return this.#remote.end(trial);
    this.#ghosts.add(trial);
    this.#world.clock.after(GHOST_TIME, () => {
      this.#ghosts.delete(trial);
      this.#remote.end(trial);
    });
  }

  /** A receipt must not contradict what is known, and is known from now on. */
  #judgeReceipt(
    oracle: Oracle,
    { path, publication, durable }: Receipt,
    wanted: string,
    { trial, key, known, onConflict, durability }: {
      readonly trial: Trial;
      readonly key: string | undefined;
      readonly known: string | undefined;
      readonly onConflict: ConflictPolicy;
      readonly durability: "full" | "none";
    },
  ): void {
    if (publication === "skipped") return;
    if ((path === wanted) === (publication === "renamed")) {
      throw new Violation("right name", `${wanted} was ${publication} ${path}`);
    }
    if (durable !== (durability === "full")) {
      throw new Violation("durable", `the receipt of ${path} says ${durable}`);
    }
    if (path === wanted && isKept(known, onConflict)) {
      const now = oracle.certainOf(path)?.key;
      if (now === known) {
        throw new Violation("nothing lost", `${path} was ${publication}`);
      }
    }
    if (publication !== "replaced") assertTakenOnce(oracle, path, trial);
    if (key !== undefined) oracle.settle(path, { key, durable }, trial);
  }

  /** Nobody is in conflict with himself. */
  #judgeConflict(
    oracle: Oracle,
    error: FerryError,
    path: string,
    known: string | undefined,
    trial: Trial,
  ): void {
    if (error.code !== "exists" || known !== ABSENT) return;
    if (!oracle.undisturbed(path, trial)) return;
    if (trial.attempt.soft !== undefined) return;
    // A directory that could not be synced may come back as it likes.
    const { hasFailed } = this.#world.server.disk;
    if (hasFailed && !oracle.powered(trial)) return;
    throw new Violation("no conflict with oneself", `${path} was free`);
  }
}

/** Whether a policy must leave alone what is known to be at a name. */
function isKept(
  known: string | undefined,
  onConflict: ConflictPolicy,
): boolean {
  return known !== undefined && known !== ABSENT && onConflict !== "overwrite";
}

/** How often a client that finds no server is started again: longer than any server is down. */
const CONNECT_ATTEMPTS = 60;
