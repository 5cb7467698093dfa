/**
 * Starting everybody who is to be measured.
 *
 * @module
 */
import { join } from "@std/path";
import type { Peer } from "./peers/peer.ts";
import type { Measurement } from "./rounds.ts";
import type { Folders } from "./storage.ts";

/** Who can be measured, and why the others cannot. */
export interface Field {
  readonly peers: readonly Peer[];
  readonly notes: readonly string[];
}

function isRoot(): boolean {
  return Deno.build.os !== "windows" && Deno.uid() === 0;
}

/**
 * Starts every peer that can be.
 *
 * @param wanted Who; the first is Ferry.
 * @param folders Where the files are.
 * @param stack Takes what stops them.
 */
export async function startPeers(
  wanted: readonly Peer[],
  folders: Folders,
  stack: AsyncDisposableStack,
): Promise<Field> {
  const peers: Peer[] = [];
  const notes: string[] = [];
  for (const peer of wanted) {
    const availability = await peer.available();
    if (availability.kind === "missing") {
      notes.push(`${peer.title}: not measured, ${availability.message}`);
      continue;
    }
    const scratch = join(folders.scratch, peer.name);
    await Deno.mkdir(scratch);
    stack.defer(() => peer.stop());
    try {
      await peer.start({ ...folders, scratch, isRoot: isRoot() });
    } catch (error) {
      // Without Ferry there is nothing to compare with.
      if (peer === wanted[0]) throw error;
      notes.push(
        `${peer.title}: not measured, ${
          error instanceof Error ? error.message : error
        }`,
      );
      continue;
    }
    peers.push(peer);
    for (const [direction, reason] of peer.lacks) {
      notes.push(`${peer.title}: no ${direction}, ${reason}`);
    }
  }
  return { peers, notes };
}

/** Who turned out not to work, as sentences. */
export function failureNotes({ peer, failures }: Measurement): string[] {
  return [...failures].map(([direction, reason]) =>
    `${peer.title}: ${direction} does not work here, ${reason}`
  );
}
