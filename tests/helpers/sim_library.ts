/**
 * The library that a simulation runs: the shipping one as it stands, or a copy
 * of its sources with some statements replaced.
 *
 * Copies serve two ends. With small limits, files of a few KiB have many chunks
 * and checkpoints, so that a seed takes milliseconds. With a mutant, they show
 * that the simulation can fail.
 *
 * @module
 */
import { dirname, fromFileUrl, join, toFileUrl } from "@std/path";

/** The rooms of `lib/` that a simulation touches. */
export interface SimLibrary {
  /** The client. */
  readonly client: typeof import("../../lib/client/mod.ts");
  /** The server. */
  readonly server: typeof import("../../lib/server/mod.ts");
  /** Storage, and the disk in memory. */
  readonly storage: typeof import("../../lib/storage/mod.ts");
  /** The errors of the network. */
  readonly transport: typeof import("../../lib/transport/mod.ts");
}

/** One replacement in one file. */
export interface SourceEdit {
  /** Path below the root of the repository. */
  readonly file: string;
  /** Text that stands there exactly once. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
}

/**
 * Limits of 4 KiB and thereabouts instead of MiB: the same code meets the same
 * edges with a 256th of the bytes.
 */
export const SMALL_LIMITS: readonly SourceEdit[] = [
  {
    file: "lib/protocol/limits.ts",
    find: "export const CHUNK_SIZE = 1_048_576;",
    replace: "export const CHUNK_SIZE = 4096;",
  },
  {
    file: "lib/storage/limits.ts",
    find: "export const CHUNK_SIZE: number = MIB;",
    replace: "export const CHUNK_SIZE: number = 4096;",
  },
  {
    file: "lib/storage/limits.ts",
    find: "export const CHECKPOINT_BYTES: number = 64 * MIB;",
    replace: "export const CHECKPOINT_BYTES: number = 3 * 4096;",
  },
  {
    file: "lib/storage/memory_inode.ts",
    find: "const PAGE_SIZE = 64 * 1024;",
    replace: "const PAGE_SIZE = 1024;",
  },
  {
    file: "lib/client/limits.ts",
    find: "export const STREAM_SIZE_MIN = 33_554_432;",
    replace: "export const STREAM_SIZE_MIN = 3 * 4096;",
  },
  {
    file: "lib/client/stream_controller.ts",
    find: "const ROUND_TRIP_LONG = 20;",
    replace: "const ROUND_TRIP_LONG = 6;",
  },
  {
    file: "lib/client/stream_controller.ts",
    find: "const ROUND_TRIP_SHORT = 5;",
    replace: "const ROUND_TRIP_SHORT = 3;",
  },
  {
    file: "lib/client/limits.ts",
    find: "export const STREAM_CHUNKS = 8;",
    replace: "export const STREAM_CHUNKS = 1;",
  },
];

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** The library as it ships. */
export function shippingLibrary(): Promise<SimLibrary> {
  return importRooms(join(ROOT, "lib"));
}

/**
 * A copy of the library, loaded beside the shipping one.
 *
 * @param edits What is different in it.
 * @throws {Error} When a text to be replaced does not stand there exactly once.
 */
export async function editedLibrary(
  edits: readonly SourceEdit[],
): Promise<SimLibrary> {
  const folder = await Deno.makeTempDir({ prefix: "ferry-sim-" });
  try {
    await copyFile("deno.json", folder, []);
    for await (const file of sourceFiles("lib")) {
      await copyFile(file, folder, edits.filter((edit) => edit.file === file));
    }
    return await importRooms(join(folder, "lib"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function* sourceFiles(folder: string): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourceFiles(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

async function copyFile(
  file: string,
  folder: string,
  edits: readonly SourceEdit[],
): Promise<void> {
  let text = await Deno.readTextFile(join(ROOT, file));
  for (const { find, replace } of edits) {
    const parts = text.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `${file} holds ${JSON.stringify(find)} ${parts.length - 1} times; ` +
          "the simulation edits a place where it stands once",
      );
    }
    text = parts.join(replace);
  }
  const target = join(folder, file);
  await Deno.mkdir(dirname(target), { recursive: true });
  await Deno.writeTextFile(target, text);
}

async function importRooms(folder: string): Promise<SimLibrary> {
  const room = (name: string) =>
    import(toFileUrl(join(folder, name, "mod.ts")).href);
  return {
    client: await room("client"),
    server: await room("server"),
    storage: await room("storage"),
    transport: await room("transport"),
  };
}
