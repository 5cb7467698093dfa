// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Builds the executables: `dist/ferry` and `dist/ferryd` for this platform, or
 * with `--target TRIPLE` (repeatable) or `--all` those of other platforms in
 * `dist/TRIPLE/`, and `SHA256SUMS` beside each.
 *
 * A program is bundled first and compiled from that: of the packages only what it
 * uses goes in, which makes it 20 MB smaller, and the same sources give the same
 * bytes. The bundle is several files, so that what a program loads at once, its
 * tables, stands apart from what it loads when it has work to do.
 *
 * `deno compile` puts a program behind `denort`, a Deno without tools, which it
 * downloads from dl.deno.land. Where that cannot be reached, a `denort` from npm
 * serves to try the executables out, and they are marked as such.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { denortFromNpm } from "./denort_from_npm.ts";

/** One executable to build. */
interface Program {
  readonly main: string;
  readonly name: string;
  /**
   * What the executable may do: a compiled program cannot be given more, and one
   * that is configured when it runs cannot be given less by path. The service
   * manager narrows it: see packaging/ferryd.service.
   */
  readonly permissions: readonly string[];
}

const PROGRAMS: readonly Program[] = [
  {
    main: "main_client.ts",
    name: "ferry",
    permissions: ["net", "read", "write", "env"],
  },
  {
    main: "main_server.ts",
    name: "ferryd",
    // It gives "run" back as soon as it knows that there is no upload hook.
    permissions: ["net", "read", "write", "env", "sys=statfs", "run"],
  },
];

/** What `deno compile` can build for. */
const TARGETS: readonly string[] = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
];

const ROOT = new URL("../", import.meta.url);
const PROBE_TIMEOUT_MS = 10_000;

const SMOKE_TEST_WARNING = [
  "compile: dl.deno.land does not answer, so denort was taken from an npm package of a third party.",
  "compile: These executables are for SMOKE TESTS ONLY. Never release them or hand them to anybody.",
].join("\n");

function denortUrl(target: string): string {
  const { deno } = Deno.version;
  return `https://dl.deno.land/release/v${deno}/denort-${target}.zip`;
}

/** Whether `deno compile` has `denort` already, or can download it. */
async function isDenortAvailable(target: string): Promise<boolean> {
  if (Deno.env.has("DENORT_BIN")) return true;
  return await isDenortCached(target) || await isDenortOnline(target);
}

async function isDenortCached(target: string): Promise<boolean> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  const path = new URL(denortUrl(target)).pathname;
  return await Deno.stat(`${denoDir}/dl${path}`).then(() => true, () => false);
}

async function isDenortOnline(target: string): Promise<boolean> {
  try {
    const response = await fetch(denortUrl(target), {
      method: "HEAD",
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return response.ok;
  } catch {
    return false;
  }
}

/** Runs Deno; what it says is seen. */
async function deno(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env,
  }).spawn().status;
  if (!success) throw new Error(`Cannot run "deno ${args[0]}": see above`);
}

