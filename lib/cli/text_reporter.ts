/**
 * Tells people what a command does.
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
import { formatAddress, type NetworkAddress } from "../transport/plain.ts";
import type { Output } from "./environment.ts";
import { escapeName, escapeText } from "./escape.ts";
import type { Failure } from "./failure.ts";
import {
  formatCount,
  formatExactSize,
  formatMode,
  formatSize,
  formatTime,
} from "./format.ts";
import { notes, refusalLines, shell } from "./messages.ts";
import { lineStyle, logStyle, ProgressDisplay } from "./progress_display.ts";
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
import type { Meter, MeterReading } from "./transfer_meter.ts";

/** What a {@linkcode TextReporter} is made of. */
export interface TextReporterOptions {
  /** Where results go. */
  readonly results: Output;
  /** Where everything about them goes. */
  readonly remarks: Output;
  /** The time. */
  readonly clock: Clock;
  /** What stands before errors, such as the name of the program. */
  readonly prefix: string;
  /** Whether the terminal obeys no control sequences. */
  readonly isPlain: boolean;
  /** Leaves out what is not a result or an error. */
  readonly isQuiet: boolean;
  /** Adds stack traces to errors. */
  readonly isDebugging: boolean;
}

/** Columns that sizes take in listings: `9.99 MiB`. */
const SIZE_COLUMNS = 8;
const KIND_SUFFIXES = { file: "", directory: "/", link: "@", other: "" };
const KIND_NAMES = {
  file: "file",
  directory: "directory",
  link: "link",
  other: "neither file nor directory",
};

/** A path from where the listing is about, or from the root if it is not below that. */
function shownPath(path: string, { folder }: ListingStyle): string {
  if (folder === "") return path;
  return path.startsWith(`${folder}/`)
    ? path.slice(folder.length + 1)
    : `/${path}`;
}

function shownName(entry: RemoteEntry, style: ListingStyle): string {
  const name = entry.path === ""
    ? ""
    : style.hasPaths
    ? shownPath(entry.path, style)
    : entry.name;
  const note = entry.addressable ? "" : "  (no name that can be asked for)";
  return `${escapeName(name)}${KIND_SUFFIXES[entry.kind]}${note}`;
}

function listingLine(entry: RemoteEntry, style: ListingStyle): string {
  const name = shownName(entry, style);
  if (!style.isLong) return `${name}\n`;
  const mode = formatMode(entry.kind, entry.mode);
  const size = entry.kind === "file" ? formatSize(entry.size) : "-";
  const time = formatTime(entry.modified).padEnd(19);
  return `${mode}  ${size.padStart(SIZE_COLUMNS)}  ${time}  ${name}\n`;
}

