/**
 * Everything that Ferry says to people, but for the help, which the tables of
 * commands and options hold, for what is wrong with a command line, which stands
 * in `usage_messages.ts`, and for what only a shell says (`shell_messages.ts`).
 *
 * The policy:
 *
 * - stdout carries results and nothing else: listings, what `stat` and `info`
 *   show, file data, JSON, `ferryd`'s ready lines, help and version if asked
 *   for. A script can rely on every byte of it.
 * - stderr carries everything about results: errors, progress, confirmations,
 *   summaries, logs. `-q` silences what is not an error there.
 * - An error is one line: `ferry: Cannot get "a.bin": not found on HOST (what to
 *   do)`. It says what failed, why, and what to do where that is known. It has
 *   no final period, blames nobody, and shows no stack unless `--debug` asks.
 * - Names stand in quotes and, like every text from elsewhere, are escaped.
 * - With `--json`, errors are JSON too, and people's words are left out.
 *
 * @module
 */

import type {
  Receipt,
  ReconnectEvent,
  TreeEvent,
  TreeSummary,
} from "../client/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type { LocalLeftover } from "../storage/mod.ts";
import type { Offer } from "../server/mod.ts";
import { formatAddress, type NetworkAddress } from "../transport/plain.ts";
import { joinLocal } from "./names.ts";
import { escapeName, escapeText, quoteName } from "./escape.ts";
import {
  formatAge,
  formatCount,
  formatDuration,
  formatRate,
  formatSize,
} from "./format.ts";
import { durability, promise } from "./assurance.ts";
import type { Savings } from "./reporter.ts";
import type { OutputError } from "./environment.ts";
import { type MeterReading, percentKnown } from "./transfer_meter.ts";

export { shell } from "./shell_messages.ts";
export { INTEGRITY_IS_NEVER_OFF, usage } from "./usage_messages.ts";

/** What `--debug` adds for mistakes of ours. */
export const INTERNAL_HINT =
  "this is a bug in Ferry, please report it; --debug shows where";

/** A request that went wrong. */
export const problems = {
  /** The heart of every error line. */
  failed(failure: {
    readonly doing: string;
    readonly subject: string | undefined;
    readonly phrase: string;
    readonly hint: string | undefined;
  }): string {
    const { doing, subject, phrase, hint } = failure;
    const what = subject === undefined ? "" : ` ${subject}`;
    return `Cannot ${doing}${what}: ${escapeText(phrase)}${
      hint === undefined ? "" : ` (${hint})`
    }`;
  },

  interrupted: "Interrupted",

  internal: (error: unknown): string =>
    `Internal error: ${
      escapeText(error instanceof Error ? error.message : String(error))
    } (${INTERNAL_HINT})`,

  someFailed: (failed: number, total: number, noun: string): string =>
    `${failed} of ${formatCount(total, noun)} failed`,

  /** Listing may have ended before everything was known. */
  endedEarly: (count: number): string =>
    `The connection is gone, so ${
      formatCount(count, "file")
    } that were listed were not tried, and others may be missing; the same command continues`,

  notDeleted: (count: number): string =>
    `${formatCount(count, "entry")} that the source does not have left as ${
      count === 1 ? "it is" : "they are"
    }`,

  notTried: (count: number, noun: string, isConnected: boolean): string =>
    `${formatCount(count, noun)} not tried${
      isConnected ? "" : ": the connection is gone"
    }`,

  output: ({ output, message }: OutputError): string =>
    `Cannot write to ${output}: ${escapeText(message)}`,

  badGlob: (pattern: string, problem: string): string =>
    `Cannot use ${
      quoteName(pattern)
    }: the pattern ${problem}; put it in quotes if it is a name`,

  wideGlob: (pattern: string, max: number): string =>
    `Cannot use ${
      quoteName(pattern)
    }: it matches more than ${max} names; -r moves whole directories`,

  lostForGood: (phrase: string): string =>
    `the connection was lost and could not be made again: ${phrase}`,
};

