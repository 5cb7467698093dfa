/**
 * What the peers move.
 *
 * @module
 */
import { join } from "@std/path";
import type { Peer } from "./peers/peer.ts";
import type { Command } from "./processes.ts";
import { type Proof, verify } from "./sample.ts";
import type { Folders } from "./storage.ts";

/** The name of the file that is moved. */
export const SAMPLE_NAME = "sample.bin";

/** What the peers move. */
export interface Cargo {
  /** How a peer fetches it. */
  get(peer: Peer, local: string): Command;
  /** How a peer sends it. */
  put(peer: Peer, remote: string): Command;
  /**
   * Looks closely at what arrived.
   *
   * @throws {Error} if it is not what was sent.
   */
  verify(arrived: string): Promise<void>;
  /**
   * Has a quick look at what arrived.
   *
   * @throws {Error} if that is enough to see that something is wrong.
   */
  look(arrived: string): Promise<void>;
}

/**
 * One file.
 *
 * @param folders Where it is.
 * @param proof What it is.
 */
export function largeCargo({ served }: Folders, proof: Proof): Cargo {
  return {
    get: (peer, local) => peer.get(SAMPLE_NAME, local),
    put: (peer, remote) => peer.put(join(served, SAMPLE_NAME), remote),
    verify: (arrived) => verify(arrived, proof),
    async look(arrived) {
      const { size } = await Deno.stat(arrived);
      if (size !== proof.size) throw new Error(`${arrived} has ${size} bytes`);
    },
  };
}
