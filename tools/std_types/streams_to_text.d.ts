/**
 * The exports of `@std/streams/to-text`.
 *
 * @module
 */

export function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string>;
