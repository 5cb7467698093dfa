/** What a reader of messages makes of a text. */

import { assert } from "@std/assert";
import { MalformedError, type Reader } from "../../lib/classic/reading.ts";

/** What bytes can be. */
export type Kind = "whole" | "open" | "partial" | "malformed";

/** How a text is read: kind and message. */
export function look<M>(read: Reader<M>, text: string): readonly [Kind, M?] {
  try {
    const reading = read(new TextEncoder().encode(text));
    return reading.kind === "partial"
      ? ["partial"]
      : [reading.kind, reading.message];
  } catch (error) {
    assert(error instanceof MalformedError);
    return ["malformed"];
  }
}
