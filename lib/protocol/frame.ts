/**
 * Frames: what travels on every connection, as a value.
 *
 * @module
 */

import {
  type FrameType,
  type MessageBody,
  MESSAGES,
  type MessageType,
} from "./messages.ts";

/** A message of one type. */
export interface MessageFrame<T extends MessageType> {
  /** What it is. */
  readonly type: T;
  /** The exchange that it belongs to; 0 for those of the connection itself. */
  readonly id: number;
  /** Its fields. */
  readonly body: MessageBody<T>;
}

/** A chunk of a file. */
export interface DataFrame {
  /** What it is. */
  readonly type: "DATA";
  /** The transfer that it belongs to. */
  readonly id: number;
  /** Where the chunk begins in the file: a multiple of the chunk size. */
  readonly offset: number;
  /** The bytes. A view on the receive buffer: see `FrameBuffer` for how long. */
  readonly payload: Uint8Array;
  /**
   * CRC-32 of the payload as the sender computed it. **Not checked by the
   * decoder**: whoever stores the chunk does, so that it is done once and last.
   */
  readonly checksum: number;
}

/** A frame that carries a message, of any type. */
export type Message = {
  readonly [T in MessageType]: MessageFrame<T>;
}[MessageType];

/** Any frame. */
export type Frame = Message | DataFrame;

/** The frame of a given type. */
export type FrameOf<T extends FrameType> = Extract<Frame, { type: T }>;

/**
 * Makes a message of the connection itself.
 *
 * @param type What it is.
 * @param body Its fields.
 */
export function message<T extends MessageType>(
  type: T,
  body: MessageBody<T>,
): MessageFrame<T> {
  return { type, id: 0, body };
}

/** Whether frames of this type belong to an exchange. */
export function isExchangeType(type: FrameType): boolean {
  return type === "DATA" || MESSAGES[type].exchange;
}