/** Rows of a name and a value, the values below each other. */
function table(rows: ReadonlyArray<readonly [string, string]>): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`)
    .join("");
}

/** A {@linkcode Reporter} for people. */
export class TextReporter implements Reporter {
  readonly #options: TextReporterOptions;
  /** What was said already: every file of a wire has the same weaknesses. */
  readonly #warnings = new Set<string>();
  #display: ProgressDisplay | undefined;
  #meter: Meter | undefined;
  #reached: MeterReading | undefined;
  #hasListed = false;

  /** @param options What it is made of. */
  constructor(options: TextReporterOptions) {
    this.#options = options;
  }

  async #result(text: string): Promise<void> {
    await this.#display?.clear();
    await this.#options.results.write(text);
  }

  async #say(text: string): Promise<void> {
    if (this.#display === undefined) await this.#options.remarks.write(text);
    else await this.#display.say(text);
  }

  async #note(text: string | undefined): Promise<void> {
    if (this.#options.isQuiet || text === undefined) return;
    await this.#say(`${text}\n`);
  }

  async heading(path: string, style: ListingStyle): Promise<void> {
    const before = this.#hasListed ? "\n" : "";
    const shown = escapeName(shownPath(path, style));
    await this.#result(`${before}${shown === "" ? "/" : shown}:\n`);
    this.#hasListed = true;
  }

  async entries(
    entries: readonly RemoteEntry[],
    style: ListingStyle,
  ): Promise<void> {
    if (entries.length === 0) return;
    this.#hasListed = true;
    await this.#result(
      entries.map((entry) => listingLine(entry, style)).join(""),
    );
  }

  async stat(entry: RemoteEntry): Promise<void> {
    const rows: Array<readonly [string, string]> = [
      ["Path", `/${escapeName(entry.path)}`],
      ["Type", KIND_NAMES[entry.kind]],
    ];
    if (entry.kind === "file") rows.push(["Size", formatExactSize(entry.size)]);
    rows.push(["Modified", formatTime(entry.modified)]);
    if (entry.mode !== 0) {
      const octal = entry.mode.toString(8).padStart(4, "0");
      rows.push(["Mode", `${formatMode(entry.kind, entry.mode)} (${octal})`]);
    }
    if (entry.digest !== undefined) {
      const { algorithm, value } = entry.digest;
      rows.push(["Digest", `${algorithm} ${value}`]);
    }
    await this.#result(table(rows));
  }

  async info(info: SessionInfo, space: FreeSpace): Promise<void> {
    const refusals = refusalLines(info.refusals)
      .map((line, index) => [index === 0 ? "May not" : "", line] as const);
    const { scheme, fingerprint } = info;
    const where = `${scheme}://${escapeText(formatAddress(info))}`;
    await this.#result(table([
      ["Server", `${escapeText(info.server)} at ${where}`],
      [
        "Protocol",
        `version ${info.protocolVersion}, ${
          scheme === "tls" ? "inside TLS 1.3" : "not encrypted"
        }`,
      ],
      ...fingerprint === undefined ? [] : [["Identity", fingerprint] as const],
      ["User", escapeName(info.user)],
      ["May", notes.rights(info.rights)],
      ...refusals,
      ["Digests", info.digests.join(", ")],
      [
        "Data",
        `up to ${formatCount(info.dataConnections, "connection")}`,
      ],
      [
        "Free space",
        space.bytes === undefined
          ? notes.noFreeSpace(space.reason)
          : formatExactSize(space.bytes),
      ],
    ]));
  }

  renamed({ from, path, publication }: RenameReport): Promise<void> {
    return this.#note(notes.renamed(from, path, publication));
  }

  removed(path: string, count: number): Promise<void> {
    return this.#note(notes.removed(path, count));
  }

  created(path: string): Promise<void> {
    return this.#note(notes.created(path));
  }

  leftover(leftover: LocalLeftover, now: number): Promise<void> {
    return this.#result(`${notes.leftover(leftover, now)}\n`);
  }

  leftoverRemoved(_leftover: LocalLeftover): Promise<void> {
    // The list stands there already.
    return Promise.resolve();
  }

  cleanEnd(report: CleanReport): Promise<void> {
    return this.#note(notes.cleaned(report));
  }

  transfersBegin(
    _direction: Direction,
    meter: Meter,
    isShown: boolean,
  ): Promise<void> {
    this.#meter = meter;
    if (isShown) {
      const { remarks, clock, isPlain } = this.#options;
      const isWritable = remarks.isTerminal && !isPlain;
      const style = isWritable ? lineStyle(remarks) : logStyle(remarks);
      this.#display = new ProgressDisplay(clock, meter, style);
    }
    return Promise.resolve();
  }

  async receipt(
    direction: Direction,
    receipt: Receipt,
    isDigestShown: boolean,
  ): Promise<void> {
    await this.#note(notes.receipt(direction, receipt));
    for (const warning of receipt.warnings ?? []) {
      if (this.#warnings.has(warning)) continue;
      this.#warnings.add(warning);
      await this.#note(warning);
    }
    if (!isDigestShown || receipt.digest === undefined) return;
    const { algorithm, value } = receipt.digest;
    await this.#note(notes.digest(algorithm, value, receipt.path));
  }

  treesBegin(
    { direction }: TreeStyle,
    meter: Meter,
    isShown: boolean,
  ): Promise<void> {
    return this.transfersBegin(direction, meter, isShown);
  }

  async treeEvent(
    event: Exclude<TreeEvent, { kind: "failed" }>,
    style: TreeStyle,
  ): Promise<void> {
    if (style.isDry) {
      const line = notes.planned(event, style.direction);
      if (line !== undefined) await this.#result(`${line}\n`);
    } else if (event.kind === "file" && event.receipt !== undefined) {
      const { direction, isDigestShown } = style;
      await this.receipt(direction, event.receipt, isDigestShown);
    } else if (event.kind === "file") {
      const { local, remote } = event.file;
      await this.#note(
        notes.taken(style.direction === "get" ? local : remote),
      );
    }
  }

  async treesEnd(report: TreeReport, style: TreeStyle): Promise<void> {
    await this.transfersStop();
    await this.#note(notes.treeSummary(report, style));
  }

  async transfersEnd(summary: TransferSummary): Promise<void> {
    await this.transfersStop();
    if (summary.files + summary.skipped === 0) return;
    await this.#note(notes.summary(summary));
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
    this.#note(notes.reconnect(event, this.#meter?.read())).catch(() => {});
    this.#display?.retry(event.delay);
  }

  connected(server: NetworkAddress): void {
    this.#display?.connected();
    this.#note(shell.back(server)).catch(() => {});
  }

  aside<T>(question: () => Promise<T>): Promise<T> {
    return this.#display === undefined
      ? question()
      : this.#display.aside(question);
  }

  get reached(): MeterReading | undefined {
    return this.#reached;
  }

  sourceChanged(name: string): void {
    this.#note(notes.sourceChanged(name)).catch(() => {});
  }

  async failure(failure: Failure, error: unknown): Promise<void> {
    await this.remark(failure.message);
    if (this.#options.isDebugging) await this.#say(stackOf(error));
  }

  note(text: string): Promise<void> {
    return this.#note(text);
  }

  remark(text: string): Promise<void> {
    return this.#say(`${this.#options.prefix}${text}\n`);
  }
}
