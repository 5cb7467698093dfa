/**
 * What the programs tell their callers by the exit code.
 *
 * @module
 */

import { FerryError, type FerryErrorCode } from "../client/plain.ts";
import { UsageError } from "./usage_error.ts";

/** The exit codes by name. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  noConnection: 3,
  refused: 4,
  notFound: 5,
  conflict: 6,
  integrity: 7,
  someFailed: 8,
  interrupted: 130,
} as const;

/** When each exit code is given. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "Everything was done.",
  failed:
    "Another failure: a connection that was lost for good, silence, no space left, an error of the disk.",
  usage:
    "The command line makes no sense, or asks for what the protocol does not have.",
  noConnection:
    "No connection: nobody answers, it is no Ferry server, or it is not the one that it should be.",
  refused: "The log-in or the right was refused, here or there.",
  notFound: "There is no such file or directory.",
  conflict:
    "The name is taken or in use, or a file is where a directory is expected or the reverse.",
  integrity: "Bytes did not verify, or the source changed while it was read.",
  someFailed: "Some of several files failed.",
  interrupted: "It was interrupted.",
};

/** One exit code. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** The exit code of every failure; `cancelled` is somebody's interruption. */
const BY_ERROR_CODE: Readonly<Record<FerryErrorCode, ExitCode>> = {
  "protocol": EXIT.failed,
  "unsupported": EXIT.usage,
  "login-refused": EXIT.refused,
  "denied": EXIT.refused,
  "bad-name": EXIT.usage,
  "outside": EXIT.refused,
  "not-found": EXIT.notFound,
  "exists": EXIT.conflict,
  "is-directory": EXIT.conflict,
  "not-directory": EXIT.conflict,
  "not-empty": EXIT.conflict,
  "not-file": EXIT.conflict,
  "busy": EXIT.conflict,
  "no-space": EXIT.failed,
  "quota": EXIT.failed,
  "too-large": EXIT.failed,
  "integrity": EXIT.integrity,
  "changed": EXIT.integrity,
  "timeout": EXIT.failed,
  "limit": EXIT.failed,
  "unavailable": EXIT.failed,
  "cancelled": EXIT.interrupted,
  "io": EXIT.failed,
  "internal": EXIT.failed,
  "connect-failed": EXIT.noConnection,
  "wrong-protocol": EXIT.noConnection,
  "untrusted": EXIT.noConnection,
  "connection-lost": EXIT.failed,
};

/** Failures that mean "no connection" if they come before the log-in is over. */
const CONNECTING: ReadonlySet<FerryErrorCode> = new Set([
  "protocol",
  "unsupported",
  "timeout",
  "limit",
  "unavailable",
  "connection-lost",
]);

/**
 * The exit code of a failure.
 *
 * @param error What was thrown.
 * @param phase Whether the session stood already.
 */
export function exitCodeOf(
  error: unknown,
  phase: "connecting" | "connected",
): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof FerryError)) return EXIT.failed;
  // The server gave up by itself, nobody here interrupted.
  if (error.code === "cancelled" && error.side === "remote") return EXIT.failed;
  if (phase === "connecting" && CONNECTING.has(error.code)) {
    return EXIT.noConnection;
  }
  // A session stood, and could not be made anew: it is lost for good.
  if (phase === "connected" && error.code === "connect-failed") {
    return EXIT.failed;
  }
  return BY_ERROR_CODE[error.code];
}

/** Failures after which nothing else can be tried over the same session. */
export function endsSession(error: unknown): boolean {
  return error instanceof FerryError &&
    [
      "connection-lost",
      "connect-failed",
      "wrong-protocol",
      "untrusted",
      "protocol",
    ].includes(error.code);
}
