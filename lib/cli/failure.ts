/**
 * From an error to the line that people read about it.
 *
 * @module
 */

import {
  FerryError,
  type FerryErrorCode,
  LogInProblemError,
} from "../client/plain.ts";
import {
  formatAddress,
  type NetworkAddress,
  NetworkError,
  type Scheme,
  usualScheme,
} from "../transport/plain.ts";
import { logInHints } from "./account_messages.ts";
import { OutputError } from "./environment.ts";
import { escapeText, quoteName } from "./escape.ts";
import { hints, problems } from "./messages.ts";
import { UsageError } from "./usage_error.ts";

/** What was tried when an error happened. */
export interface Attempt {
  /** What was tried, such as `get` or `list`. */
  readonly doing: string;
  /** The name that was asked for, where there is one. */
  readonly path?: string | undefined;
  /** The local file to write, if that is not the same. */
  readonly target?: string | undefined;
  /** Failures whose usual hints do not fit here. */
  readonly unhinted?: readonly FerryErrorCode[];
  /** What to do about a server that is not trusted. */
  readonly untrusted?: string | undefined;
  /** The server. */
  readonly server: NetworkAddress & { readonly scheme?: Scheme };
  /** Whether commands are typed at a prompt, where they need no host. */
  readonly isInShell?: boolean;
}

/** A failure, as events and messages tell it. */
export interface Failure {
  /** A stable code. */
  readonly code: string;
  /** Where it went wrong, where that is known. */
  readonly side: "local" | "remote" | undefined;
  /** The name that it is about. */
  readonly path: string | undefined;
  /** One whole sentence. */
  readonly message: string;
}

/** Where somebody did answer, the port is not wrong. */
function lostHint({ cause }: FerryError): string | undefined {
  return cause instanceof NetworkError && cause.kind === "refused"
    ? hints.refused
    : undefined;
}

function networkHint(error: FerryError): string | undefined {
  const { cause } = error;
  if (!(cause instanceof NetworkError)) return hints.noAnswer;
  if (cause.kind === "refused") return hints.refused;
  if (cause.kind === "unknown-host") return hints.unknownHost;
  // It says itself what to do.
  if (cause.kind === "tls") return undefined;
  return cause.kind === "unreachable" ? hints.unreachable : hints.noAnswer;
}

const MISSING_FOLDER_REGEXP = /^there is no folder "(?<folder>.+)"$/s;

