import { assert, assertEquals, assertThrows } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  encodeDataHeader,
  encodeMessage,
  type Frame,
  FrameBuffer,
  HEADER_SIZE,
  message,
  MESSAGE_SIZE_MAX,
  ProtocolError,
} from "../../lib/protocol/mod.ts";
import { frame as assemble, parseHex } from "../../tools/vectors/assembler.ts";
import { BYTEWISE, feed, type PieceSize, WHOLE } from "../helpers/chunked.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

/** What no receive buffer exceeds: a chunk, and twice what is read ahead. */
const BUFFER_SIZE_MAX = CHUNK_SIZE + 2 * 65_536 + HEADER_SIZE;

/** A `DATA` frame whose bytes differ from those of frames with other ids. */
function data(id: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE + size);
  const payload = bytes.subarray(HEADER_SIZE);
  for (let at = 0; at < size; at++) payload[at] = at * 31 + id * 7;
  encodeDataHeader(bytes, { id, offset: 0, checksum: crc32(payload) });
  return bytes;
}

/** A frame of a type that nobody knows. */
function skipped(size: number): Uint8Array<ArrayBuffer> {
  const payload = size === 0 ? "" : `ab*${size}`;
  return parseHex(assemble({ code: 0x80 }, [payload]).join(" "));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
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

function intact(frame: Frame): boolean {
  return frame.type !== "DATA" || crc32(frame.payload) === frame.checksum;
}

/** Feeds a stream and looks at every payload again when the next frame is there. */
function feedChecked(bytes: Uint8Array, pieceSize: PieceSize): Frame[] {
  let previous: Frame | undefined;
  const frames = feed(new FrameBuffer(), bytes, pieceSize, (frame) => {
    assert(previous === undefined || intact(previous), "payload overwritten");
    assert(intact(frame));
    previous = frame;
  });
  assert(previous === undefined || intact(previous));
  return frames;
}

const PIECES: Readonly<Record<string, PieceSize>> = {
  "as much as fits": WHOLE,
  "7 bytes": () => 7,
  "28 bytes": () => 28,
  "4 KiB": () => 4096,
  "64 KiB": () => 65_536,
};

const SIZES = [1, 27, 28, 29, 4067, 4068, 4069, 65_535, 65_536, 70_000];

for (const [name, pieceSize] of Object.entries(PIECES)) {
  Deno.test(`a payload stays valid while the next frame comes, in pieces of ${name}`, () => {
    for (const first of SIZES) {
      for (const second of SIZES) {
        const sizes = [first, second, first, 1, second];
        const bytes = concat(sizes.map((size, at) => data(at + 1, size)));
        const frames = feedChecked(bytes, pieceSize);
        assertEquals(
          frames.map((frame) =>
            frame.type === "DATA" ? frame.payload.length : 0
          ),
          sizes,
        );
      }
    }
  });
}

Deno.test("a payload stays valid while whole chunks come", () => {
  const sizes = [CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE - 1, 5, CHUNK_SIZE, 1];
  const bytes = concat(sizes.map((size, at) => data(at + 1, size)));
  for (const piece of [1000, 65_536, 262_144, CHUNK_SIZE]) {
    assertEquals(feedChecked(bytes, () => piece).length, sizes.length);
  }
});

Deno.test("a payload stays valid while frames are skipped", () => {
  const parts = [data(1, 5000)];
  for (let at = 0; at < 10; at++) parts.push(skipped(MESSAGE_SIZE_MAX));
  parts.push(skipped(0), data(2, 5000));
  for (const piece of [28, 4096, 100_000]) {
    assertEquals(feedChecked(concat(parts), () => piece).length, 2);
  }
});

Deno.test("space() is never empty and never beyond what a frame needs", () => {
  const buffer = new FrameBuffer();
  const bytes = concat([data(1, CHUNK_SIZE), skipped(9), data(2, 3)]);
  for (let at = 0; at < bytes.length;) {
    while (buffer.next() !== undefined);
    const space = buffer.space();
    assert(space.length > 0);
    assert(space.buffer.byteLength <= BUFFER_SIZE_MAX);
    const size = Math.min(space.length, 50_001, bytes.length - at);
    space.set(bytes.subarray(at, at + size));
    buffer.filled(size);
    at += size;
  }
  while (buffer.next() !== undefined);
  assert(!buffer.partial);
});

Deno.test("a stream of chunks is received in two buffers", () => {
  const buffer = new FrameBuffer();
  const chunk = data(1, CHUNK_SIZE);
  const used = new Set<ArrayBuffer>();
  for (let count = 0; count < 20; count++) {
    for (let at = 0; at < chunk.length;) {
      while (buffer.next() !== undefined);
      const space = buffer.space();
      if (count >= 3) used.add(space.buffer);
      const size = Math.min(space.length, 262_144, chunk.length - at);
      space.set(chunk.subarray(at, at + size));
      buffer.filled(size);
      at += size;
    }
  }
  assert(used.size <= 2, `${used.size} buffers`);
});

Deno.test("an idle connection holds 4 KiB, whatever small frames it gets", () => {
  const buffer = new FrameBuffer();
  const ping = encodeMessage(message("PING", { cookie: 1 }));
  for (let count = 0; count < 1000; count++) {
    assertEquals(feed(buffer, ping).length, 1);
    assertEquals(buffer.space().buffer.byteLength, 4096);
  }
});

Deno.test("a header that announces too much allocates nothing", () => {
  const buffer = new FrameBuffer();
  const header = assemble({
    code: 0x13,
    id: 1,
    length: 0xffff_ffff,
    checksum: 0,
  }, []);
  assertThrows(() => feed(buffer, parseHex(header.join(" "))), ProtocolError);
  assertEquals(buffer.space().buffer.byteLength, 4096);
});

Deno.test("partial tells whether bytes of a frame are held", () => {
  const buffer = new FrameBuffer();
  assert(!buffer.partial);
  const bytes = data(1, 10);
  feed(buffer, bytes.subarray(0, 1));
  assert(buffer.partial);
  feed(buffer, bytes.subarray(1, HEADER_SIZE));
  assert(buffer.partial);
  feed(buffer, bytes.subarray(HEADER_SIZE));
  assert(!buffer.partial);
});

Deno.test("FrameBuffer fails for ever", () => {
  const buffer = new FrameBuffer();
  const garbage = new Uint8Array(HEADER_SIZE);
  const error = assertThrows(() => feed(buffer, garbage), ProtocolError);
  const ping = encodeMessage(message("PING", { cookie: 1 }));
  assertEquals(assertThrows(() => feed(buffer, ping)), error);
});

Deno.test("any split of a stream gives the same frames", () => {
  const random = new SeededRandom(20_260_101);
  const parts: Uint8Array[] = [];
  for (let count = 0; count < 60; count++) {
    parts.push(
      random.chance(0.2)
        ? skipped(random.size(0, 3000))
        : random.chance(0.5)
        ? data(count + 1, random.size(1, 9000))
        : encodeMessage(message("PING", { cookie: random.u32() })),
    );
  }
  const bytes = concat(parts);
  const expected = feed(new FrameBuffer(), bytes);
  assert(expected.length > 30);
  assertEquals(feed(new FrameBuffer(), bytes, BYTEWISE), expected);
  for (let run = 0; run < 50; run++) {
    const largest = random.pick([2, 30, 500, 5000, 100_000]);
    const frames = feedChecked(bytes, () => random.integer(1, largest));
    assertEquals(frames, expected);
  }
});

Deno.test("FrameBuffer refuses DATA by its header where none may come", () => {
  const room = new Uint8Array(HEADER_SIZE + CHUNK_SIZE);
  encodeDataHeader(room, { id: 1, offset: 0, checksum: 0 });
  const buffer = new FrameBuffer({ acceptsData: false });
  buffer.space().set(room.subarray(0, HEADER_SIZE));
  buffer.filled(HEADER_SIZE);
  assertThrows(() => buffer.next(), ProtocolError, "carries none");
});
