/**
 * The options and commands of `ferryd`: their words.
 *
 * @module
 */

import type { AnonymousAccess, ServerAddress } from "../server/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import { type Right, RIGHTS } from "../protocol/plain.ts";
import { accounts } from "./account_messages.ts";
import { CLASSIC_DOORS } from "./classic_doors.ts";
import { completionsOf } from "./completion_scripts.ts";
import type { CommandSpec, ProgramSpec } from "./command.ts";
import { readListenAddress, readPlainAddress } from "./host.ts";
import { PASSWORD_FILE } from "./log_in_options.ts";
import {
  type AnyOption,
  choice,
  flag,
  type Option,
  rate,
  seconds,
  size,
  text,
} from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** Where to listen. */
export const LISTEN: Option<readonly ServerAddress[]> = {
  name: "listen",
  short: "l",
  placeholder: "[SCHEME://]HOST:PORT",
  help:
    "Where to listen; may be repeated, port 0 is any free one; tls:// beyond this machine unless tcp:// is said (default tcp://127.0.0.1:65430)",
  isRepeated: true,
  fallback: [],
  read: (text, previous) => [...previous, readListenAddress(text)],
};

/** The certificate for TLS. */
export const CERT: Option<string | undefined> = text("cert", "", {
  placeholder: "FILE",
  help:
    "The certificate for TLS in PEM, and those above it (default: self-made, kept in --state)",
});

/** Its key. */
export const KEY: Option<string | undefined> = text("key", "", {
  placeholder: "FILE",
  help: "The private key of --cert, in PEM",
});

/** What outlives a restart. */
export const STATE: Option<string | undefined> = text("state", "", {
  placeholder: "DIR",
  help:
    "Keep what must outlive a restart here: the identity, and what quotas have counted (default for the identity: ferryd in the user's state directory)",
});

/** Plain TCP for everybody. */
export const ALLOW_PLAIN: Option<boolean> = flag(
  "allow-plain",
  "",
  "Allow unencrypted TCP beyond this machine",
);

const ACCESSES: readonly AnonymousAccess[] = ["none", "read", "write"];

/** What strangers may do. */
export const ANONYMOUS: Option<AnonymousAccess | undefined> = choice(
  "anonymous",
  ACCESSES,
  {
    fallback: undefined,
    help:
      "What anybody may do (default write on this machine's own addresses, else none)",
  },
);

/** Accounts. */
export const USERS: Option<string | undefined> = text("users", "", {
  placeholder: "FILE",
  help:
    'Let in the users of this file, and nobody else unless --anonymous is given; "ferryd user" writes it',
});

/** The root folder of a new user. */
export const USER_ROOT: Option<string | undefined> = text("root", "", {
  placeholder: "DIR",
  help:
    "The user's folder, below ROOT or absolute (default: all of what is served)",
});

/** A key of a new user. */
export const USER_KEY: Option<string | undefined> = text("key", "", {
  placeholder: "FILE",
  help: "The user's public key; then a password needs --password-file",
});

/** What a new user may do. */
export const USER_RIGHTS: Option<readonly Right[]> = {
  name: "rights",
  placeholder: "RIGHT,...",
  help: `What the user may do (default all: ${RIGHTS.join(",")})`,
  fallback: RIGHTS,
  read(value): readonly Right[] {
    const words = value.split(",");
    const rights = RIGHTS.filter((right) => words.includes(right));
    if (rights.length === words.length) return rights;
    throw new UsageError(accounts.badRights(value, RIGHTS));
  },
};

/** No changes. */
export const READ_ONLY: Option<boolean> = flag(
  "read-only",
  "",
  "Refuse every change",
);

/** Space for others. */
export const RESERVE: Option<number | undefined> = size(
  "reserve",
  "Leave this much space free, such as 5G, whatever is sent",
);

/** Dialling back. */
export const ALLOW_ACTIVE: Option<boolean> = flag(
  "allow-active",
  "",
  "Dial data connections back to clients that ask for it",
);

/** How fast all sessions may be together. */
export const SERVER_LIMIT_RATE: Option<number | undefined> = rate(
  "limit-rate",
  "Move at most this much a second in all, such as 10M; sessions share it",
);

/** How fast each session may be. */
export const LIMIT_SESSION_RATE: Option<number | undefined> = rate(
  "limit-session-rate",
  "Move at most this much a second for each session",
);

/** Where to look at what the server does. */
export const METRICS: Option<NetworkAddress | undefined> = {
  name: "metrics",
  placeholder: "HOST:PORT",
  help:
    "Tell numbers (/metrics, for Prometheus) and health (/healthz, /readyz) over HTTP",
  fallback: undefined,
  read: readPlainAddress,
};

/** Who looks at uploads. */
export const HOOK: Option<readonly string[]> = {
  name: "hook",
  placeholder: "WORD",
  help:
    "Have this command judge each upload before it is published; each --hook=WORD adds a word to it",
  isRepeated: true,
  fallback: [],
  read: (word, previous) => [...previous, word],
};

/** How long transfers may go on after the end was asked for. */
export const DRAIN: Option<number> = seconds("drain", {
  fallback: 10_000,
  min: 0,
  help: "How long transfers may go on after SIGINT or SIGTERM (default 10)",
});

/** Shape of logs and ready lines. */
export const LOG_FORMAT: Option<"text" | "json"> = choice(
  "log-format",
  ["text", "json"],
  { fallback: "text", help: "Shape of log and ready lines (default text)" },
);