/** The commit that is built, `-dirty` if the tree differs from it; none outside of git. */
async function commit(): Promise<string | undefined> {
  try {
    const { stdout, success } = await new Deno.Command("git", {
      args: ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
      cwd: ROOT,
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

/** What is built, and where it goes. */
interface Build {
  readonly target: string;
  /** Below `dist/`, with a slash at the end, or empty. */
  readonly folder: string;
  readonly env: Record<string, string>;
}

/** How the files of a bundle name each other. */
const PART_PATTERN = /"\.\/([\w.-]+\.js)"/g;

/**
 * Gives the files of a bundle names that tell nothing of where it was made: the
 * bundler makes them of the paths of the sources. They are numbered in the order
 * in which they name each other, beginning with the entry, which keeps its name.
 */
async function renameParts(place: URL, entry: string): Promise<void> {
  const texts = new Map<string, string>();
  for await (const { name } of Deno.readDir(place)) {
    texts.set(name, await Deno.readTextFile(new URL(name, place)));
    await Deno.remove(new URL(name, place));
  }
  // A set also visits what is added meanwhile.
  const reached = new Set([entry]);
  for (const name of reached) {
    for (
      const [, part = ""] of (texts.get(name) ?? "").matchAll(PART_PATTERN)
    ) {
      if (texts.has(part)) reached.add(part);
    }
  }
  const names = new Map(
    [...reached].map((name, index) =>
      [name, index === 0 ? entry : `${index}.js`] as const
    ),
  );
  for (const [name, renamed] of names) {
    const file = new URL(renamed, place);
    const text = (texts.get(name) ?? "").replace(
      PART_PATTERN,
      (whole, part: string) =>
        names.has(part) ? `"./${names.get(part)}"` : whole,
    );
    await Deno.writeTextFile(file, text);
    // The times of the files go into the executable.
    await Deno.utime(file, 0, 0);
  }
}

async function compile(program: Program, build: Build): Promise<string> {
  const { folder, target } = build;
  const bundle = `dist/.bundle/${program.name}/`;
  const place = new URL(bundle, ROOT);
  // What an earlier build made is not to go in.
  await Deno.remove(place, { recursive: true }).catch(() => {});
  await deno([
    "bundle",
    "--quiet",
    "--frozen",
    "--minify",
    "--code-splitting",
    `--outdir=${bundle}`,
    program.main,
  ]);
  const entry = program.main.replace(/\.ts$/, ".js");
  await renameParts(place, entry);
  const name = `${program.name}${target.includes("windows") ? ".exe" : ""}`;
  const output = `dist/${folder}${name}`;
  await deno([
    "compile",
    "--quiet",
    // The bundle holds all that it needs.
    "--no-config",
    "--no-lock",
    "--no-check",
    `--target=${target}`,
    `--env-file=${BAKED_FILE}`,
    ...program.permissions.map((permission) => `--allow-${permission}`),
    `--output=${output}`,
    bundle + entry,
  ], build.env);
  console.log(`compile: built ${output}`);
  return name;
}

/** Where {@linkcode COMMIT_VARIABLE} is written to be baked in. */
const BAKED_FILE = "dist/.bundle/baked.env";

/** Shown by `--version`. */
const COMMIT_VARIABLE = "FERRY_COMMIT";

async function writeSums(
  folder: string,
  names: readonly string[],
): Promise<void> {
  const lines: string[] = [];
  for (const name of names) {
    const bytes = await Deno.readFile(new URL(`dist/${folder}${name}`, ROOT));
    const sum = createHash("sha256").update(bytes).digest("hex");
    lines.push(`${sum}  ${name}\n`);
  }
  const sums = new URL(`dist/${folder}SHA256SUMS`, ROOT);
  await Deno.writeTextFile(sums, lines.join(""));
}

/** The environment in which `deno compile` finds a `denort` taken from npm. */
async function useDenortFromNpm(): Promise<Record<string, string>> {
  try {
    const file = await denortFromNpm();
    return { DENORT_BIN: decodeURIComponent(file.pathname) };
  } catch (error) {
    throw new Error(
      [
        `"deno compile" needs ${
          denortUrl(Deno.build.target)
        }, which this machine cannot download`,
        "Run this task where dl.deno.land can be reached, or get that file elsewhere, unpack it, and name the program in it by the environment variable DENORT_BIN",
        `Nor can a substitute for smoke tests be had: ${errorMessage(error)}`,
      ].join("\n  - "),
    );
  }
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The targets that the arguments ask for; none: this platform. */
function readTargets(args: readonly string[]): readonly string[] {
  if (args.length === 0) return [];
  if (args.length === 1 && args[0] === "--all") return TARGETS;
  const targets = args.map((arg) => /^--target=(.+)$/.exec(arg)?.[1] ?? "");
  if (targets.every((target) => TARGETS.includes(target))) return targets;
  throw new Error(
    `Cannot follow "${
      args.join(" ")
    }": give --all, or --target=TRIPLE once or more, with one of ${
      TARGETS.join(", ")
    }`,
  );
}

/**
 * The environment in which `deno compile` finds a `denort`, and whether that is
 * the official one.
 *
 * @param target The platform.
 */
export async function compileEnvironment(
  target: string,
): Promise<{ env: Record<string, string>; isOfficial: boolean }> {
  const isOfficial = await isDenortAvailable(target);
  if (!isOfficial && target !== Deno.build.target) {
    throw new Error(`Cannot download ${denortUrl(target)}`);
  }
  return { env: isOfficial ? {} : await useDenortFromNpm(), isOfficial };
}

/** Builds both programs for a platform. */
async function build(target: string, folder: string): Promise<void> {
  const { env, isOfficial } = await compileEnvironment(target);
  if (!isOfficial) console.error(SMOKE_TEST_WARNING);
  const names: string[] = [];
  for (const program of PROGRAMS) {
    names.push(await compile(program, { target, folder, env }));
  }
  await writeSums(folder, names);
  // Said twice: the first time scrolls away.
  if (!isOfficial) console.error(SMOKE_TEST_WARNING);
}

async function main(): Promise<void> {
  const targets = readTargets(Deno.args);
  await Deno.mkdir(new URL("dist/.bundle/", ROOT), { recursive: true });
  const line = `${COMMIT_VARIABLE}=${await commit() ?? ""}\n`;
  await Deno.writeTextFile(new URL(BAKED_FILE, ROOT), line);
  if (targets.length === 0) await build(Deno.build.target, "");
  for (const target of targets) await build(target, `${target}/`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`compile: ${errorMessage(error)}`);
    Deno.exit(1);
  }
}
