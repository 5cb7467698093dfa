/**
 * The Ferry protocol without any input or output: frames, their codec, the
 * state tables and the rules for names.
 *
 * @module
 */
export * from "./plain.ts";
export {
  decodeHeader,
  encodeDataHeader,
  encodeMessage,
  MAGIC,
  OPTIONAL_TYPE_MIN,
} from "./codec.ts";
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
export {
  type ConnectionKind,
  DATA_CODE,
  ENTRY_KINDS,
  type FrameType,
  MESSAGES,
  type MessageType,
  PUBLICATIONS,
  type Role,
  type WireEntry,
  type WireRun,
} from "./messages.ts";
export { Conversation } from "./session.ts";
export {
  CONNECTION_MACHINES,
  CONTROL_EXCHANGES,
  DATA_EXCHANGES,
  type Machine,
  PIPELINED_REQUESTS,
  type Step,
} from "./transitions.ts";
export { folderOf, joinName, lastSegment } from "./tree_names.ts";
