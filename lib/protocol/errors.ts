/**
 * Error codes of the wire, and the error that breaks a connection.
 *
 * @module
 */

/** A stable error code, the same on the wire, in JSON and in the library. */
export type ErrorCode =
  | "protocol"
  | "unsupported"
  | "login-refused"
  | "denied"
  | "bad-name"
  | "outside"
  | "not-found"
  | "exists"
  | "is-directory"
  | "not-directory"
  | "not-empty"
  | "not-file"
  | "busy"
  | "no-space"
  | "too-large"
  | "integrity"
  | "changed"
  | "timeout"
  | "limit"
  | "unavailable"
  | "cancelled"
  | "io"
  | "internal"
  | "quota";

/**
 * Every error code with its number on the wire. Numbers are never reused. What
 * each means stands in `docs/protocol.md` section 9.
 */
export const ERROR_CODES: Readonly<Record<ErrorCode, number>> = {
  "protocol": 1,
  "unsupported": 2,
  "login-refused": 3,
  "denied": 4,
  "bad-name": 5,
  "outside": 6,
  "not-found": 7,
  "exists": 8,
  "is-directory": 9,
  "not-directory": 10,
  "not-empty": 11,
  "not-file": 12,
  "busy": 13,
  "no-space": 14,
  "too-large": 15,
  "integrity": 16,
  "changed": 17,
  "timeout": 18,
  "limit": 19,
  "unavailable": 20,
  "cancelled": 21,
  "io": 22,
  "internal": 23,
  "quota": 24,
};

const NAMES = new Map<number, ErrorCode>(
  Object.entries(ERROR_CODES).map((
    [name, code],
  ) => [code, name as ErrorCode]),
);

/**
 * The name of an error code.
 *
 * @param code A number from the wire.
 * @returns The code's name; a number that this version does not know is `internal`.
 */
export function errorCodeName(code: number): ErrorCode {
  return NAMES.get(code) ?? "internal";
}

/** Whose fault a {@linkcode ProtocolError} is. */
export type Fault = "local" | "remote";

/**
 * The rules of the protocol were broken, by this program (`local`: a bug) or by
 * the peer (`remote`). The connection cannot go on.
 */
export class ProtocolError extends Error {
  /** The code to send before closing. */
  readonly code: ErrorCode;
  /** Who broke the rules. */
  readonly fault: Fault;

  /**
   * Makes an error.
   *
   * @param fault Who broke the rules.
   * @param message What happened.
   * @param code The code to send before closing.
   */
  constructor(fault: Fault, message: string, code: ErrorCode = "protocol") {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
    this.fault = fault;
  }
}

/** Makes the error for a peer that sent what it must not. */
export function malformed(
  message: string,
  code: ErrorCode = "protocol",
): ProtocolError {
  return new ProtocolError("remote", message, code);
}