/** Everything that happens. */
export const SERVER_DEBUG: Option<boolean> = flag(
  "debug",
  "d",
  "Log everything that happens, and where errors come from",
);

/** Only what is wrong. */
export const SERVER_QUIET: Option<boolean> = flag(
  "quiet",
  "q",
  "Log warnings and errors only",
);

/** Everything here and more, in a file. */
export const CONFIG: Option<string | undefined> = text("config", "c", {
  placeholder: "FILE",
  help: "Take what is not said here from this file: JSON with comments",
});

const SERVE_OPTIONS: readonly AnyOption[] = [
  CONFIG,
  LISTEN,
  CERT,
  KEY,
  STATE,
  ALLOW_PLAIN,
  ANONYMOUS,
  USERS,
  READ_ONLY,
  RESERVE,
  ALLOW_ACTIVE,
  SERVER_LIMIT_RATE,
  LIMIT_SESSION_RATE,
  CLASSIC_DOORS,
  HOOK,
  METRICS,
  DRAIN,
  LOG_FORMAT,
];

/** The options that are settings of the configuration file, too. */
export const SETTINGS: readonly AnyOption[] = [
  ...SERVE_OPTIONS.filter((option) => option !== CONFIG),
  SERVER_DEBUG,
  SERVER_QUIET,
];

/** Serves. */
export const SERVE: CommandSpec = {
  name: "",
  summary: "Offer a directory to ferry clients",
  description: [
    'Offers ROOT, by default the current directory. What it offers follows from what Deno lets it do: --allow-read to list and send, --allow-write to receive and change, --allow-sys=statfs to know the free space. "ferry info" shows it.',
    "With --config FILE the settings are read from a file, where every option has the same name in camel case (docs/ferryd.schema.json); what the command line says wins.",
    "Beyond this machine it speaks TLS. Who it is, is a certificate that it makes once and keeps, and clients remember; or one of an authority, with --cert and --key, which SIGHUP reads again, together with configuration and users file.",
    'When a listener is ready, stdout says so: "listening ferry tcp://127.0.0.1:65430". Logs go to stderr.',
  ],
  operands: [
    { name: "ROOT", names: "local", isFolder: true, optional: true },
  ],
  options: SERVE_OPTIONS,
  examples: [
    "ferryd share/",
    "ferryd -l 127.0.0.1:0 --read-only share/",
    "ferryd --config /etc/ferryd.jsonc",
    "ferryd --classic nets --classic csci320,suffix= share/",
    "ferryd -l 0.0.0.0:65430 --anonymous read share/",
    "ferryd -l tcp://0.0.0.0:65430 --allow-plain --anonymous read share/",
  ],
};

/** Checks. */
export const CHECK: CommandSpec = {
  name: "check",
  summary: "Check options, ROOT and permissions, and say what would be offered",
  description: [
    'Checks options, ROOT and permissions as "ferryd" would, says what would be offered, and ends. It listens nowhere. (To offer a directory that is named "check", write "./check".)',
  ],
  operands: [
    { name: "ROOT", names: "local", isFolder: true, optional: true },
  ],
  options: SERVE_OPTIONS,
  examples: ["ferryd check --anonymous read share/"],
};

/** Manages accounts. */
export const USER_COMMAND: CommandSpec = {
  name: "user",
  summary: "Add, change, list and remove the users of a users file",
  description: [
    "add NAME makes an account, with a password or with --key; passwd NAME gives it another password; key NAME KEYFILE lets it log in by one more key; list shows all; rm NAME removes one.",
    "A password is asked for, or comes from --password-file or FERRY_PASSWORD, never from the command line, which others can read. A server that runs takes a change with the next log-in; sessions go on.",
    "More, such as quotas and rights by path, is written into the file by hand: see docs/security.md.",
  ],
  operands: [
    { name: "ACTION" },
    { name: "NAME", optional: true },
    { name: "KEYFILE", optional: true },
  ],
  options: [USERS, PASSWORD_FILE, USER_ROOT, USER_RIGHTS, USER_KEY],
  examples: [
    "ferryd user add alice --users /etc/ferryd/users.jsonc",
    "ferryd user add backup --key backup.pub --root backup --users users.jsonc",
    "ferryd user key alice laptop.pub --users users.jsonc",
    "ferryd user list --users users.jsonc",
  ],
};

/** Shows who the server is. */
export const IDENTITY: CommandSpec = {
  name: "identity",
  summary: "Show the fingerprint that clients see, and make one if need be",
  description: [
    'Shows the fingerprint of the certificate that "ferryd" with the same options shows to clients, and a form of it in digits to compare over the telephone. Without --cert it is the self-made one of --state, which is made if it is missing.',
  ],
  operands: [],
  options: [CONFIG, CERT, KEY, STATE, LOG_FORMAT],
  examples: ["ferryd identity", "ferryd identity --state /var/lib/ferryd"],
};

/** Prints what makes a shell complete. */
export const COMPLETIONS: CommandSpec = completionsOf("ferryd", []);

/** `ferryd` with all its words. */
export const SERVER_PROGRAM: ProgramSpec = {
  name: "ferryd",
  commands: [SERVE, CHECK, IDENTITY, USER_COMMAND, COMPLETIONS],
  defaultCommand: SERVE.name,
  commonOptions: [SERVER_DEBUG, SERVER_QUIET],
};
