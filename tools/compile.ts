// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Builds `dist/ferry` and `dist/ferryd` for this platform.
 *
 * `deno compile` puts a program behind `denort`, a Deno without tools, which it
 * downloads from dl.deno.land. Where that cannot be reached, a `denort` from npm
 * serves to try the executables out, and they are marked as such.
 *
 * @module
 */
import { denortFromNpm } from "./denort_from_npm.ts";

/** One executable to build. */
interface Program {
  readonly main: string;
  readonly name: string;
  /** What the executable may do: a compiled program cannot be given more. */
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
    permissions: ["net", "read", "write", "env", "sys=statfs"],
  },
];

const ROOT = new URL("../", import.meta.url);
const PROBE_TIMEOUT_MS = 10_000;

const SMOKE_TEST_WARNING = [
  "compile: dl.deno.land does not answer, so denort was taken from an npm package of a third party.",
  "compile: These executables are for SMOKE TESTS ONLY. Never release them or hand them to anybody.",
].join("\n");

function denortUrl(): string {
  const { deno } = Deno.version;
  return `https://dl.deno.land/release/v${deno}/denort-${Deno.build.target}.zip`;
}

/** Whether `deno compile` has `denort` already, or can download it. */
async function isDenortAvailable(): Promise<boolean> {
  if (Deno.env.has("DENORT_BIN")) return true;
  return await isDenortCached() || await isDenortOnline();
}

async function isDenortCached(): Promise<boolean> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-config"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  const path = new URL(denortUrl()).pathname;
  return await Deno.stat(`${denoDir}/dl${path}`).then(() => true, () => false);
}

async function isDenortOnline(): Promise<boolean> {
  try {
    const response = await fetch(denortUrl(), {
      method: "HEAD",
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return response.ok;
  } catch {
    return false;
  }
}

async function compile(
  program: Program,
  env: Record<string, string>,
): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--frozen",
      ...program.permissions.map((permission) => `--allow-${permission}`),
      `--output=dist/${program.name}`,
      program.main,
    ],
    cwd: ROOT,
    env,
  }).spawn().status;
  if (!success) throw new Error(`Cannot compile ${program.main}: see above`);
  console.log(`compile: built dist/${executableName(program)}`);
}

function executableName(program: Program): string {
  return Deno.build.os === "windows" ? `${program.name}.exe` : program.name;
}

/** The environment in which `deno compile` finds a `denort` taken from npm. */
async function useDenortFromNpm(): Promise<Record<string, string>> {
  try {
    const file = await denortFromNpm();
    return { DENORT_BIN: decodeURIComponent(file.pathname) };
  } catch (error) {
    throw new Error(
      [
        `"deno compile" needs ${denortUrl()}, which this machine cannot download`,
        "Run this task where dl.deno.land can be reached, or get that file elsewhere, unpack it, and name the program in it by the environment variable DENORT_BIN",
        `Nor can a substitute for smoke tests be had: ${errorMessage(error)}`,
      ].join("\n  - "),
    );
  }
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(): Promise<void> {
  const isOfficial = await isDenortAvailable();
  const env = isOfficial ? {} : await useDenortFromNpm();
  if (!isOfficial) console.error(SMOKE_TEST_WARNING);
  for (const program of PROGRAMS) await compile(program, env);
  // Said twice: the first time scrolls away.
  if (!isOfficial) console.error(SMOKE_TEST_WARNING);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`compile: ${errorMessage(error)}`);
    Deno.exit(1);
  }
}
