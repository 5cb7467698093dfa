/**
 * The only offset arithmetic of the map file: a writer, and a reader that
 * remembers its first failure and gives zeros after it, so that a decoder is a
 * list of fields and one check. Numbers are big-endian.
 *
 * @module
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes of UTF-8 that one unit of a string may take. */
const UTF8_UNIT_BYTES = 3;

/** Appends fields to a growing record, or to several. */
export class JournalWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written from `start` on, as a view that the next field may outdate. */
  since(start: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Writes over a 32-bit number. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** An unsigned byte. */
  u8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }

  /** An unsigned 16-bit number. */
  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
    return this;
  }

  /** An unsigned 32-bit number. */
  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
    return this;
  }

  /** Any number, as a 64-bit float: keeps what JavaScript can. */
  f64(value: number): this {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
    return this;
  }

  /** A number that may be missing, as a byte that says so and a float. */
  optional(value: number | undefined): this {
    return this.u8(value === undefined ? 0 : 1).f64(value ?? 0);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Text as a 16-bit length and UTF-8. */
  text(value: string): this {
    this.u16(0);
    const at = this.#reserve(value.length * UTF8_UNIT_BYTES);
    const room = this.#bytes.subarray(at, this.#length);
    const { written } = ENCODER.encodeInto(value, room);
    this.#view.setUint16(at - 2, written);
    this.#length = at + written;
    return this;
  }

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Takes fields from a record. */
export class JournalReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #failed = false;

  /** Reads from `bytes`, which it does not change. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
  }

  /** Whether every field was there and nothing is left. */
  get isComplete(): boolean {
    return !this.#failed && this.#at === this.#bytes.length;
  }

  /** Says that a field has a value that cannot be. */
  fail(): void {
    this.#failed = true;
  }

  /** An unsigned byte. */
  u8(): number {
    return this.#take(1, (at) => this.#view.getUint8(at));
  }

  /** An unsigned 16-bit number. */
  u16(): number {
    return this.#take(2, (at) => this.#view.getUint16(at));
  }

  /** An unsigned 32-bit number. */
  u32(): number {
    return this.#take(4, (at) => this.#view.getUint32(at));
  }

  /** A 64-bit float, which must be finite. */
  f64(): number {
    const value = this.#take(8, (at) => this.#view.getFloat64(at));
    if (!Number.isFinite(value)) this.fail();
    return value;
  }

  /** A size: a float that is a whole number. */
  size(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < 0) this.fail();
    return value;
  }

  /** A number that may be missing. */
  optional(): number | undefined {
    const present = this.oneOf([false, true]);
    const value = this.f64();
    return present ? value : undefined;
  }

  /** A byte that chooses from a list. */
  oneOf<const T>(choices: readonly T[]): T {
    const index = this.u8();
    if (index >= choices.length) this.fail();
    return choices[index] ?? choices[0]!;
  }

  /** Bytes, as a view. */
  raw(length: number): Uint8Array {
    if (this.#failed || this.#at + length > this.#bytes.length) {
      this.fail();
      return new Uint8Array();
    }
    const at = this.#at;
    this.#at += length;
    return this.#bytes.subarray(at, this.#at);
  }

  /** Text. */
  text(): string {
    const bytes = this.raw(this.u16());
    try {
      return DECODER.decode(bytes);
    } catch {
      this.fail();
      return "";
    }
  }

  #take(count: number, get: (at: number) => number): number {
    if (this.#failed || this.#at + count > this.#bytes.length) {
      this.fail();
      return 0;
    }
    const at = this.#at;
    this.#at += count;
    return get(at);
  }
}
