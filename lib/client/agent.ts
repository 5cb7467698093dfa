/**
 * How this program names itself on the wire.
 *
 * @module
 */

import { VERSION } from "../platform/mod.ts";

/** Name and version, for the peer's logs. */
export const AGENT: string = `ferry/${VERSION}`;
