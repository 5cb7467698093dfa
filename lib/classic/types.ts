/**
 * What the classic protocols look like from outside: a door for the server, a
 * client, and what each of them can do.
 *
 * @module
 */

import type {
  GetTarget,
  OperationOptions,
  PutSource,
  TransferProgress,
} from "../client/mod.ts";
import type { Clock, Random } from "../platform/mod.ts";
import type { DoorProtocol } from "../server/mod.ts";
import type {
  ConflictPolicy,
  Disk,
  Durability,
  Publication,
} from "../storage/mod.ts";
import type { Network } from "../transport/mod.ts";
import type { ClassicFacts } from "./facts.ts";

export type { ClassicFacts, ClassicName, ClassicOperation } from "./facts.ts";

/** One of the classic protocols: what is known of it, and how it is spoken. */
export interface ClassicProtocol extends ClassicFacts {
  /** Makes the door of a server. */
  door(options?: ClassicDoorOptions): DoorProtocol;
  /**
   * Makes a client. Where each operation has a connection of its own, nothing
   * is dialled before the first one.
   *
   * @throws {FerryError} `connect-failed` and its kin; `unsupported` for options
   * that the protocol cannot serve.
   */
  connect(options: ClassicConnectOptions): Promise<ClassicClient>;
}

/** Options of a door; those that a protocol has no use for are ignored. */
export interface ClassicDoorOptions {
  /** What to do if the name of an upload is taken, where the protocol leaves a choice. @default as each protocol says */
  readonly onConflict?: ConflictPolicy | undefined;
  /** Whether an upload is answered only after stable storage. @default {"full"} */
  readonly durability?: Durability | undefined;
  /** What csci320 appends to the name of an upload; `""` for nothing. @default {".temp"} */
  readonly suffix?: string | undefined;
}

/** How to reach a server, and with what. */
export interface ClassicConnectOptions {
  /** Name or address, IPv6 without brackets. */
  readonly hostname: string;
  /** Port. @default {ClassicProtocol.clientPort} */
  readonly port?: number | undefined;
  /** Where to listen for the server's data connection; 0 is any free port. @default {0} */
  readonly dataPort?: number | undefined;
  /** Who logs in, where the protocol asks. */
  readonly user?: string | undefined;
  /** The password, where the protocol asks. */
  readonly password?: string | undefined;
  /** Milliseconds of silence after which the server counts as gone. @default {30000} */
  readonly timeout?: number | undefined;
  /** Ends the attempt to connect, and whatever runs then. */
  readonly signal?: AbortSignal | undefined;
  /** Where to dial. @default {the machine's TCP} */
  readonly network?: Network | undefined;
  /** Where local files are. @default {the machine's file system} */
  readonly disk?: Disk | undefined;
  /** The time. @default {the machine's clock} */
  readonly clock?: Clock | undefined;
  /** Ids. @default {the machine's random source} */
  readonly random?: Random | undefined;
}

/** Options of a classic transfer. */
export interface ClassicTransferOptions extends OperationOptions {
  /** What to do if the local name of a download is taken. @default {"fail"} */
  readonly onConflict?: ConflictPolicy | undefined;
  /** Whether a download waits for stable storage. @default {"full"} */
  readonly durability?: Durability | undefined;
  /** Called as bytes move. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/** What is known of a transfer after it: no classic wire carries a sum. */
export interface ClassicReceipt {
  /** The remote name. */
  readonly path: string;
  /** The local path, as it is now; `undefined` for a stream. */
  readonly local: string | undefined;
  /** Bytes of the file. */
  readonly size: number;
  /** How the local name of a download was published; `undefined` for an upload. */
  readonly publication: Publication | undefined;
  /** Whether a download had reached stable storage; nothing is known of an upload. */
  readonly durable: boolean;
  /** Bytes that went over all connections, both ways. */
  readonly wireBytes: number;
  /** No classic protocol compares anything. */
  readonly verified: false;
  /** Whether the server has said that the transfer succeeded, after its last byte. */
  readonly acknowledged: boolean;
  /** What this wire cannot promise of this transfer, as whole sentences. */
  readonly warnings: readonly string[];
}

/** A listing: names and nothing else. */
export interface ClassicListing {
  /** The names as the server sent them; not fit for local use. */
  readonly names: readonly string[];
  /** What this wire cannot promise of this listing, as whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * A client of a classic protocol. One operation at a time; a method that is not
 * there is an operation that the protocol does not have.
 */
export interface ClassicClient extends AsyncDisposable {
  /** Lists the served folder. */
  list?(options?: OperationOptions): Promise<ClassicListing>;
  /** Fetches a file. The local name appears when the file is whole, as far as the wire can tell. */
  get?(
    path: string,
    target: GetTarget,
    options?: ClassicTransferOptions,
  ): Promise<ClassicReceipt>;
  /** Sends a file; a stream only where the protocol needs no size beforehand. */
  put?(
    source: PutSource,
    path: string,
    options?: ClassicTransferOptions,
  ): Promise<ClassicReceipt>;
  /** Renames; never replaces. */
  rename?(from: string, to: string, options?: OperationOptions): Promise<void>;
  /** The server's own words on what it can do. */
  help?(options?: OperationOptions): Promise<string>;
  /** Closes; an operation that is under way fails with `cancelled`. */
  close(): Promise<void>;
}
