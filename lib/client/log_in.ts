/**
 * What a client shows to come in.
 *
 * @module
 */

import {
  keyLogInMessage,
  type MessageBody,
  PASSWORD_SIZE_MAX,
  USER_SIZE_MAX,
} from "../protocol/plain.ts";
import { isLoopback } from "../transport/plain.ts";
import { FerryError } from "./errors.ts";

/** Why a client does not even try to log in. */
export type LogInProblem =
  | "no-user"
  | "no-secret"
  | "not-offered"
  | "plain"
  | "too-long";

/** The cause of a {@linkcode FerryError} for a log-in that was not tried. */
export class LogInProblemError extends Error {
  /** Why. */
  readonly problem: LogInProblem;

  /** @param problem Why. */
  constructor(problem: LogInProblem) {
    super(problem);
    this.name = "LogInProblemError";
    this.problem = problem;
  }
}

/** A key to log in with. */
export interface LogInKey {
  /** The 32 bytes of its public half that the server knows. */
  readonly publicKey: Uint8Array;
  /** Signs a message with its private half: 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** Who logs in, and how. */
export interface LogInOptions {
  /** The name of an account on the server. @default {none: as anybody may} */
  readonly user?: string;
  /** Its password; kept for when the connection is made again. @default {none} */
  readonly password?: string;
  /** A key of it, which is used in place of a password. @default {none} */
  readonly identity?: LogInKey;
  /**
   * Sends the password in plain TCP beyond this machine, too, where everybody on
   * the way can read it.
   * @default {false}
   */
  readonly allowPlainPassword?: boolean;
}

/** The connection that a log-in is for. */
export interface LogInPlace {
  /** The server's name or address. */
  readonly hostname: string;
  /** The nonce of `HELLO`. */
  readonly nonce: Uint8Array;
  /** What the server has answered. */
  readonly greeting: MessageBody<"GREETING">;
  /** SHA-256 of the certificate that it has shown; `undefined` in plain TCP. */
  readonly certificate: Uint8Array | undefined;
}

/**
 * The `LOGIN` for a connection.
 *
 * @throws {FerryError} `login-refused` when the server offers nothing of what
 * there is, or a secret would be told to others.
 */
export function logInBody(
  options: LogInOptions,
  place: LogInPlace,
): MessageBody<"LOGIN"> {
  const { user, password, identity } = options;
  if (user === undefined) {
    requireMethod(place, "anonymous");
    return { method: "anonymous" };
  }
  assertSize("user name", user, USER_SIZE_MAX);
  if (identity !== undefined) {
    requireMethod(place, "key");
    const { publicKey } = identity;
    const { nonce, greeting, certificate } = place;
    const message = keyLogInMessage({
      clientNonce: nonce,
      serverNonce: greeting.nonce,
      user,
      publicKey,
      certificate,
    });
    const signature = identity.sign(message);
    return { method: "key", user, publicKey, signature };
  }
  if (password === undefined) {
    throw refused("no-secret", "a log-in as a user needs a password or a key");
  }
  assertSize("password", password, PASSWORD_SIZE_MAX);
  requireMethod(place, "password");
  assertSecret(options, place);
  return { method: "password", user, password };
}

function requireMethod(
  { greeting: { methods } }: LogInPlace,
  method: string,
): void {
  if (methods.includes(method)) return;
  throw method === "anonymous"
    ? refused("no-user", "the server lets in only users with an account")
    : refused("not-offered", `the server does not offer a log-in by ${method}`);
}

/** Whoever can read the line would have the password. */
function assertSecret(
  { allowPlainPassword }: LogInOptions,
  { certificate, hostname }: LogInPlace,
): void {
  const isSecret = certificate !== undefined || isLoopback(hostname);
  if (isSecret || allowPlainPassword) return;
  throw refused(
    "plain",
    "the connection is not encrypted, so everybody on the way could read the password",
  );
}

function assertSize(what: string, text: string, max: number): void {
  if (new TextEncoder().encode(text).length <= max) return;
  throw refused("too-long", `the ${what} is longer than ${max} bytes`);
}

function refused(problem: LogInProblem, message: string): FerryError {
  const cause = new LogInProblemError(problem);
  return new FerryError("login-refused", message, { side: "local", cause });
}
