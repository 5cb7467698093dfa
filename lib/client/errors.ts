/**
 * The one error that the client throws.
 *
 * @module
 */

import {
  type ErrorCode,
  errorCodeName,
  ProtocolError,
} from "../protocol/plain.ts";
import { StorageError } from "../storage/plain.ts";
import { NetworkError } from "../transport/plain.ts";

/**
 * Stable codes of {@linkcode FerryError}: those of the wire, and what only a
 * client meets.
 *
 * - `connect-failed`: no connection, or no answer before the log-in was over.
 * - `wrong-protocol`: something answers there, and it is not Ferry.
 * - `untrusted`: the server is not proved to be the one that is meant.
 * - `connection-lost`: the connection ended or fell silent after the log-in.
 */
export type FerryErrorCode =
  | ErrorCode
  | "connect-failed"
  | "wrong-protocol"
  | "untrusted"
  | "connection-lost";

/** Options of {@linkcode FerryError}. */
export interface FerryErrorOptions extends ErrorOptions {
  /** Where it went wrong. */
  readonly side?: "local" | "remote";
  /** The name that was asked for, where there is one. */
  readonly path?: string | undefined;
}

/** An operation failed. The message is a phrase that completes "Cannot …: ". */
export class FerryError extends Error {
  /** Which failure this is. */
  readonly code: FerryErrorCode;
  /** Whether it went wrong on this machine or on the server. */
  readonly side: "local" | "remote";
  /** The name that was asked for, where there is one. */
  readonly path: string | undefined;

  /**
   * Makes an error.
   *
   * @param code Which failure this is.
   * @param message A phrase that completes "Cannot …: ", in lower case.
   * @param options Where, which name, and the cause.
   */
  constructor(
    code: FerryErrorCode,
    message: string,
    options: FerryErrorOptions = {},
  ) {
    super(message, options);
    this.name = "FerryError";
    this.code = code;
    this.side = options.side ?? "remote";
    this.path = options.path;
  }
}

/**
 * Whether a transfer that failed with this can go on over a new connection: the
 * old one is gone, or brings damaged frames, or the server is being restarted.
 * A damaged frame may look like one that breaks the rules; rules that are really
 * broken are broken again, and then the tries are used up.
 */
export function isLost({ code, cause }: FerryError): boolean {
  return code === "connection-lost" || code === "unavailable" ||
    (code === "integrity" || code === "protocol") &&
      cause instanceof ProtocolError;
}

/** When an error happened: the same cause has another meaning before the log-in. */
export type Phase = "connecting" | "connected";

/**
 * The {@linkcode FerryError} for whatever an operation threw.
 *
 * @param error What was thrown.
 * @param phase When.
 */
export function toFerryError(
  error: unknown,
  phase: Phase = "connected",
): FerryError {
  if (error instanceof FerryError) return error;
  if (error instanceof StorageError) {
    return new FerryError(error.kind, error.message, {
      side: "local",
      path: error.subject,
      cause: error,
    });
  }
  if (error instanceof NetworkError) {
    const side = error.kind === "denied" ? "local" : "remote";
    const code = error.kind === "denied" || error.kind === "untrusted"
      ? error.kind
      : phase === "connecting"
      ? "connect-failed"
      : "connection-lost";
    return new FerryError(code, error.message, { side, cause: error });
  }
  if (error instanceof ProtocolError) {
    const code = error.fault === "local"
      ? "internal"
      : phase === "connecting"
      ? "wrong-protocol"
      : error.code;
    return new FerryError(code, error.message, {
      side: error.fault,
      cause: error,
    });
  }
  if (error instanceof DOMException && error.name === "AbortError") {
    return cancelled(error);
  }
  return new FerryError("internal", "an internal error happened", {
    side: "local",
    cause: error,
  });
}

/**
 * The error of an operation that its own caller ended.
 *
 * @param cause The signal's reason.
 */
export function cancelled(cause: unknown): FerryError {
  return cause instanceof FerryError
    ? cause
    : new FerryError("cancelled", "cancelled", { side: "local", cause });
}

/**
 * The error that an `ERROR` or `FAIL` of the server stands for.
 *
 * @param body Its fields.
 */
export function remoteError(
  body: {
    readonly code: number;
    readonly message: string;
    readonly path?: string | undefined;
  },
): FerryError {
  return new FerryError(errorCodeName(body.code), body.message, {
    path: body.path,
  });
}

/**
 * The error that the `FAIL` stands for which ends a connection.
 *
 * @param body Its fields.
 */
export function farewellError(
  body: { readonly code: number; readonly message: string },
): FerryError {
  const { code, message } = body;
  const cause = new ProtocolError("local", message, errorCodeName(code));
  return new FerryError(errorCodeName(code), message, { cause });
}

/**
 * The error of an operation on a name.
 *
 * @param error What was thrown.
 * @param path The name that was asked for, if there is one.
 * @param signal What the caller may have ended it with.
 */
export function describe(
  error: unknown,
  path: string | undefined,
  signal: AbortSignal | undefined,
): FerryError {
  if (signal?.aborted) return cancelled(signal.reason);
  const found = toFerryError(error);
  if (found.path !== undefined || path === undefined) return found;
  const { code, message, side } = found;
  return new FerryError(code, message, { side, path, cause: found.cause });
}
