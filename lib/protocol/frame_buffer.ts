/**
 * Bytes in, frames out, in bounded memory and without copying payloads.
 *
 * Invariant: `0 <= start <= end <= buffer.length`, and the bytes from `start`
 * to `end` are the ones received and not handed out yet.
 *
 * @module
 */

import {
  decodeHeader,
  decodePayload,
  type FrameHeader,
  MAGIC,
} from "./codec.ts";
import { malformed } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { HEADER_SIZE } from "./limits.ts";

/**
 * Bytes offered to a read beyond the frame at hand: 64 KiB. What is read ahead
 * of a large frame's end is moved once, so this bounds the copying; small
 * frames come many to a read.
 */
const READ_AHEAD = 65_536;

/** How every frame begins. */
const MAGIC_BYTES = [MAGIC >> 8, MAGIC & 0xff];

/** Bytes of a new buffer: an idle session needs no more. */
const INITIAL_SIZE = 4096;

/**
 * Splits a stream of bytes into frames. Use: fill {@linkcode FrameBuffer.space},
 * tell how much with {@linkcode FrameBuffer.filled}, then call
 * {@linkcode FrameBuffer.next} until it returns `undefined`.
 *
 * The payload of a `DATA` frame is a view. It stays valid while the following
 * frame is received, and no longer: two buffers take turns. Once decoding has
 * failed it fails for ever.
 */
export class FrameBuffer {
  /**
   * Whether `DATA` may come. Where it may not, its header is refused before
   * room is made for a chunk: strangers get no megabyte each.
   */
  acceptsData: boolean;
  #buffer = new Uint8Array(INITIAL_SIZE);
  #other = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #header: FrameHeader | undefined;
  #failure: unknown;
  /** Whether the frame at hand was moved already, so that `#other` is still in use. */
  #rotated = false;

  /**
   * Makes an empty buffer.
   *
   * @param options Whether `DATA` may come.
   */
  constructor(options: { readonly acceptsData?: boolean } = {}) {
    this.acceptsData = options.acceptsData ?? true;
  }

  /** Whether bytes of a frame that is not whole yet are held. */
  get partial(): boolean {
    return this.#end > this.#start || this.#header !== undefined;
  }

  /** Where the next bytes go; never empty. */
  space(): Uint8Array<ArrayBuffer> {
    const missing = this.#missing();
    if (this.#buffer.length - this.#end < missing) this.#rotate(missing);
    const end = Math.min(
      this.#buffer.length,
      this.#end + missing + READ_AHEAD,
    );
    return this.#buffer.subarray(this.#end, end);
  }

  /** Says that `length` bytes of the last {@linkcode FrameBuffer.space} were filled. */
  filled(length: number): void {
    this.#end += length;
  }

  /**
   * The next whole frame, or `undefined` when more bytes are needed.
   *
   * @throws {ProtocolError} `remote` for what no frame may look like.
   */
  next(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#next();
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  #next(): Frame | undefined {
    for (;;) {
      if (this.#header === undefined) {
        if (this.#end - this.#start < HEADER_SIZE) {
          // A greeting in another protocol may be shorter than a header.
          this.#checkMagic();
          return undefined;
        }
        this.#header = decodeHeader(this.#take(HEADER_SIZE));
        if (this.#header.type === "DATA" && !this.acceptsData) {
          throw malformed("DATA on a connection that carries none");
        }
      }
      const { type, length } = this.#header;
      if (this.#end - this.#start < length) return undefined;
      const header = this.#header;
      this.#header = undefined;
      const payload = this.#take(length);
      if (type !== undefined) {
        this.#rotated = false;
        return decodePayload({ ...header, type }, payload);
      }
    }
  }

  #checkMagic(): void {
    const held = this.#buffer.subarray(this.#start, this.#end).subarray(0, 2);
    if (held.some((byte, index) => byte !== MAGIC_BYTES[index])) {
      throw malformed("not a Ferry frame");
    }
  }

  #take(length: number): Uint8Array {
    const bytes = this.#buffer.subarray(this.#start, this.#start + length);
    this.#start += length;
    return bytes;
  }

  /** Bytes that the frame at hand still needs; at least one. */
  #missing(): number {
    const needed = this.#header === undefined
      ? HEADER_SIZE
      : this.#header.length;
    return Math.max(1, needed - (this.#end - this.#start));
  }

  /** Goes on in the other buffer, with the bytes not handed out moved to its start. */
  #rotate(missing: number): void {
    const held = this.#buffer.subarray(this.#start, this.#end);
    const needed = held.length + missing;
    // Where small files come one behind the other, many are read at a time.
    const isBusy = this.acceptsData && this.#end === this.#buffer.length;
    const wanted = isBusy || needed > INITIAL_SIZE
      ? needed + READ_AHEAD
      : INITIAL_SIZE;
    const next = !this.#rotated && this.#other.length >= wanted
      ? this.#other
      : new Uint8Array(wanted);
    next.set(held);
    if (!this.#rotated) this.#other = this.#buffer;
    this.#rotated = true;
    this.#buffer = next;
    this.#end = held.length;
    this.#start = 0;
  }
}
