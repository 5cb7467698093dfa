/**
 * What the integration tests share: a folder that is served, a folder where
 * clients work, the programs between them, and what all of them said if a test
 * fails.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { walk } from "@std/fs/walk";
import { relative } from "@std/path";
import {
  type ChaosProxy,
  type Faults,
  startChaosProxy,
} from "../../tools/chaos_proxy.ts";
import { CutProxy, type Judge } from "../helpers/cut_proxy.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  CLIENT_PERMISSIONS,
  type Ending,
  listening,
  PATIENCE,
  Program,
  type ServerProgram,
  type SpawnOptions,
  until,
  writerPermissions,
} from "../helpers/spawn_main.ts";
import { tempDir } from "../helpers/temp_dir.ts";

export { Gate } from "../helpers/cut_proxy.ts";
export { PATIENCE, until } from "../helpers/spawn_main.ts";
export type { Ending, Program, ServerProgram } from "../helpers/spawn_main.ts";

/** Bytes of a chunk, as `docs/protocol.md` has it. */
export const CHUNK = 1_048_576;

/** An event that `ferry --json` writes. */
export type FerryEvent = Readonly<Record<string, unknown>>;

type ClientOptions = Partial<SpawnOptions> & { readonly code?: number };

/** The folders and programs of one test. */
export class Scene implements AsyncDisposable {
  /** The folder that holds the others. */
  readonly base: string;
  /** The folder that is served. */
  readonly root: string;
  /** The folder where clients work. */
  readonly local: string;
  /** Where clients keep what they need to go on. */
  readonly state: string;
  /** Whether its programs count for the coverage. */
  isMeasured = false;
  /** Milliseconds that the end of a program is waited for. */
  patience = PATIENCE;
  readonly #stack = new AsyncDisposableStack();
  readonly #programs: Program[] = [];

  /** @param base An empty folder. */
  constructor(base: string) {
    this.base = base;
    this.root = `${base}/root`;
    this.local = `${base}/local`;
    this.state = `${base}/state`;
  }

  /** Where a command's source is, and where it arrives. */
  ends(command: "put" | "get", name: string): readonly [string, string] {
    const [local, root] = [`${this.local}/${name}`, `${this.root}/${name}`];
    return command === "put" ? [local, root] : [root, local];
  }

  /** Starts a `ferryd`; with no permissions given, one that may write. */
  async server(
    options: {
      readonly permissions?: readonly string[];
      readonly args?: readonly string[];
      readonly root?: string;
    } = {},
  ): Promise<ServerProgram> {
    const root = options.root ?? this.root;
    const permissions = options.permissions ?? writerPermissions(root);
    const args = options.args ?? [];
    const listens = args.includes("-l") ? [] : ["-l", "127.0.0.1:0"];
    return await listening(
      this.spawn("server", [...listens, ...args, root], { permissions }),
    );
  }

  /** Starts a program, which ends with the test at the latest. */
  spawn(
    main: "server" | "client",
    args: readonly string[],
    options: Partial<SpawnOptions> = {},
  ): Program {
    const program = new Program(main, args, {
      permissions: CLIENT_PERMISSIONS,
      cwd: this.local,
      isMeasured: this.isMeasured,
      patience: this.patience,
      ...options,
      env: { ...this.#environment(), ...options.env },
    });
    this.#programs.push(program);
    return this.keep(program);
  }

  /** The servers that clients know. */
  get knownHosts(): string {
    return `${this.base}/config/ferry/known_hosts`;
  }

  /** What keeps the programs out of the state that this machine's user has. */
  #environment(): Record<string, string> {
    const config = `${this.base}/config`;
    return {
      XDG_STATE_HOME: this.state,
      LOCALAPPDATA: this.state,
      XDG_CONFIG_HOME: config,
      APPDATA: config,
    };
  }

  /** Starts `ferry` and leaves it running. */
  start(args: readonly string[], options: Partial<SpawnOptions> = {}): Program {
    return this.spawn("client", args, options);
  }

  /** Runs `ferry` to its end and insists on its exit code, 0 unless told otherwise. */
  async ferry(
    args: readonly string[],
    options: ClientOptions = {},
  ): Promise<Ending> {
    const { code = 0, ...rest } = options;
    const ending = await this.start(args, rest).ended;
    assertEquals(ending.code, code, `the exit code of ferry ${args}`);
    return ending;
  }

