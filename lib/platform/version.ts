/**
 * The version of this program.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };

/** The version in `deno.json`, the one place where it is written. */
export const VERSION: string = config.version;
