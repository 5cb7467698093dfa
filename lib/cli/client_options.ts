/**
 * The options of `ferry`, each declared once.
 *
 * @module
 */

import { CLASSIC_FACTS, type ClassicFacts } from "../classic/plain.ts";
import { classicProtocol } from "./classic_protocol.ts";
import { CONFLICT_POLICIES, DIGESTS, DURABILITIES } from "../protocol/plain.ts";
import { parseFingerprint } from "../identity/plain.ts";
import { INTEGRITY_IS_NEVER_OFF, usage } from "./messages.ts";
import {
  choice,
  count,
  flag,
  type Option,
  patterns,
  rate,
  seconds,
  text,
} from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** What `--on-conflict` takes. */
export type ConflictChoice = typeof CONFLICT_POLICIES[number];
/** What `--durability` takes. */
export type DurabilityChoice = typeof DURABILITIES[number];
/** What `--digest` takes where a file is moved. */
export type DigestChoice = "auto" | "sha256";
/** What `--progress` takes. */
export type ProgressChoice = "auto" | "always" | "never";
/** What `--sort` takes. */
export type SortOrder = "none" | "name" | "size" | "time";

/** One JSON object a line on stdout. */
export const JSON_OUTPUT: Option<boolean> = flag(
  "json",
  "",
  "Write one JSON object a line to stdout",
);

/** Nothing but results and errors. */
export const QUIET: Option<boolean> = flag(
  "quiet",
  "q",
  "Say nothing on success",
);

/** Stack traces and logs. */
export const DEBUG: Option<boolean> = flag(
  "debug",
  "d",
  "Show what happens, and where errors come from",
);

/** How long a silent server is waited for. */
export const TIMEOUT: Option<number | undefined> = seconds("timeout", {
  fallback: undefined,
  min: 0.1,
  help: "Give a silent server up after this time (default 30)",
});

/** Whose word counts. */
export const CA: Option<string | undefined> = text("ca", "", {
  placeholder: "FILE",
  help:
    "Trust servers that an authority in this file (PEM) vouches for, no others",
});

/** Which certificate counts. */
export const FINGERPRINT: Option<string | undefined> = {
  name: "fingerprint",
  placeholder: "FINGERPRINT",
  help: 'Trust only this certificate, as "ferryd identity" shows it',
  fallback: undefined,
  read(value): string {
    if (parseFingerprint(value) !== undefined) return value;
    throw new UsageError(usage.badFingerprint(value));
  },
};

/** Do not ask about servers that are new. */
export const ACCEPT_NEW: Option<boolean> = flag(
  "accept-new",
  "",
  "Trust a server that is not known yet without asking; never one that has changed",
);

/** What to do about a taken name. */
export const ON_CONFLICT: Option<ConflictChoice> = choice(
  "on-conflict",
  CONFLICT_POLICIES,
  {
    fallback: "fail",
    help: "If the name is taken (default fail)",
  },
);

/** What a receipt promises. */
export const DURABILITY: Option<DurabilityChoice> = choice(
  "durability",
  DURABILITIES,
  {
    fallback: "full",
    help: "full: done means on stable storage; none: faster (default full)",
  },
);

/** How a moved file is summed up. */
export const TRANSFER_DIGEST: Option<DigestChoice> = choice(
  "digest",
  ["auto", "sha256"],
  {
    fallback: "auto",
    help: "How to sum up the whole file (default auto, the fastest)",
    refused: {
      none: INTEGRITY_IS_NEVER_OFF,
      "crc32-chunks": 'Option "--digest" calls crc32-chunks "auto" here',
    },
  },
);

/** Which digest to show. */
export const SHOWN_DIGEST: Option<typeof DIGESTS[number] | undefined> = choice(
  "digest",
  DIGESTS,
  {
    fallback: undefined,
    help: "Have the server read the file and sum it up",
  },
);

/** Whether to show how far a transfer is. */
export const PROGRESS: Option<ProgressChoice> = choice(
  "progress",
  ["auto", "always", "never"],
  {
    fallback: "auto",
    help: "Show progress (default auto: on a terminal)",
  },
);

/** Begin anew. */
export const NO_RESUME: Option<boolean> = flag(
  "no-resume",
  "",
  "Begin anew, whatever an earlier try has left",
);

/** How often to connect again. */
export const RETRIES: Option<number | "forever" | undefined> = count(
  "retries",
  {
    min: 0,
    max: 1_000_000,
    word: "forever",
    help: "Tries to connect again that may get no further (default 3)",
  },
);

/** How many data connections for one file. */
export const STREAMS: Option<number | "auto" | undefined> = count("streams", {
  min: 1,
  max: 64,
  word: "auto",
  help: "Connections for one large file (default auto: what helps)",
});

/** How fast at most. */
export const LIMIT_RATE: Option<number | undefined> = rate(
  "limit-rate",
  "Move at most this much a second, such as 500K or 10M",
);