  /** Runs `ferry`, which must fail with this code and this one line. */
  async fails(
    args: readonly string[],
    code: number,
    line: string,
    options: ClientOptions = {},
  ): Promise<void> {
    const { stdout, stderr } = await this.ferry(args, { ...options, code });
    assertEquals(stderr, `ferry: ${line}\n`);
    assertEquals(stdout, "");
  }

  /** Runs `ferry` with `--json` and reads what it says. */
  async events(
    args: readonly string[],
    options: ClientOptions = {},
  ): Promise<FerryEvent[]> {
    const { stdout, stderr } = await this.ferry(["--json", ...args], options);
    assertEquals(stderr, "");
    return parseEvents(stdout);
  }

  /** Puts a proxy before a server. */
  proxy(server: ServerProgram, judge?: Judge): CutProxy {
    return this.keep(new CutProxy(server.port, judge));
  }

  /** Puts a bad network before a server. */
  async chaos(
    server: ServerProgram,
    seed: number,
    faults: Faults = {},
  ): Promise<ChaosProxy & { readonly host: string }> {
    const to = { hostname: "127.0.0.1", port: server.port };
    const proxy = this.keep(await startChaosProxy({ to, seed, ...faults }));
    const host = `127.0.0.1:${proxy.address.port}`;
    return Object.defineProperty(proxy, "host", { value: host }) as
      & ChaosProxy
      & { readonly host: string };
  }

  /** Disposes of something when the test ends. */
  keep<T extends AsyncDisposable>(thing: T): T {
    return this.#stack.use(thing);
  }

  /** Writes a file where clients work. */
  async file(
    name: string,
    content: string | Uint8Array<ArrayBuffer>,
  ): Promise<string> {
    await write(`${this.local}/${name}`, content);
    return name;
  }

  /** Writes a file into the served folder. */
  async served(
    name: string,
    content: string | Uint8Array<ArrayBuffer>,
  ): Promise<string> {
    await write(`${this.root}/${name}`, content);
    return name;
  }

  /** All that every program said, to explain a failure. */
  transcripts(): string {
    return this.#programs.map(({ transcript }) => transcript).join("\n");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function write(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
}

/**
 * A test with a {@linkcode Scene}: everything that it started is gone after it,
 * and its failure shows what the programs said.
 *
 * @param name What is tested.
 * @param run The test.
 * @param ignored Why it cannot run on this machine, if it cannot.
 */
export function sceneTest(
  name: string,
  run: (scene: Scene) => Promise<void>,
  ignored?: string,
): void {
  const shown = ignored === undefined ? name : `${name} (skipped: ${ignored})`;
  Deno.test({
    name: shown,
    ignore: ignored !== undefined,
    async fn() {
      await using folder = await tempDir();
      await using scene = new Scene(folder.path);
      await Deno.mkdir(scene.root);
      await Deno.mkdir(scene.local);
      await Deno.mkdir(scene.state);
      try {
        await run(scene);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`${reason}\n${scene.transcripts()}`, { cause: error });
      }
    },
  });
}

/** Why a test that needs signals, modes or `/proc` cannot run here. */
export const NEEDS_LINUX: string | undefined = Deno.build.os === "linux"
  ? undefined
  : "only written for Linux";

/** Why a test with names or signals that Windows does not have cannot run here. */
export const NEEDS_UNIX: string | undefined = Deno.build.os === "windows"
  ? "Windows has no such names or signals"
  : undefined;

/** Reads lines of JSON; every one must be one. */
export function parseEvents(text: string): FerryEvent[] {
  assertEquals(text === "" || text.endsWith("\n"), true, "the last line ends");
  return text.split("\n").slice(0, -1).map((line) => {
    const event: FerryEvent = JSON.parse(line);
    assertEquals(typeof event["event"], "string");
    return event;
  });
}

/** What is in a folder, all of it, as paths; directories end in `/`. */
export async function tree(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of walk(folder, { followSymlinks: false })) {
    const path = relative(folder, entry.path).replaceAll("\\", "/");
    if (path !== "") found.push(entry.isDirectory ? `${path}/` : path);
  }
  return found.sort();
}

