/**
 * Tells programs what a command does: one JSON object a line. Every event has
 * its name in `event`; what is not known is `null`. Names are exact.
 *
 * @module
 */

import type {
  Receipt,
  ReconnectEvent,
  RemoteEntry,
  SessionInfo,
  TreeEvent,
} from "../client/mod.ts";
import type { Clock } from "../platform/mod.ts";
import type { LocalLeftover } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type { Output } from "./environment.ts";
import { jsonLine } from "./escape.ts";
import type { Failure } from "./failure.ts";
import { isoTime } from "./format.ts";
import { eventStyle, ProgressDisplay } from "./progress_display.ts";
import type {
  CleanReport,
  Direction,
  FreeSpace,
  ListingStyle,
  RenameReport,
  Reporter,
  TransferSummary,
  TreeReport,
  TreeStyle,
} from "./reporter.ts";
import { stackOf } from "./stack.ts";
import {
  type Meter,
  type MeterReading,
  percentKnown,
} from "./transfer_meter.ts";

/** What a {@linkcode JsonReporter} is made of. */
export interface JsonReporterOptions {
  /** Where events go. */
  readonly events: Output;
  /** Where stack traces go. */
  readonly remarks: Output;
  /** The time. */
  readonly clock: Clock;
  /** Writes stack traces of errors. */
  readonly isDebugging: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

function entryFields(entry: RemoteEntry): Fields {
  return {
    name: entry.name,
    path: entry.path,
    type: entry.kind,
    size: entry.size,
    mtime: isoTime(entry.modified),
    mode: entry.mode === 0 ? null : entry.mode.toString(8).padStart(4, "0"),
    addressable: entry.addressable,
  };
}

function progressFields(reading: MeterReading): Fields {
  return {
    path: reading.name,
    // Of trees, several files are under way at once.
    ...reading.isCounting === undefined
      ? { streams: reading.streams ?? null }
      : {},
    files: reading.files,
    filesTotal: reading.filesTotal,
    bytes: reading.bytes,
    bytesTotal: reading.bytesTotal ?? null,
    ...reading.isCounting === undefined ? {} : { counting: reading.isCounting },
    rate: reading.rate === undefined ? null : Math.round(reading.rate),
    remaining: reading.remaining === undefined
      ? null
      : Math.ceil(reading.remaining),
  };
}

function leftoverFields({ name, data, size }: LocalLeftover): Fields {
  return { path: data, name: name ?? null, size };
}

function inSeconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}

/** A {@linkcode Reporter} for programs. */
export class JsonReporter implements Reporter {
  readonly #options: JsonReporterOptions;
  #display: ProgressDisplay | undefined;
  #meter: Meter | undefined;
  #reached: MeterReading | undefined;

  /** @param options What it is made of. */
  constructor(options: JsonReporterOptions) {
    this.#options = options;
  }

