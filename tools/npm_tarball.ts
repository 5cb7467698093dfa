/**
 * Gets a package's files from whatever npm registry this machine's npm client
 * is set up for, and accepts nothing but the exact bytes that were expected.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** An npm package of which one exact tarball is wanted. */
export interface NpmPackage {
  /** Name and exact version, such as `deno-std@1.4.0`. */
  readonly spec: string;
  /** What the tarball must hash to: `sha512-…`. */
  readonly integrity: string;
}

/** A tar archive is a row of blocks of this size. */
const BLOCK_SIZE = 512;

/**
 * Downloads one package.
 *
 * @param wanted The package and its integrity.
 * @returns The files of the tarball by path; each path starts with `package/`.
 */
export async function npmFiles(
  wanted: NpmPackage,
): Promise<Map<string, Uint8Array>> {
  const folder = await Deno.makeTempDir({ prefix: "ferry_npm_" });
  try {
    const tarball = await npmPack(wanted.spec, folder);
    const hash = createHash("sha512").update(tarball).digest("base64");
    if (`sha512-${hash}` !== wanted.integrity) {
      throw new Error(
        `Cannot use the npm package "${wanted.spec}": integrity is sha512-${hash}, expected ${wanted.integrity}`,
      );
    }
    return untar(await gunzip(tarball));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function npmPack(
  spec: string,
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  // Short retries: npm's own defaults wait more than a minute when offline.
  const command = new Deno.Command(
    Deno.build.os === "windows" ? "npm.cmd" : "npm",
    {
      args: [
        "pack",
        spec,
        "--ignore-scripts",
        "--prefer-offline",
        "--fetch-retries=2",
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=5000",
        `--pack-destination=${folder}`,
      ],
      stdin: "null",
    },
  );
  const { success, stderr } = await run(command);
  if (!success) {
    throw new Error(`Cannot get "${spec}" from npm: ${npmReason(stderr)}`);
  }
  // The name that npm gives the file depends on its version: look instead.
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.endsWith(".tgz")) {
      return await Deno.readFile(`${folder}/${entry.name}`);
    }
  }
  throw new Error(`Cannot get "${spec}" from npm: no tarball was written`);
}

async function run(command: Deno.Command): Promise<Deno.CommandOutput> {
  try {
    return await command.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("Cannot run the npm client: it is not installed");
  }
}

/** The lines of npm's complaint that say what is wrong, as one. */
function npmReason(stderr: Uint8Array): string {
  const lines = new TextDecoder().decode(stderr).split("\n")
    .map((line) => /^npm (?:error|ERR!) (.+)$/.exec(line)?.[1] ?? "")
    .filter((line) => line !== "" && !line.startsWith("A complete log"));
  return lines.join("; ");
}

async function gunzip(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([data]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Reads the regular files of a tar archive. */
function untar(tar: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (offset + BLOCK_SIZE <= tar.length) {
    const header = tar.subarray(offset, offset + BLOCK_SIZE);
    const path = entryPath(header);
    if (path === "") break; // the archive ends with empty blocks
    const size = parseInt(textField(header, 124, 12), 8) || 0;
    const start = offset + BLOCK_SIZE;
    const type = textField(header, 156, 1);
    if (type === "0" || type === "") {
      files.set(path, tar.subarray(start, start + size));
    }
    offset = start + Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
  }
  return files;
}

function entryPath(header: Uint8Array): string {
  const name = textField(header, 0, 100);
  const isUstar = textField(header, 257, 5) === "ustar";
  const prefix = isUstar ? textField(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** A text field of a tar header: it ends at the first NUL. */
function textField(header: Uint8Array, start: number, size: number): string {
  const text = new TextDecoder().decode(header.subarray(start, start + size));
  const end = text.indexOf("\0");
  return (end === -1 ? text : text.slice(0, end)).trim();
}
