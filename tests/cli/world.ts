/**
 * A world for the command line without files, network or time: what is written
 * is kept, and the clock moves when a test moves it.
 *
 * @module
 */

import type {
  ClassicClient,
  ClassicConnectOptions,
} from "../../lib/classic/mod.ts";
import type {
  Client,
  ConnectOptions,
  FerryError,
  Receipt,
  RemoteEntry,
  SessionInfo,
  TransferOptions,
} from "../../lib/client/mod.ts";
import type {
  Environment,
  LocalEntry,
  ObserveOptions,
  Output,
} from "../../lib/cli/environment.ts";
import { OutputClosedError, OutputError } from "../../lib/cli/environment.ts";
import type {
  LineEditor,
  LineEditorOptions,
  Typed,
} from "../../lib/cli/line_editor.ts";
import type { CancelTimer, Clock } from "../../lib/platform/mod.ts";
import type { OpenDoor, ServeOptions, Server } from "../../lib/server/mod.ts";
import { type Disk, MemoryDisk } from "../../lib/storage/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const UTF8 = new TextDecoder();

/** A clock that stands still. */
export class StillClock implements Clock {
  #time = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return Date.UTC(2026, 7, 18) + this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  after(delay: number, callback: () => void): CancelTimer {
    const timer = { at: this.#time + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, firing what is due, one after the other. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end)
        .sort((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#time = Math.max(this.#time, due.at);
      due.callback();
      await settle();
    }
    this.#time = end;
    await settle();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** An output that keeps what it gets. */
export class Kept implements Output {
  text = "";
  isTerminal = false;
  width = 80;
  isClosed = false;
  isFull = false;

  columns(): number {
    return this.width;
  }

  write(content: string | Uint8Array): Promise<void> {
    if (this.isClosed) return Promise.reject(new OutputClosedError("closed"));
    if (this.isFull) {
      return Promise.reject(
        new OutputError("standard output", "no space left on device"),
      );
    }
    this.text += typeof content === "string" ? content : UTF8.decode(content);
    return Promise.resolve();
  }

  /** The JSON objects of its lines. */
  events(): Array<Record<string, unknown>> {
    return this.text.split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
}

/** What a {@linkcode FakeClient} was asked to do. */
export type Call = readonly unknown[];

/** The session that tests connect to. */
export const INFO: SessionInfo = {
  hostname: "127.0.0.1",
  port: 65430,
  server: "ferryd/0.1.0",
  scheme: "tcp",
  fingerprint: undefined,
  protocolVersion: 1,
  user: "anonymous",
  rights: ["list", "read"],
  refusals: {
    write: "the server is read-only (--read-only)",
    rename: "the server is read-only (--read-only)",
    delete: "the server is read-only (--read-only)",
  },
  digests: ["crc32-chunks", "sha256"],
  dataConnections: 8,
};

/** An entry, a small file unless told otherwise. */
export function entry(
  path: string,
  changes: Partial<RemoteEntry> = {},
): RemoteEntry {
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1),
    kind: "file",
    size: 5,
    modified: Date.UTC(2026, 7, 18, 9, 5, 7),
    mode: 0o644,
    addressable: true,
    ...changes,
  };
}

/** A receipt, of a small file unless told otherwise. */
export function receipt(changes: Partial<Receipt> = {}): Receipt {
  return {
    path: "a.txt",
    local: "a.txt",
    size: 5,
    digest: { algorithm: "crc32-chunks", value: "00ff" },
    publication: "created",
    durable: true,
    resumedFrom: 0,
    repaired: 0,
    wireBytes: (changes.size ?? 5) - (changes.resumedFrom ?? 0) + 100,
    ...changes,
  };
}

/** What a test makes of the methods of a client. */
export type Behavior = Partial<Omit<Client, "info" | "close">>;

/** A client that does what a test tells it, and keeps what it was asked. */
export class FakeClient {
  readonly calls: Call[] = [];
  isClosed = false;
  readonly client: Client;

  constructor(behavior: Behavior = {}) {
    const { calls } = this;
    const record =
      <A extends unknown[], R>(name: string, method: (...args: A) => R) =>
      (...args: A): R => {
        calls.push([name, ...args.filter((arg) => typeof arg === "string")]);
        return method(...args);
      };
    const close = (): Promise<void> => {
      this.isClosed = true;
      return Promise.resolve();
    };
    const methods = { ...defaultBehavior(), ...behavior };
    // One after the other, unless a test says otherwise.
    const moveSmall: Client["moveSmall"] = async (request) => {
      const { client } = this;
      for (const [index, { path, local }] of request.files.entries()) {
        const moving = request.direction === "get"
          ? client.get(path, local, request.options)
          : client.put(local, path, request.options);
        const [result] = await Promise.allSettled([moving]);
        request.settled(index, result);
      }
    };
    this.client = {
      info: INFO,
      list: record("list", methods.list),
      stat: record("stat", methods.stat),
      get: record("get", methods.get),
      put: record("put", methods.put),
      rename: record("rename", methods.rename),
      remove: record("remove", methods.remove),
      makeDirectory: record("makeDirectory", methods.makeDirectory),
      moveSmall: behavior.moveSmall ?? moveSmall,
      setAttributes: record("setAttributes", methods.setAttributes),
      freeSpace: record("freeSpace", methods.freeSpace),
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}

/** What every method does unless a test says otherwise. */
function defaultBehavior(): Required<Omit<Behavior, "moveSmall">> {
  return {
    async *list(path) {
      yield {
        entries: [entry(path === "" ? "a.txt" : `${path}/a.txt`)],
        problems: [],
      };
    },
    stat: (path) => Promise.resolve(entry(path)),
    get: (path, target, options = {}) =>
      fakeGet(path, typeof target === "string" ? target : undefined, options),
    put: (source, path) =>
      Promise.resolve(receipt({
        path,
        local: typeof source === "string" ? source : undefined,
      })),
    rename: (_from, to) =>
      Promise.resolve({ path: to, publication: "created" as const }),
    remove: () => Promise.resolve(1),
    makeDirectory: () => Promise.resolve(),
    setAttributes: () => Promise.resolve(),
    freeSpace: () => Promise.resolve(1_073_741_824),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function fakeGet(
  path: string,
  local: string | undefined,
  options: TransferOptions,
): Promise<Receipt> {
  options.onProgress?.({ transferred: 5, total: 5 });
  return Promise.resolve(receipt({ path, local }));
}

/** What somebody at a prompt does: a line, or what is done when it is their turn. */
export type Turn = string | Typed | (() => Typed | Promise<Typed>);

/** Somebody at a prompt, who does one thing after the other and then leaves. */
export class FakeEditor implements LineEditor {
  readonly options: LineEditorOptions;
  readonly prompts: string[] = [];
  readonly questions: string[] = [];
  isClosed = false;
  readonly #turns: Turn[];
  readonly #answers: Array<string | undefined>;
  readonly #screen: Kept;

  constructor(
    options: LineEditorOptions,
    screen: Kept,
    turns: readonly Turn[],
    answers: ReadonlyArray<string | undefined>,
  ) {
    this.options = options;
    this.#screen = screen;
    this.#turns = [...turns];
    this.#answers = [...answers];
  }

  async read(prompt: string): Promise<Typed> {
    this.prompts.push(prompt);
    const turn = this.#turns.shift() ?? { kind: "end" };
    if (typeof turn === "string") return { kind: "line", text: turn };
    return typeof turn === "function" ? await turn() : turn;
  }

  ask(question: string): Promise<string | undefined> {
    this.questions.push(question);
    return Promise.resolve(this.#answers.shift());
  }

  say(text: string): void {
    this.#screen.text += text;
  }

  lend<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  interrupt(): void {}

  close(): void {
    this.isClosed = true;
  }
}

/** A world, and what happened in it. */
export interface World {
  readonly environment: Environment;
  readonly stdout: Kept;
  readonly stderr: Kept;
  readonly clock: StillClock;
  readonly connects: ConnectOptions[];
  readonly serves: ServeOptions[];
  /** How classic servers were connected to. */
  readonly classics: ReadonlyArray<readonly [string, ClassicConnectOptions]>;
  /** How servers were observed. */
  readonly observes: ObserveOptions[];
  readonly exits: number[];
  /** Commands of this machine that were run, and where. */
  readonly locals: Array<readonly [command: string, directory: string]>;
  /** Whoever sits at a prompt, once there is one. */
  readonly editor: FakeEditor;
  /** Asks the program to end, as Ctrl-C does, or as other signals do. */
  signal(isInterrupt?: boolean): void;
  /** Asks the program to read its files again, as SIGHUP does. */
  reload(): void;
  /** Tells of a rejection that nobody handled. */
  reject(reason: unknown): void;
  /** Listeners that were not taken back. */
  listeners(): number;
}

/** What a test puts into a world. */
export interface WorldOptions {
  readonly client?: FakeClient;
  readonly connectError?: FerryError | Error;
  readonly connect?: (options: ConnectOptions) => Promise<Client>;
  readonly serve?: (options: ServeOptions) => Promise<Server>;
  readonly checkServe?: (options: ServeOptions) => Promise<readonly OpenDoor[]>;
  readonly local?: Readonly<Record<string, LocalEntry>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isWindows?: boolean;
  readonly isTerminal?: boolean;
  readonly disk?: Disk;
  /** A port that the program may not listen on. */
  readonly deniedPort?: number;
  /** What somebody who is there answers. */
  readonly answer?: string;
  /** What somebody who is there types where nothing is shown, one after the other. */
  readonly secrets?: readonly string[];
  /** A client of a classic protocol. */
  readonly classic?: ClassicClient;
  /** What somebody at a prompt does. */
  readonly turns?: readonly Turn[];
  /** What they answer to the questions of commands, one after the other. */
  readonly answers?: ReadonlyArray<string | undefined>;
  /** The exit code of commands of this machine; without it, none can be run. */
  readonly localCode?: number;
}

/** Makes a world. */
export function makeWorld(options: WorldOptions = {}): World {
  const [stdout, stderr, clock] = [new Kept(), new Kept(), new StillClock()];
  stderr.isTerminal = options.isTerminal ?? false;
  const connects: ConnectOptions[] = [];
  const serves: ServeOptions[] = [];
  const observes: ObserveOptions[] = [];
  const classics: Array<readonly [string, ClassicConnectOptions]> = [];
  const exits: number[] = [];
  const locals: Array<readonly [string, string]> = [];
  let editor: FakeEditor | undefined;
  const terminations = new Set<(isInterrupt: boolean) => void>();
  let secretsAsked = 0;
  const reloads = new Set<() => void>();
  const rejections = new Set<(reason: unknown) => void>();
  function listen<T>(listeners: Set<T>, listener: T): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
  const fail = (): Promise<never> => Promise.reject(new Error("not expected"));
  const environment: Environment = {
    load(): Promise<Environment> {
      // Of a test that changes something, too.
      return Promise.resolve(this);
    },
    stdout,
    stderr,
    clock,
    platform: {
      deno: "2.9.6",
      target: "x86_64-unknown-linux-gnu",
      isWindows: options.isWindows ?? false,
    },
    disk: options.disk ?? new MemoryDisk({ clock }),
    canAsk: [options.answer, options.secrets, options.turns]
      .some((given) => given !== undefined),
    async askSecret(question) {
      if (options.secrets === undefined) return undefined;
      await stderr.write(question);
      return options.secrets[secretsAsked++];
    },
    random: new SeededRandom(1),
    async ask(question) {
      await stderr.write(question);
      return options.answer;
    },
    editLines(settings) {
      const { turns = [], answers = [] } = options;
      editor = new FakeEditor(settings, stderr, turns, answers);
      return Promise.resolve(editor);
    },
    runLocal(command, directory) {
      locals.push([command, directory]);
      return Promise.resolve(options.localCode);
    },
    stdin: () => ReadableStream.from([new TextEncoder().encode(options.stdin)]),
    variable: (name) => options.variables?.[name],
    look: (path) =>
      Promise.resolve(options.local?.[path] ?? { kind: "missing", size: 0 }),
    onTermination: (listener) => listen(terminations, listener),
    onReload: (listener) => listen(reloads, listener),
    onUnhandledRejection: (listener) => listen(rejections, listener),
    exit: (code) => exits.push(code),
    connect(settings) {
      connects.push(settings);
      if (options.connectError) return Promise.reject(options.connectError);
      if (options.connect) return options.connect(settings);
      return Promise.resolve((options.client ?? new FakeClient()).client);
    },
    connectClassic(protocol, settings) {
      classics.push([protocol.name, settings]);
      return Promise.resolve(options.classic ?? fail());
    },
    serve(settings) {
      serves.push(settings);
      return (options.serve ?? fail)(settings);
    },
    giveUpRunning: () => Promise.resolve(),
    mayRun: (program) => Promise.resolve(program !== "/denied"),
    hook: (command) => () =>
      Promise.resolve({ verdict: "reject", reason: command.join(" ") }),
    observe(settings) {
      observes.push(settings);
      return Promise.resolve({
        observer: undefined,
        address: settings.metrics,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
    mayListen: ({ port }) => Promise.resolve(port !== options.deniedPort),
    checkServe(settings) {
      serves.push(settings);
      return (options.checkServe ?? fail)(settings);
    },
  };
  return {
    environment,
    stdout,
    stderr,
    clock,
    connects,
    serves,
    observes,
    classics,
    exits,
    locals,
    get editor() {
      if (editor === undefined) throw new Error("Nobody sits at a prompt");
      return editor;
    },
    signal: (isInterrupt = true) =>
      [...terminations].forEach((listener) => listener(isInterrupt)),
    reject: (reason) => [...rejections].forEach((listener) => listener(reason)),
    reload: () => [...reloads].forEach((listener) => listener()),
    listeners: () => terminations.size + rejections.size + reloads.size,
  };
}
