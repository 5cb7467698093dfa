/**
 * The interface to whoever is told what a command does: people
 * (`text_reporter.ts`) or programs (`json_reporter.ts`).
 *
 * @module
 */

import type {
  Receipt,
  ReconnectEvent,
  RemoteEntry,
  SessionInfo,
  TreeEvent,
  TreeSummary,
} from "../client/mod.ts";
import type { LocalLeftover } from "../storage/mod.ts";
import type { Failure } from "./failure.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type { Meter, MeterReading } from "./transfer_meter.ts";

/** Which way files go. */
export type Direction = "get" | "put";

/** How trees are moved, as far as it shows. */
export interface TreeStyle {
  /** Which way. */
  readonly direction: Direction;
  /** The command. */
  readonly command: "get" | "put" | "sync";
  /** Whether nothing is really done. */
  readonly isDry: boolean;
  /** Whether the digest was asked for by name. */
  readonly isDigestShown: boolean;
}

/** What was not sent again, and what was. */
export interface Savings {
  /** Bytes that an earlier try had moved already. */
  readonly resumedFrom: number;
  /** Chunks that arrived damaged, or not, and were sent again. */
  readonly repaired: number;
}

/** How the trees of a command went. */
export interface TreeReport extends TreeSummary, Savings {
  /** Milliseconds that it took. */
  readonly elapsed: number;
}

/** How a listing looks. */
export interface ListingStyle {
  /** With mode, size and time. */
  readonly isLong: boolean;
  /** With paths instead of names. */
  readonly hasPaths: boolean;
  /** From where those paths are shown, if something is below it; `""` is the user's root. */
  readonly folder: string;
}

/** How the transfers of a command went. */
export interface TransferSummary extends Savings {
  /** Which way. */
  readonly direction: Direction;
  /** Files that were moved. */
  readonly files: number;
  /** Files that were left out, because their names were taken. */
  readonly skipped: number;
  /** Files that failed. */
  readonly failed: number;
  /** Bytes of the moved files. */
  readonly bytes: number;
  /** Bytes that crossed the data connections. */
  readonly wireBytes: number;
  /** Milliseconds that it took. */
  readonly elapsed: number;
  /** Whether every moved file had reached stable storage; `undefined` where there were none but streams. */
  readonly isDurable: boolean | undefined;
  /** Whether every moved file was verified. */
  readonly isVerified: boolean;
  /** Whether the server has said of each that it has it. */
  readonly isAcknowledged: boolean;
}

/** What the server says of its disk. */
export interface FreeSpace {
  /** Bytes free; `undefined` where it does not tell. */
  readonly bytes: number | undefined;
  /** Why it does not tell, as a phrase. */
  readonly reason?: string;
}

/** What a rename did. */
export interface RenameReport {
  /** The name before. */
  readonly from: string;
  /** The name now. */
  readonly path: string;
  /** How it was given. */
  readonly publication: string;
}

/** What cleaning did. */
export interface CleanReport {
  /** Partial downloads that were there. */
  readonly found: number;
  /** Those that were removed. */
  readonly removed: number;
  /** Their bytes. */
  readonly bytes: number;
  /** What could not be looked into, or not be removed. */
  readonly failed: number;
}

/** Told what happens, in the order in which it does. */
export interface Reporter {
  /** The entries of a directory follow, of several that are listed. */
  heading(path: string, style: ListingStyle): Promise<void>;
  /** Entries of a listing. */
  entries(entries: readonly RemoteEntry[], style: ListingStyle): Promise<void>;
  /** One entry in full. */
  stat(entry: RemoteEntry): Promise<void>;
  /** Who and what the session is. */
  info(info: SessionInfo, space: FreeSpace): Promise<void>;
  /** An entry got another name, or not. */
  renamed(report: RenameReport): Promise<void>;
  /** An entry is gone, with so many in all. */
  removed(path: string, count: number): Promise<void>;
  /** A directory was made. */
  created(path: string): Promise<void>;
  /** What an interrupted download has left. */
  leftover(leftover: LocalLeftover, now: number): Promise<void>;
  /** It was removed. */
  leftoverRemoved(leftover: LocalLeftover): Promise<void>;
  /** A directory was looked through. */
  cleanEnd(report: CleanReport): Promise<void>;
  /** Transfers begin; `meter` knows how far they are. */
  transfersBegin(
    direction: Direction,
    meter: Meter,
    isShown: boolean,
  ): Promise<void>;
  /** A file is through. */
  receipt(
    direction: Direction,
    receipt: Receipt,
    isDigestShown: boolean,
  ): Promise<void>;
  /** Trees begin; `meter` knows how far they are. */
  treesBegin(style: TreeStyle, meter: Meter, isShown: boolean): Promise<void>;
  /** Something was done in a tree, or would be; failures are told apart from that. */
  treeEvent(
    event: Exclude<TreeEvent, { kind: "failed" }>,
    style: TreeStyle,
  ): Promise<void>;
  /** The trees of the command are over, well or not. */
  treesEnd(report: TreeReport, style: TreeStyle): Promise<void>;
  /** The transfers of the command are over, well or not. */
  transfersEnd(summary: TransferSummary): Promise<void>;
  /** Nothing more is shown of transfers, also if they were broken off. */
  transfersStop(): Promise<void>;
  /** The connection was lost and is tried again. */
  reconnect(event: ReconnectEvent): void;
  /** The connection was lost and is there again. */
  connected(server: NetworkAddress): void;
  /** Asks somebody: nothing else is shown meanwhile. */
  aside<T>(question: () => Promise<T>): Promise<T>;
  /** How far the last transfers of the command were when they ended. */
  readonly reached: MeterReading | undefined;
  /** What an earlier try has left of a file is of an older version of it. */
  sourceChanged(name: string): void;
  /** Something failed; `error` is what was thrown. */
  failure(failure: Failure, error: unknown): Promise<void>;
  /** Something else that people may want to know. */
  note(text: string): Promise<void>;
  /** Some of several failed, or were not tried. */
  remark(text: string): Promise<void>;
}
