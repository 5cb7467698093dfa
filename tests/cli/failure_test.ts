import { assertEquals } from "@std/assert";
import { FerryError, type FerryErrorCode } from "../../lib/client/mod.ts";
import { endsSession, exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { type Attempt, describeFailure } from "../../lib/cli/failure.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { ERROR_CODES } from "../../lib/protocol/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";

/** Every code, and the exit code before and after the log-in. */
const EXIT_CODES: Readonly<Record<FerryErrorCode, readonly [number, number]>> =
  {
    "protocol": [3, 1],
    "unsupported": [3, 2],
    "login-refused": [4, 4],
    "denied": [4, 4],
    "bad-name": [2, 2],
    "outside": [4, 4],
    "not-found": [5, 5],
    "exists": [6, 6],
    "is-directory": [6, 6],
    "not-directory": [6, 6],
    "not-empty": [6, 6],
    "not-file": [6, 6],
    "busy": [6, 6],
    "no-space": [1, 1],
    "quota": [1, 1],
    "too-large": [1, 1],
    "integrity": [7, 7],
    "changed": [7, 7],
    "timeout": [3, 1],
    "limit": [3, 1],
    "unavailable": [3, 1],
    "cancelled": [130, 130],
    "io": [1, 1],
    "internal": [1, 1],
    "connect-failed": [3, 1],
    "wrong-protocol": [3, 3],
    "untrusted": [3, 3],
    "connection-lost": [3, 1],
  };

Deno.test("exitCodeOf() has a code for every failure, on either side", () => {
  const wire = Object.keys(ERROR_CODES);
  assertEquals(wire.filter((code) => !(code in EXIT_CODES)), []);
  for (const [code, [before, after]] of Object.entries(EXIT_CODES)) {
    for (const side of ["local", "remote"] as const) {
      const error = new FerryError(code as FerryErrorCode, "x", { side });
      const isTheirs = code === "cancelled" && side === "remote";
      assertEquals(exitCodeOf(error, "connecting"), isTheirs ? 1 : before);
      assertEquals(exitCodeOf(error, "connected"), isTheirs ? 1 : after);
    }
  }
  assertEquals(exitCodeOf(new UsageError("x"), "connecting"), 2);
  assertEquals(exitCodeOf(new TypeError("x"), "connected"), 1);
});

Deno.test("endsSession() is about the connection, not about files", () => {
  assertEquals(endsSession(new FerryError("connection-lost", "x")), true);
  assertEquals(endsSession(new FerryError("not-found", "x")), false);
  assertEquals(endsSession(new TypeError("x")), false);
});

const server = { hostname: "::1", port: 7 };

function refusedBy(kind: NetworkError["kind"]): ErrorOptions {
  return { cause: new NetworkError(kind, kind) };
}

/** What was thrown, what was tried, and the sentence. */
const SENTENCES: ReadonlyArray<
  readonly [FerryError, Omit<Attempt, "server">, string]
> = [
  [
    new FerryError("not-found", 'there is no folder "photos"'),
    { doing: "put", path: "photos/a.bin" },
    'Cannot put "photos/a.bin": there is no folder "photos" on [::1]:7 (make it first: ferry mkdir -p [::1]:7 photos)',
  ],
  [
    new FerryError("not-found", 'there is no folder "my photos"', {
      path: "a",
    }),
    { doing: "rename", path: "a" },
    'Cannot rename "a": there is no folder "my photos" on [::1]:7 (make it first: ferry mkdir -p [::1]:7 "my photos")',
  ],
  [
    new FerryError(
      "connect-failed",
      "connection refused",
      refusedBy("refused"),
    ),
    { doing: "get", path: "a" },
    'Cannot get "a": the connection was lost and could not be made again: connection refused (is ferryd running there?)',
  ],
  [
    new FerryError("connect-failed", "no answer"),
    { doing: "put", path: "a" },
    'Cannot put "a": the connection was lost and could not be made again: no answer',
  ],
  [
    new FerryError("not-found", "not found", {
      side: "local",
      path: "/no/such/x",
    }),
    { doing: "put", path: "/no/such/x" },
    'Cannot put "/no/such/x": not found on this machine',
  ],
  [
    new FerryError("not-found", "not found"),
    { doing: "get", path: "a.bin" },
    'Cannot get "a.bin": not found on [::1]:7',
  ],
  [
    new FerryError("not-found", "not found", { side: "local" }),
    { doing: "put", path: "a.bin" },
    'Cannot put "a.bin": not found on this machine',
  ],
  [
    new FerryError("not-found", "not found", { side: "local" }),
    { doing: "get", path: "a", target: "d/a" },
    'Cannot write "d/a": not found on this machine (does the directory exist?)',
  ],
  [
    new FerryError("exists", '"b" exists already', { path: "a" }),
    { doing: "rename", path: "a" },
    'Cannot rename "a": "b" exists already on [::1]:7 (use --on-conflict overwrite, rename or skip)',
  ],
  [
    new FerryError("exists", "the name is taken"),
    { doing: "make", path: "a" },
    'Cannot make "a": the name is taken on [::1]:7',
  ],
  [
    new FerryError("denied", "the server runs without --allow-write\x1b[2J"),
    { doing: "put", path: "a\u202e" },
    'Cannot put "a\\u{202e}": the server runs without --allow-write\\u{1b}[2J',
  ],
  [
    new FerryError("not-empty", "the directory is not empty"),
    { doing: "remove", path: "d" },
    'Cannot remove "d": the directory is not empty (use -r to remove it with everything in it)',
  ],
  [
    new FerryError("not-found", "the directory above it is missing"),
    { doing: "make", path: "d/e" },
    'Cannot make "d/e": the directory above it is missing on [::1]:7 (use -p to make it as well)',
  ],
  [
    new FerryError("is-directory", "it is a directory"),
    { doing: "get", path: "d" },
    'Cannot get "d": it is a directory (use -r to move directories as well)',
  ],
  [
    new FerryError("is-directory", "it is a directory"),
    { doing: "rename", path: "d" },
    'Cannot rename "d": it is a directory',
  ],
  [
    new FerryError("busy", "it is in use"),
    { doing: "put", path: "a" },
    'Cannot put "a": it is in use (somebody else is at it, try again later)',
  ],
  [
    new FerryError("changed", "it changed"),
    { doing: "get", path: "a" },
    'Cannot get "a": it changed (try again when nobody writes to it)',
  ],
  [
    new FerryError("io", "the disk is broken"),
    { doing: "list", path: "" },
    'Cannot list "/": the disk is broken',
  ],
  [
    new FerryError("denied", "no"),
    { doing: "ask for the free space" },
    "Cannot ask for the free space: no",
  ],
  [
    new FerryError(
      "connect-failed",
      "connection refused",
      refusedBy("refused"),
    ),
    { doing: "connect" },
    "Cannot connect to [::1]:7: connection refused (is ferryd running there?)",
  ],
  [
    new FerryError("connect-failed", "unknown host", refusedBy("unknown-host")),
    { doing: "connect" },
    "Cannot connect to [::1]:7: unknown host (is the name right?)",
  ],
  [
    new FerryError("connect-failed", "no way", refusedBy("unreachable")),
    { doing: "connect" },
    "Cannot connect to [::1]:7: no way (is the network up?)",
  ],
  [
    new FerryError("connect-failed", "no answer"),
    { doing: "connect" },
    "Cannot connect to [::1]:7: no answer (is a firewall in between, or is the port wrong?)",
  ],
  [
    new FerryError("wrong-protocol", "not a Ferry frame"),
    { doing: "get", path: "a" },
    "Cannot connect to [::1]:7: not a Ferry frame (is it ferryd that listens on this port?)",
  ],
  [
    new FerryError("internal", "x", { side: "local", cause: new Error("y") }),
    { doing: "get", path: "a" },
    "Internal error: y (this is a bug in Ferry, please report it; --debug shows where)",
  ],
];

Deno.test("describeFailure() says on one line what failed and what to do", async (t) => {
  for (const [error, attempt, sentence] of SENTENCES) {
    await t.step(sentence, () => {
      const failure = describeFailure(error, { ...attempt, server });
      assertEquals(failure.message, sentence);
      assertEquals([failure.code, failure.side], [error.code, error.side]);
    });
  }
});
