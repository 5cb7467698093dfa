/**
 * The classic protocols by the names that people type.
 *
 * @module
 */

import { CLASSIC_FACTS, type ClassicFacts } from "../classic/plain.ts";
import { classic as text } from "./classic_messages.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

/**
 * What is known of the protocol of a name.
 *
 * @throws {UsageError} where there is none.
 */
export function classicProtocol(name: string): ClassicFacts {
  const protocol = CLASSIC_FACTS.get(name);
  if (protocol !== undefined) return protocol;
  const names = [...CLASSIC_FACTS.keys()];
  throw new UsageError(text.unknown(name, names, nearest(name, names)));
}
