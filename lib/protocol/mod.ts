/**
 * The Ferry protocol without any input or output: frames, their codec, the
 * state tables and the rules for names.
 *
 * @module
 */
export {
  decodeHeader,
  decodePayload,
  encodeDataHeader,
  encodeMessage,
  type FrameHeader,
  MAGIC,
  OPTIONAL_TYPE_MIN,
} from "./codec.ts";
export {
  ERROR_CODES,
  type ErrorCode,
  errorCodeName,
  type Fault,
  malformed,
  ProtocolError,
} from "./errors.ts";
export {
  type DataFrame,
  type Frame,
  type FrameOf,
  isExchangeType,
  type Message,
  message,
  type MessageFrame,
} from "./frame.ts";
export { FrameBuffer } from "./frame_buffer.ts";
export * from "./limits.ts";
export { type KeyLogIn, keyLogInMessage } from "./log_in.ts";
export {
  CONFLICT_POLICIES,
  type ConnectionKind,
  DATA_CODE,
  DIGESTS,
  DURABILITIES,
  ENTRY_KINDS,
  type FrameType,
  type MessageBody,
  MESSAGES,
  type MessageType,
  PUBLICATIONS,
  type Right,
  RIGHTS,
  type Role,
  type WireEntry,
  type WireRun,
} from "./messages.ts";
export { remoteNameProblem, RESERVED_NAME } from "./remote_name.ts";
export { Conversation } from "./session.ts";
export {
  CONNECTION_MACHINES,
  CONTROL_EXCHANGES,
  DATA_EXCHANGES,
  type Machine,
  PIPELINED_REQUESTS,
  type Step,
} from "./transitions.ts";
