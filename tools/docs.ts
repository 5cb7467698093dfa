/**
 * Writes the parts of `docs/` that are made of the program's own tables. A test
 * compares them, so that they cannot drift.
 *
 * @module
 */

import { configSchema } from "../lib/cli/config_schema.ts";
import { SETTINGS } from "../lib/cli/server_commands.ts";

/** The generated files by their path in the repository. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/ferryd.schema.json": () =>
    `${JSON.stringify(configSchema(SETTINGS), null, 2)}\n`,
};

if (import.meta.main) {
  for (const [path, make] of Object.entries(GENERATED)) {
    await Deno.writeTextFile(new URL(`../${path}`, import.meta.url), make());
  }
}
