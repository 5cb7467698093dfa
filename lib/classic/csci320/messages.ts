/**
 * The messages of `csci320` as bytes.
 *
 * @module
 */

import { MalformedError, type Reader } from "../reading.ts";
import { readU64, writeU64 } from "../u64.ts";

/** Bytes of the header at most: what the original receives at once. */
const HEADER_SIZE_MAX = 1024;

/** Bytes before the name. */
const SIZE_SIZE = 8;

/** Bytes that a name may have. */
export const NAME_SIZE_MAX: number = HEADER_SIZE_MAX - SIZE_SIZE;

/** What a client announces; the name is bytes as they came. */
export interface Header {
  /** Bytes of the file. */
  readonly size: number;
  /** The name. */
  readonly name: Uint8Array;
}

const UTF8 = new TextEncoder();

/** The one answer that lets the client go on. */
export const GO_AHEAD: Uint8Array<ArrayBuffer> = UTF8.encode("go ahead");

/** What Ferry's door says instead; any other answer than {@linkcode GO_AHEAD} is a refusal. */
export const REFUSAL: Uint8Array<ArrayBuffer> = UTF8.encode("refused");

/** The bytes of a header, which must not be longer than {@linkcode HEADER_SIZE_MAX}. */
export function encodeHeader({ size, name }: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE_SIZE + name.length);
  writeU64(bytes, 0, size);
  bytes.set(name, SIZE_SIZE);
  return bytes;
}

/** Reads a header. Its name has no end mark: only that nothing follows ends it. */
export const readHeader: Reader<Header> = (bytes) => {
  if (bytes.length > HEADER_SIZE_MAX) {
    throw new MalformedError(
      `the header has more than ${HEADER_SIZE_MAX} bytes`,
    );
  }
  if (bytes.length <= SIZE_SIZE) return { kind: "partial" };
  const name = bytes.slice(SIZE_SIZE);
  return { kind: "open", message: { size: readU64(bytes, 0), name } };
};

/** Reads the answer, as far as it tells what it is. */
export const readAnswer: Reader<"GO_AHEAD" | "REFUSAL"> = (bytes) => {
  const length = Math.min(bytes.length, GO_AHEAD.length);
  const isSame = GO_AHEAD.subarray(0, length)
    .every((byte, at) => byte === bytes[at]);
  if (!isSame || bytes.length > GO_AHEAD.length) {
    return { kind: "whole", message: "REFUSAL", length: bytes.length };
  }
  return bytes.length < GO_AHEAD.length
    ? { kind: "partial" }
    : { kind: "whole", message: "GO_AHEAD", length };
};
