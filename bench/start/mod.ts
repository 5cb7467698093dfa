// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * How long the executables take to start, beside a compiled program that does
 * nothing.
 *
 * @module
 */
import { join } from "@std/path";
import { compileEnvironment } from "../../tools/compile.ts";
import { describeMachine } from "../machine.ts";
import { type Command, Daemon, freePort } from "../processes.ts";
import type { Scenario } from "../scenario.ts";
import { median } from "../statistics.ts";
import { formatTable } from "../table.ts";
import { parseStartOptions, startHelp } from "./options.ts";

/** Something that is started again and again. */
interface Subject {
  readonly title: string;
  readonly command: Command;
  /** How it ends. */
  readonly code: number;
}

const USAGE_CODE = 2;

/** Compiles a program that does nothing, as the others were. */
async function compileEmpty(folder: string): Promise<string> {
  const source = join(folder, "empty.js");
  const program = join(folder, "empty");
  await Deno.writeTextFile(source, "");
  const { env } = await compileEnvironment(Deno.build.target);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "--quiet", "--no-config", "--no-lock", "--no-check"],
      ...[`--output=${program}`, source],
    ],
    env,
  }).output();
  if (success) return program;
  throw new Error(`Cannot compile: ${new TextDecoder().decode(stderr)}`);
}

function subjectsOf(dist: string, empty: string, port: number): Subject[] {
  const [ferry, ferryd] = [join(dist, "ferry"), join(dist, "ferryd")];
  const row = (program: string, args: readonly string[], code = 0): Subject => {
    const name = program === ferry ? "ferry" : "ferryd";
    return {
      title: [name, ...args].join(" ").replace(`:${port}`, ""),
      command: { program, args },
      code,
    };
  };
  return [
    { title: "nothing", command: { program: empty, args: [] }, code: 0 },
    row(ferry, ["--version"]),
    row(ferry, ["--help"]),
    row(ferry, ["gte", "x", "y"], USAGE_CODE),
    row(ferry, ["__complete", "words", "ge"]),
    row(ferryd, ["--version"]),
    row(ferryd, ["--help"]),
    row(ferry, ["ls", `127.0.0.1:${port}`]),
    row(ferryd, ["check", dist]),
  ];
}

/** Starts a program with nothing in its environment, and takes the time. */
async function start(
  { title, command, code }: Subject,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const started = performance.now();
  const status = await new Deno.Command(command.program, {
    args: [...command.args],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn().status;
  const milliseconds = performance.now() - started;
  if (status.code === code) return milliseconds;
  throw new Error(`${title} ended with ${status.code}`);
}

/** Everybody once in each round, so that what else happens hits all alike. */
async function measure(
  subjects: readonly Subject[],
  runs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<Subject, readonly number[]>> {
  const samples = new Map(subjects.map((subject) => [subject, [] as number[]]));
  // The first start of an executable writes what V8 made of it.
  for (const subject of subjects) await start(subject, signal);
  for (let run = 0; run < runs; run++) {
    for (const [subject, times] of samples) {
      times.push(await start(subject, signal));
    }
  }
  return samples;
}

function report(samples: ReadonlyMap<Subject, readonly number[]>): string[] {
  const [nothing = []] = samples.values();
  const base = median(nothing);
  return formatTable(
    [
      { title: "command" },
      { title: "median", align: "right" },
      { title: "least", align: "right" },
      { title: "of nothing", align: "right" },
    ],
    [...samples].map(([{ title }, times]) => [
      title,
      `${median(times).toFixed(1)} ms`,
      `${Math.min(...times).toFixed(1)} ms`,
      `${(median(times) / base).toFixed(2)} x`,
    ]),
  );
}

async function run(
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { runs, dist, help } = parseStartOptions(args);
  if (help) return console.log(startHelp());
  console.log(await describeMachine());
  const folder = await Deno.makeTempDir({ prefix: "ferry-bench-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const port = freePort();
  const empty = await compileEmpty(folder);
  const server = new Daemon({
    program: join(dist, "ferryd"),
    args: ["--listen", `127.0.0.1:${port}`, "--read-only", dist],
  });
  stack.defer(() => server.stop());
  await server.waitForPort(port);
  const samples = await measure(subjectsOf(dist, empty, port), runs, signal);
  console.log(`\n${report(samples).join("\n")}`);
}

/** The scenario. */
export const START: Scenario = { name: "start", help: startHelp, run };
