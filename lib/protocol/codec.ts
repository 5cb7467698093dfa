/**
 * Frames to bytes and back. The header (28 bytes, big-endian):
 *
 * ```text
 *  0      2      3      4            8                 16
 *  +------+------+------+------------+------------------+
 *  | FE79 | type | flags|  exchange  |      offset      |
 *  +------+------+------+------------+------------------+
 *  |   length    | payload checksum  | header checksum  |
 *  +-------------+-------------------+------------------+
 *  16            20                  24                28
 * ```
 *
 * Both checksums are CRC-32 as in RFC 1952 section 8; the header's covers the
 * 24 bytes before it.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { type ErrorCode, malformed, ProtocolError } from "./errors.ts";
import { type Fields, readBody, writeBody } from "./fields.ts";
import {
  type DataFrame,
  type Frame,
  isExchangeType,
  type Message,
} from "./frame.ts";
import {
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  EXCHANGE_ID_MAX,
  HEADER_SIZE,
  MESSAGE_SIZE_MAX,
} from "./limits.ts";
import {
  DATA_CODE,
  type FrameType,
  MESSAGES,
  type MessageType,
} from "./messages.ts";

/** First two bytes of every frame; no text protocol and no TLS record begins so. */
export const MAGIC = 0xfe79;

/** From this type code on a frame that the receiver does not know is skipped. */
export const OPTIONAL_TYPE_MIN = 0x80;

/** Flag bits that a receiver which does not know them must refuse; none is defined. */
const CRITICAL_FLAGS = 0xf0;

const TYPES = new Map<number, FrameType>([
  [DATA_CODE, "DATA"],
  ...Object.entries(MESSAGES).map(([type, spec]): [number, FrameType] => [
    spec.code,
    type as MessageType,
  ]),
]);

/** A header whose checksum, type and limits have been checked. */
export interface FrameHeader {
  /** What follows; `undefined` for a type to skip. */
  readonly type: FrameType | undefined;
  /** Exchange id. */
  readonly id: number;
  /** Offset in the file; 0 except for `DATA`. */
  readonly offset: number;
  /** Bytes of payload. */
  readonly length: number;
  /** CRC-32 of the payload. */
  readonly checksum: number;
}

function writeHeader(
  bytes: Uint8Array,
  code: number,
  header: FrameHeader,
): void {
  const problem = headerProblem(header);
  if (problem !== undefined) {
    const [reason, problemCode] = problem;
    throw new ProtocolError("local", `Cannot encode: ${reason}`, problemCode);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE);
  view.setUint16(0, MAGIC);
  view.setUint8(2, code);
  view.setUint8(3, 0);
  view.setUint32(4, header.id);
  view.setUint32(8, Math.floor(header.offset / 0x1_0000_0000));
  view.setUint32(12, header.offset >>> 0);
  view.setUint32(16, header.length);
  view.setUint32(20, header.checksum);
  view.setUint32(24, crc32(bytes.subarray(0, 24)));
}

/**
 * Encodes a message.
 *
 * @param frame The message.
 * @param room Where to put it if it fits: then it is valid until that is used
 * again.
 * @returns Its bytes, header and all.
 * @throws {ProtocolError} `local` when the peer would have to refuse it.
 */
export function encodeMessage(
  frame: Message,
  room?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const spec = MESSAGES[frame.type];
  const writer = new ByteWriter(room);
  writer.skip(HEADER_SIZE);
  writeBody(writer, spec.fields as Fields, frame.body);
  const bytes = writer.finish();
  const payload = bytes.subarray(HEADER_SIZE);
  writeHeader(bytes, spec.code, {
    type: frame.type,
    id: frame.id,
    offset: 0,
    length: payload.length,
    checksum: crc32(payload),
  });
  return bytes;
}

/**
 * Writes the header of a `DATA` frame into the room left for it, so that header
 * and chunk leave in one write.
 *
 * @param bytes {@linkcode HEADER_SIZE} bytes of room, then the payload.
 * @param frame Where the chunk belongs, and its CRC-32.
 * @throws {ProtocolError} `local` when the peer would have to refuse it.
 */
