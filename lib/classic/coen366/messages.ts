/**
 * The messages of `coen366` as bytes: bit fields that travel as the digits 0
 * and 1, one byte a bit.
 *
 * @module
 */

import { MalformedError, type Reader, showBytes } from "../reading.ts";

/** Bits of an operation or of the kind of an answer. */
const CODE_BITS = 3;

/** Bits of the length of a name. */
const LENGTH_BITS = 5;

/** Bits of the length of a new name. */
const NEW_LENGTH_BITS = 8;

/** Bits of a size. */
const SIZE_BITS = 32;

/** Bits of a message that has no fields. */
const PLAIN_BITS = CODE_BITS + LENGTH_BITS;

/** Bytes that a name may have: what 5 bits can say. */
export const COEN366_NAME_SIZE_MAX: number = 2 ** LENGTH_BITS - 1;

/** Bytes that a new name may have: what 8 bits can say. */
export const COEN366_NEW_NAME_SIZE_MAX: number = 2 ** NEW_LENGTH_BITS - 1;

/** Bytes that a file may have: what 32 bits can say. */
export const COEN366_FILE_SIZE_MAX: number = 2 ** SIZE_BITS - 1;

/** A request; names are bytes as they came. */
export type Coen366Request =
  | {
    readonly type: "PUT";
    readonly name: Uint8Array;
    readonly size: number;
  }
  | { readonly type: "GET"; readonly name: Uint8Array }
  | {
    readonly type: "CHANGE";
    readonly name: Uint8Array;
    readonly newName: Uint8Array;
  }
  | { readonly type: "HELP" }
  | { readonly type: "UNKNOWN" };

/** An answer. */
export type Coen366Answer =
  | { readonly type: "DONE" | "NOT_FOUND" | "REFUSED" | "NOT_KNOWN" }
  | { readonly type: "FILE"; readonly name: Uint8Array; readonly size: number }
  | { readonly type: "COMMANDS"; readonly text: Uint8Array };

const UTF8 = new TextEncoder();

/** What a server can do, in the words of the assignment. */
export const COMMANDS_TEXT: Uint8Array<ArrayBuffer> = UTF8.encode(
  "Cmds: get put change help bye",
);

const HELP = "01100000";

/** The answers that have no fields. */
const PLAIN_ANSWERS = {
  DONE: "00000000",
  NOT_FOUND: "01000000",
  REFUSED: "10100000",
  NOT_KNOWN: "01100000",
} as const;

/** A number as so many bits. */
function bits(value: number, count: number): string {
  return value.toString(2).padStart(count, "0");
}

function join(
  ...parts: readonly (string | Uint8Array)[]
): Uint8Array<ArrayBuffer> {
  const all = parts.map((part) =>
    typeof part === "string" ? UTF8.encode(part) : part
  );
  const bytes = new Uint8Array(
    all.reduce((size, part) => size + part.length, 0),
  );
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function named(name: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(bits(name.length, LENGTH_BITS), name);
}

/** The bytes of a request; of `PUT` those before the file's. Lengths and size must fit their fields. */
export function encodeRequest(
  request: Exclude<Coen366Request, { readonly type: "UNKNOWN" }>,
): Uint8Array<ArrayBuffer> {
  switch (request.type) {
    case "PUT":
      return join("000", named(request.name), bits(request.size, SIZE_BITS));
    case "GET":
      return join("001", named(request.name));
    case "CHANGE": {
      const { name, newName } = request;
      const newLength = bits(newName.length, NEW_LENGTH_BITS);
      return join("010", named(name), newLength, newName);
    }
    case "HELP":
      return join(HELP);
  }
}

/** The bytes of an answer; of `FILE` those before the file's. */
export function encodeAnswer(answer: Coen366Answer): Uint8Array<ArrayBuffer> {
  switch (answer.type) {
    case "FILE":
      return join("001", named(answer.name), bits(answer.size, SIZE_BITS));
    case "COMMANDS":
      return join("110", named(answer.text));
    default:
      return join(PLAIN_ANSWERS[answer.type]);
  }
}

/** Thrown by {@linkcode Fields} where bytes are still missing. */
class MissingBytes extends Error {}

/** Thrown by {@linkcode Fields} where a bit is no bit. */
class NotABit extends Error {}

/** Takes fields one after the other. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes taken so far. */
  get length(): number {
    return this.#at;
  }

  /** A number of so many bits; a wrong one is found before the rest is there. */
  number(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      const byte = this.#bytes[this.#at + bit];
      if (byte === undefined) throw new MissingBytes();
      if (byte !== 0x30 && byte !== 0x31) throw new NotABit();
      value = value * 2 + (byte - 0x30);
    }
    this.#at += count;
    return value;
  }

  /** So many bytes, as a copy. */
  bytes(count: number): Uint8Array {
    if (this.#bytes.length < this.#at + count) throw new MissingBytes();
    const bytes = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return bytes;
  }
}

