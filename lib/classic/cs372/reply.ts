/**
 * What a cs372 client gets on the data connection. Nothing says where it ends
 * but the end of the connection, and the original server fills it up with NUL.
 *
 * @module
 */

import { TEXTS } from "./messages.ts";

/** The bytes to which the original server fills every reply up with NUL. */
export const PADDED_SIZE = 199_999;

/** How a reply has ended. */
export interface ReplyEnd {
  /** Its last bytes, which were not passed on yet. */
  readonly rest: Uint8Array<ArrayBuffer>;
  /** NULs that were left out. */
  readonly strippedCount: number;
}

/** Takes a reply in pieces of any size, and passes on what is certainly of the file. */
export class PaddedReply {
  readonly #head = new Uint8Array(PADDED_SIZE);
  #size = 0;

  /**
   * Takes bytes.
   *
   * @returns What can be passed on: nothing, until the reply is too long to be
   * one that was filled up. Valid until the next call.
   */
  add(bytes: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
    const before = this.#size;
    this.#size += bytes.length;
    if (before > PADDED_SIZE) return [bytes];
    if (this.#size > PADDED_SIZE) {
      return [this.#head.subarray(0, before), bytes];
    }
    this.#head.set(bytes, before);
    return [];
  }

  /** Says that the connection has ended. */
  end(): ReplyEnd {
    if (this.#size > PADDED_SIZE) {
      return { rest: new Uint8Array(0), strippedCount: 0 };
    }
    const reply = this.#head.subarray(0, this.#size);
    const rest = this.#size === PADDED_SIZE ? withoutNuls(reply) : reply;
    return { rest, strippedCount: reply.length - rest.length };
  }
}

function withoutNuls(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  return bytes.subarray(0, length);
}

/** Whether a whole reply says that there is no such file. */
export function isMissing(reply: Uint8Array): boolean {
  const { missing } = TEXTS;
  return reply.length === missing.length &&
    reply.every((byte, at) => byte === missing[at]);
}