export function encodeDataHeader(
  bytes: Uint8Array,
  frame: Pick<DataFrame, "id" | "offset" | "checksum">,
): void {
  writeHeader(bytes, DATA_CODE, {
    type: "DATA",
    id: frame.id,
    offset: frame.offset,
    checksum: frame.checksum,
    length: bytes.length - HEADER_SIZE,
  });
}

/**
 * Decodes and checks a header.
 *
 * @param bytes {@linkcode HEADER_SIZE} bytes.
 * @throws {ProtocolError} `remote` when the connection cannot go on.
 */
export function decodeHeader(bytes: Uint8Array): FrameHeader {
  const reader = new ByteReader(bytes);
  if (reader.u16() !== MAGIC) throw malformed("not a Ferry frame");
  const code = reader.u8();
  const flags = reader.u8();
  const id = reader.u32();
  const offset = reader.bytes(8);
  const length = reader.u32();
  const checksum = reader.u32();
  if (reader.u32() !== crc32(bytes.subarray(0, 24))) {
    throw malformed("frame header is damaged", "integrity");
  }
  const type = TYPES.get(code);
  if (type === undefined && code < OPTIONAL_TYPE_MIN) {
    throw malformed(`unknown frame type ${code}`, "unsupported");
  }
  if ((flags & CRITICAL_FLAGS) !== 0) {
    throw malformed(`unknown critical flags ${flags}`, "unsupported");
  }
  const header = {
    type,
    id,
    offset: decodeOffset(offset),
    length,
    checksum,
  };
  const problem = headerProblem(header);
  if (problem !== undefined) throw malformed(...problem);
  return header;
}

function decodeOffset(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes);
  const offset = reader.u64();
  if (reader.failure !== undefined) {
    throw malformed(`offset: ${reader.failure}`);
  }
  return offset;
}

/** What no header may say, for both directions. */
function headerProblem(
  { type, id, offset, length }: FrameHeader,
): [reason: string, code: ErrorCode] | undefined {
  const name = type ?? "frame";
  if (length > (type === "DATA" ? CHUNK_SIZE : MESSAGE_SIZE_MAX)) {
    return [`${name} of ${length} bytes`, "limit"];
  }
  if (type === "DATA") {
    if (length === 0) return ["DATA without bytes", "protocol"];
    if (offset % CHUNK_SIZE !== 0) {
      return [`DATA at offset ${offset}, which begins no chunk`, "protocol"];
    }
    if (offset >= CHUNK_SIZE * CHUNK_COUNT_MAX) {
      return [`DATA at offset ${offset}, beyond the largest file`, "limit"];
    }
  } else if (offset !== 0) {
    return [`${name} with an offset`, "protocol"];
  }
  if (type !== undefined && isExchangeType(type) !== (id !== 0)) {
    return [`${name} with exchange id ${id}`, "protocol"];
  }
  if (id > EXCHANGE_ID_MAX) return [`exchange id ${id}`, "limit"];
  return undefined;
}

/**
 * Decodes a payload. The checksum of a message is checked; that of `DATA` is
 * passed on.
 *
 * @param header Its checked header, of a known type.
 * @param payload Exactly `header.length` bytes.
 * @throws {ProtocolError} `remote` when the connection cannot go on.
 */
export function decodePayload(
  header: FrameHeader & { readonly type: FrameType },
  payload: Uint8Array,
): Frame {
  const { type, id, offset, checksum } = header;
  if (type === "DATA") return { type, id, offset, payload, checksum };
  if (crc32(payload) !== checksum) {
    throw malformed(`${type} is damaged`, "integrity");
  }
  const reader = new ByteReader(payload);
  const body = readBody(reader, MESSAGES[type].fields as Fields);
  if (reader.failure !== undefined) {
    throw malformed(`${type}: ${reader.failure}`);
  }
  return { type, id, body } as Frame;
}
