/**
 * A folder of small files, and the proof that it arrived.
 *
 * @module
 */
import { join } from "@std/path";
import { createHash } from "node:crypto";

/** How large a tree is. */
export interface TreeShape {
  /** Files in all. */
  readonly files: number;
  /** Folders among which they are shared out. */
  readonly folders: number;
  /** Bytes of each file. */
  readonly size: number;
}

/** Paths of the files of a tree, in order. */
export function* treePaths({ files, folders }: TreeShape): Iterable<string> {
  for (let index = 0; index < files; index++) {
    yield `folder-${index % folders}/file-${index}.bin`;
  }
}

/**
 * Writes a tree of random files, no two of them equal.
 *
 * @param root The new folder.
 * @param shape How large it is.
 */
export async function writeTree(root: string, shape: TreeShape): Promise<void> {
  for (
    let folder = 0;
    folder < Math.min(shape.folders, shape.files);
    folder++
  ) {
    await Deno.mkdir(join(root, `folder-${folder}`), { recursive: true });
  }
  for (const path of treePaths(shape)) {
    const bytes = crypto.getRandomValues(new Uint8Array(shape.size));
    await Deno.writeFile(join(root, path), bytes);
  }
}

/**
 * Sums up all files of a tree.
 *
 * @param root The folder.
 * @param shape How large it is.
 * @returns SHA-256 in hexadecimal digits.
 * @throws {Deno.errors.NotFound} if a file is missing.
 */
export async function treeDigest(
  root: string,
  shape: TreeShape,
): Promise<string> {
  const hash = createHash("sha256");
  for (const path of treePaths(shape)) {
    const bytes = await Deno.readFile(join(root, path));
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest("hex");
}

/** How many files a folder has, in all its folders. */
export async function countFiles(root: string): Promise<number> {
  let count = 0;
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    count += isDirectory ? await countFiles(join(root, name)) : 1;
  }
  return count;
}
