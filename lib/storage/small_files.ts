/**
 * Many small files at once: in groups, or one by one where something is left of
 * an earlier try or has the name already.
 *
 * @module
 */

import type { CommitEngine, CommitEngineOptions } from "./commit_engine.ts";
import type { StorageError } from "./errors.ts";
import { SMALL_GROUP_BYTES, SMALL_GROUP_FILES } from "./limits.ts";
import { childPath, foldName } from "./names.ts";
import { asStorageError, SmallGroup, type SmallItem } from "./small_group.ts";
import type { Outcome } from "./storage.ts";

/**
 * Receives small files, in groups that fit into memory and the table of open
 * files. Never throws what is the fault of one file.
 */
export async function receiveSmallFiles(
  engine: CommitEngine,
  options: CommitEngineOptions,
  items: readonly SmallItem[],
): Promise<(Outcome | StorageError)[]> {
  const results = new Map<SmallItem, Outcome | StorageError>();
  let rest: readonly SmallItem[] = items;
  while (rest.length > 0) {
    const [group, others] = split(rest);
    rest = others;
    const alone = await new SmallGroup(engine, options, results).run(group);
    for (const item of alone) {
      results.set(item, await settled(() => receiveAlone(engine, item)));
    }
  }
  return items.map((item) => results.get(item)!);
}

/** The next group: of one file system, and of two files with one name or id only the first. */
function split(
  items: readonly SmallItem[],
): [group: SmallItem[], rest: SmallItem[]] {
  const group: SmallItem[] = [];
  const rest: SmallItem[] = [];
  const taken = new Set<string>();
  let bytes = 0;
  for (const item of items) {
    const { target, request, folder } = item;
    const name = foldName(childPath(target.directory, target.name));
    bytes += item.bytes.length;
    if (
      group.length < SMALL_GROUP_FILES && bytes <= SMALL_GROUP_BYTES &&
      folder === items[0]!.folder && !taken.has(name) &&
      !taken.has(request.id)
    ) {
      group.push(item);
      taken.add(name).add(request.id);
    } else rest.push(item);
  }
  // One alone is never too much.
  return group.length > 0 ? [group, rest] : [[items[0]!], items.slice(1)];
}

/** The long way, for what has a leftover or an outcome of its own, or a name that is taken. */
async function receiveAlone(
  engine: CommitEngine,
  { relocate, staging, request, bytes, checksum }: SmallItem,
): Promise<Outcome> {
  const start = await engine.receive(await relocate(), staging, {
    ...request,
    resume: false,
  });
  if (start.kind === "settled") return start.outcome;
  const { receiving } = start;
  try {
    if (bytes.length > 0) await receiving.writeChunk(0, bytes, checksum);
    return await receiving.commit(bytes.length);
  } catch (error) {
    await receiving.abort();
    throw error;
  }
}

async function settled(
  work: () => Promise<Outcome>,
): Promise<Outcome | StorageError> {
  try {
    return await work();
  } catch (error) {
    return asStorageError(error);
  }
}
