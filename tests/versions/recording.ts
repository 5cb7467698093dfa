/**
 * A session as it went over the wire, in both directions: what an older program
 * sent, and what it was answered. It is replayed to the other side as that is
 * now, with nothing replaced but what is random or of the host.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import {
  type Frame,
  FrameBuffer,
  type FrameType,
} from "../../lib/protocol/mod.ts";
import { parseHex } from "../../tools/vectors/assembler.ts";

/** One frame, or the end of a connection, in the order in which they came. */
export interface Recorded {
  /** The connection: 0 is the control connection. */
  readonly connection: number;
  /** Who sent it. */
  readonly sender: "client" | "server";
  /** What it is; `BREAK`: in place of it the connection broke. */
  readonly type: FrameType | "BREAK";
  /** Its bytes as in the vectors of the protocol: `5a*1000` is a run. */
  readonly bytes: string;
}

/** The name on whose way a connection breaks once each way, with the second chunk. */
export const BROKEN = "d/broken";

/** The files that a recorded session moves. */
export const FILES: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  small: new TextEncoder().encode("a small file\n"),
  empty: new Uint8Array(0),
  large: new Uint8Array(1_048_576 + 77).fill(0x5a),
};

const RUN_MIN = 16;

/** Bytes as text; long runs of one byte are short. */
export function toText(bytes: Uint8Array): string {
  const groups: string[] = [];
  let plain = "";
  for (let at = 0; at < bytes.length;) {
    let end = at + 1;
    while (bytes[end] === bytes[at] && end < bytes.length) end++;
    const hex = bytes.subarray(at, at + 1).toHex();
    if (end - at < RUN_MIN) plain += hex.repeat(end - at);
    else {
      if (plain !== "") groups.push(plain);
      plain = "";
      groups.push(`${hex}*${end - at}`);
    }
    at = end;
  }
  return [...groups, plain].join(" ").trim();
}

/** The bytes of a recorded frame. */
export function bytesOf({ bytes }: Recorded): Uint8Array<ArrayBuffer> {
  return parseHex(bytes);
}

/** What a frame says. */
export function decode(bytes: Uint8Array): Frame {
  const buffer = new FrameBuffer();
  for (let rest = bytes; rest.length > 0;) {
    const space = buffer.space();
    const part = rest.subarray(0, space.length);
    space.set(part);
    buffer.filled(part.length);
    rest = rest.subarray(part.length);
    const frame = buffer.next();
    if (frame !== undefined) return frame;
  }
  throw new Error("a recorded frame is not whole");
}

const ID_AT = 4;
const LENGTH_AT = 16;
const SUM_AT = 20;
const HEADER_SUM_AT = 24;
const HEADER_LENGTH = 28;

/** A frame under another id, and with parts of it replaced by others as long. */
export function rewritten(
  frame: Uint8Array,
  id: number,
  replacements: ReadonlyMap<string, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  let hex = frame.subarray(HEADER_LENGTH).toHex();
  // Chunks are left alone: they have nothing random in them.
  if (frame.length < 65_536) {
    for (const [from, to] of replacements) {
      hex = hex.replaceAll(from, to.toHex());
    }
  }
  const payload = Uint8Array.fromHex(hex);
  const bytes = new Uint8Array(HEADER_LENGTH + payload.length);
  bytes.set(frame.subarray(0, HEADER_LENGTH));
  bytes.set(payload, HEADER_LENGTH);
  const view = new DataView(bytes.buffer);
  assertEquals(view.getUint32(LENGTH_AT), payload.length);
  view.setUint32(ID_AT, id);
  view.setUint32(SUM_AT, crc32(payload));
  view.setUint32(HEADER_SUM_AT, crc32(bytes.subarray(0, HEADER_SUM_AT)));
  return bytes;
}

/** Fields that are random, of the host, or for people. */
const FREE = [
  ...["agent", "nonce", "message", "modified", "bytes", "reason"],
  ...["upload", "resume"],
];

/** Fields of the server that the client sends back. */
const ECHOED = ["session", "token", "fingerprint"];

/**
 * Asserts that a frame says what the recorded one says; it may say more. What
 * the client will send back is noted, as it is now.
 */
export function assertSays(
  frame: Frame,
  recorded: Frame,
  echoes: Map<string, Uint8Array>,
): void {
  assertEquals(frame.type, recorded.type);
  if (frame.type === "DATA" || recorded.type === "DATA") {
    assertEquals({ ...frame, id: 0 }, { ...recorded, id: 0 } as Frame);
    return;
  }
  assertFields(frame.body, recorded.body, frame.type, echoes);
}

function assertFields(
  now: unknown,
  then: unknown,
  where: string,
  echoes: Map<string, Uint8Array>,
): void {
  if (Array.isArray(then)) {
    // Entries come in no particular order.
    const [left, right] = [inOrder(now as unknown[]), inOrder(then)];
    assertEquals(left.length, right.length, where);
    for (const [at, part] of right.entries()) {
      assertFields(left[at], part, `${where}[${at}]`, echoes);
    }
    return;
  }
  const isPlain = typeof then !== "object" || then === null ||
    then instanceof Uint8Array;
  if (isPlain) return assertEquals(now, then, where);
  for (const [name, value] of Object.entries(then)) {
    const found = (now as Record<string, unknown>)[name];
    if (ECHOED.includes(name) && value instanceof Uint8Array) {
      echoes.set(value.toHex(), found as Uint8Array);
    } else if (!FREE.includes(name) && value !== undefined) {
      assertFields(found, value, `${where}.${name}`, echoes);
    }
  }
}

function inOrder(parts: readonly unknown[]): unknown[] {
  const key = (part: unknown): string =>
    typeof part === "object" && part !== null && "path" in part
      ? String(part.path)
      : "";
  return parts.toSorted((one, other) => key(one) < key(other) ? -1 : 1);
}

/** Frames that may come at any time, or not at all. */
export const PASSING: ReadonlySet<string> = new Set([
  "PING",
  "PONG",
  "PROGRESS",
]);