/** What to do next, by what went wrong. */
export const hints = {
  exists: "use --on-conflict overwrite, rename or skip",
  parents: "use -p to make it as well",
  makeFolder: (command: string, folder: string): string =>
    `make it first: ${command} ${folder}`,
  noDirectory: "does the directory exist?",
  notEmpty: "use -r to remove it with everything in it",
  oneByOne: "use -r to move directories as well",
  refused: "is ferryd running there?",
  unknownHost: "is the name right?",
  unreachable: "is the network up?",
  noAnswer: "is a firewall in between, or is the port wrong?",
  wrongProtocol: "is it ferryd that listens on this port?",
  busy: "somebody else is at it, try again later",
  changed: "try again when nobody writes to it",
  quota: "remove something first, or ask for more",
};

/** Bytes from which on a rate says something: a mebibyte. */
const RATED_SIZE = 1_048_576;

/** What a summary says of stable storage; nothing of streams, which have none. */
/** What was moved, and what that took. */
interface Moved extends Savings {
  /** Bytes of the files. */
  readonly bytes: number;
  /** Bytes that crossed the data connections. */
  readonly wireBytes: number;
  /** Milliseconds. */
  readonly elapsed: number;
}

/** Bytes that came from another run: not those from before a lost connection of this one. */
function carriedOver({ bytes, wireBytes, resumedFrom }: Moved): number {
  return Math.max(0, Math.min(resumedFrom, bytes - wireBytes));
}

/** What did not have to be sent again, and what had to. */
function savings(moved: Moved): string {
  const carried = carriedOver(moved);
  const earlier = carried === 0
    ? ""
    : `, ${formatSize(carried)} of it from an earlier try`;
  return moved.repaired === 0
    ? earlier
    : `${earlier}, ${formatCount(moved.repaired, "damaged chunk")} sent again`;
}

/** So much in that time, and how fast where that says something. */
function movedIn(moved: Moved): string {
  const { bytes, elapsed } = moved;
  const sent = bytes - carriedOver(moved);
  // What is over in no time has no rate, nor has what is next to nothing.
  const isWorthARate = elapsed > 0 &&
    (sent >= RATED_SIZE || elapsed >= 1000 && sent >= elapsed);
  const rate = isWorthARate ? ` (${formatRate(sent * 1000 / elapsed)})` : "";
  return `${formatSize(bytes)} in ${formatDuration(elapsed)}${rate}`;
}

/** Columns of what a dry run would do: the longest of its words and a space. */
const PLAN_COLUMNS = 8;

/** Paths that a question shows: as many as nobody has to scroll for. */
const SHOWN_DELETIONS = 10;

const PLAN_VERBS: Readonly<Record<string, string>> = {
  replaced: "replace",
  skipped: "skip",
};

const PLAN_REASONS: Readonly<Record<string, string>> = {
  renamed: "  (under another name: this one is taken)",
  skipped: "  (the name is taken)",
};

/** What else there is to say of a tree. */
function treeCounts(report: TreeSummary, isDry: boolean): string[] {
  const parts: ReadonlyArray<readonly [count: number, text: string]> = [
    [report.equal, `${report.equal} unchanged`],
    [report.skipped, `${formatCount(report.skipped, "file")} skipped`],
    [report.links, `${formatCount(report.links, "link")} skipped`],
    [
      report.specials,
      `${formatCount(report.specials, "special file")} skipped`,
    ],
    [
      report.folders,
      `${formatCount(report.folders, "directory")} ${
        isDry ? "to make" : "made"
      }`,
    ],
    [report.deleted, `${report.deleted} ${isDry ? "to delete" : "deleted"}`],
  ];
  return parts.filter(([count]) => count > 0).map(([, text]) => text);
}

/** Which right each command needs. */
const COMMAND_RIGHTS: ReadonlyArray<
  readonly [command: string, right: Right | undefined]
> = [
  ["ls", "list"],
  ["get", "read"],
  ["put", "write"],
  ["mv", "rename"],
  ["rm", "delete"],
  ["mkdir", "write"],
  ["stat", "list"],
  ["info", undefined],
];

/** Columns of `1023 KiB`, and of `59 min`. */
const SIZE_COLUMNS = 8;
const AGE_COLUMNS = 6;

/** The file that a partial download was to become, and what it is called now. */
function leftoverName(
  { name, data, directory }: LocalLeftover,
): string {
  if (name === undefined) return escapeName(data);
  const path = directory === "." ? name : joinLocal(directory, name);
  const own = data.slice(Math.max(0, data.search(/[^/\\]+$/)));
  return `${escapeName(path)}  (${escapeName(own)})`;
}

