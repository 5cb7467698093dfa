/**
 * The commands of `ferry`: their words. What they do stands in `commands/`.
 *
 * @module
 */

import {
  ACCEPT_NEW,
  ACTIVE,
  ACTIVE_PORT,
  CA,
  CHECKSUM,
  CLEAN_RECURSIVE,
  DATA_PORT,
  DEBUG,
  DELETE,
  DRY_RUN,
  DURABILITY,
  EXCLUDE,
  FINGERPRINT,
  FROM_SERVER,
  INCLUDE,
  JSON_OUTPUT,
  KEEP_GOING,
  LIMIT_RATE,
  LINKS,
  LIST_RECURSIVE,
  LOCAL_OUTPUT,
  LONG,
  NO_RESUME,
  ON_CONFLICT,
  PARENTS,
  PRESERVE,
  PROGRESS,
  PROTOCOL,
  QUIET,
  RECURSIVE,
  REMOTE_OUTPUT,
  REMOVE_RECURSIVE,
  RETRIES,
  SCRIPT,
  SHOWN_DIGEST,
  SORT,
  STREAMS,
  TIMEOUT,
  TO_SERVER,
  TRANSFER_DIGEST,
  YES,
} from "./client_options.ts";
import { LOG_IN_OPTIONS } from "./log_in_options.ts";
import { completionsOf } from "./completion_scripts.ts";
import type { CommandSpec, Operand, ProgramSpec } from "./command.ts";
import type { AnyOption } from "./option.ts";

const HOST: Operand = { name: "HOST" };

/** What is to be known of a tree, and may be said only with `-r`. */
export const TREE_OPTIONS: readonly AnyOption[] = [
  INCLUDE,
  EXCLUDE,
  LINKS,
  PRESERVE,
  DRY_RUN,
];

/** How files cross the network. */
const NETWORK_OPTIONS: readonly AnyOption[] = [
  NO_RESUME,
  CHECKSUM,
  RETRIES,
  STREAMS,
  LIMIT_RATE,
  ACTIVE,
  ACTIVE_PORT,
];

/** Who to be there, and whom to take for the server. */
export const REMOTE_OPTIONS: readonly AnyOption[] = [
  ...LOG_IN_OPTIONS,
  ACCEPT_NEW,
  FINGERPRINT,
  CA,
  PROTOCOL,
  DATA_PORT,
];

/** What is said of every transfer. */
const RESUME_TEXT =
  "What is interrupted goes on where it was, also in another run of the same command; a lost connection is made again. A file that has changed since is compared, and only what differs is moved; --checksum compares it also if size and times say that it has not changed.";

const TREE_TEXTS = [
  "What is there already and equal (size and time, or content with --checksum) is skipped: the same command again continues what was interrupted. Files that fail do not stop the others; the exit code is 8 then.",
  'PATTERN is as in a .gitignore: "*.tmp" is about names anywhere, "/build/" about a directory at the top, "docs/**" about all that is below; the last one that matches decides. A first --include leaves out everything else.',
];

/** Lists directories. */
export const LIST: CommandSpec = {
  name: "ls",
  summary: "List a directory",
  description: [
    'Lists each PATH, or the top of what the server offers. Directories end in "/", links in "@".',
    "Entries are shown as they come, unsorted: a large directory begins to show at once. --sort waits for all of them.",
  ],
  operands: [
    HOST,
    { name: "PATH", names: "remote", optional: true, repeated: true },
  ],
  options: [LONG, LIST_RECURSIVE, SORT, ...REMOTE_OPTIONS],
  examples: ["ferry ls 127.0.0.1", "ferry ls -lR --sort size 127.0.0.1 docs"],
};

/** Fetches files. */
export const GET: CommandSpec = {
  name: "get",
  summary: "Fetch files",
  description: [
    "Fetches files. Each appears under its own last name, in the current directory or where -o says, and only when it is whole and verified.",
    '-o LOCAL is a directory if it is one, ends in "/", or several files are fetched. With "-o -" the data go to stdout and everything else, JSON included, to stderr.',
    'With -r directories are fetched with everything in them: "get -r HOST docs" makes docs here, "-o texts/" makes texts/docs, and "-o texts" gives it that name, whether texts exists or not.',
    RESUME_TEXT,
    ...TREE_TEXTS,
  ],
  operands: [HOST, { name: "REMOTE", names: "remote", repeated: true }],
  options: [
    LOCAL_OUTPUT,
    RECURSIVE,
    ON_CONFLICT,
    DURABILITY,
    TRANSFER_DIGEST,
    PROGRESS,
    ...NETWORK_OPTIONS,
    ...REMOTE_OPTIONS,
    ...TREE_OPTIONS,
  ],
  examples: [
    "ferry get 127.0.0.1 docs/manual.pdf",
    "ferry get 127.0.0.1 a.iso b.iso -o downloads/",
    "ferry get 127.0.0.1 logs.tar -o - | tar -t",
    "ferry get -r 127.0.0.1 photos --exclude '*.tmp'",
    "ferry get --retries forever --limit-rate 2M 127.0.0.1 huge.img",
  ],
};