/** The server dials. */
export const ACTIVE: Option<boolean> = flag(
  "active",
  "",
  "Have the server dial the data connections back to here",
);

/** Where the server dials to. */
export const ACTIVE_PORT: Option<number | undefined> = count<never>(
  "active-port",
  {
    min: 1024,
    max: 65_535,
    placeholder: "PORT",
    help: "Have the server dial back to this port (default any free one)",
  },
);

/** What to speak. */
export const PROTOCOL: Option<ClassicFacts | undefined> = {
  name: "protocol",
  placeholder: "NAME",
  words: [...CLASSIC_FACTS.keys()],
  help:
    "Speak a classic protocol instead: cs372, cs372-login, coen366, csci320 or nets",
  fallback: undefined,
  read: classicProtocol,
};

/** Where classic servers dial back to. */
export const DATA_PORT: Option<number | undefined> = count<never>(
  "data-port",
  {
    min: 1024,
    max: 65_535,
    placeholder: "PORT",
    help:
      "With --protocol cs372 or cs372-login: take the data on this port (default any free one)",
  },
);

/** Where received files go. */
export const LOCAL_OUTPUT: Option<string | undefined> = text("output", "o", {
  placeholder: "LOCAL",
  names: "local",
  help: 'Where to: a file, a directory, or "-" for stdout (default: here)',
});

/** Where sent files go. */
export const REMOTE_OUTPUT: Option<string | undefined> = text("output", "o", {
  placeholder: "REMOTE",
  names: "remote",
  help: "Where to: a file or a directory (default: the top)",
});

/** Move directories as well. */
export const RECURSIVE: Option<boolean> = flag(
  "recursive",
  "r",
  "Move directories with everything in them",
);

/** Takes what other patterns leave out. */
export const INCLUDE: Option<readonly string[]> = patterns(
  "include",
  "Take what matches; first of all patterns: nothing else (repeatable)",
);

/** Leaves out. */
export const EXCLUDE: Option<readonly string[]> = patterns(
  "exclude",
  "Leave out what matches; the last pattern that matches decides (repeatable)",
);

/** What `--links` takes. */
export type LinksChoice = "skip" | "follow";

/** What to do about links. */
export const LINKS: Option<LinksChoice> = choice("links", ["skip", "follow"], {
  fallback: "skip",
  help:
    "Leave links out, or follow those that stay inside the directory (default skip)",
});

/** Keep permission bits. */
export const PRESERVE: Option<boolean> = flag(
  "preserve",
  "p",
  "Keep permission bits; times are always kept",
);

/** Compare content. */
export const CHECKSUM: Option<boolean> = flag(
  "checksum",
  "c",
  "Compare what is there by content, not by size and time",
);

/** Change nothing. */
export const DRY_RUN: Option<boolean> = flag(
  "dry-run",
  "n",
  "Show what would be done, and do nothing",
);

/** From the server to this machine. */
export const FROM_SERVER: Option<boolean> = flag(
  "from-server",
  "",
  "REMOTE is the source: make LOCAL like it",
);

/** From this machine to the server. */
export const TO_SERVER: Option<boolean> = flag(
  "to-server",
  "",
  "LOCAL is the source: make REMOTE like it",
);

/** Delete what the source does not have. */
export const DELETE: Option<boolean> = flag(
  "delete",
  "",
  "Delete what DESTINATION has and SOURCE has not; asks first",
);

/** Do not ask. */
export const YES: Option<boolean> = flag(
  "yes",
  "y",
  "Delete without asking",
);

/** More columns. */
export const LONG: Option<boolean> = flag(
  "long",
  "l",
  "Show mode, size and time as well",
);

/** List everything below. */
export const LIST_RECURSIVE: Option<boolean> = flag(
  "recursive",
  "R",
  "List everything below as well",
);

/** Clean everything below. */
export const CLEAN_RECURSIVE: Option<boolean> = flag(
  "recursive",
  "rR",
  "Look into all directories below as well",
);

/** Remove everything below. */
export const REMOVE_RECURSIVE: Option<boolean> = flag(
  "recursive",
  "rR",
  "Remove directories with everything in them",
);

/** Order of a listing. */
export const SORT: Option<SortOrder> = choice(
  "sort",
  ["none", "name", "size", "time"],
  {
    fallback: "none",
    help:
      "Sort; none lists at once what comes, the others wait for all (default none)",
  },
);

/** Make missing directories above. */
export const PARENTS: Option<boolean> = flag(
  "parents",
  "p",
  "Make directories above it too; an existing one is no error",
);

/** Commands from a file. */
export const SCRIPT: Option<string | undefined> = text("script", "", {
  placeholder: "FILE",
  names: "local",
  help: "Run the commands in FILE, or those on stdin if that is no terminal",
});

/** Go on after an error. */
export const KEEP_GOING: Option<boolean> = flag(
  "keep-going",
  "k",
  "Go on with a script after a command that failed",
);