  #tell(event: string, fields: Fields): Promise<void> {
    return this.#options.events.write(jsonLine({ event, ...fields }));
  }

  heading(_path: string, _style: ListingStyle): Promise<void> {
    // Every entry has its path.
    return Promise.resolve();
  }

  async entries(
    entries: readonly RemoteEntry[],
    _style: ListingStyle,
  ): Promise<void> {
    if (entries.length === 0) return;
    await this.#options.events.write(
      entries.map((entry) =>
        jsonLine({ event: "entry", ...entryFields(entry) })
      ).join(""),
    );
  }

  stat(entry: RemoteEntry): Promise<void> {
    const digest = entry.digest ?? null;
    return this.#tell("stat", { ...entryFields(entry), digest });
  }

  info(info: SessionInfo, { bytes }: FreeSpace): Promise<void> {
    return this.#tell("info", {
      hostname: info.hostname,
      port: info.port,
      scheme: info.scheme,
      ...info.fingerprint === undefined
        ? {}
        : { fingerprint: info.fingerprint },
      server: info.server,
      protocolVersion: info.protocolVersion,
      user: info.user,
      rights: info.rights,
      refusals: info.refusals,
      digests: info.digests,
      dataConnections: info.dataConnections,
      freeSpace: bytes ?? null,
    });
  }

  renamed({ from, path, publication }: RenameReport): Promise<void> {
    return this.#tell("renamed", { from, path, publication });
  }

  removed(path: string, count: number): Promise<void> {
    return this.#tell("removed", { path, count });
  }

  created(path: string): Promise<void> {
    return this.#tell("created", { path });
  }

  leftover(leftover: LocalLeftover, now: number): Promise<void> {
    const { modified } = leftover;
    return this.#tell("leftover", {
      ...leftoverFields(leftover),
      mtime: isoTime(modified),
      age: modified === undefined
        ? null
        : inSeconds(Math.max(0, now - modified)),
      inUse: leftover.isInUse,
    });
  }

  leftoverRemoved(leftover: LocalLeftover): Promise<void> {
    return this.#tell("cleaned", leftoverFields(leftover));
  }

  cleanEnd({ found, removed, bytes, failed }: CleanReport): Promise<void> {
    const command = "clean";
    return this.#tell("done", { command, found, removed, bytes, failed });
  }

  async transfersBegin(
    direction: Direction,
    meter: Meter,
    isShown: boolean,
  ): Promise<void> {
    this.#meter = meter;
    const { filesTotal, bytesTotal } = meter.read();
    await this.#tell("start", {
      command: direction,
      files: filesTotal,
      bytes: bytesTotal ?? null,
    });
    if (isShown) this.#show(meter);
  }

  #show(meter: Meter): void {
    const style = eventStyle(({ reading }) =>
      this.#tell("progress", progressFields(reading))
    );
    this.#display = new ProgressDisplay(this.#options.clock, meter, style);
  }

  async treesBegin(
    { command, direction, isDry }: TreeStyle,
    meter: Meter,
    isShown: boolean,
  ): Promise<void> {
    this.#meter = meter;
    await this.#tell("start", {
      command,
      direction,
      // How much there is, shows while it is listed.
      files: null,
      bytes: null,
      dryRun: isDry,
    });
    if (isShown) this.#show(meter);
  }

  async treeEvent(
    event: Exclude<TreeEvent, { kind: "failed" }>,
    { direction, isDry }: TreeStyle,
  ): Promise<void> {
    const dryRun = isDry ? { dryRun: true } : {};
    switch (event.kind) {
      case "folder": {
        const { remote: path, local } = event;
        return await this.#tell("folder", { path, local, ...dryRun });
      }
      case "file": {
        if (event.receipt !== undefined) {
          return await this.receipt(direction, event.receipt);
        }
        const { remote: path, local, size = null } = event.file;
        const { publication } = event;
        const fields = { path, local, size, publication, ...dryRun };
        return await this.#tell(isDry ? "file" : "skipped", {
          ...fields,
          ...isDry ? {} : { reason: "exists" },
        });
      }
      case "left-out": {
        const { remote: path, local, reason } = event;
        return await this.#tell("skipped", { path, local, reason, ...dryRun });
      }
      case "deleted": {
        const [path, local] = direction === "get"
          ? [null, event.target]
          : [event.target, null];
        const type = event.isFolder ? "directory" : "file";
        return await this.#tell("deleted", { path, local, type, ...dryRun });
      }
      case "equal":
        // A million of them say nothing; they are counted at the end.
    }
  }

  async treesEnd(report: TreeReport, style: TreeStyle): Promise<void> {
    await this.transfersStop();
    await this.#tell("done", {
      command: style.command,
      direction: style.direction,
      files: report.files,
      equal: report.equal,
      skipped: report.skipped,
      links: report.links,
      specials: report.specials,
      folders: report.folders,
      deleted: report.deleted,
      extra: report.extra,
      failed: report.failed,
      notTried: report.notTried,
      bytes: report.bytes,
      wireBytes: report.wireBytes,
      resumedFrom: report.resumedFrom,
      repaired: report.repaired,
      seconds: inSeconds(report.elapsed),
      durable: report.isDurable ?? null,
      dryRun: style.isDry,
    });
  }

  receipt(_direction: Direction, receipt: Receipt): Promise<void> {
    return this.#tell("receipt", {
      path: receipt.path,
      local: receipt.local ?? null,
      size: receipt.size,
      digest: receipt.digest ?? null,
      publication: receipt.publication,
      durable: receipt.durable,
      resumedFrom: receipt.resumedFrom,
      repaired: receipt.repaired,
      wireBytes: receipt.wireBytes,
      ...receipt.verified === undefined ? {} : {
        verified: receipt.verified,
        acknowledged: receipt.acknowledged,
        warnings: receipt.warnings,
      },
    });
  }

  async transfersEnd(summary: TransferSummary): Promise<void> {
    await this.transfersStop();
    await this.#tell("done", {
      command: summary.direction,
      files: summary.files,
      skipped: summary.skipped,
      failed: summary.failed,
      bytes: summary.bytes,
      wireBytes: summary.wireBytes,
      resumedFrom: summary.resumedFrom,
      repaired: summary.repaired,
      seconds: inSeconds(summary.elapsed),
      durable: summary.isDurable ?? null,
    });
  }

  async transfersStop(): Promise<void> {
    const display = this.#display;
    this.#reached = this.#meter?.read() ?? this.#reached;
    this.#display = undefined;
    this.#meter = undefined;
    await display?.stop();
  }

  reconnect(event: ReconnectEvent): void {
    // A failed write shows with the next one.
    this.#tell("reconnect", {
      attempt: event.attempt,
      // For ever is as good as unknown.
      attemptsMax: Number.isFinite(event.attemptsMax)
        ? event.attemptsMax
        : null,
      percent: percentKnown(this.#meter?.read()) ?? null,
      seconds: inSeconds(event.delay),
      message: event.error.message,
    }).catch(() => {});
  }

  connected({ hostname, port }: NetworkAddress): void {
    this.#tell("connected", { hostname, port }).catch(() => {});
  }

  aside<T>(question: () => Promise<T>): Promise<T> {
    return question();
  }

  get reached(): MeterReading | undefined {
    return this.#reached;
  }

  sourceChanged(name: string): void {
    this.#tell("changed", { path: name }).catch(() => {});
  }

  async failure(failure: Failure, error: unknown): Promise<void> {
    await this.#tell("error", {
      code: failure.code,
      message: failure.message,
      path: failure.path ?? null,
      side: failure.side ?? null,
    });
    if (this.#options.isDebugging) {
      await this.#options.remarks.write(stackOf(error));
    }
  }

  note(_text: string): Promise<void> {
    return Promise.resolve();
  }

  /** Programs count the `error` events themselves. */
  remark(_text: string): Promise<void> {
    return Promise.resolve();
  }
}
