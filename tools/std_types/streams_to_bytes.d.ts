/**
 * The exports of `@std/streams/to-bytes`.
 *
 * @module
 */

export function toBytes(
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array>;
