/**
 * The messages of `nets` as bytes. Each has exactly one length, and its first
 * byte says which one it is of those that may come in the state at hand.
 *
 * @module
 */

import { MalformedError, type Reader } from "../reading.ts";
import { readU64, writeU64 } from "../u64.ts";
import type { NetsMessageType, NetsTurn } from "./machine.ts";

/** Bytes of a request: a letter, and the name padded with NUL. */
const REQUEST_SIZE = 256;

/** Bytes that a name may have. */
export const NETS_NAME_SIZE_MAX: number = REQUEST_SIZE - 1;

/** Bytes of the answer to a download: a letter, and the size. */
const OFFER_SIZE = 9;

/** Bytes of a size. */
const SIZE_SIZE = 8;

/** A message that is no more than its letter, and padding. */
type LetterType = Exclude<
  NetsMessageType,
  "DOWNLOAD" | "UPLOAD" | "OFFER" | "SIZE"
>;

/** One message, either way; names are bytes without the padding. */
export type NetsMessage =
  | { readonly type: "DOWNLOAD" | "UPLOAD"; readonly name: Uint8Array }
  | { readonly type: "OFFER" | "SIZE"; readonly size: number }
  | { readonly type: LetterType };

/** What may come in a state, and how long it is; a size has no letter. */
interface TurnSpec {
  readonly length: number;
  readonly letters: Readonly<Record<string, NetsMessage["type"]>> | undefined;
}

const TURNS: Readonly<Record<NetsTurn, TurnSpec>> = {
  start: { length: REQUEST_SIZE, letters: { D: "DOWNLOAD", U: "UPLOAD" } },
  "download asked": {
    length: OFFER_SIZE,
    letters: { T: "OFFER", F: "MISSING", E: "DOWNLOAD_ERROR" },
  },
  "download offered": { length: 1, letters: { T: "START", F: "NO_SPACE" } },
  "upload asked": {
    length: 1,
    letters: { T: "ACCEPT", F: "IN_USE", E: "UPLOAD_ERROR" },
  },
  "upload accepted": { length: SIZE_SIZE, letters: undefined },
  "upload sized": { length: 1, letters: { T: "SEND", F: "TOO_BIG" } },
};

/** By type, the letter and the length; made of the table above, so that both ways agree. */
const SHAPES: ReadonlyMap<string, readonly [letter: number, length: number]> =
  new Map(
    Object.values(TURNS).flatMap(({ letters = {}, length }) =>
      Object.entries(letters).map(([letter, type]) =>
        [type, [letter.charCodeAt(0), length]] as const
      )
    ),
  );

/** The bytes of a message. A name has at most {@linkcode NETS_NAME_SIZE_MAX} of them. */
export function encodeNets(message: NetsMessage): Uint8Array<ArrayBuffer> {
  if (message.type === "SIZE") {
    const bytes = new Uint8Array(SIZE_SIZE);
    writeU64(bytes, 0, message.size);
    return bytes;
  }
  const [letter, length] = SHAPES.get(message.type)!;
  const bytes = new Uint8Array(length);
  bytes[0] = letter;
  if ("name" in message) bytes.set(message.name, 1);
  if ("size" in message) writeU64(bytes, 1, message.size);
  return bytes;
}

/** Reads what may come in a state. */
export function netsReader(turn: NetsTurn): Reader<NetsMessage> {
  const { length, letters } = TURNS[turn];
  return (bytes) => {
    const letter = String.fromCharCode(bytes[0]!);
    const type = letters === undefined ? "SIZE" : letters[letter];
    // Judged at once: whoever speaks something else need not send the rest.
    if (type === undefined) {
      throw new MalformedError(`byte ${bytes[0]} came in state "${turn}"`);
    }
    if (bytes.length < length) return { kind: "partial" };
    return { kind: "whole", message: complete(type, bytes, length), length };
  };
}

function complete(
  type: NetsMessage["type"],
  bytes: Uint8Array,
  length: number,
): NetsMessage {
  switch (type) {
    case "DOWNLOAD":
    case "UPLOAD":
      return { type, name: unpad(bytes.slice(1, length)) };
    case "OFFER":
      return { type, size: readU64(bytes, 1) };
    case "SIZE":
      return { type, size: readU64(bytes, 0) };
    default:
      return { type };
  }
}

/** Without the padding; a NUL inside stays, and makes a name that nobody takes. */
function unpad(field: Uint8Array): Uint8Array {
  return field.subarray(0, field.findLastIndex((byte) => byte !== 0) + 1);
}
