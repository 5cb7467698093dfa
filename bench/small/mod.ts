// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * A folder of small files, with Ferry and with what people use today; and how
 * much memory Ferry takes for many files and for large ones.
 *
 * @module
 */
import { join } from "@std/path";
import { formatSize } from "../../lib/cli/format.ts";
import type { Cargo } from "../cargo.ts";
import { describeMachine } from "../machine.ts";
import { smallPeers } from "../peers/mod.ts";
import type { Peer } from "../peers/peer.ts";
import { formatOutcome, type Outcome, outcomeToJson } from "../report.ts";
import { measure } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";
import { failureNotes, startPeers } from "../start_peers.ts";
import { type Folders, makeFolders, prepareStorage } from "../storage.ts";
import { formatMemory, measureMemory } from "./memory.ts";
import { parseSmallOptions, smallHelp, type SmallOptions } from "./options.ts";
import { countFiles, treeDigest, type TreeShape, writeTree } from "./tree.ts";

/** The name of the folder that is moved. */
const TREE_NAME = "tree";

/** The source, one copy, and one more that a server may keep for a moment. */
const COPIES = 3;

/** What a file takes at least: a page, and its entry. */
const FILE_COST = 8192;

function treeCargo(
  { served }: Folders,
  shape: TreeShape,
  digest: string,
): Cargo {
  return {
    get: (peer, local) => treeCommand(peer.getTree?.(TREE_NAME, local)),
    put: (peer, remote) =>
      treeCommand(peer.putTree?.(join(served, TREE_NAME), remote)),
    async verify(arrived) {
      if (await treeDigest(arrived, shape) !== digest) {
        throw new Error(`${arrived} is not what was sent`);
      }
    },
    async look(arrived) {
      const count = await countFiles(arrived);
      if (count !== shape.files) {
        throw new Error(`${arrived} has ${count} files`);
      }
    },
  };
}

function treeCommand<T>(command: T | undefined): T {
  if (command === undefined) throw new Error("it moves no folders");
  return command;
}

async function runSmall(
  options: SmallOptions,
  wanted: readonly Peer[],
  signal: AbortSignal,
): Promise<Outcome> {
  const { shape, runs, only } = options;
  const machine = await describeMachine();
  await using stack = new AsyncDisposableStack();
  const perFile = shape.size + FILE_COST;
  const storage = await prepareStorage(
    options.dir,
    COPIES * shape.files * perFile,
  );
  stack.defer(() => storage.release());
  const folders = await makeFolders(storage.path);
  const source = join(folders.served, TREE_NAME);
  await writeTree(source, shape);
  const digest = await treeDigest(source, shape);
  const { peers, notes } = await startPeers(wanted, folders, stack);
  const measurements = await measure({
    peers,
    directions: only,
    runs,
    folders,
    cargo: treeCargo(folders, shape, digest),
    signal,
    onStep: (text) => console.error(text),
  });
  return {
    title: `${shape.files} files of ${
      formatSize(shape.size)
    } in ${shape.folders} folders over loopback`,
    size: shape.files * shape.size,
    files: shape.files,
    runs,
    directions: only,
    machine,
    storage: storage.description,
    measurements,
    notes: [...notes, ...measurements.flatMap(failureNotes)],
  };
}

/** A folder of small files. */
export const SMALL: Scenario = {
  name: "small",
  help: () => smallHelp(smallPeers().map(({ name }) => name)),
  async run(args, signal) {
    const all = smallPeers();
    const options = parseSmallOptions(args, all.map(({ name }) => name));
    if (options.help) return console.log(this.help());
    if (options.memory) {
      const outcome = await measureMemory(options, signal);
      console.log(
        options.json
          ? JSON.stringify(outcome)
          : formatMemory(outcome).join("\n"),
      );
      return;
    }
    const wanted = all.filter(({ name }) => options.peers.includes(name));
    const outcome = await runSmall(options, wanted, signal);
    console.error("");
    console.log(
      options.json ? outcomeToJson(outcome) : formatOutcome(outcome).join("\n"),
    );
  },
};
