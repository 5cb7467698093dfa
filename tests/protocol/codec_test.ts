import { assert, assertEquals, assertThrows } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  DATA_CODE,
  decodeHeader,
  encodeDataHeader,
  encodeMessage,
  ERROR_CODES,
  EXCHANGE_ID_MAX,
  type Frame,
  FrameBuffer,
  type FrameType,
  HEADER_SIZE,
  isExchangeType,
  type Message,
  message,
  MESSAGES,
  type MessageType,
  OPTIONAL_TYPE_MIN,
  ProtocolError,
} from "../../lib/protocol/mod.ts";
import { BYTEWISE, feed, keep } from "../helpers/chunked.ts";
import { CANONICAL, INVALID, LENIENT } from "./vectors.ts";

const MESSAGE_TYPES = Object.keys(MESSAGES) as MessageType[];
const PING = encodeMessage(message("PING", { cookie: 5 }));

/** Encodes any frame. */
function encode(frame: Frame): Uint8Array {
  if (frame.type !== "DATA") return encodeMessage(frame);
  const bytes = new Uint8Array(HEADER_SIZE + frame.payload.length);
  bytes.set(frame.payload, HEADER_SIZE);
  encodeDataHeader(bytes, frame);
  return bytes;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

Deno.test("the vectors cover every frame type, and every refusal", () => {
  const seen = new Set<unknown>(CANONICAL.map(({ frame }) => frame?.type));
  assertEquals([...seen].sort(), [...MESSAGE_TYPES, "DATA"].sort());
  assert(LENIENT.length >= 9);
  assert(INVALID.length >= 150);
  assertEquals(
    [...new Set(INVALID.map(({ code }) => code))].sort(),
    ["integrity", "limit", "protocol", "unsupported"],
  );
  const names = [...CANONICAL, ...LENIENT, ...INVALID].map(({ name }) => name);
  assertEquals(names.length, new Set(names).size, "a name stands twice");
});

for (const { name, bytes, frame } of CANONICAL) {
  Deno.test(`encode: ${name}`, () => {
    assertEquals(encode(frame!).toHex(), bytes.toHex());
  });
}

for (const { name, bytes, frame } of [...CANONICAL, ...LENIENT]) {
  const frames = frame === undefined ? [] : [frame];

  Deno.test(`decode whole: ${name}`, () => {
    assertEquals(feed(new FrameBuffer(), bytes), frames);
  });

  Deno.test(`decode byte by byte: ${name}`, () => {
    const buffer = new FrameBuffer();
    const last = bytes.length - 1;
    const before = feed(buffer, bytes.subarray(0, last), BYTEWISE);
    assertEquals(before, []);
    assert(buffer.partial);
    assertEquals(feed(buffer, bytes.subarray(last)), frames);
    assert(!buffer.partial);
  });

  Deno.test(`decode with trailing bytes: ${name}`, () => {
    const buffer = new FrameBuffer();
    const trailing = concat(bytes, PING, PING.subarray(0, 27));
    const decoded = feed(buffer, trailing);
    assertEquals(decoded.slice(0, -1), frames);
    assertEquals(decoded.at(-1), message("PING", { cookie: 5 }));
    assert(buffer.partial);
    assertEquals(feed(buffer, PING.subarray(27)).length, 1);
  });
}

/** Feeds bytes that must be refused; the frames that came before are none. */
function refusal(bytes: Uint8Array, bytewise: boolean): ProtocolError {
  const buffer = new FrameBuffer();
  const error = assertThrows(
    () =>
      feed(buffer, bytes, bytewise ? BYTEWISE : undefined, () => {
        throw new Error("a frame came out");
      }),
    ProtocolError,
  );
  assertEquals(assertThrows(() => buffer.next()), error, "does not stick");
  return error;
}

for (const { name, bytes, code } of INVALID) {
  Deno.test(`refuse ${name}`, () => {
    for (const bytewise of [false, true]) {
      const error = refusal(bytes, bytewise);
      assertEquals([error.fault, error.code], ["remote", code], error.message);
    }
  });

  Deno.test(`refuse after good frames: ${name}`, () => {
    const buffer = new FrameBuffer();
    const good: Frame[] = [];
    assertThrows(
      () =>
        feed(buffer, concat(PING, PING, bytes), undefined, (frame) => {
          good.push(keep(frame));
        }),
      ProtocolError,
    );
    assertEquals(good.length, 2);
  });
}

Deno.test("decodeHeader() refuses every flipped bit", () => {
  for (let bit = 0; bit < HEADER_SIZE * 8; bit++) {
    const bytes = PING.slice(0, HEADER_SIZE);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const error = assertThrows(() => decodeHeader(bytes), ProtocolError);
    assertEquals(error.code, bit < 16 ? "protocol" : "integrity");
  }
});

Deno.test("type codes are unique, and no message is optional", () => {
  const codes = [
    DATA_CODE,
    ...MESSAGE_TYPES.map((type) => MESSAGES[type].code),
  ];
  assertEquals(codes.length, new Set(codes).size);
  assert(codes.every((code) => code > 0 && code < OPTIONAL_TYPE_MIN));
});

Deno.test("error numbers are unique and fit their field", () => {
  const numbers = Object.values(ERROR_CODES);
  assertEquals(numbers.length, new Set<number>(numbers).size);
  assert(numbers.every((number) => number > 0 && number < 65_536));
});

Deno.test("a page may hold as many entries as the limit says", () => {
  const entry = {
    path: "a",
    kind: "other",
    size: 0,
    mode: 0,
    addressable: true,
  } as const;
  const page: Message = {
    type: "PAGE",
    id: 1,
    body: { entries: Array(512).fill(entry), problems: [] },
  };
  assertEquals(feed(new FrameBuffer(), encodeMessage(page)), [page]);
});

const UNSENDABLE: readonly (readonly [string, string, () => unknown])[] = [
  ["a message that is too large", "limit", () =>
    encodeMessage({
      type: "PAGE",
      id: 1,
      body: {
        entries: [],
        problems: Array(65).fill({
          path: "",
          code: 1,
          message: "x".repeat(1024),
        }),
      },
    })],
  [
    "an exchange without an id",
    "protocol",
    () => encodeMessage({ type: "GRANT", id: 0, body: {} }),
  ],
  [
    "a message of the connection with an id",
    "protocol",
    () => encodeMessage({ type: "ATTACHED", id: 1, body: {} }),
  ],
  [
    "an id beyond the largest",
    "limit",
    () => encodeMessage({ type: "GRANT", id: EXCHANGE_ID_MAX + 1, body: {} }),
  ],
  ["DATA without bytes", "protocol", () => sendData(0, { offset: 0 })],
  [
    "DATA larger than a chunk",
    "limit",
    () => sendData(CHUNK_SIZE + 1, { offset: 0 }),
  ],
  ["DATA inside a chunk", "protocol", () => sendData(1, { offset: 1 })],
  [
    "DATA beyond the largest file",
    "limit",
    () => sendData(1, { offset: CHUNK_COUNT_MAX * CHUNK_SIZE }),
  ],
  ["DATA without an id", "protocol", () => sendData(1, { offset: 0, id: 0 })],
];

function sendData(
  size: number,
  frame: { readonly offset: number; readonly id?: number },
): void {
  const bytes = new Uint8Array(HEADER_SIZE + size);
  encodeDataHeader(bytes, { id: 1, checksum: 0, ...frame });
}

for (const [name, code, send] of UNSENDABLE) {
  Deno.test(`the encoder refuses ${name}`, () => {
    const error = assertThrows(send, ProtocolError);
    assertEquals([error.fault, error.code], ["local", code]);
  });
}

Deno.test("encodeDataHeader() writes into a view and leaves the rest alone", () => {
  const whole = new Uint8Array(100).fill(0xee);
  const room = whole.subarray(10, 10 + HEADER_SIZE + 3);
  room.set([1, 2, 3], HEADER_SIZE);
  const checksum = crc32(new Uint8Array([1, 2, 3]));
  encodeDataHeader(room, { id: 3, offset: CHUNK_SIZE, checksum });
  assertEquals(feed(new FrameBuffer(), room), [{
    type: "DATA",
    id: 3,
    offset: CHUNK_SIZE,
    payload: new Uint8Array([1, 2, 3]),
    checksum,
  }]);
  const around = [...whole.subarray(0, 10), ...whole.subarray(41)];
  assert(around.every((byte) => byte === 0xee));
});

Deno.test("isExchangeType() follows the type code", () => {
  for (const type of MESSAGE_TYPES) {
    assertEquals(isExchangeType(type), MESSAGES[type].code >= 0x10, type);
  }
  assert(isExchangeType("DATA" satisfies FrameType));
});
