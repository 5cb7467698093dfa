/**
 * Everything that Ferry says to people, but for the help, which the tables of
 * commands and options hold.
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

import type { Receipt, ReconnectEvent } from "../client/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type { Offer } from "../server/mod.ts";
import { formatAddress, type NetworkAddress } from "../transport/mod.ts";
import { escapeText, quoteName } from "./escape.ts";
import {
  formatCount,
  formatDuration,
  formatRate,
  formatSize,
} from "./format.ts";

/** Why there is no `--digest none`. */
export const INTEGRITY_IS_NEVER_OFF =
  'Option "--digest" has no "none": every file is always verified, and "auto" costs next to nothing';

/** What is wrong with a command line; each is one whole sentence. */
export const usage = {
  missingCommand: (program: string): string =>
    `A command is missing; "${program} --help" lists them`,

  unknownCommand(
    program: string,
    word: string,
    meant: string | undefined,
  ): string {
    return `Unknown command ${quoteName(word)}${
      meant === undefined
        ? `; "${program} --help" lists the commands`
        : `: did you mean "${meant}"?`
    }`;
  },

  unknownOption(
    command: string,
    option: string,
    similar: {
      readonly meant: string | undefined;
      readonly others: readonly string[];
    },
  ): string {
    const unknown = `Unknown option ${quoteName(option)} for "${command}"`;
    if (similar.others.length > 0) {
      return `${unknown}: it belongs to ${listOf(similar.others)}`;
    }
    return similar.meant === undefined
      ? `${unknown}; see ${helpCommand(command)}`
      : `${unknown}: did you mean "${similar.meant}"?`;
  },

  missingOperand: (command: string, operand: string): string =>
    `${operand} is missing for "${command}"; see ${helpCommand(command)}`,

  unexpected: (command: string, word: string): string =>
    `Unexpected ${quoteName(word)} for "${command}"; see ${
      helpCommand(command)
    }`,

  missingValue(option: string, placeholder: string, inline?: string): string {
    const missing = `Option "${option}" needs a value: ${placeholder}`;
    return inline === undefined
      ? missing
      : `${missing} (if that is the value, write ${quoteName(inline)})`;
  },

  needlessValue: (option: string): string =>
    `Option ${quoteName(option)} takes no value`,

  contradiction: (one: string, other: string): string =>
    `Options "${one}" and "${other}" contradict each other`,

  emptyValue: (option: string): string =>
    `Option "${option}" needs a value that is not empty`,

  badChoice: (
    option: string,
    value: string,
    words: readonly string[],
  ): string =>
    `Option "${option}" cannot be ${quoteName(value)}: choose ${
      listOf(words, "or")
    }`,

  badSeconds: (
    option: string,
    value: string,
    min: number,
    max: number,
  ): string =>
    `Option "${option}" cannot be ${
      quoteName(value)
    }: give seconds from ${min} to ${max}, such as 30 or 2.5`,

  badHost: (text: string): string =>
    `Cannot use ${
      quoteName(text)
    } as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT`,

  badPort: (text: string, port: string): string =>
    `Cannot use ${quoteName(text)}: ${
      quoteName(port)
    } is no port, which is a number up to 65535`,

  badScheme: (text: string, scheme: string): string =>
    `Cannot use ${quoteName(text)}: Ferry does not speak ${
      quoteName(scheme)
    }, write tcp://HOST`,

  tlsNotBuilt: (text: string): string =>
    `Cannot use ${
      quoteName(text)
    }: TLS is not built yet, only tcp:// works in this version`,

  plainMustBeAsked: (text: string): string =>
    `Cannot connect to ${
      quoteName(text)
    }: TLS is not built yet, and unencrypted TCP beyond this machine must be asked for as ${
      quoteName(`tcp://${text}`)
    }`,

  listenNeedsHost: (text: string): string =>
    `Cannot listen on ${
      quoteName(text)
    }: say where, as 127.0.0.1:PORT for this machine only or 0.0.0.0:PORT for every network`,

  plainListen: (address: NetworkAddress): string =>
    `Cannot listen on tcp://${
      formatAddress(address)
    }: it is reachable beyond this machine and unencrypted, which needs --allow-plain`,

  badRemoteName: (text: string, problem: string): string =>
    `Cannot use ${quoteName(text)}: the name ${problem}`,

  notTheRoot: (doing: string, text: string): string =>
    `Cannot ${doing} ${quoteName(text)}: it means the top of the server's tree`,

  badLocalName: (segment: string): string =>
    `Cannot make a file named ${
      quoteName(segment)
    } on this system; choose a name with -o`,

  nameless: (local: string): string =>
    `Cannot put ${quoteName(local)}: it has no name of its own`,

  cannotBeRemote: (local: string, problem: string): string =>
    `Cannot put ${
      quoteName(local)
    } under its own name: the name ${problem}; choose a name with -o`,

  twins: (one: string, other: string, target: string): string =>
    `Cannot take both ${quoteName(one)} and ${
      quoteName(other)
    }: both would be ${quoteName(target)}`,

  stdinNeedsName: (): string =>
    'Cannot put "-" (stdin) without a name: add -o REMOTE, which is not a directory',

  stdinIsAlone: (): string =>
    'Cannot put "-" (stdin) together with other files; a file of that name is "./-"',
};

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

  notTried: (count: number, noun: string): string =>
    `${formatCount(count, noun)} not tried: the connection is gone`,
};

