// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * How much memory both ends of Ferry take: of ever more files, and of ever
 * larger ones. It must not grow with either.
 *
 * @module
 */
import { join } from "@std/path";
import { formatSize } from "../../lib/cli/format.ts";
import { describeMachine } from "../machine.ts";
import { peakMemory, watchPeakMemory } from "../memory.ts";
import { FerryPeer } from "../peers/ferry.ts";
import type { Direction } from "../peers/peer.ts";
import { runTimed } from "../processes.ts";
import { formatSeconds } from "../report.ts";
import { type Folders, makeFolders, prepareStorage } from "../storage.ts";
import { formatTable } from "../table.ts";
import type { SmallOptions } from "./options.ts";
import { writeTree } from "./tree.ts";

const FILE_COUNTS = [1000, 10_000, 100_000] as const;
const FILE_SIZES = [1024 ** 3, 8 * 1024 ** 3] as const;
const FOLDER_COUNT = 100;
/** The largest sparse file arrives as a real one. */
const STORAGE_SIZE = 9 * 1024 ** 3;

/** What one transfer took. */
export interface MemoryRow {
  /** What was moved. */
  readonly what: string;
  /** Which way. */
  readonly direction: Direction;
  /** From before the client was made until it was gone. */
  readonly milliseconds: number;
  /** Peak of the client in bytes, where known. */
  readonly client: number | undefined;
  /** Peak of the server in bytes, where known. */
  readonly server: number | undefined;
}

/** All that is known after a run. */
export interface MemoryOutcome {
  /** The machine, in a line. */
  readonly machine: string;
  /** Where the files were. */
  readonly storage: string;
  /** What was measured. */
  readonly rows: readonly MemoryRow[];
}

/** Something to move. */
interface Load {
  readonly what: string;
  readonly name: string;
  readonly isTree: boolean;
  readonly make: (path: string) => Promise<void>;
}

function loads({ shape }: SmallOptions): Load[] {
  return [
    ...FILE_COUNTS.map((files): Load => ({
      what: `${files} files of ${formatSize(shape.size)}`,
      name: `tree-${files}`,
      isTree: true,
      make: (path) =>
        writeTree(path, { files, folders: FOLDER_COUNT, size: shape.size }),
    })),
    ...FILE_SIZES.map((size): Load => ({
      what: `one sparse file of ${formatSize(size)}`,
      name: `sparse-${size}`,
      isTree: false,
      async make(path) {
        await Deno.create(path).then((file) => file.close());
        await Deno.truncate(path, size);
      },
    })),
  ];
}

/**
 * Measures; every transfer has a server of its own.
 *
 * @param options What the user wants.
 * @param signal Ends it early.
 */
export async function measureMemory(
  options: SmallOptions,
  signal: AbortSignal,
): Promise<MemoryOutcome> {
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const storage = await prepareStorage(options.dir, STORAGE_SIZE);
  stack.defer(() => storage.release());
  const folders = await makeFolders(storage.path);
  const rows: MemoryRow[] = [];
  for (const load of loads(options)) {
    await load.make(join(folders.served, load.name));
    for (const direction of options.only) {
      const row = await moveOnce(folders, load, direction, signal);
      console.error(
        `${direction} ${row.what}: client ${show(row.client)}, server ${
          show(row.server)
        }`,
      );
      rows.push(row);
    }
    await Deno.remove(join(folders.served, load.name), { recursive: true });
  }
  return { machine, storage: storage.description, rows };
}

async function moveOnce(
  folders: Folders,
  { what, name, isTree }: Load,
  direction: Direction,
  signal: AbortSignal,
): Promise<MemoryRow> {
  const ferry = new FerryPeer("none");
  await ferry.start(folders);
  try {
    const isGet = direction === "get";
    const source = join(folders.served, name);
    const arrived = join(isGet ? folders.local : folders.incoming, name);
    const command = isGet
      ? isTree ? ferry.getTree(name, arrived) : ferry.get(name, arrived)
      : isTree
      ? ferry.putTree(source, `incoming/${name}`)
      : ferry.put(source, `incoming/${name}`);
    let peak: Promise<number | undefined> | undefined;
    const { milliseconds } = await runTimed(command, {
      signal,
      onSpawn: (pid) => peak = watchPeakMemory(pid),
    });
    await Deno.remove(arrived, { recursive: true });
    const client = await peak;
    const server = ferry.serverPid && await peakMemory(ferry.serverPid);
    return { what, direction, milliseconds, client, server };
  } finally {
    await ferry.stop();
  }
}

function show(bytes: number | undefined): string {
  return bytes === undefined ? "n/a" : formatSize(bytes);
}

/**
 * The table, as lines.
 *
 * @param outcome What was measured.
 */
export function formatMemory(
  { machine, storage, rows }: MemoryOutcome,
): string[] {
  return [
    "Peak resident memory of both ends, a new server for each transfer,",
    "durability none.",
    `machine  ${machine}`,
    `storage  ${storage}`,
    "",
    ...formatTable(
      [
        { title: "PEAK MEMORY" },
        { title: "" },
        { title: "client", align: "right" },
        { title: "server", align: "right" },
        { title: "time", align: "right" },
      ],
      rows.map(({ what, direction, milliseconds, client, server }) => [
        what,
        direction,
        show(client),
        show(server),
        formatSeconds(milliseconds),
      ]),
    ),
  ];
}
