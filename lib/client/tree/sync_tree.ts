/**
 * Makes one folder like another one, at the other end.
 *
 * @module
 */

import type { Client } from "../types.ts";
import { GetTree } from "./get_tree.ts";
import { PutTree } from "./put_tree.ts";
import { TreeRun } from "./run.ts";
import type {
  SyncOptions,
  TreeDirection,
  TreePlaces,
  TreeSummary,
} from "./types.ts";

/**
 * Mirrors a folder: afterwards the destination has what the source has.
 * Files that differ are overwritten. With `deleteExtra`, what the source does
 * not have is deleted at the end, if everything else went well: entry by entry,
 * never through a link, and nothing that the filter leaves out.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, MemoryDisk, openMemoryStorage, serve } from "../../mod.ts";
 *
 * await using server = await serve({
 *   root: await openMemoryStorage(),
 *   listen: [{ hostname: "127.0.0.1", port: 0 }],
 * });
 * const disk = new MemoryDisk();
 * await disk.makeDirectory("/site", 0o777);
 * await using client = await connect({ ...server.addresses[0]!, disk });
 * await client.makeDirectory("site/old", { parents: true });
 *
 * const places = { remote: "site", local: "/site" };
 * const options = { disk, deleteExtra: true };
 * const planned = await syncTree(client, { direction: "put", ...places }, {
 *   ...options,
 *   dryRun: true,
 * });
 * assertEquals([planned.deleted, planned.folders], [1, 0]);
 * const done = await syncTree(client, { direction: "put", ...places }, options);
 * assertEquals([done.deleted, done.extra], [1, 0]);
 * ```
 *
 * @param client The session.
 * @param places Which way, and between which folders.
 * @param options How.
 * @returns What became of it; files that failed are counted there and told by `onEvent`.
 * @throws {FerryError} when it cannot begin, and `cancelled`.
 */
export async function syncTree(
  client: Client,
  places: TreePlaces & { readonly direction: TreeDirection },
  options: SyncOptions = {},
): Promise<TreeSummary> {
  const { direction } = places;
  const run = new TreeRun(client, direction, places, {
    ...options,
    onConflict: "overwrite",
  });
  return direction === "get"
    ? await new GetTree(run, options).run()
    : await new PutTree(run, options).run();
}
