/**
 * What the server throws, and the one place where errors of any kind become
 * codes of the wire.
 *
 * @module
 */

import {
  ERROR_CODES,
  type ErrorCode,
  type MessageBody,
  ProtocolError,
} from "../protocol/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { NetworkError } from "../transport/mod.ts";
import { LOST } from "./events.ts";

/** A request is refused for a reason that the client is told. */
export class RefusalError extends Error {
  /** The code to send. */
  readonly code: ErrorCode;
  /** Milliseconds that a refused log-in locks its user out from there. */
  readonly lockedFor: number;

  /**
   * @param code The code to send.
   * @param message A phrase that completes "Cannot …: ", in lower case.
   * @param lockedFor Milliseconds that it locks the user out.
   */
  constructor(code: ErrorCode, message: string, lockedFor = 0) {
    super(message);
    this.name = "RefusalError";
    this.code = code;
    this.lockedFor = lockedFor;
  }
}

/** A server cannot be started as asked. The message says what to change. */
export class ServeError extends Error {
  /**
   * Makes an error.
   *
   * @param message What to change.
   * @param options The cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServeError";
  }
}

/** What a client is told of an error. */
export interface WireError {
  /** The code. */
  readonly code: ErrorCode;
  /** A phrase for people. */
  readonly message: string;
}

/** What a client is told of `error`: nothing of what it does not name itself. */
export function wireError(error: unknown): WireError {
  if (error instanceof StorageError) {
    return { code: error.kind, message: error.message };
  }
  const isTold = error instanceof RefusalError ||
    error instanceof ProtocolError && error.fault === "remote";
  if (isTold) return { code: error.code, message: error.message };
  if (error instanceof NetworkError) {
    return { code: "unavailable", message: error.message };
  }
  return {
    code: "internal",
    message: "an internal error happened; the server's log has it",
  };
}

/** What a log is told of an error: the fault itself only where it is the server's. */
export function refusedFields(
  error: unknown,
): { code: string; reason: string; error?: unknown } {
  if (error instanceof NetworkError) {
    // The wrong scheme is no accident of the line: somebody can put it right.
    const code = error.kind === "tls" ? error.kind : LOST;
    return { code, reason: error.message };
  }
  const { code, message: reason } = wireError(error);
  return code === "internal" ? { code, reason, error } : { code, reason };
}

/** The fields of the `FAIL` or `ERROR` that tells a client of an error. */
export function errorBody({ code, message }: WireError): MessageBody<"FAIL"> {
  return { code: ERROR_CODES[code], message };
}
