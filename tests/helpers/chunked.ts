/**
 * Feeds bytes to a `FrameBuffer` in pieces, the way a connection would.
 *
 * @module
 */
import type { Frame, FrameBuffer } from "../../lib/protocol/mod.ts";

/** How many bytes the next piece has, given how many are left. */
export type PieceSize = (left: number) => number;

/** Everything at once, as far as the buffer takes it. */
export const WHOLE: PieceSize = (left) => left;

/** One byte at a time. */
export const BYTEWISE: PieceSize = () => 1;

/**
 * A frame that stays what it is: the payload of `DATA` is copied out of the
 * receive buffer.
 */
export function keep(frame: Frame): Frame {
  return frame.type === "DATA"
    ? { ...frame, payload: frame.payload.slice() }
    : frame;
}

/**
 * Feeds `bytes` and collects the frames.
 *
 * @param buffer What takes them.
 * @param bytes What was received.
 * @param pieceSize How much comes at a time; at least 1, cut to what is left.
 * @param onFrame Looks at each frame while its payload is still a view.
 * @throws {ProtocolError} What the buffer throws.
 */
export function feed(
  buffer: FrameBuffer,
  bytes: Uint8Array,
  pieceSize: PieceSize = WHOLE,
  onFrame: (frame: Frame) => void = () => {},
): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  for (;;) {
    for (let frame = buffer.next(); frame; frame = buffer.next()) {
      onFrame(frame);
      frames.push(keep(frame));
    }
    if (at === bytes.length) return frames;
    const space = buffer.space();
    const left = bytes.length - at;
    const size = Math.min(space.length, left, pieceSize(left));
    space.set(bytes.subarray(at, at + size));
    buffer.filled(size);
    at += size;
  }
}