/** What to do next, by what went wrong. */
export const hints = {
  exists: "use --on-conflict overwrite, rename or skip",
  parents: "use -p to make it as well",
  noDirectory: "does the directory exist?",
  notEmpty: "use -r to remove it with everything in it",
  oneByOne: "only single files can be moved",
  refused: "is ferryd running there?",
  unknownHost: "is the name right?",
  unreachable: "is the network up?",
  noAnswer: "is a firewall in between, or is the port wrong?",
  wrongProtocol: "is it ferryd that listens on this port?",
  busy: "somebody else is at it, try again later",
  changed: "try again when nobody writes to it",
};

/** Bytes from which on a rate says something: a mebibyte. */
const RATED_SIZE = 1_048_576;

/** What a summary says of stable storage; nothing of streams, which have none. */
function durability(isDurable: boolean | undefined): string {
  if (isDurable === undefined) return "";
  return isDurable ? " and durable" : ", not yet on stable storage";
}

/** What was done, for people. */
export const notes = {
  summary(summary: {
    readonly direction: "get" | "put";
    readonly files: number;
    readonly skipped: number;
    readonly bytes: number;
    readonly elapsed: number;
    readonly isDurable: boolean | undefined;
  }): string {
    const { files, skipped, bytes, elapsed } = summary;
    const verb = summary.direction === "get" ? "Fetched" : "Sent";
    const left = skipped === 0
      ? ""
      : `, ${formatCount(skipped, "file")} skipped`;
    if (files === 0) return `${verb} nothing${left}`;
    // What is over in no time has no rate.
    const isWorthARate = elapsed > 0 &&
      (bytes >= RATED_SIZE || elapsed >= 1000);
    const rate = isWorthARate ? ` (${formatRate(bytes * 1000 / elapsed)})` : "";
    return `${verb} ${formatCount(files, "file")}, ${formatSize(bytes)} in ${
      formatDuration(elapsed)
    }${rate}, verified${durability(summary.isDurable)}${left}`;
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

  reconnect: (event: ReconnectEvent): string =>
    `Connection lost (${escapeText(event.error.message)}); trying again in ${
      formatDuration(event.delay)
    } (${event.attempt} of ${event.attemptsMax})`,
};

/** What the server says. */
export const server = {
  listening: (address: NetworkAddress): string =>
    `listening ferry tcp://${formatAddress(address)}`,

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

  checked: (root: string): string => `${quoteName(root)} can be served`,

  draining: (milliseconds: number): string =>
    `Stopping; transfers have ${
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

function helpCommand(command: string): string {
  if (command === "ferry" || command === "ferryd") return `"${command} --help"`;
  return command === "check"
    ? '"ferryd check --help"'
    : `"ferry ${command} --help"`;
}

function listOf(words: readonly string[], conjunction = "and"): string {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0
    ? last
    : `${quoted.join(", ")} ${conjunction} ${last}`;
}
