/**
 * How this program names itself on the wire.
 *
 * @module
 */

import { VERSION } from "../platform/mod.ts";

/** Name and version, for the peer to show. */
export const AGENT: string = `ferryd/${VERSION}`;
