/**
 * Where the files of a run lie: in memory, so that programs are measured and
 * not disks.
 *
 * @module
 */
import { join, resolve } from "@std/path";
import { formatSize } from "../lib/cli/format.ts";
import { runTimed } from "./processes.ts";
import { writeSample } from "./sample.ts";

/** Room for what is small: configurations, keys, directories. */
const SPARE_BYTES = 64 * 1024 ** 2;

/** A folder for the files of a run. */
export interface Storage {
  /** The folder; it belongs to this run alone. */
  readonly path: string;
  /** What kind of storage it is, for the report. */
  readonly description: string;
  /** Removes everything in it, and itself. */
  release(): Promise<void>;
}

/**
 * Makes a folder for the files of a run: in `dir`, else on a tmpfs of its own
 * if this user may mount one, else in the temporary folder.
 *
 * @param dir Where the user wants it.
 * @param size Bytes of all that will be in it at a time.
 */
export async function prepareStorage(
  dir: string | undefined,
  size: number,
): Promise<Storage> {
  const base = dir === undefined ? {} : { dir: resolve(dir) };
  const path = await Deno.makeTempDir({ ...base, prefix: "ferry-bench-" });
  // Servers that give up their rights must be able to walk through it.
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o755);
  const remove = (): Promise<void> => Deno.remove(path, { recursive: true });
  try {
    const needed = size + SPARE_BYTES;
    if (dir === undefined && await mountTmpfs(path, needed)) {
      return await touched({
        path,
        description: `tmpfs of its own at ${path}, in memory`,
        release: () => unmount(path),
      }, size);
    }
    return {
      path,
      description: `${path} (${await fileSystemOf(path)})`,
      release: remove,
    };
  } catch (error) {
    await remove().catch(() => {}); // it may be gone already
    throw error;
  }
}

/** Mounts a tmpfs if this is Linux and this user may. */
async function mountTmpfs(path: string, size: number): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const { available } = Deno.systemMemoryInfo();
  if (available < size) {
    throw new RangeError(
      `Cannot keep the files in memory: that takes ${formatSize(size)}, and ${
        formatSize(available)
      } are free; choose a smaller --size, or --dir`,
    );
  }
  const args = ["-t", "tmpfs", "-o", `size=${size},mode=0755`, "bench", path];
  // A container may not allow it even to root.
  return await runTimed({ program: "mount", args }).then(
    () => true,
    () => false,
  );
}

/**
 * Fills the storage once. A virtual machine gets its memory from its host at
 * first touch, which takes several times as long as any later use: whoever came
 * first would pay for all.
 */
async function touched(storage: Storage, size: number): Promise<Storage> {
  const path = join(storage.path, "touch");
  try {
    await writeSample(path, size);
    await Deno.remove(path);
    return storage;
  } catch (error) {
    await storage.release();
    throw error;
  }
}

async function unmount(path: string): Promise<void> {
  await runTimed({ program: "umount", args: ["--lazy", path] });
  await Deno.remove(path);
}

/** The name of a file system's kind, such as `tmpfs` or `ext2/ext3`. */
async function fileSystemOf(path: string): Promise<string> {
  const args = Deno.build.os === "linux"
    ? ["-f", "-c", "%T", path]
    : ["-f", "%T", path];
  return await runTimed({ program: "stat", args }).then(
    ({ output }) => output.trim() || "unknown file system",
    () => "unknown file system",
  );
}

/** The folders of one run. */
export interface Folders {
  /** What the servers offer. */
  readonly served: string;
  /** In `served`: where puts arrive. */
  readonly incoming: string;
  /** Where gets arrive, and what is put comes from. */
  readonly local: string;
  /** For each peer, a folder of its own in here. */
  readonly scratch: string;
}

/**
 * Makes the folders of one run.
 *
 * @param path The folder in which to make them.
 */
export async function makeFolders(path: string): Promise<Folders> {
  const served = join(path, "served");
  const folders = {
    served,
    incoming: join(served, "incoming"),
    local: join(path, "local"),
    scratch: join(path, "scratch"),
  };
  for (const folder of Object.values(folders)) {
    await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
  }
  // A server without rights of its own, such as vsftpd's, writes here.
  if (Deno.build.os !== "windows") await Deno.chmod(folders.incoming, 0o777);
  return folders;
}