/** The served tree without the staging folder itself; what is in it counts. */
export async function publicTree(scene: Scene): Promise<string[]> {
  const found = await tree(scene.root);
  return found.filter((path) => path !== ".ferry/");
}

/** What clients can see of the served tree: not what is staged. */
export async function visibleTree(scene: Scene): Promise<string[]> {
  const found = await tree(scene.root);
  return found.filter((path) => !path.startsWith(".ferry/"));
}

const PART_PATTERN = /^(.*\/)?\.ferry-[0-9a-f]{16}\.(part|map)$/;

/** What lies where clients work, besides interrupted downloads. */
export async function localTree(scene: Scene): Promise<string[]> {
  return (await tree(scene.local)).filter((path) => !PART_PATTERN.test(path));
}

/** Waits until the server has cleaned up: the tree is this and nothing is staged. */
export async function settles(
  scene: Scene,
  expected: readonly string[],
): Promise<void> {
  let found: string[] = [];
  const wanted = JSON.stringify([...expected].sort());
  await until("the served tree to settle", async () => {
    found = await publicTree(scene);
    return JSON.stringify(found) === wanted;
  }).catch(() => assertEquals(found, [...expected].sort()));
}

/** Bytes that no two seeds have in common. */
export function randomBytes(
  seed: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  return new SeededRandom(seed).bytes(size);
}

/**
 * Writes a file of which no two places are alike, in less time than it takes to
 * make as many random bytes.
 */
export async function writeLarge(
  path: string,
  seed: number,
  size: number,
): Promise<void> {
  using file = await Deno.open(path, {
    create: true,
    truncate: true,
    write: true,
  });
  const block = randomBytes(seed, CHUNK);
  const view = new DataView(block.buffer);
  for (let at = 0; at < size; at += CHUNK) {
    for (let mark = 0; mark < CHUNK; mark += MARK_INTERVAL) {
      view.setUint32(mark, at / MARK_INTERVAL + mark + seed);
    }
    const rest = block.subarray(0, Math.min(CHUNK, size - at));
    for (let done = 0; done < rest.length;) {
      done += await file.write(rest.subarray(done));
    }
  }
}

const MARK_INTERVAL = 4096;

/** The only event of a name. */
export function only(events: readonly FerryEvent[], name: string): FerryEvent {
  const found = events.filter(({ event }) => event === name);
  assertEquals(found.length, 1, `there is one ${name}`);
  return found[0]!;
}

/** Asserts that two files hold the same, however large they are. */
export async function assertSameFile(
  one: string,
  other: string,
): Promise<void> {
  using left = await Deno.open(one);
  using right = await Deno.open(other);
  const [{ size }, there] = await Promise.all([left.stat(), right.stat()]);
  assertEquals(size, there.size, `${one} and ${other} differ in size`);
  const [mine, yours] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)];
  for (let at = 0; at < size; at += CHUNK) {
    const length = Math.min(CHUNK, size - at);
    await Promise.all([
      readWhole(left, mine.subarray(0, length)),
      readWhole(right, yours.subarray(0, length)),
    ]);
    if (Buffer.compare(mine, yours) === 0) continue;
    const differs = at + mine.findIndex((byte, index) => byte !== yours[index]);
    assertEquals(
      differs,
      undefined,
      `${one} and ${other} differ at ${differs}`,
    );
  }
}

/** Asserts that two folders hold the same files with the same times. */
export async function assertSameTree(
  one: string,
  other: string,
): Promise<void> {
  const paths = await tree(one);
  assertEquals(await tree(other), paths);
  for (const path of paths) {
    if (path.endsWith("/")) continue;
    const [left, right] = [`${one}/${path}`, `${other}/${path}`];
    await assertSameFile(left, right);
    const [here, there] = [await Deno.stat(left), await Deno.stat(right)];
    const drift = (here.mtime?.getTime() ?? 0) - (there.mtime?.getTime() ?? 0);
    assert(Math.abs(drift) < 1000, `the times of ${path} differ by ${drift}`);
  }
}

/** Fills a buffer from a file. */
async function readWhole(
  file: Deno.FsFile,
  buffer: Uint8Array,
): Promise<void> {
  for (let done = 0; done < buffer.length;) {
    const count = await file.read(buffer.subarray(done));
    if (count === null) throw new Error("a file ended while it was compared");
    done += count;
  }
}
