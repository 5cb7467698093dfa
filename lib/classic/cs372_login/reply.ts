/**
 * What a cs372-login client gets on the data connection: bytes that end with a
 * mark, or names that nothing tells apart but the time between them.
 *
 * @module
 */

import { END_MARK } from "./messages.ts";

/** The bytes of one send of the original server; the last one is filled up with NUL. */
export const BLOCK_SIZE = 1023;

/** How a file has ended. */
export interface FileEnd {
  /** Whether the mark stood at the very end: without it the file is not whole. */
  readonly isMarked: boolean;
  /** NULs at the end that look like those of the original server; they are of the file here. */
  readonly paddingCount: number;
}

/** Takes a file in pieces of any size, and passes all on but the mark at its very end. */
export class MarkedReply {
  /** The last bytes so far, no more than the mark has. */
  #tail = new Uint8Array(0);
  #size = 0;
  /** NULs in a row at the end of what was passed on. */
  #nulCount = 0;

  /**
   * Takes bytes.
   *
   * @returns What can be passed on; valid until the next call.
   */
  add(bytes: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
    const surplus = this.#tail.length + bytes.length - END_MARK.length;
    const tail = this.#tail;
    const fromTail = Math.min(tail.length, Math.max(0, surplus));
    const fromBytes = Math.max(0, surplus - tail.length);
    this.#tail = new Uint8Array([
      ...tail.subarray(fromTail),
      ...bytes.subarray(fromBytes),
    ]);
    const passed = [tail.subarray(0, fromTail), bytes.subarray(0, fromBytes)]
      .filter(({ length }) => length > 0);
    for (const piece of passed) this.#count(piece);
    return passed;
  }

  /** Says that the connection has ended. */
  end(): FileEnd {
    const isPadded = this.#nulCount > 0 && this.#size % BLOCK_SIZE === 0;
    return {
      isMarked: isMark(this.#tail),
      paddingCount: isPadded ? Math.min(this.#nulCount, BLOCK_SIZE) : 0,
    };
  }

  #count(bytes: Uint8Array): void {
    this.#size += bytes.length;
    let length = bytes.length;
    while (length > 0 && bytes[length - 1] === 0) length--;
    const count = bytes.length - length;
    this.#nulCount = length === 0 ? this.#nulCount + count : count;
  }
}

/**
 * Milliseconds between two reads from which on they are two names: 20. The
 * pieces into which a network cuts one send follow each other sooner; the
 * original server waits a second, Ferry's a quarter at least.
 */
const NAME_GAP = 20;

/** Bytes that the original client receives at once: no name is put together to more. */
const RECEIVE_SIZE = 1024;

/** Takes the names of a listing, which have neither length nor separator. */
export class NameList {
  readonly #names: Uint8Array<ArrayBuffer>[] = [];
  /** The last bytes so far, no more than the mark has. */
  #tail = new Uint8Array(0);
  #lastAt = -Infinity;
  #size = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Whether it could end here. */
  get isMarked(): boolean {
    return isMark(this.#tail);
  }

  /**
   * Takes what one read has brought.
   *
   * @param at When, in milliseconds.
   */
  add(bytes: Uint8Array<ArrayBuffer>, at: number): void {
    this.#size += bytes.length;
    this.#tail = new Uint8Array([
      ...this.#tail,
      ...bytes.subarray(-END_MARK.length),
    ]).slice(-END_MARK.length);
    const last = this.#names.at(-1);
    const isPiece = last !== undefined && at - this.#lastAt < NAME_GAP &&
      last.length + bytes.length <= RECEIVE_SIZE;
    if (isPiece) this.#names.pop();
    this.#names.push(new Uint8Array([...isPiece ? last : [], ...bytes]));
    this.#lastAt = at;
  }

  /** All names, without the mark; to be asked for when it is marked. */
  end(): readonly string[] {
    const names = [...this.#names];
    for (let left = END_MARK.length; left > 0;) {
      const last = names.pop()!;
      const rest = Math.max(0, last.length - left);
      left -= last.length - rest;
      if (rest > 0) names.push(last.subarray(0, rest));
    }
    const decoder = new TextDecoder();
    return names.map((name) => decoder.decode(name));
  }
}

function isMark(bytes: Uint8Array): boolean {
  return bytes.length === END_MARK.length &&
    END_MARK.every((byte, at) => byte === bytes[at]);
}