/** Sends files. */
export const PUT: CommandSpec = {
  name: "put",
  summary: "Send files",
  description: [
    "Sends files. Each appears on the server under its own last name, at the top or where -o says, and only when it is whole and verified.",
    '-o REMOTE is a directory if it is one, ends in "/", or several files are sent. LOCAL "-" is stdin and needs -o with a name.',
    'With -r directories are sent with everything in them: "put -r HOST docs" makes docs there, "-o texts/" makes texts/docs, and "-o texts" gives it that name, whether texts exists or not. "put -r HOST ." sends what is in the current directory.',
    RESUME_TEXT,
    ...TREE_TEXTS,
  ],
  operands: [HOST, { name: "LOCAL", names: "local", repeated: true }],
  options: [
    REMOTE_OUTPUT,
    RECURSIVE,
    ON_CONFLICT,
    DURABILITY,
    TRANSFER_DIGEST,
    PROGRESS,
    ...NETWORK_OPTIONS,
    ...REMOTE_OPTIONS,
    ...TREE_OPTIONS,
  ],
  examples: [
    "ferry put 127.0.0.1 report.pdf",
    "ferry put 127.0.0.1 *.jpg -o photos/ --on-conflict skip",
    "tar -c src | ferry put 127.0.0.1 - -o src.tar",
    "ferry put -r 127.0.0.1 website -o backup/",
  ],
};

/** Mirrors directories. */
export const SYNC: CommandSpec = {
  name: "sync",
  summary: "Make one directory like another one",
  description: [
    "Makes the directory DESTINATION like the directory SOURCE, one way: what is missing or differs is moved, and nothing else. Which of them is on the server must be said: with --from-server it is SOURCE, with --to-server it is DESTINATION.",
    RESUME_TEXT,
    "Files of DESTINATION that differ are overwritten. With --delete, what SOURCE does not have is deleted from DESTINATION: at the end, only if everything else went well, never through a link, and nothing that the patterns leave out. --dry-run shows all of it beforehand.",
    ...TREE_TEXTS,
  ],
  operands: [
    HOST,
    { name: "SOURCE", names: "source" },
    { name: "DESTINATION", names: "destination" },
  ],
  options: [
    FROM_SERVER,
    TO_SERVER,
    DELETE,
    YES,
    DURABILITY,
    TRANSFER_DIGEST,
    PROGRESS,
    ...NETWORK_OPTIONS,
    ...REMOTE_OPTIONS,
    ...TREE_OPTIONS,
  ],
  examples: [
    "ferry sync --from-server 127.0.0.1 photos ~/photos",
    "ferry sync --to-server --dry-run --delete 127.0.0.1 site/ www/site",
  ],
};

/** Renames. */
export const RENAME: CommandSpec = {
  name: "mv",
  aliases: ["rename", "change"],
  summary: "Rename or move a file or directory",
  description: [
    'Gives OLD the name NEW, on the server. If NEW ends in "/", OLD moves into that directory and keeps its name.',
    "An existing NEW stays as it is, unless --on-conflict says otherwise.",
  ],
  operands: [
    HOST,
    { name: "OLD", names: "remote" },
    { name: "NEW", names: "remote" },
  ],
  options: [ON_CONFLICT, ...REMOTE_OPTIONS],
  examples: [
    "ferry mv 127.0.0.1 draft.txt final.txt",
    "ferry mv 127.0.0.1 final.txt archive/",
  ],
};

/** Removes. */
export const REMOVE: CommandSpec = {
  name: "rm",
  summary: "Remove files and directories",
  description: [
    "Removes files, links (not what they lead to) and empty directories; with -r also directories with everything in them.",
  ],
  operands: [HOST, { name: "PATH", names: "remote", repeated: true }],
  options: [REMOVE_RECURSIVE, ...REMOTE_OPTIONS],
  examples: [
    "ferry rm 127.0.0.1 old.txt older.txt",
    "ferry rm -r 127.0.0.1 build",
    "ferry rm 127.0.0.1 -- -strange-name",
  ],
};