/** What was done, for people. */
export const notes = {
  summary(
    summary: Moved & {
      readonly direction: "get" | "put";
      readonly files: number;
      readonly skipped: number;
      readonly isDurable: boolean | undefined;
      readonly isVerified: boolean;
      readonly isAcknowledged: boolean;
    },
  ): string {
    const { files, skipped } = summary;
    const verb = summary.direction === "get" ? "Fetched" : "Sent";
    const left = skipped === 0
      ? ""
      : `, ${formatCount(skipped, "file")} skipped`;
    if (files === 0) return `${verb} nothing${left}`;
    return `${verb} ${formatCount(files, "file")}, ${movedIn(summary)}, ${
      promise(summary)
    }${savings(summary)}${left}`;
  },

  /** What a receipt says that is not as expected; `undefined` if nothing is. */
  receipt(direction: "get" | "put", receipt: Receipt): string | undefined {
    const name = quoteName(
      (direction === "get" ? receipt.local : receipt.path) ?? "-",
    );
    if (receipt.publication === "skipped") {
      return `Skipped ${name}: the name is taken`;
    }
    if (receipt.publication === "renamed") {
      return `Saved as ${name}: the name was taken`;
    }
    if (receipt.publication === "replaced") return `Replaced ${name}`;
    return undefined;
  },

  /** A file was left out without a question to the other end. */
  taken: (name: string): string =>
    `Skipped ${quoteName(name)}: the name is taken`,

  /** What a dry run shows of an entry; nothing of what is there already. */
  planned(
    event: Exclude<TreeEvent, { kind: "failed" }>,
    direction: "get" | "put",
  ): string | undefined {
    const isGet = direction === "get";
    const line = (verb: string, name: string, why = ""): string =>
      `${verb.padEnd(PLAN_COLUMNS)}${escapeName(name)}${why}`;
    switch (event.kind) {
      case "equal":
        return undefined;
      case "folder":
        return line("make", `${isGet ? event.local : event.remote}/`);
      case "deleted":
        return line("delete", `${event.target}${event.isFolder ? "/" : ""}`);
      case "left-out":
        return line(
          "skip",
          isGet ? event.remote : event.local,
          event.reason === "link"
            ? "  (a link)"
            : "  (neither file nor directory)",
        );
      case "file": {
        const { local, remote } = event.file;
        const verb = PLAN_VERBS[event.publication] ?? (isGet ? "get" : "put");
        return line(
          verb,
          isGet ? local : remote,
          PLAN_REASONS[event.publication],
        );
      }
    }
  },

  treeSummary(
    report: TreeSummary & Savings & { readonly elapsed: number },
    style: {
      readonly direction: "get" | "put";
      readonly isDry: boolean;
    },
  ): string {
    const { files, bytes, isDurable } = report;
    const isGet = style.direction === "get";
    const done = style.isDry
      ? `Would ${isGet ? "fetch" : "send"}`
      : isGet
      ? "Fetched"
      : "Sent";
    const moved = files === 0
      ? `${done} nothing`
      : style.isDry
      ? `${done} ${formatCount(files, "file")}, ${formatSize(bytes)}`
      : `${done} ${formatCount(files, "file")}, ${movedIn(report)}, verified${
        durability(isDurable)
      }${savings(report)}`;
    return [moved, ...treeCounts(report, style.isDry)].join(", ");
  },

  confirmDelete(paths: readonly string[], destination: string): string {
    const shown = paths.slice(0, SHOWN_DELETIONS)
      .map((path) => `  ${escapeName(path)}\n`);
    const more = paths.length - shown.length;
    if (more > 0) shown.push(`  and ${formatCount(more, "more entry")}\n`);
    return `The source does not have:\n${shown.join("")}Delete ${
      paths.length === 1 ? "it" : `these ${formatCount(paths.length, "entry")}`
    } from ${quoteName(destination)}? [y/N] `;
  },

  /** What somebody may do, and with which commands. */
  rights(rights: readonly Right[]): string {
    if (rights.length === 0) return "nothing";
    const commands = COMMAND_RIGHTS.filter(([, needed]) =>
      needed === undefined || rights.includes(needed)
    );
    return `${rights.join(", ")} (${
      commands.map(([name]) => name).join(", ")
    })`;
  },

  noFreeSpace: (
    reason = "the server runs without --allow-sys=statfs",
  ): string => `not told: ${escapeText(reason)}`,

  /** A partial download: how large, how old, and which. */
  leftover(leftover: LocalLeftover, now: number): string {
    const { size, modified, isInUse } = leftover;
    const age = modified === undefined
      ? undefined
      : Math.max(0, now - modified);
    return `${formatSize(size).padStart(SIZE_COLUMNS)}  ${
      formatAge(age).padStart(AGE_COLUMNS)
    }  ${leftoverName(leftover)}${isInUse ? "  (in use)" : ""}`;
  },

  cleaned(
    { found, removed, bytes, failed }: {
      readonly found: number;
      readonly removed: number;
      readonly bytes: number;
      readonly failed: number;
    },
  ): string | undefined {
    if (found + failed === 0) return "No partial downloads there";
    return removed === 0
      ? undefined
      : `Removed ${formatCount(removed, "partial download")}, ${
        formatSize(bytes)
      }`;
  },

  cleanNeedsYes: "Nothing is removed without --yes",

  confirmClean: (count: number, bytes: number): string =>
    `Remove ${count === 1 ? "it" : `these ${count}`}, ${
      formatSize(bytes)
    }? [y/N] `,

  digest: (algorithm: string, value: string, name: string): string =>
    `${algorithm} ${value} ${quoteName(name)}`,

  renamed: (from: string, to: string, publication: string): string =>
    publication === "skipped"
      ? `Skipped ${quoteName(from)}: ${quoteName(to)} is taken`
      : `Renamed ${quoteName(from)} to ${quoteName(to)}`,

  removed: (path: string, count: number): string =>
    count === 1
      ? `Removed ${quoteName(path)}`
      : `Removed ${quoteName(path)}, ${formatCount(count, "entry")} in all`,

  created: (path: string): string => `Made ${quoteName(path)}`,

  sourceChanged: (name: string): string =>
    `${
      quoteName(name)
    } has changed since the try before; it is compared, and only what differs is moved`,

  reconnect(
    event: ReconnectEvent,
    reading: Pick<MeterReading, "percent" | "bytes"> | undefined,
  ): string {
    const { attempt, attemptsMax, delay, error } = event;
    const percent = percentKnown(reading);
    const where = percent === undefined ? "" : ` at ${percent}%`;
    const of = Number.isFinite(attemptsMax) ? ` of ${attemptsMax}` : "";
    const goesOn = reading !== undefined && reading.bytes > 0
      ? " to go on from there"
      : "";
    return `Connection lost${where} (${
      escapeText(error.message)
    }); trying again in ${formatDuration(delay)}${goesOn} (${attempt}${of})`;
  },
};

