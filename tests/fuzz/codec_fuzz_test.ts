/**
 * Whatever comes in, a decoder gives a frame, asks for more, or throws a
 * `ProtocolError`; what was sent whole arrives whole, and a flipped bit never
 * goes unnoticed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  type Frame,
  FrameBuffer,
  HEADER_SIZE,
  ProtocolError,
} from "../../lib/protocol/mod.ts";
import { feed, keep } from "../helpers/chunked.ts";
import type { SeededRandom } from "../helpers/seeded_random.ts";
import { fuzz } from "./fuzz.ts";
import { encode, type Encoded, randomFrame } from "./random_frames.ts";

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function randomFrames(random: SeededRandom): Encoded[] {
  return Array.from(
    { length: random.integer(1, 6) },
    () => randomFrame(random),
  );
}

/** What came out, and the error that ended it. */
interface Outcome {
  readonly buffer: FrameBuffer;
  readonly frames: Frame[];
  readonly error: ProtocolError | undefined;
}

/** Feeds bytes in random pieces; nothing but a `ProtocolError` may be thrown. */
function receive(random: SeededRandom, bytes: Uint8Array): Outcome {
  const buffer = new FrameBuffer();
  const frames: Frame[] = [];
  const largest = random.pick([1, 40, 3000, 2_000_000]);
  // Byte by byte is for what is small.
  const pieceMax = bytes.length > 20_000 ? 100_000 : largest;
  try {
    feed(
      buffer,
      bytes,
      (left) => random.size(1, Math.min(left, pieceMax)),
      (frame) => frames.push(keep(frame)),
    );
    return { buffer, frames, error: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    assertEquals(error.fault, "remote");
    return { buffer, frames, error };
  }
}

/** Sets both checksums of a frame right. */
function reseal(bytes: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(20, crc32(bytes.subarray(HEADER_SIZE)));
  view.setUint32(24, crc32(bytes.subarray(0, 24)));
}

fuzz("frames arrive as they were sent, whatever the pieces", (random) => {
  const sent = randomFrames(random);
  const { buffer, frames, error } = receive(
    random,
    concat(sent.map(({ bytes }) => bytes)),
  );
  assertEquals(error, undefined);
  assertEquals(frames, sent.map(({ frame }) => frame));
  assert(!buffer.partial);
  const again = concat(frames.map(encode));
  assertEquals(again.toHex(), concat(sent.map(({ bytes }) => bytes)).toHex());
});

fuzz("a flipped bit is noticed", (random) => {
  const sent = randomFrames(random);
  const bad = random.below(sent.length);
  const { frame, bytes } = sent[bad]!;
  const bit = random.below(bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  const { frames, error } = receive(
    random,
    concat(sent.map(({ bytes }) => bytes)),
  );
  const before = sent.slice(0, bad).map(({ frame }) => frame);
  assertEquals(frames.slice(0, bad), before);
  if (frame.type === "DATA" && bit >= HEADER_SIZE * 8) {
    // A bad payload costs that frame only, and its receiver sees it.
    assertEquals(error, undefined);
    assertEquals(frames.length, sent.length);
    const damaged = frames[bad];
    assert(damaged?.type === "DATA");
    assert(crc32(damaged.payload) !== damaged.checksum);
  } else {
    assert(error !== undefined);
    assertEquals(frames.length, bad);
  }
});

fuzz("a stream that is cut off gives what was whole", (random) => {
  const sent = randomFrames(random);
  const bytes = concat(sent.map(({ bytes }) => bytes));
  const cut = random.below(bytes.length);
  let whole = 0;
  let end = 0;
  while (end + sent[whole]!.bytes.length <= cut) {
    end += sent[whole++]!.bytes.length;
  }
  const { buffer, frames, error } = receive(random, bytes.subarray(0, cut));
  assertEquals(error, undefined);
  assertEquals(frames, sent.slice(0, whole).map(({ frame }) => frame));
  assertEquals(buffer.partial, cut > end);
});

fuzz("garbage gives an error or asks for more", (random) => {
  const sent = random.below(2) === 0 ? [] : randomFrames(random);
  const garbage = random.bytes(random.size(1, 500));
  const { frames, error } = receive(
    random,
    concat([...sent.map(({ bytes }) => bytes), garbage]),
  );
  assertEquals(frames, sent.map(({ frame }) => frame));
  // Two bytes tell garbage from a frame; one may be enough.
  const begins = [0xfe, 0x79].every((byte, at) =>
    (garbage[at] ?? byte) === byte
  );
  assertEquals(error === undefined, begins && garbage.length < HEADER_SIZE);
}, 10);

fuzz(
  "a changed payload with right checksums decodes to what it says",
  (random) => {
    const { bytes } = randomFrame(random);
    const payload = bytes.subarray(HEADER_SIZE);
    for (
      let count = random.integer(1, 3);
      payload.length > 0 && count > 0;
      count--
    ) {
      const at = random.below(Math.min(payload.length, 200));
      payload[at] = random.pick([0, 1, 2, 127, 128, 255, random.below(256)]);
    }
    reseal(bytes);
    const { frames: [frame], error } = receive(random, bytes);
    if (error !== undefined) return;
    assert(frame !== undefined);
    const again = encode(frame);
    // Unknown optional fields are lost on the way; nothing else may be.
    if (again.length === bytes.length) {
      assertEquals(again.toHex(), bytes.toHex());
    } else {
      assert(again.length < bytes.length);
      assertEquals(receive(random, again).frames, [frame]);
    }
  },
);

fuzz(
  "a changed header with a right checksum is refused or obeyed",
  (random) => {
    const { bytes } = randomFrame(random);
    const at = random.integer(2, 23);
    bytes[at] = random.pick([0, 1, 16, 127, 128, 255, random.below(256)]);
    new DataView(bytes.buffer).setUint32(24, crc32(bytes.subarray(0, 24)));
    const { buffer, frames, error } = receive(random, bytes);
    // One frame, a skipped one, the wait for a longer one, or what a shorter one left.
    assert(frames.length <= 1);
    if (error === undefined && frames.length === 0 && !buffer.partial) {
      assert(bytes[2]! >= 0x80);
    }
  },
);
