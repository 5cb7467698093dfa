/**
 * What goes into a client's operations and what comes out.
 *
 * @module
 */

import type { Clock, Random } from "../platform/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type {
  Attributes,
  ConflictPolicy,
  Digest,
  DigestAlgorithm,
  Disk,
  Durability,
  EntryKind,
  Publication,
} from "../storage/mod.ts";
import type { Network, Scheme } from "../transport/mod.ts";
import type { FerryError } from "./errors.ts";
import type { LogInOptions } from "./log_in.ts";
import type { SmallRequest } from "./small_job.ts";
import type { TlsOptions } from "./trust.ts";

/** How to reach a server. */
export interface ConnectOptions extends LogInOptions {
  /** Name or address, IPv6 without brackets. */
  readonly hostname: string;
  /** Port. @default {65430} */
  readonly port?: number;
  /** Plain TCP, or inside TLS. @default {tcp on loopback, tls beyond} */
  readonly scheme?: Scheme;
  /** Whom to trust inside TLS. @default {what the host's authorities vouch for} */
  readonly tls?: TlsOptions;
  /**
   * Milliseconds of silence after which the server counts as gone, and the most
   * that connecting may take.
   * @default {30000}
   */
  readonly timeout?: number;
  /**
   * How many tries in a row to connect again, after the connection was lost, may
   * get no further; `Infinity` for ever. @default {3}
   */
  readonly retries?: number;
  /**
   * The folder, in the host's own form, where what another process needs to
   * continue an interrupted upload is kept. @default {nowhere}
   */
  readonly stateFolder?: string;
  /** Bytes a second that all transfers together may move. @default {no limit} */
  readonly rateMax?: number;
  /**
   * Listens here and has the server dial the data connections, for networks
   * where only the client can be reached; port 0 is any free one.
   * @default {the client dials}
   */
  readonly active?: { readonly port: number };
  /** Ends the attempt to connect, and the session. */
  readonly signal?: AbortSignal;
  /** Called when the connection is lost and tried again. */
  readonly onReconnect?: (event: ReconnectEvent) => void;
  /**
   * Called when the session is lost, also while nothing is under way, and when
   * it is there again: the next operation makes it anew.
   */
  readonly onConnection?: (event: ConnectionEvent) => void;
  /** Where to dial. @default {the machine's TCP} */
  readonly network?: Network;
  /** Where local files are. @default {the machine's file system} */
  readonly disk?: Disk;
  /** The time. @default {the machine's clock} */
  readonly clock?: Clock;
  /** Ids and jitter. @default {the machine's random source} */
  readonly random?: Random;
}

/** A lost connection is about to be tried again. */
export interface ReconnectEvent {
  /** 1 for the first try. */
  readonly attempt: number;
  /** Tries allowed. */
  readonly attemptsMax: number;
  /** Milliseconds until the try. */
  readonly delay: number;
  /** Why the connection was lost. */
  readonly error: FerryError;
}

/** The session was lost, or made anew. */
export type ConnectionEvent =
  | {
    /** It was lost. */
    readonly kind: "lost";
    /** Why. */
    readonly error: FerryError;
  }
  | {
    /** It is there again. */
    readonly kind: "back";
    /** Who and what it is now. */
    readonly info: SessionInfo;
  };

/** Who and what a session is. */
export interface SessionInfo {
  /** The server's address. */
  readonly hostname: string;
  /** The server's port. */
  readonly port: number;
  /** Plain TCP, or inside TLS. */
  readonly scheme: Scheme;
  /** SHA-256 of the certificate that the server has shown, as `SHA256:` and base64; `undefined` without TLS. */
  readonly fingerprint: string | undefined;
  /** The server's name and version. */
  readonly server: string;
  /** Version of the protocol that both speak. */
  readonly protocolVersion: number;
  /** Who the server says we are. */
  readonly user: string;
  /** What we may do. */
  readonly rights: readonly Right[];
  /** Why we may not do the rest. */
  readonly refusals: Readonly<Partial<Record<Right, string>>>;
  /** The digests that the server can make. */
  readonly digests: readonly DigestAlgorithm[];
  /** Data connections that the server allows this session. */
  readonly dataConnections: number;
}

/** An entry of the server's tree. */
export interface RemoteEntry {
  /** Path relative to the user's root. */
  readonly path: string;
  /** Last segment of the path; `""` for the root itself. */
  readonly name: string;
  /** What it is. */
  readonly kind: EntryKind;
  /** Size in bytes; 0 for what is not a file. */
  readonly size: number;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Permission bits; 0 where the server does not tell. */
  readonly mode: number;
  /** Whether the name can be sent back. */
  readonly addressable: boolean;
  /** The digest, if it was asked for. */
  readonly digest?: Digest;
}

/** A part of a listing: entries, or folders that could not be read. */
export interface ListPage {
  /** What is there. */
  readonly entries: readonly RemoteEntry[];
  /** What could not be listed. */
  readonly problems: readonly FerryError[];
}

