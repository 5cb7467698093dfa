/** A peer that sends what it likes: no state table keeps it from it. */

import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import {
  encodeDataHeader,
  encodeMessage,
  type ErrorCode,
  errorCodeName,
  type Frame,
  FrameBuffer,
  type FrameOf,
  type FrameType,
  HEADER_SIZE,
  type Message,
  type MessageBody,
  type MessageType,
} from "../../lib/protocol/mod.ts";
import type { Connection } from "../../lib/transport/mod.ts";

/** A `DATA` frame's bytes. */
export function encodeData(
  id: number,
  offset: number,
  payload: Uint8Array,
  checksum: number = crc32(payload),
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE + payload.length);
  bytes.set(payload, HEADER_SIZE);
  encodeDataHeader(bytes, { id, offset, checksum });
  return bytes;
}

/** Speaks frames by hand over a connection. */
export class RawPeer {
  readonly connection: Connection;
  readonly #buffer = new FrameBuffer();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Sends a message as it is. */
  send<T extends MessageType>(
    type: T,
    body: MessageBody<T>,
    id = 0,
  ): Promise<void> {
    return this.sendBytes(encodeMessage({ type, id, body } as Message));
  }

  /** Sends a chunk. */
  sendData(
    id: number,
    offset: number,
    payload: Uint8Array,
    checksum?: number,
  ): Promise<void> {
    return this.sendBytes(encodeData(id, offset, payload, checksum));
  }

  /** Sends bytes as they are. */
  async sendBytes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.connection.write(bytes);
  }

  /** The next frame, `undefined` at the end; a payload is the caller's to keep. */
  async receive(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#buffer.next();
      if (frame?.type === "DATA") {
        return { ...frame, payload: frame.payload.slice() };
      }
      if (frame !== undefined) return frame;
      const length = await this.connection.read(this.#buffer.space());
      if (length === 0) return undefined;
      this.#buffer.filled(length);
    }
  }

  /** The next frame, which must be of this type. */
  async expect<T extends FrameType>(type: T): Promise<FrameOf<T>> {
    const frame = await this.receive();
    assertEquals(frame?.type, type, `in place of ${describe(frame)}`);
    return frame as FrameOf<T>;
  }

  /** The next frame of this type; `PROGRESS`, `PING` and `GOODBYE` are skipped. */
  async await<T extends FrameType>(type: T): Promise<FrameOf<T>> {
    const skipped = new Set<string | undefined>([
      "PROGRESS",
      "PING",
      "GOODBYE",
    ]);
    for (;;) {
      const frame = await this.receive();
      if (frame?.type === type) return frame as FrameOf<T>;
      if (!skipped.has(frame?.type)) {
        assertEquals(frame?.type, type, `in place of ${describe(frame)}`);
      }
    }
  }

  /** Expects an `ERROR` and says its code. */
  async refusal(id?: number): Promise<ErrorCode> {
    const frame = await this.await("ERROR");
    if (id !== undefined) assertEquals(frame.id, id);
    return errorCodeName(frame.body.code);
  }

  /** Expects a `FAIL`, then the end, and says its code. */
  async farewell(): Promise<ErrorCode> {
    const { body } = await this.await("FAIL");
    await this.expectEnd();
    return errorCodeName(body.code);
  }

  /** Expects that the other end ends the connection. */
  async expectEnd(): Promise<void> {
    let frame: Frame | undefined;
    try {
      frame = await this.receive();
    } catch {
      frame = undefined;
    }
    assertEquals(frame, undefined);
    this.close();
  }

  /** Closes. */
  close(): void {
    this.connection.close();
  }
}

function describe(frame: Frame | undefined): string {
  if (frame === undefined) return "the end";
  return frame.type === "DATA"
    ? `DATA at ${frame.offset}`
    : `${frame.type} ${JSON.stringify(frame.body)}`;
}
