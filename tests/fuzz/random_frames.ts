/**
 * Random frames of every type, made from the tables of `lib/protocol`.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import {
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  encodeDataHeader,
  encodeMessage,
  EXCHANGE_ID_MAX,
  type Frame,
  HEADER_SIZE,
  isExchangeType,
  type Message,
  MESSAGES,
  type MessageType,
  ProtocolError,
} from "../../lib/protocol/mod.ts";
import type { Field } from "../../lib/protocol/fields.ts";
import type { SeededRandom } from "../helpers/seeded_random.ts";

const TYPES = Object.keys(MESSAGES) as MessageType[];

const CHARACTERS = ["a", "/", ".", "\0", "\n", "ä", "\ufeff", "漢", "🚢"];

/** The largest `DATA` payload but for one time in a hundred: speed. */
const PAYLOAD_SIZE_MAX = 5000;

function text(random: SeededRandom, sizeMax: number): string {
  const size = random.size(0, sizeMax);
  if (random.chance(0.5)) return "x".repeat(size);
  let result = "";
  for (let left = size; left >= 4; left -= 4) {
    result += random.pick(CHARACTERS);
  }
  return result;
}

/** An unsigned integer of up to `bits` bits, all lengths alike. */
function unsigned(random: SeededRandom, bits: number): number {
  const all = random.u32() * 2 ** 21 + random.below(2 ** 21);
  return Math.floor(all / 2 ** (53 - random.integer(0, bits)));
}

/** Runs as messages may name them: in order, of one chunk or more. */
function runs(random: SeededRandom, count: number): unknown[] {
  let next = 0;
  return Array.from({ length: count }, () => {
    const first = next + unsigned(random, 12);
    const length = 1 + unsigned(random, 12);
    next = first + length;
    return { first, count: length };
  });
}

const SIMPLE: Readonly<Record<string, (random: SeededRandom) => unknown>> = {
  u16: (random) => unsigned(random, 16),
  u32: (random) => unsigned(random, 32),
  u64: (random) => unsigned(random, 53),
  time: (random) => unsigned(random, 53) * random.pick([1, -1]) || 0,
  flag: (random) => random.chance(0.5),
  entry: (random) =>
    body(random, MESSAGES.ENTRY.fields, ["algorithm", "digest"]),
  refusal: (random) => ({
    right: random.pick(["list", "delete"]),
    reason: text(random, 100),
  }),
  problem: (random) => ({
    path: text(random, 200),
    code: unsigned(random, 16),
    message: text(random, 100),
  }),
};

function value(random: SeededRandom, name: string): unknown {
  if (name.startsWith("one of ")) {
    return random.pick(name.slice(7).split(", "));
  }
  const sized = /^(text|bytes|blob)\((\d+)(?:, (\d+))?\)$/.exec(name);
  if (sized === null) return SIMPLE[name]!(random);
  const size = Number(sized[2]);
  if (sized[1] === "blob") {
    const unit = Number(sized[3]);
    return random.bytes(unit * random.size(1, size / unit));
  }
  return sized[1] === "bytes" ? random.bytes(size) : text(random, size);
}

function body(
  random: SeededRandom,
  fields: Readonly<Record<string, Field<unknown>>>,
  without: readonly string[] = [],
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, { presence, countMax, codec }] of Object.entries(fields)) {
    if (without.includes(name)) continue;
    if (presence === "repeated") {
      const count = random.size(0, Math.min(countMax, 20));
      result[name] = codec.name === "run" ? runs(random, count) : Array.from(
        { length: count },
        () => value(random, codec.name),
      );
    } else if (presence === "required" || random.chance(0.5)) {
      result[name] = value(random, codec.name);
    }
  }
  return result;
}

function randomMessage(random: SeededRandom): Message {
  const type = random.pick(TYPES);
  const id = isExchangeType(type) ? 1 + random.below(EXCHANGE_ID_MAX) : 0;
  return { type, id, body: body(random, MESSAGES[type].fields) } as Message;
}

/** A frame and its bytes. */
export interface Encoded {
  readonly frame: Frame;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Encodes any frame. */
export function encode(frame: Frame): Uint8Array<ArrayBuffer> {
  if (frame.type !== "DATA") return encodeMessage(frame).slice();
  const bytes = new Uint8Array(HEADER_SIZE + frame.payload.length);
  bytes.set(frame.payload, HEADER_SIZE);
  encodeDataHeader(bytes, frame);
  return bytes;
}

/** Any frame that may be sent. */
export function randomFrame(random: SeededRandom): Encoded {
  if (random.chance(0.3)) {
    const sizeMax = random.chance(0.01) ? CHUNK_SIZE : PAYLOAD_SIZE_MAX;
    const payload = random.bytes(random.size(1, sizeMax));
    const frame: Frame = {
      type: "DATA",
      id: 1 + random.below(EXCHANGE_ID_MAX),
      offset: random.below(CHUNK_COUNT_MAX) * CHUNK_SIZE,
      payload,
      checksum: crc32(payload),
    };
    return { frame, bytes: encode(frame) };
  }
  for (;;) {
    const frame = randomMessage(random);
    try {
      return { frame, bytes: encode(frame) };
    } catch (error) {
      // A page of many long names is larger than a message may be.
      if (!(error instanceof ProtocolError && error.code === "limit")) {
        throw error;
      }
    }
  }
}
