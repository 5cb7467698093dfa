/**
 * Puts frames together from `docs/protocol.md` alone: nothing of `lib/` is used
 * here, so that the vectors are a second opinion and not an echo.
 *
 * Bytes are text: hexadecimal digits, white space where it helps the reader,
 * and `DIGITS*COUNT` for a group that stands several times.
 *
 * @module
 */
import { crc32 } from "node:zlib";

/** Turns the text form into bytes. */
export function parseHex(text: string): Uint8Array<ArrayBuffer> {
  const groups = text.split(/\s+/).filter((group) => group !== "");
  const digits = groups.map((group) => {
    const [unit, count = "1"] = group.split("*");
    return unit!.repeat(Number(count));
  });
  return Uint8Array.fromHex(digits.join(""));
}

/** Unsigned big-endian integer of `size` bytes; negative numbers as two's complement. */
export function integer(size: number, value: number | bigint): string {
  return BigInt.asUintN(8 * size, BigInt(value)).toString(16).padStart(
    2 * size,
    "0",
  );
}

/** One byte. */
export function u8(value: number): string {
  return integer(1, value);
}

/** Two bytes. */
export function u16(value: number): string {
  return integer(2, value);
}

/** Four bytes. */
export function u32(value: number): string {
  return integer(4, value);
}

/** Eight bytes. */
export function u64(value: number | bigint): string {
  return integer(8, value);
}

/** UTF-8 text. */
export function utf8(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

/** One field of a body: number, length, value. */
export function field(number: number, value: string): string {
  const { length } = parseHex(value);
  return `${u8(number)} ${u16(length)} ${value}`.trimEnd();
}

/** What stands in a header; what is not given is as it should be. */
export interface Header {
  /** Type code. */
  readonly code: number;
  /** Exchange id. @default {0} */
  readonly id?: number;
  /** Offset. @default {0} */
  readonly offset?: number | bigint;
  /** Flags. @default {0} */
  readonly flags?: number;
  /** Length that the header claims. */
  readonly length?: number;
  /** Checksum of the payload that the header claims. */
  readonly checksum?: number;
  /** Added to the header's own checksum. @default {0} */
  readonly damage?: number;
}

/** The lines of a frame: first its header, then each line of its payload. */
export function frame(header: Header, payload: readonly string[]): string[] {
  const body = parseHex(payload.join(" "));
  const start = [
    "fe79",
    u8(header.code),
    u8(header.flags ?? 0),
    u32(header.id ?? 0),
    u64(header.offset ?? 0),
    u32(header.length ?? body.length),
    u32(header.checksum ?? crc32(body)),
  ].join(" ");
  const checksum = crc32(parseHex(start)) ^ (header.damage ?? 0);
  return [`${start} ${u32(checksum)}`, ...payload];
}