function takeRequest(fields: Fields): Coen366Request {
  const name = () => fields.bytes(fields.number(LENGTH_BITS));
  switch (fields.number(CODE_BITS)) {
    case 0b000:
      return { type: "PUT", name: name(), size: fields.number(SIZE_BITS) };
    case 0b001:
      return { type: "GET", name: name() };
    case 0b010: {
      const old = name();
      const newName = fields.bytes(fields.number(NEW_LENGTH_BITS));
      return { type: "CHANGE", name: old, newName };
    }
    case 0b011:
      return { type: fields.number(LENGTH_BITS) === 0 ? "HELP" : "UNKNOWN" };
    default:
      return { type: "UNKNOWN" };
  }
}

/** Bytes of a request that is not known: what the originals receive at once. */
const UNKNOWN_SIZE_MAX = 1024;

/**
 * Reads a request; of `PUT` what stands before the file's bytes. What is none
 * has no length: it is over when nothing follows it.
 */
export const readRequest: Reader<Coen366Request> = (bytes) => {
  const fields = new Fields(bytes);
  try {
    const message = takeRequest(fields);
    if (message.type !== "UNKNOWN") {
      return { kind: "whole", message, length: fields.length };
    }
  } catch (error) {
    if (error instanceof MissingBytes) return { kind: "partial" };
    if (!(error instanceof NotABit)) throw error;
  }
  if (bytes.length > UNKNOWN_SIZE_MAX) {
    throw new MalformedError(`${showBytes(bytes)} is no request`);
  }
  return { kind: "open", message: { type: "UNKNOWN" } };
};

function takeAnswer(fields: Fields): Coen366Answer | undefined {
  const code = fields.number(CODE_BITS);
  if (code === 0b001) {
    const name = fields.bytes(fields.number(LENGTH_BITS));
    return { type: "FILE", name, size: fields.number(SIZE_BITS) };
  }
  const rest = fields.number(LENGTH_BITS);
  if (code === 0b110) return { type: "COMMANDS", text: fields.bytes(rest) };
  const plain = bits(code * 2 ** LENGTH_BITS + rest, PLAIN_BITS);
  const type = Object.entries(PLAIN_ANSWERS)
    .find(([, answer]) => answer === plain)?.[0];
  return type === undefined
    ? undefined
    : { type: type as keyof typeof PLAIN_ANSWERS };
}

/** Reads an answer; of `FILE` what stands before the file's bytes. */
export const readAnswer: Reader<Coen366Answer> = (bytes) => {
  const fields = new Fields(bytes);
  try {
    const message = takeAnswer(fields);
    if (message !== undefined) {
      return { kind: "whole", message, length: fields.length };
    }
  } catch (error) {
    if (error instanceof MissingBytes) return { kind: "partial" };
    if (!(error instanceof NotABit)) throw error;
  }
  throw new MalformedError(`${showBytes(bytes)} is no answer of coen366`);
};