/** Options of operations without a transfer. */
export interface OperationOptions {
  /** Ends the operation. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a transfer is. */
export interface TransferProgress {
  /** Verified bytes so far. */
  readonly transferred: number;
  /** Bytes in all, where known. */
  readonly total: number | undefined;
  /** Data connections at work on it. */
  readonly streams?: number;
}

/** Options of a transfer. */
export interface TransferOptions extends OperationOptions {
  /** What to do if the name is taken. @default {"fail"} */
  readonly onConflict?: ConflictPolicy;
  /** Whether to wait for stable storage. @default {"full"} */
  readonly durability?: Durability;
  /** How to sum up the whole file. @default {"crc32-chunks"} */
  readonly digest?: DigestAlgorithm;
  /**
   * Whether to continue what an earlier try has left, and to leave it if this
   * one is interrupted. Streams cannot be continued. @default {true}
   */
  readonly resume?: boolean;
  /**
   * Whether what an earlier try has left is compared with the source as it is
   * now, chunk by chunk, even where size, times and samples say that nothing
   * has changed. The source is read once more for it. @default {false}
   */
  readonly checksum?: boolean;
  /**
   * How many data connections to use for one large file; `auto` measures, and
   * uses more only where that helps. @default {"auto"}
   */
  readonly streams?: number | "auto";
  /**
   * Bytes of the remote file of a `get`, where a listing has told: then nobody
   * has to ask before it is known how to fetch it. A wrong one does no harm.
   */
  readonly size?: number | undefined;
  /** Permission bits (0777) to give the file. @default {0666 less the umask} */
  readonly mode?: number | undefined;
  /**
   * Called once, when what an earlier try has left is of the file as it was
   * before it changed: it is compared, and only what differs is moved.
   */
  readonly onSourceChanged?: () => void;
  /** Called as verified bytes come in, at most once a chunk. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** The proof of a transfer. */
export interface Receipt {
  /** The remote path, as it is now. */
  readonly path: string;
  /** The local path, as it is now; `undefined` for a stream. */
  readonly local: string | undefined;
  /** Size in bytes. */
  readonly size: number;
  /** The digest that both ends computed; `undefined` if it was skipped. */
  readonly digest: Digest | undefined;
  /** How the name was published. */
  readonly publication: Publication;
  /** Whether data and name had reached stable storage when the receipt was made. */
  readonly durable: boolean;
  /** Bytes that did not have to be sent again. */
  readonly resumedFrom: number;
  /** Chunks that arrived damaged, or not, and were sent again. */
  readonly repaired: number;
  /** Bytes that this transfer moved over its data connections, both ways, headers and all. */
  readonly wireBytes: number;
  /** `false` where the protocol compares no sums; Ferry's own always does. @default {true} */
  readonly verified?: false;
  /** Whether the server has said that it has the file, where a protocol need not. @default {true} */
  readonly acknowledged?: boolean;
  /** What the protocol cannot promise of this transfer, as whole sentences. @default {[]} */
  readonly warnings?: readonly string[];
}

/** A local file by its path, or a stream. */
export type PutSource = string | ReadableStream<Uint8Array>;

/** A local file by its path, or a stream, which is not closed. */
export type GetTarget = string | WritableStream<Uint8Array>;

/** A session with a server. */
export interface Client extends AsyncDisposable {
  /** Who and what this session is. */
  readonly info: SessionInfo;
  /** Lists a directory; with `recursive` everything below it. Paths are relative to the user's root. */
  list(
    path: string,
    options?: OperationOptions & { readonly recursive?: boolean },
  ): AsyncIterable<ListPage>;
  /** Looks at one entry; with `digest` the server reads the file to sum it up. */
  stat(
    path: string,
    options?: OperationOptions & { readonly digest?: DigestAlgorithm },
  ): Promise<RemoteEntry>;
  /** Fetches a file. The local name appears when the file is whole and verified. */
  get(
    path: string,
    target: GetTarget,
    options?: TransferOptions,
  ): Promise<Receipt>;
  /** Sends a file. The remote name appears when the file is whole and verified. */
  put(
    source: PutSource,
    path: string,
    options?: TransferOptions,
  ): Promise<Receipt>;
  /** Renames; returns the name it got, for policy `rename` may choose another. */
  rename(
    from: string,
    to: string,
    options?: OperationOptions & { readonly onConflict?: ConflictPolicy },
  ): Promise<{ readonly path: string; readonly publication: Publication }>;
  /** Removes a file, a link or an empty directory, or with `recursive` a whole one; returns how many entries. */
  remove(
    path: string,
    options?: OperationOptions & { readonly recursive?: boolean },
  ): Promise<number>;
  /** Makes a directory; with `parents` also those above, and an existing one is no error. */
  makeDirectory(
    path: string,
    options?: OperationOptions & { readonly parents?: boolean },
  ): Promise<void>;
  /**
   * Moves files of at most one chunk (1 MiB) together, without waiting for each.
   *
   * @throws {FerryError} When the server is gone for good; files that were not
   * told of by then were not moved.
   */
  moveSmall(request: SmallRequest): Promise<void>;
  /** Sets the time of last change and the permission bits of a file or directory. */
  setAttributes(
    path: string,
    attributes: Attributes,
    options?: OperationOptions,
  ): Promise<void>;
  /** Bytes free on the server; `undefined` where it may not ask. */
  freeSpace(options?: OperationOptions): Promise<number | undefined>;
  /** Says goodbye and closes; operations that are under way fail with `cancelled`. */
  close(): Promise<void>;
}
