/**
 * Shows what Ferry does, with a real server and real clients on this machine,
 * and proves every byte of it. Exits with 0 only if everything was as it must.
 * With `--dist=FOLDER` it runs the executables in that folder, with nothing in
 * their environment but where to keep their state.
 *
 * @module
 */
import { join, resolve } from "@std/path";
import { formatTable } from "../bench/table.ts";
import { formatDuration, formatRate, formatSize } from "../lib/cli/format.ts";
import { cutOffGet, cutOffPut } from "./demo/cut_off.ts";
import { Narrator } from "./demo/narrator.ts";
import { FerryClient, FerryServer } from "./demo/programs.ts";
import { makeSamples, proveTree } from "./demo/samples.ts";
import {
  DemoError,
  type Folders,
  type Moved,
  type Stage,
} from "./demo/stage.ts";
import {
  askInfo,
  getAll,
  lookAround,
  putFiles,
  putProject,
  removeAll,
  verifyReceived,
  verifyServed,
} from "./demo/steps.ts";

/** It takes a quarter of this; who waits longer waits for something that hangs. */
const TIME_LIMIT_MS = 120_000;

const SERVED = "served";
const RECEIVED = "received";
const STATE = "state";

/** Below this, a rate says nothing but how long a process takes to start. */
const RATED_SIZE_MIN = 1024 ** 2;

const STEPS: readonly ((stage: Stage) => Promise<void>)[] = [
  askInfo,
  putProject,
  putFiles,
  lookAround,
  verifyServed,
  getAll,
  verifyReceived,
  cutOffPut,
  cutOffGet,
  removeAll,
];

async function makeFolders(base: string): Promise<Folders> {
  const folders = {
    base,
    samples: join(base, "samples"),
    served: join(base, SERVED),
    received: join(base, RECEIVED),
  };
  await Deno.mkdir(folders.samples);
  await Deno.mkdir(folders.served);
  await Deno.mkdir(folders.received);
  return folders;
}

/** Starts the server and puts the stage up. */
async function setUp(
  narrator: Narrator,
  base: string,
  options: {
    readonly signal: AbortSignal;
    readonly cleanUp: AsyncDisposableStack;
    readonly dist: string | undefined;
  },
): Promise<Stage> {
  const { signal, cleanUp, dist } = options;
  const folders = await makeFolders(base);
  const samples = await makeSamples(folders.samples);
  const sent = await proveTree(folders.samples);
  narrator.step("Start a server on an empty folder, allowed nothing else");
  narrator.command(FerryServer.words(SERVED, dist));
  const server = FerryServer.start(base, SERVED, dist);
  // After an orderly end this finds nobody.
  cleanUp.defer(async () => void await server.stop("SIGKILL"));
  const onAbort = (): void => void server.stop("SIGKILL");
  signal.addEventListener("abort", onAbort, { once: true });
  const port = await server.port();
  narrator.output(`listening ferry tcp://127.0.0.1:${port}`);
  const client = new FerryClient(base, {
    writable: RECEIVED,
    state: STATE,
    signal,
    dist,
  });
  narrator.note('From here on, "ferry" stands for:');
  narrator.command([client.environment, ...client.words]);
  const host = `127.0.0.1:${port}`;
  return {
    narrator,
    server,
    client,
    host,
    port,
    folders,
    samples,
    sent,
    moved: [],
  };
}

/** Stops the server and looks at what is left of it. */
async function stopServer(stage: Stage): Promise<void> {
  const { narrator, server, folders } = stage;
  narrator.step("Stop the server");
  narrator.command(["kill", "-TERM", String(server.pid)]);
  const code = await server.stop("SIGTERM");
  if (Deno.build.os === "windows") {
    narrator.note("(Windows knows no such signal: the server was ended hard)");
  } else if (code !== 0) {
    throw new DemoError(
      `the server ended with ${code} instead of 0: ${server.log.trim()}`,
    );
  } else {
    narrator.ok("it ended in order, with exit code 0");
  }
  const left: string[] = [];
  for await (const { name } of Deno.readDir(folders.served)) left.push(name);
  if (left.some((name) => name !== ".ferry")) {
    throw new DemoError(`the server left ${JSON.stringify(left)} behind`);
  }
  narrator.ok("its folder shows no file, whole or partial");
}

function summary(moved: readonly Moved[]): string[] {
  const total: Moved = {
    what: "in all",
    files: moved.reduce((sum, { files }) => sum + files, 0),
    bytes: moved.reduce((sum, { bytes }) => sum + bytes, 0),
    milliseconds: moved.reduce((sum, row) => sum + row.milliseconds, 0),
  };
  return formatTable([
    { title: "what" },
    { title: "files", align: "right" },
    { title: "size", align: "right" },
    { title: "time", align: "right" },
    { title: "rate", align: "right" },
    { title: "SHA-256" },
  ], [
    ...[...moved, total].map(({ what, files, bytes, milliseconds }) => [
      what,
      String(files),
      formatSize(bytes),
      formatDuration(milliseconds),
      bytes < RATED_SIZE_MIN ? "" : formatRate(bytes * 1000 / milliseconds),
      "all equal",
    ]),
  ]);
}

/** Makes a signal that comes when time is up or somebody stops the demo. */
function endSignal(): AbortSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  for (const name of signals) {
    Deno.addSignalListener(
      name,
      () => controller.abort(new DemoError("interrupted")),
    );
  }
  const timer = setTimeout(
    () =>
      controller.abort(
        new DemoError(`it took longer than ${formatDuration(TIME_LIMIT_MS)}`),
      ),
    TIME_LIMIT_MS,
  );
  Deno.unrefTimer(timer);
  return controller.signal;
}

/** The folder of the executables that are to run; `undefined`: the sources are. */
function readDist(args: readonly string[]): string | undefined {
  const [first, extra] = args;
  if (first === undefined) return undefined;
  const folder = /^--dist=(.+)$/s.exec(first)?.[1];
  if (folder !== undefined && extra === undefined) return resolve(folder);
  throw new DemoError(
    `it cannot follow "${args.join(" ")}": give nothing, or --dist=FOLDER`,
  );
}

async function runDemo(narrator: Narrator): Promise<void> {
  const dist = readDist(Deno.args);
  const started = performance.now();
  const signal = endSignal();
  await using cleanUp = new AsyncDisposableStack();
  // Links on the way, as macOS has them, would be no part of the permissions.
  const base = await Deno.realPath(
    await Deno.makeTempDir({ prefix: "ferry-demo-" }),
  );
  cleanUp.defer(() => Deno.remove(base, { recursive: true }));
  narrator.title("Ferry demo", `, in ${base}, which is removed at the end`);
  const stage = await setUp(narrator, base, { signal, cleanUp, dist });
  try {
    for (const step of STEPS) {
      await step(stage);
      signal.throwIfAborted();
    }
    await stopServer(stage);
  } catch (error) {
    narrator.log("the server", stage.server.log);
    throw error;
  }
  narrator.lines([
    ...summary(stage.moved),
    "",
    "Times include the start of every client process; every file has a receipt that it is verified and durable.",
    `All as it must be, in ${formatDuration(performance.now() - started)}.`,
  ]);
}

if (import.meta.main) {
  const narrator = new Narrator();
  try {
    await runDemo(narrator);
  } catch (error) {
    narrator.failure(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
  Deno.exit(0);
}
