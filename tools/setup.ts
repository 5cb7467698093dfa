// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Makes the dependencies available, then says nothing. Where JSR answers, Deno
 * fills `vendor/` itself; where only npm does, `vendor_from_npm.ts` fills it.
 * Once that is done, `vendor/` works offline and this only reads a stamp.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Says how `vendor/` was filled, and from what. */
interface Stamp {
  /** Where the packages came from. */
  readonly source: "jsr" | "npm";
  /** The {@linkcode fingerprint} at that time. */
  readonly fingerprint: string;
}

const ROOT = new URL("../", import.meta.url);
const VENDOR = new URL("vendor/", ROOT);
const STAMP_FILE = new URL("setup.json", VENDOR);

/** Imports every package, so that loading it fills `vendor/` completely. */
const EVERY_DEPENDENCY = "tests/deps/deps_test.ts";

/** Long enough for a slow line, short enough where packets are swallowed. */
const PROBE_TIMEOUT_MS = 10_000;

/** What `vendor/` depends on when it is made from npm. */
async function fingerprint(): Promise<string> {
  const tools = new URL("tools/", ROOT);
  const types = new URL("std_types/", tools);
  const files = [
    new URL("std_packages.json", tools),
    new URL("vendor_from_npm.ts", tools),
  ];
  for await (const entry of Deno.readDir(types)) {
    files.push(new URL(entry.name, types));
  }
  files.sort((a, b) => a.href < b.href ? -1 : 1);
  const hash = createHash("sha256");
  for (const file of files) hash.update(await Deno.readFile(file));
  return hash.digest("hex");
}

async function readStamp(): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(STAMP_FILE));
  } catch {
    return undefined; // absent or damaged: both mean that there is work to do
  }
}

async function writeStamp(stamp: Stamp): Promise<void> {
  await Deno.writeTextFile(STAMP_FILE, JSON.stringify(stamp));
}

/** Lets Deno load all dependencies; rejects with what Deno said. */
async function loadDependencies(...options: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--frozen", ...options, EVERY_DEPENDENCY],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

/** Rejects if the JSR registry cannot be reached. */
async function probeJsr(): Promise<void> {
  const registry = new URL(Deno.env.get("JSR_URL") ?? "https://jsr.io/");
  try {
    const response = await fetch(new URL("@std/path/meta.json", registry), {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    // A captive portal answers, too, but not in JSON.
    await response.json();
  } catch (error) {
    throw new Error(`Cannot reach ${registry}: ${rootCause(error)}`);
  }
}

/** The message of the innermost error: `fetch` says "fetch failed" only. */
function rootCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : rootCause(error.cause);
}

async function fillFromJsr(previous: Stamp | undefined): Promise<void> {
  await probeJsr();
  // Deno would go on using what was made from npm, so that must go first.
  if (previous?.source === "npm") {
    await Deno.remove(VENDOR, { recursive: true });
  }
  await loadDependencies();
}

/** Builds a new vendor folder beside the old one and swaps the two. */
async function fillFromNpm(): Promise<void> {
  const { vendorFromNpm } = await import("./vendor_from_npm.ts");
  const id = crypto.randomUUID();
  const fresh = new URL(`vendor.new-${id}/`, ROOT);
  const old = new URL(`vendor.old-${id}/`, ROOT);
  try {
    await vendorFromNpm(fresh);
    await Deno.rename(VENDOR, old).catch(ignoreNotFound);
    await Deno.rename(fresh, VENDOR);
  } finally {
    await removeIfPresent(fresh);
    await removeIfPresent(old);
  }
  await loadDependencies();
}

async function removeIfPresent(folder: URL): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(ignoreNotFound);
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Fills `vendor/` from the first source that works. */
async function fill(previous: Stamp | undefined): Promise<Stamp["source"]> {
  const failures: unknown[] = [];
  const sources: [Stamp["source"], () => Promise<void>][] = [
    ["jsr", () => fillFromJsr(previous)],
    ["npm", fillFromNpm],
  ];
  // Deno may have filled vendor/ by itself, and completely.
  if (previous?.source !== "npm") {
    sources.unshift(["jsr", () => loadDependencies("--cached-only")]);
  }
  for (const [source, fillIt] of sources) {
    try {
      await fillIt();
      return source;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures.slice(-2), "Cannot get the dependencies");
}

function explain(error: unknown): string {
  const reasons = error instanceof AggregateError ? error.errors : [error];
  return [
    "setup: Cannot get the dependencies, neither from JSR nor from npm",
    ...reasons.map((reason) =>
      `  - ${reason instanceof Error ? reason.message : String(reason)}`
    ),
    "Connect this machine to https://jsr.io, or to an npm registry that its npm client is set up for,",
    "and run the same command again. That is needed once; afterwards Ferry's tasks work offline.",
  ].join("\n");
}

async function setUp(): Promise<void> {
  const previous = await readStamp();
  const current = await fingerprint();
  if (previous?.fingerprint === current) return;
  const source = await fill(previous);
  await writeStamp({ source, fingerprint: current });
}

if (import.meta.main) {
  try {
    await setUp();
  } catch (error) {
    console.error(explain(error));
    Deno.exit(1);
  }
}
