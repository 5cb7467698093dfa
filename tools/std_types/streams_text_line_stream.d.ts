/**
 * The exports of `@std/streams/text-line-stream`.
 *
 * @module
 */

export interface TextLineStreamOptions {
  allowCR?: boolean;
}

export class TextLineStream extends TransformStream<string, string> {
  constructor(options?: TextLineStreamOptions);
}
