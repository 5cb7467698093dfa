/**
 * What a server is made of, and what it looks like from outside.
 *
 * @module
 */

import type { Identity } from "../identity/mod.ts";
import type { Clock, Random } from "../platform/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type { Disk, Storage } from "../storage/mod.ts";
import type { Network, NetworkAddress, Scheme } from "../transport/mod.ts";
import type { DoorProtocol } from "./door.ts";
import type { ServerObserver } from "./events.ts";
import type { OnReceived } from "./reviewed_storage.ts";
import type { ServerLimits } from "./limits.ts";

/** What users without an account may do. */
export type AnonymousAccess = "none" | "read" | "write";

/** How to serve. */
export interface ServeOptions {
  /** The folder to serve, or the storage. */
  readonly root: string | Storage;
  /** Where to listen; port 0 is any free one. @default {127.0.0.1:65430} */
  readonly listen?: readonly ListenAddress[];
  /**
   * Where the identity for TLS comes from.
   * @default {self-made, kept in `state`; without that made for this run only}
   */
  readonly identity?: IdentitySource;
  /** Other protocols than Ferry's to speak, each on a listener of its own. @default {none} */
  readonly doors?: readonly DoorOptions[];
  /** Allows plain TCP beyond loopback. @default {false} */
  readonly allowPlain?: boolean;
  /** What users without an account may do; by default everything on loopback and nothing beyond. */
  readonly anonymous?: AnonymousAccess;
  /**
   * The users file. With it, those without an account may do nothing unless it
   * or {@linkcode ServeOptions.anonymous} says so; the root must be a folder.
   * @default {no accounts}
   */
  readonly users?: string;
  /** The folder of what must outlive a restart, such as the identity, and what quotas have counted. @default {none} */
  readonly state?: string;
  /** Where folders and files are. @default {the machine's file system} */
  readonly disk?: Disk;
  /** Refuses every change. @default {false} */
  readonly readOnly?: boolean;
  /**
   * Bytes of free space that no upload may use, on each file system below the
   * root, which must be a folder.
   * @default {0}
   */
  readonly reserve?: number;
  /** May dial data connections back to clients. @default {false} */
  readonly allowActive?: boolean;
  /**
   * Looks at each upload when it is whole and verified, before it is published;
   * without it uploads are published as they come.
   */
  readonly onReceived?: OnReceived;
  /** Is told of everything that happens; must not throw. */
  readonly onEvent?: ServerObserver;
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<ServerLimits>;
  /** Where to listen on. @default {the machine's TCP} */
  readonly network?: Network;
  /** The time. @default {the machine's clock} */
  readonly clock?: Clock;
  /** Ids and tokens. @default {the machine's random source} */
  readonly random?: Random;
}

/** What of {@linkcode ServeOptions} may change while a server runs. */
export type ReloadOptions = Pick<
  ServeOptions,
  "anonymous" | "identity" | "limits" | "onReceived" | "readOnly"
>;

/** Where to listen, and how bytes travel there. */
export interface ListenAddress extends NetworkAddress {
  /** Plainly, or inside TLS. @default {tcp on loopback, tls beyond} */
  readonly scheme?: Scheme;
}

/** Where a server listens, and how bytes travel there. */
export interface ServerAddress extends NetworkAddress {
  /** Plainly, or inside TLS. */
  readonly scheme: Scheme;
}

/**
 * Gives a server's identity: at its start, and whenever it is to look again.
 * What it throws is told as the reason.
 */
export type IdentitySource = () => Promise<Identity>;

/** What anybody may know of a server's identity. */
export interface PublicIdentity {
  /** SHA-256 of the certificate, as `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** A form of it that people can compare aloud. */
  readonly shortForm: string;
  /** When the certificate ends, in milliseconds since 1970. */
  readonly expires: number;
}

/** Another protocol than Ferry's, and where to speak it. */
export interface DoorOptions {
  /** The protocol. */
  readonly protocol: DoorProtocol;
  /** Where to listen; port 0 is any free one. */
  readonly address: NetworkAddress;
}

/** A listener that is open. */
export interface OpenDoor {
  /** The name of the protocol: `ferry`, or that of {@linkcode DoorProtocol}. */
  readonly protocol: string;
  /** Where it listens, with the real port. */
  readonly address: NetworkAddress;
  /** How bytes travel there. */
  readonly scheme: Scheme;
  /** What users without an account may do there. */
  readonly offer: Offer;
}

/** What users may do on a listener, and why not the rest. */
export interface Offer {
  /** What they may do. */
  readonly rights: readonly Right[];
  /** Why they may not do the rest. */
  readonly refusals: Readonly<Partial<Record<Right, string>>>;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** Where it speaks Ferry, with real ports, in the order of the options. */
  readonly addresses: readonly ServerAddress[];
  /** Every listener, Ferry's first, in the order of the options. */
  readonly doors: readonly OpenDoor[];
  /** What it shows inside TLS; `undefined` if it listens nowhere for that. */
  readonly identity: PublicIdentity | undefined;
  /**
   * Takes identity and users file anew, and what may change while a server
   * runs: all of it, or nothing where any of it cannot be used. It counts for
   * those who come from now on; sessions go on as they began.
   *
   * @param options As for {@linkcode serve}: what is left out of them takes its
   * default, the identity its old source. Without any, all stays as it was said.
   * @throws {ServeError} With the reason.
   */
  reload(options?: ReloadOptions): Promise<void>;
  /** Resolves when the server has stopped. */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, lets transfers finish for `drain` milliseconds, then
   * closes. A second call with a shorter time shortens it.
   */
  shutdown(options?: { readonly drain?: number }): Promise<void>;
}
