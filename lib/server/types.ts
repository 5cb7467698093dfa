/**
 * What a server is made of, and what it looks like from outside.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type { Disk, Storage } from "../storage/mod.ts";
import type { Network, NetworkAddress } from "../transport/mod.ts";
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
  readonly listen?: readonly NetworkAddress[];
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
  /** The folder of what must outlive a restart, such as what quotas have counted. @default {none} */
  readonly state?: string;
  /** Where folders and files are. @default {the machine's file system} */
  readonly disk?: Disk;
  /** Refuses every change. @default {false} */
  readonly readOnly?: boolean;
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
  readonly addresses: readonly NetworkAddress[];
  /** Every listener, Ferry's first, in the order of the options. */
  readonly doors: readonly OpenDoor[];
  /** Resolves when the server has stopped. */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, lets transfers finish for `drain` milliseconds, then
   * closes. A second call with a shorter time shortens it.
   */
  shutdown(options?: { readonly drain?: number }): Promise<void>;
}
