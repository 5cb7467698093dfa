/**
 * What the bench wants of whoever moves files.
 *
 * @module
 */
import type { Command } from "../processes.ts";

/** The ways a file can go. */
export const DIRECTIONS = ["get", "put"] as const;

/** One way, seen from the client. */
export type Direction = typeof DIRECTIONS[number];

/** Where a peer's server and client work. */
export interface Site {
  /** The folder that the server offers. */
  readonly served: string;
  /** A folder in `served` into which the client may put. */
  readonly incoming: string;
  /** A folder of this peer alone, for configuration and keys. */
  readonly scratch: string;
  /** Whether the bench, and with it every server, runs as root. */
  readonly isRoot: boolean;
}

/** Whether a peer can be measured here. */
export type Availability =
  | { readonly kind: "available" }
  /** It lacks something; the sentence says what, and how to get it. */
  | { readonly kind: "missing"; readonly message: string };

/** A server and a client that move files over TCP. */
export interface Peer {
  /** For `--peers`. */
  readonly name: string;
  /** For the table. */
  readonly title: string;
  /** What its client program is called; several peers may use the same. */
  readonly client: string;
  /** Why a direction cannot be measured, after `available()` was asked. */
  readonly lacks: ReadonlyMap<Direction, string>;
  /** The process of the server, while it runs. */
  readonly serverPid: number | undefined;
  /** Whether all programs are there. */
  available(): Promise<Availability>;
  /** Starts the server on 127.0.0.1. */
  start(site: Site): Promise<void>;
  /**
   * The client's command line that fetches a file.
   *
   * @param remote Path below the folder that is served.
   * @param local Path of the new file.
   */
  get(remote: string, local: string): Command;
  /**
   * The client's command line that sends a file.
   *
   * @param local Path of the file.
   * @param remote Path of the new file below the folder that is served.
   */
  put(local: string, remote: string): Command;
  /**
   * The client's command line that fetches a folder with all that is in it;
   * absent where the client has none.
   *
   * @param remote Path below the folder that is served.
   * @param local Path of the new folder.
   */
  getTree?(remote: string, local: string): Command;
  /**
   * The client's command line that sends a folder; present if
   * {@linkcode Peer.getTree} is.
   *
   * @param local Path of the folder.
   * @param remote Path of the new folder below the folder that is served.
   */
  putTree?(local: string, remote: string): Command;
  /** A command line that only starts the client, and tells its version. */
  version(): Command;
  /** Stops the server, if it was started. */
  stop(): Promise<void>;
}
