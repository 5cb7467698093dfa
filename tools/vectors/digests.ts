/**
 * Files and their `crc32-chunks` digests, computed from the description alone.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { parseHex, u32, u64, utf8 } from "./assembler.ts";

/** A file and its sums. */
export interface DigestVector {
  readonly name: string;
  /** The contents, as {@linkcode parseHex} reads them. */
  readonly content: string;
  readonly size: number;
  /** CRC-32 of every chunk, in order, as eight hexadecimal digits. */
  readonly sums: readonly string[];
  readonly digest: string;
}

const CHUNK_SIZE = 1_048_576;

const FILES: readonly (readonly [name: string, content: string])[] = [
  ["empty", ""],
  ["one byte", "00"],
  ["the text hello", utf8("hello")],
  ["one byte less than a chunk", `5a*${CHUNK_SIZE - 1}`],
  ["exactly one chunk", `5a*${CHUNK_SIZE}`],
  ["a chunk and a byte", `5a*${CHUNK_SIZE} a5`],
  ["three different chunks", `01*${CHUNK_SIZE} 02*${CHUNK_SIZE} 03*5`],
];

/** The digests. */
export function digestVectors(): DigestVector[] {
  return FILES.map(([name, content]) => {
    const bytes = parseHex(content);
    const sums: string[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
      sums.push(u32(crc32(bytes.subarray(at, at + CHUNK_SIZE))));
    }
    const head = `${utf8("ferry crc32-chunks 1\n")} ${u64(bytes.length)} ${
      u32(CHUNK_SIZE)
    }`;
    const summed = parseHex(`${head} ${sums.join(" ")}`);
    const digest = createHash("sha256").update(summed).digest("hex");
    return { name, content, size: bytes.length, sums, digest };
  });
}
