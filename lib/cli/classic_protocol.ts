/**
 * The classic protocols by the names that people type.
 *
 * @module
 */

import { CLASSIC, type ClassicProtocol } from "../classic/mod.ts";
import { classic as text } from "./classic_messages.ts";
import { nearest } from "./nearest.ts";
import { UsageError } from "./usage_error.ts";

/**
 * The protocol of a name.
 *
 * @throws {UsageError} where there is none.
 */
export function classicProtocol(name: string): ClassicProtocol {
  const protocol = CLASSIC.get(name);
  if (protocol !== undefined) return protocol;
  const names = [...CLASSIC.keys()];
  throw new UsageError(text.unknown(name, names, nearest(name, names)));
}