/** What the server says. */
export const server = {
  listening: (
    protocol: string,
    scheme: string,
    address: NetworkAddress,
  ): string => `listening ${protocol} ${scheme}://${formatAddress(address)}`,

  offer: (address: NetworkAddress, offer: Offer): string =>
    `${formatAddress(address)} offers ${
      offer.rights.length === 0 ? "nothing" : offer.rights.join(", ")
    }`,

  refusals: (offer: Offer): string[] =>
    refusalLines(offer.refusals).map((line) => `not ${line}`),

  nothingOffered: (address: NetworkAddress): string =>
    `Nobody may do anything on ${
      formatAddress(address)
    }: see "ferryd check", or allow it with --anonymous read or write`,

  accountsOnly: (address: NetworkAddress): string =>
    `${formatAddress(address)} lets in only users with an account`,

  checked: (root: string): string => `${quoteName(root)} can be served`,

  noNet: (address: string): string =>
    `this program runs without --allow-net=${address}`,

  draining: (milliseconds: number): string =>
    milliseconds === 0
      ? "Stopping at once"
      : `Stopping; transfers have ${
        formatDuration(milliseconds)
      } to finish, a second signal ends them`,

  unhandled: "An error was not handled where it happened",
};

/** What somebody may not do, a line for each reason: `write, rename: why`. */
export function refusalLines(
  refusals: Readonly<Partial<Record<Right, string>>>,
): string[] {
  const reasons = Map.groupBy(Object.entries(refusals), ([, reason]) => reason);
  return [...reasons].map(([reason, rights]) =>
    `${rights.map(([right]) => right).join(", ")}: ${escapeText(reason)}`
  );
}