/** Makes directories. */
export const MAKE_DIRECTORY: CommandSpec = {
  name: "mkdir",
  summary: "Make a directory",
  description: ["Makes a directory on the server."],
  operands: [HOST, { name: "PATH", names: "remote" }],
  options: [PARENTS, ...REMOTE_OPTIONS],
  examples: ["ferry mkdir -p 127.0.0.1 photos/2026/august"],
};

/** Looks at one entry. */
export const STAT: CommandSpec = {
  name: "stat",
  summary: "Show size, times and digest of a file",
  description: [
    "Shows what the server knows of PATH. --digest sha256 shows what sha256sum would print.",
  ],
  operands: [HOST, { name: "PATH", names: "remote" }],
  options: [SHOWN_DIGEST, ...REMOTE_OPTIONS],
  examples: ["ferry stat --digest sha256 127.0.0.1 a.iso"],
};

/** Looks at the session. */
export const INFO: CommandSpec = {
  name: "info",
  summary: "Show who you are there and what you may do",
  description: [
    "Shows the server's version, who you are to it, what you may and may not do and why, and its free space.",
  ],
  operands: [HOST],
  options: REMOTE_OPTIONS,
  examples: ["ferry info 127.0.0.1"],
};

/** Removes what interrupted downloads left; needs no server. */
export const CLEAN: CommandSpec = {
  name: "clean",
  isMinor: true,
  summary: "Remove what interrupted downloads left",
  description: [
    "Lists the partial downloads in DIR, by default the current directory, that were interrupted and not finished, with the size and age of each, and removes them after a question. Those that a download is at work on stay.",
    'What is listed here is what "ferry get" would go on with. Without a terminal nothing is removed unless --yes is given. No server is needed.',
  ],
  operands: [{ name: "DIR", names: "local", isFolder: true, optional: true }],
  options: [CLEAN_RECURSIVE, YES],
  examples: ["ferry clean", "ferry clean --yes ~/Downloads"],
};

/** Makes a key; needs no server. */
export const KEYGEN: CommandSpec = {
  name: "keygen",
  isMinor: true,
  summary: "Make a key to log in with",
  description: [
    "Makes an Ed25519 key and writes it: the private half to FILE, which only you may read, the public half to FILE.pub, for the operator of the server. A file that is there stays as it is.",
    "A key of ssh-keygen -t ed25519 without a passphrase does as well.",
  ],
  operands: [{ name: "FILE", names: "local" }],
  options: [],
  examples: [
    "ferry keygen ~/.ferry-key",
    "ferry ls --user alice --identity ~/.ferry-key 127.0.0.1",
  ],
};

/** Commands at a prompt. */
export const SHELL: CommandSpec = {
  name: "shell",
  summary: "A prompt for all of these; also: ferry HOST",
  description: [
    "Connects once and then takes commands: those of ferry without their HOST, and cd, lcd, pwd, lpwd, help and bye. Names may be patterns, such as *.csv; quotes and backslashes are as in sh. !COMMAND runs a command of this machine, if ferry may (--allow-run).",
    "Tab completes, Ctrl-C stops a transfer (the same command continues it) and Ctrl-D leaves. A connection that is lost is made again.",
    "With --script, or with commands on a stdin that is no terminal, they run one after the other up to the first that fails, whose exit code it is; -k goes on.",
  ],
  operands: [HOST],
  options: [
    SCRIPT,
    KEEP_GOING,
    RETRIES,
    LIMIT_RATE,
    ACTIVE,
    ACTIVE_PORT,
    ...REMOTE_OPTIONS,
  ],
  examples: [
    "ferry 127.0.0.1",
    "ferry shell 127.0.0.1 --script nightly.ferry",
    "echo 'get -r photos' | ferry shell 127.0.0.1",
  ],
};

/** Prints what makes a shell complete; needs no server. */
export const COMPLETIONS: CommandSpec = completionsOf("ferry", [
  "Names on the server are completed as well, where that needs no question: over a connection that is given two seconds, and kept in mind for ten.",
]);

/** `ferry` with all its words. */
export const CLIENT_PROGRAM: ProgramSpec = {
  name: "ferry",
  commands: [
    LIST,
    GET,
    PUT,
    SYNC,
    RENAME,
    REMOVE,
    MAKE_DIRECTORY,
    STAT,
    INFO,
    CLEAN,
    KEYGEN,
    COMPLETIONS,
    SHELL,
  ],
  loneCommand: SHELL.name,
  commonOptions: [JSON_OUTPUT, QUIET, DEBUG, TIMEOUT],
};