/** How to make the folder that the server misses. */
function missingFolderHint(
  { message, side }: FerryError,
  { server, isInShell }: Attempt,
): string | undefined {
  const folder = MISSING_FOLDER_REGEXP.exec(message)?.groups?.folder;
  if (folder === undefined || side !== "remote") return undefined;
  const { hostname, scheme } = server;
  const isUsual = scheme === undefined || scheme === usualScheme(hostname);
  const host = `${isUsual ? "" : `${scheme}://`}${
    escapeText(formatAddress(server))
  }`;
  const command = isInShell ? "mkdir -p" : `ferry mkdir -p ${host}`;
  // What a shell would take apart stands in quotes.
  const isPlain = /^[\p{L}\p{N}_./+-]+$/u.test(folder) &&
    !folder.startsWith("-");
  const shown = isInShell ? `/${folder}` : folder;
  return hints.makeFolder(command, isPlain ? shown : quoteName(shown));
}

/** What to do next, where that is known. */
function hintFor(
  error: FerryError,
  attempt: Attempt,
): string | undefined {
  const { doing } = attempt;
  switch (error.code) {
    case "exists":
      return doing === "make" ? undefined : hints.exists;
    case "not-empty":
      return doing === "remove" ? hints.notEmpty : hints.exists;
    case "not-found":
      if (doing === "write") return hints.noDirectory;
      return doing === "make" ? hints.parents : undefined;
    case "is-directory":
      return doing === "get" || doing === "put" ? hints.oneByOne : undefined;
    case "connect-failed":
      return doing === "connect" ? networkHint(error) : lostHint(error);
    case "login-refused":
      return error.cause instanceof LogInProblemError
        ? logInHints[error.cause.problem]
        : undefined;
    case "quota":
      return hints.quota;
    case "wrong-protocol":
      return hints.wrongProtocol;
    case "busy":
      return hints.busy;
    case "changed":
      return hints.changed;
    default:
      return undefined;
  }
}

/** Says on which machine a name is there or not, where the phrase leaves that open. */
function place(error: FerryError, server: NetworkAddress): string {
  if (error.code !== "not-found" && error.code !== "exists") return "";
  return error.side === "remote"
    ? ` on ${formatAddress(server)}`
    : " on this machine";
}

/** A phrase less the name that it begins with, if the sentence has that already. */
function withoutName(phrase: string, path: string | undefined): string {
  const prefix = `"${path}" `;
  return phrase.startsWith(prefix) ? phrase.slice(prefix.length) : phrase;
}

/** What can be wrong with a name on this machine. */
const LOCAL_CODES: ReadonlySet<FerryErrorCode> = new Set([
  "not-found",
  "exists",
  "is-directory",
  "not-directory",
  "denied",
  "outside",
  "bad-name",
  "no-space",
  "too-large",
  "busy",
  "io",
]);

/** A failed attempt to write what was fetched is told as that. */
function writing(error: FerryError, attempt: Attempt): Attempt {
  const isWriting = attempt.target !== undefined && error.side === "local" &&
    LOCAL_CODES.has(error.code);
  return isWriting
    ? { ...attempt, doing: "write", path: attempt.target }
    : attempt;
}

/** A session stood, was lost, and nobody answers any more. */
function isLostForGood(error: FerryError, { doing }: Attempt): boolean {
  return error.code === "connect-failed" && doing !== "connect";
}

/** Sentences say `Cannot connect to HOST`, not `Cannot get "a" because …`. */
function isAboutTheServer(error: FerryError, attempt: Attempt): boolean {
  if (isLostForGood(error, attempt)) return false;
  return error.code === "connect-failed" || error.code === "wrong-protocol" ||
    error.code === "login-refused" || error.code === "untrusted";
}

/**
 * Tells what went wrong.
 *
 * @param error What was thrown.
 * @param attempt What was tried.
 */
export function describeFailure(error: unknown, attempt: Attempt): Failure {
  if (error instanceof UsageError) {
    const { message } = error;
    return { code: "usage", side: "local", path: undefined, message };
  }
  const broken = OutputError.in(error);
  if (broken !== undefined) {
    const message = problems.output(broken);
    return { code: "io", side: "local", path: attempt.path, message };
  }
  if (!(error instanceof FerryError)) {
    const message = problems.internal(error);
    return { code: "internal", side: "local", path: attempt.path, message };
  }
  const { code, side } = error;
  if (code === "internal" && side === "local") {
    const message = problems.internal(error.cause ?? error);
    return { code, side, path: error.path ?? attempt.path, message };
  }
  const aboutServer = isAboutTheServer(error, attempt) ||
    attempt.doing === "connect";
  const tried = writing(error, attempt);
  const { doing, path: asked, server } = tried;
  // What could not be written is the local file, whose name may be another one.
  const isWriting = doing !== attempt.doing;
  const path = aboutServer
    ? undefined
    : isWriting
    ? asked
    : error.path ?? asked;
  const message = problems.failed({
    doing: aboutServer ? "connect to" : doing,
    subject: aboutServer
      ? escapeText(formatAddress(attempt.server))
      : path === undefined
      ? undefined
      : quoteName(path === "" ? "/" : path),
    phrase: isLostForGood(error, attempt)
      ? problems.lostForGood(error.message)
      : withoutName(error.message, path) + place(error, server),
    hint: missingFolderHint(error, tried) ??
      (error.code === "untrusted"
        ? attempt.untrusted
        : attempt.unhinted?.includes(error.code)
        ? undefined
        : hintFor(error, tried)),
  });
  return { code, side, path, message };
}
