/**
 * The mirror image of `ByteReader`: appends big-endian fields to a growing
 * buffer; the only place where offsets are computed when encoding.
 *
 * @module
 */

const UTF8 = new TextEncoder();

/** Bytes to begin with: most messages are smaller. */
const INITIAL_SIZE = 256;

/** Bytes of UTF-8 that one unit of a string may take. */
const UTF8_UNIT_BYTES = 3;

/** Appends big-endian fields. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #at = 0;

  /** @param room Where to write as long as it fits. @default room of its own */
  constructor(
    room: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_SIZE),
  ) {
    this.#bytes = room;
    this.#view = new DataView(room.buffer, room.byteOffset, room.length);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  /** Appends an unsigned 8-bit integer. */
  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  /** Appends an unsigned 16-bit integer. */
  u16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
  }

  /** Appends an unsigned 32-bit integer. */
  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  /** Appends an unsigned 64-bit integer. */
  u64(value: number): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value));
  }

  /** Appends a signed 64-bit integer. */
  i64(value: number): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, BigInt(value));
  }

  /** Appends bytes as they are. */
  bytes(value: Uint8Array): void {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
  }

  /** Appends text as UTF-8. */
  text(value: string): void {
    const at = this.#grow(value.length * UTF8_UNIT_BYTES);
    const { written } = UTF8.encodeInto(value, this.#bytes.subarray(at));
    this.#at = at + written;
  }

  /** Leaves room for `length` bytes, to be filled by {@linkcode ByteWriter.patchU16} or a view. */
  skip(length: number): number {
    return this.#grow(length);
  }

  /** Overwrites an unsigned 16-bit integer written or left room for before. */
  patchU16(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  /** What was written, as a view that the next append may detach. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  #grow(length: number): number {
    const at = this.#at;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    this.#at = needed;
    return at;
  }
}
