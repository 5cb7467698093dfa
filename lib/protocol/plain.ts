/**
 * What of the protocol loads at once: it needs nothing that is built in, so that
 * a program can read its command line before it loads the rest.
 *
 * @module
 */
export {
  ERROR_CODES,
  type ErrorCode,
  errorCodeName,
  type Fault,
  malformed,
  ProtocolError,
} from "./errors.ts";
export * from "./limits.ts";
export { type KeyLogIn, keyLogInMessage } from "./log_in.ts";
export {
  CONFLICT_POLICIES,
  DIGESTS,
  DURABILITIES,
  type MessageBody,
  type Right,
  RIGHTS,
} from "./messages.ts";
export { remoteNameProblem, RESERVED_NAME } from "./remote_name.ts";
