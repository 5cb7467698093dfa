/**
 * The exports of `@std/streams/to-array-buffer`.
 *
 * @module
 */

export function toArrayBuffer(
  readableStream: ReadableStream<Uint8Array>,
): Promise<ArrayBuffer>;
