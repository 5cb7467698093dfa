/**
 * Message bodies as lists of numbered fields: what a field may hold, and the
 * one encoder and decoder that every message and record goes through.
 *
 * A field is its number (one byte), the length of its value (two bytes) and the
 * value. Fields stand in ascending order of their numbers; only repeated ones
 * stand more than once. Numbers from 128 up mean "refuse me if you do not know
 * me"; unknown numbers below are skipped.
 *
 * @module
 */

import { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { type ErrorCode, malformed, ProtocolError } from "./errors.ts";
import { MESSAGE_SIZE_MAX } from "./limits.ts";

const UTF8 = new TextEncoder();

/** From this number on a field that the receiver does not know must be refused. */
const CRITICAL_FIELD_MIN = 128;

/** How one value is written and read. */
export interface ValueCodec<T> {
  /** What `docs/protocol.md` calls it, such as `u16` or `text(255)`. */
  readonly name: string;
  /**
   * Appends the value; the length is written by the caller.
   *
   * @throws {ProtocolError} `local` for a value that the peer would refuse.
   */
  write(writer: ByteWriter, value: T): void;
  /** Reads a value of `length` bytes; failures stick to the reader. */
  read(reader: ByteReader, length: number): T;
}

/** One field of a body. */
export interface Field<T, P extends Presence = Presence> {
  /** Its number, unique in the body. */
  readonly number: number;
  /** How often it may stand. */
  readonly presence: P;
  /** How often it may stand if repeated. */
  readonly countMax: number;
  /** How its value is written. */
  readonly codec: ValueCodec<T>;
  /** Whether a value may stand behind another, if repeated; any may by default. */
  follows?(before: T, next: T): boolean;
}

/** How often a field stands in a body: once, at most once, any number of times. */
export type Presence = "required" | "optional" | "repeated";

/** The fields of a body by name, in ascending order of their numbers. */
// deno-lint-ignore no-explicit-any -- a field of every type of value
export type Fields = Readonly<Record<string, Field<any>>>;

type OptionalKey<F extends Fields> = {
  [K in keyof F]: F[K]["presence"] extends "optional" ? K : never;
}[keyof F];

type ValueOf<G> = G extends Field<infer T, infer P>
  ? P extends "repeated" ? readonly T[] : T
  : never;

/** The value that a list of fields describes. */
export type Body<F extends Fields> =
  & { readonly [K in Exclude<keyof F, OptionalKey<F>>]: ValueOf<F[K]> }
  & { readonly [K in OptionalKey<F>]?: ValueOf<F[K]> | undefined };

/** A field that must stand exactly once. */
export function required<T>(
  number: number,
  codec: ValueCodec<T>,
): Field<T, "required"> {
  return { number, presence: "required", countMax: 1, codec };
}

/** A field that may be missing. */
export function optional<T>(
  number: number,
  codec: ValueCodec<T>,
): Field<T, "optional"> {
  return { number, presence: "optional", countMax: 1, codec };
}

/** A field that may stand up to `countMax` times, in the order of `follows`. */
export function repeated<T>(
  number: number,
  codec: ValueCodec<T>,
  countMax: number,
  follows: (before: T, next: T) => boolean = () => true,
): Field<T, "repeated"> {
  return { number, presence: "repeated", countMax, codec, follows };
}

function refuse(reason: string, code?: ErrorCode): never {
  throw new ProtocolError("local", `Cannot encode: ${reason}`, code);
}

/** What sets one kind of integer apart from the others. */
interface IntegerSpec {
  readonly name: string;
  readonly size: number;
  readonly min: number;
  readonly max: number;
  readonly write: (writer: ByteWriter, value: number) => void;
  readonly read: (reader: ByteReader) => number;
}

function integer(spec: IntegerSpec): ValueCodec<number> {
  const { name, size, min, max } = spec;
  return {
    name,
    write(writer, value): void {
      if (!Number.isInteger(value) || value < min || value > max) {
        refuse(`${value} is no ${name}`);
      }
      spec.write(writer, value);
    },
    read(reader, length): number {
      if (length !== size) {
        reader.fail(`value has ${length} bytes, not ${size}`);
      }
      return spec.read(reader);
    },
  };
}

/** Unsigned 16-bit integer. */
export const u16: ValueCodec<number> = integer({
  name: "u16",
  size: 2,
  min: 0,
  max: 0xffff,
  write: (writer, value) => writer.u16(value),
  read: (reader) => reader.u16(),
});

/** Unsigned 32-bit integer. */
export const u32: ValueCodec<number> = integer({
  name: "u32",
  size: 4,
  min: 0,
  max: 0xffff_ffff,
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
});

/** Unsigned 64-bit integer of at most 2^53-1: sizes, offsets and counts. */
export const u64: ValueCodec<number> = integer({
  name: "u64",
  size: 8,
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  write: (writer, value) => writer.u64(value),
  read: (reader) => reader.u64(),
});

const i64: ValueCodec<number> = integer({
  name: "time",
  size: 8,
  min: Number.MIN_SAFE_INTEGER,
  max: Number.MAX_SAFE_INTEGER,
  write: (writer, value) => writer.i64(value),
  read: (reader) => reader.i64(),
});

/**
 * Signed 64-bit integer: a time in milliseconds since 1970-01-01T00:00:00Z;
 * fractions are cut off.
 */
export const time: ValueCodec<number> = {
  ...i64,
  write: (writer, value) => i64.write(writer, Math.trunc(value)),
};

/** A truth value: one byte, 0 or 1. */
export const flag: ValueCodec<boolean> = {
  name: "flag",
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read(reader, length): boolean {
    const value = length === 1 ? reader.u8() : 2;
    if (value > 1) reader.fail("flag is not one byte of 0 or 1");
    return value === 1;
  },
};

/** UTF-8 text of at most `sizeMax` bytes. */
export function text(sizeMax: number): ValueCodec<string> {
  return {
    name: `text(${sizeMax})`,
    write(writer, value): void {
      const start = writer.length;
      writer.text(value);
      const size = writer.length - start;
      if (size > sizeMax) {
        refuse(`a text of ${size} bytes is longer than ${sizeMax}`, "limit");
      }
    },
    read(reader, length): string {
      if (length > sizeMax) reader.fail(`text is longer than ${sizeMax} bytes`);
      return reader.text(length);
    },
  };
}

/**
 * UTF-8 text for people to read. What is longer than `sizeMax` bytes is cut
 * when it is written: a long name in an error must not cost the connection.
 */
export function label(sizeMax: number): ValueCodec<string> {
  const whole = text(sizeMax);
  return {
    ...whole,
    write: (writer, value) => whole.write(writer, clip(value, sizeMax)),
  };
}

const ELLIPSIS = "…";

/** Cuts between two characters, so that the result is well-formed. */
function clip(value: string, sizeMax: number): string {
  const room = new Uint8Array(sizeMax);
  const { read } = UTF8.encodeInto(value, room);
  if (read === value.length) return value;
  const start = room.subarray(0, sizeMax - UTF8.encode(ELLIPSIS).length);
  return value.slice(0, UTF8.encodeInto(value, start).read) + ELLIPSIS;
}

/** Exactly `size` bytes. */
export function bytes(size: number): ValueCodec<Uint8Array> {
  return {
    name: `bytes(${size})`,
    write(writer, value): void {
      if (value.length !== size) {
        refuse(`value has ${value.length} bytes, not ${size}`);
      }
      writer.bytes(value);
    },
    read(reader, length): Uint8Array {
      if (length !== size) {
        reader.fail(`value has ${length} bytes, not ${size}`);
      }
      return reader.bytes(size).slice();
    },
  };
}

/** One or more units of `unit` bytes, up to `sizeMax` bytes. */
export function blob(sizeMax: number, unit: number): ValueCodec<Uint8Array> {
  return {
    name: `blob(${sizeMax}, ${unit})`,
    write(writer, value): void {
      if (value.length > sizeMax) {
        refuse(`${value.length} bytes are more than ${sizeMax}`, "limit");
      }
      if (value.length === 0 || value.length % unit !== 0) {
        refuse(`${value.length} bytes are not in units of ${unit}`);
      }
      writer.bytes(value);
    },
    read(reader, length): Uint8Array {
      if (length > sizeMax) {
        reader.fail(`value is longer than ${sizeMax} bytes`);
      }
      if (length === 0 || length % unit !== 0) {
        reader.fail(`value of ${length} bytes is not in units of ${unit}`);
      }
      return reader.bytes(length).slice();
    },
  };
}

/** One byte that stands for one of `values`, counted from 0. */
export function oneOf<T extends string>(
  values: readonly T[],
): ValueCodec<T> {
  return {
    name: `one of ${values.join(", ")}`,
    write(writer, value): void {
      const number = values.indexOf(value);
      if (number < 0) refuse(`"${value}" is none of ${values.join(", ")}`);
      writer.u8(number);
    },
    read(reader, length): T {
      const value = values[length === 1 ? reader.u8() : -1];
      if (value === undefined) {
        reader.fail(`value is none of ${values.join(", ")}`);
      }
      return value as T;
    },
  };
}

/** A body inside a field. */
export function record<F extends Fields>(
  name: string,
  fields: F,
): ValueCodec<Body<F>> {
  return {
    name,
    write: (writer, value) => writeBody(writer, fields, value),
    read(reader, length): Body<F> {
      const inner = new ByteReader(reader.bytes(length));
      const body = readBody(inner, fields);
      if (inner.failure !== undefined) reader.fail(inner.failure);
      return body;
    },
  };
}

/** A value that keeps a rule which none of its parts shows. */
export function checked<T>(
  codec: ValueCodec<T>,
  problem: (value: T) => string | undefined,
): ValueCodec<T> {
  return {
    name: codec.name,
    write(writer, value): void {
      const reason = problem(value);
      if (reason !== undefined) refuse(reason);
      codec.write(writer, value);
    },
    read(reader, length): T {
      const value = codec.read(reader, length);
      // What could not be read is no value to look at.
      const reason = reader.failure === undefined ? problem(value) : undefined;
      if (reason !== undefined) reader.fail(reason);
      return value;
    },
  };
}

function writeField<T>(
  writer: ByteWriter,
  field: Field<T>,
  value: T,
): void {
  writer.u8(field.number);
  const lengthAt = writer.skip(2);
  field.codec.write(writer, value);
  const length = writer.length - lengthAt - 2;
  if (length > MESSAGE_SIZE_MAX - 3) {
    refuse(`${length} bytes are too many for field ${field.number}`, "limit");
  }
  writer.patchU16(lengthAt, length);
}

/** Appends a body. */
export function writeBody<F extends Fields>(
  writer: ByteWriter,
  fields: F,
  body: Body<F>,
): void {
  const values = body as Readonly<Record<string, unknown>>;
  for (const [name, field] of Object.entries(fields)) {
    const value = values[name];
    if (field.presence === "repeated") {
      const list = value as readonly unknown[];
      if (list.length > field.countMax) {
        refuse(`"${name}" stands more than ${field.countMax} times`, "limit");
      }
      for (const [at, item] of list.entries()) {
        if (at > 0 && field.follows?.(list[at - 1], item) === false) {
          refuse(`"${name}" is out of order`);
        }
        writeField(writer, field, item);
      }
    } else if (value !== undefined) {
      writeField(writer, field, value);
    } else if (field.presence === "required") {
      refuse(`"${name}" is missing`);
    }
  }
}

/** Reads a body to the end of the reader; failures stick to the reader. */
export function readBody<F extends Fields>(
  reader: ByteReader,
  fields: F,
): Body<F> {
  const names = Object.keys(fields);
  const body: Record<string, unknown> = {};
  for (const name of names) {
    if (fields[name]?.presence === "repeated") body[name] = [];
  }
  let last = 0;
  while (reader.remaining > 0) {
    const number = reader.u8();
    const length = reader.u16();
    const name = names.find((name) => fields[name]?.number === number);
    const field = name === undefined ? undefined : fields[name];
    const again = number === last && field?.presence !== "required" &&
      field?.presence !== "optional";
    if (number < last || (number === last && !again)) {
      reader.fail(`field ${number} stands out of order or twice`);
    }
    // What breaks the rules first decides how it is answered.
    if (reader.failure !== undefined) break;
    last = number;
    if (name === undefined || field === undefined) {
      if (number >= CRITICAL_FIELD_MIN) {
        throw malformed(`unknown critical field ${number}`, "unsupported");
      }
      reader.bytes(length);
      continue;
    }
    const value = field.codec.read(reader, length);
    if (field.presence !== "repeated") {
      body[name] = value;
      continue;
    }
    const list = body[name] as unknown[];
    if (list.length >= field.countMax) {
      reader.fail(`field ${number} stands more than ${field.countMax} times`);
    }
    if (reader.failure !== undefined) continue;
    if (list.length > 0 && field.follows?.(list.at(-1), value) === false) {
      reader.fail(`field ${number} stands in the wrong order`);
    }
    list.push(value);
  }
  for (const name of names) {
    if (fields[name]?.presence === "required" && !(name in body)) {
      reader.fail(`field ${fields[name]?.number} ("${name}") is missing`);
    }
  }
  return body as Body<F>;
}
