/**
 * A cursor over received bytes; the only place where offsets are computed when
 * decoding. Its first failure sticks: later reads give zero values, so that a
 * decoder is a list of fields followed by one check.
 *
 * @module
 */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads big-endian fields off a byte array. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #failure: string | undefined;

  /** @param bytes What to read; not copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
  }

  /** What went wrong first, if anything did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Bytes not read yet; 0 after a failure. */
  get remaining(): number {
    return this.#failure === undefined ? this.#bytes.length - this.#at : 0;
  }

  /** Records a failure, unless there is one already. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** Reads an unsigned 8-bit integer. */
  u8(): number {
    const at = this.#take(1);
    return at === undefined ? 0 : this.#view.getUint8(at);
  }

  /** Reads an unsigned 16-bit integer. */
  u16(): number {
    const at = this.#take(2);
    return at === undefined ? 0 : this.#view.getUint16(at);
  }

  /** Reads an unsigned 32-bit integer. */
  u32(): number {
    const at = this.#take(4);
    return at === undefined ? 0 : this.#view.getUint32(at);
  }

  /** Reads an unsigned 64-bit integer; fails above 2^53-1. */
  u64(): number {
    const at = this.#take(8);
    if (at === undefined) return 0;
    return this.#safe(this.#view.getBigUint64(at));
  }

  /** Reads a signed 64-bit integer; fails beyond ±(2^53-1). */
  i64(): number {
    const at = this.#take(8);
    if (at === undefined) return 0;
    return this.#safe(this.#view.getBigInt64(at));
  }

  /** Reads `length` bytes as a view, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return at === undefined
      ? new Uint8Array(0)
      : this.#bytes.subarray(at, at + length);
  }

  /** Reads `length` bytes of UTF-8; fails where it is not well-formed. */
  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      this.fail("text is not valid UTF-8");
      return "";
    }
  }

  #safe(value: bigint): number {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    this.fail("integer is beyond 2^53-1");
    return 0;
  }

  #take(length: number): number | undefined {
    if (this.#failure !== undefined) return undefined;
    if (length > this.#bytes.length - this.#at) {
      this.fail("ends too early");
      return undefined;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
