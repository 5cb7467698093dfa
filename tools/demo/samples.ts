/**
 * The files that the demo moves, and the independent proof that they arrived:
 * SHA-256 by `node:crypto` over what lies in the folders, without Ferry.
 *
 * @module
 */
import { walk } from "@std/fs/walk";
import { dirname, fromFileUrl, join, relative } from "@std/path";
import { createHash } from "node:crypto";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Folders that are no part of the project, where nobody can ask git. */
const NOT_TRACKED_PATTERN =
  /^(\.git|vendor[^/]*|coverage|dist|node_modules|\.ferry)(\/|$)/;

const READ_SIZE = 1024 ** 2;

/** What Ferry keeps of unfinished transfers, on a server and on a client. */
const UNFINISHED_PATTERN = /(^|\/)(\.ferry\/|\.ferry-[^/]*\.(part|map)$)/;

/** Files and their SHA-256, by paths with slashes. */
export type Proofs = ReadonlyMap<string, Proof>;

/** What a file is. */
export interface Proof {
  /** Bytes. */
  readonly size: number;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256: string;
}

/** What {@linkcode makeSamples} made. */
export interface Samples {
  /** Name of the folder with the project. */
  readonly project: string;
  /** Name of the large binary. */
  readonly binary: string;
  /** Name of a file without content. */
  readonly empty: string;
  /** A name that few programs handle. */
  readonly awkward: string;
}

/**
 * Copies this project and the Deno executable, and makes two odd files.
 *
 * @param folder Where to; an empty folder.
 */
export async function makeSamples(folder: string): Promise<Samples> {
  const samples: Samples = {
    project: "project",
    binary: Deno.build.os === "windows" ? "deno.exe" : "deno",
    empty: "empty.bin",
    // Windows has no such names.
    awkward: Deno.build.os === "windows"
      ? "- it's odd, naïve ✈ 100%.txt"
      : '- it\'s "odd",\nnaïve ✈ 100%.txt',
  };
  for (const path of await projectFiles()) {
    const target = join(folder, samples.project, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.copyFile(join(ROOT, path), target);
  }
  await Deno.copyFile(Deno.execPath(), join(folder, samples.binary));
  await Deno.writeFile(join(folder, samples.empty), new Uint8Array());
  await Deno.writeTextFile(join(folder, samples.awkward), "odd, but legal\n");
  return samples;
}

/** All files of the project: what git tracks or would; else everything but what the tasks make. */
async function projectFiles(): Promise<string[]> {
  const paths = await gitFiles() ?? await walkedFiles();
  const files: string[] = [];
  for (const path of paths) {
    const info = await Deno.lstat(join(ROOT, path)).catch(() => undefined);
    if (info?.isFile) files.push(path);
  }
  return files;
}

async function gitFiles(): Promise<string[] | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      cwd: ROOT,
      stdin: "null",
    }).output();
    const paths = new TextDecoder().decode(stdout).split("\0").filter(Boolean);
    // A copy without history, inside of somebody else's repository, has none.
    return success && paths.length > 0 ? paths : undefined;
  } catch {
    return undefined; // git is not installed
  }
}

async function walkedFiles(): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of walk(ROOT, { includeDirs: false })) {
    const name = slashed(relative(ROOT, path));
    if (!NOT_TRACKED_PATTERN.test(name)) paths.push(name);
  }
  return paths;
}

function slashed(path: string): string {
  return Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
}

/**
 * Reads every file below a folder, except what Ferry hides there.
 *
 * @param folder The folder.
 * @returns In the order of the names, the same on every system.
 */
export async function proveTree(folder: string): Promise<Proofs> {
  const names: string[] = [];
  for await (const { path } of walk(folder, { includeDirs: false })) {
    const name = slashed(relative(folder, path));
    if (!UNFINISHED_PATTERN.test(name)) names.push(name);
  }
  const proofs = new Map<string, Proof>();
  for (const name of names.sort()) {
    proofs.set(name, await proveFile(join(folder, name)));
  }
  return proofs;
}

/**
 * What Ferry keeps out of sight below a folder.
 *
 * @param folder The folder.
 */
export async function unfinished(
  folder: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  let [files, bytes] = [0, 0];
  for await (const { path } of walk(folder, { includeDirs: false })) {
    if (!UNFINISHED_PATTERN.test(slashed(relative(folder, path)))) continue;
    files++;
    bytes += (await Deno.stat(path)).size;
  }
  return { files, bytes };
}

async function proveFile(path: string): Promise<Proof> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(READ_SIZE);
  let size = 0;
  using file = await Deno.open(path);
  while (true) {
    const count = await file.read(buffer);
    if (count === null) break;
    size += count;
    hash.update(buffer.subarray(0, count));
  }
  return { size, sha256: hash.digest("hex") };
}

/**
 * Compares what arrived with what was sent: the same names, no other names, the
 * same bytes.
 *
 * @returns What differs; nothing if all is well.
 */
export function differences(sent: Proofs, arrived: Proofs): string[] {
  const found: string[] = [];
  for (const [name, { size, sha256 }] of sent) {
    const other = arrived.get(name);
    const shown = JSON.stringify(name);
    if (other === undefined) {
      found.push(`${shown} is missing`);
    } else if (other.size !== size || other.sha256 !== sha256) {
      found.push(
        `${shown} has ${other.size} bytes, SHA-256 ${other.sha256}, instead of ${size} bytes, SHA-256 ${sha256}`,
      );
    }
  }
  for (const name of arrived.keys()) {
    if (!sent.has(name)) found.push(`${JSON.stringify(name)} was never sent`);
  }
  return found;
}
