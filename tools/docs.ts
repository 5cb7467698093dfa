/**
 * Writes the parts of `docs/` that are made of the program's own tables. A test
 * compares them, so that they cannot drift.
 *
 * @module
 */

import { configSchema } from "../lib/cli/config_schema.ts";
import { SETTINGS } from "../lib/cli/server_commands.ts";
import {
  clientPage,
  configPage,
  protocolPage,
  serverPage,
} from "./docs/manual.ts";
import { referencePage } from "./docs/reference.ts";

/** The generated files by their path in the repository. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "docs/ferryd.schema.json": () =>
    `${JSON.stringify(configSchema(SETTINGS), null, 2)}\n`,
  "docs/man/ferry.1": clientPage,
  "docs/man/ferryd.8": serverPage,
  "docs/man/ferryd.conf.5": configPage,
  "docs/man/ferry-protocol.7": protocolPage,
  "docs/reference.md": referencePage,
};

if (import.meta.main) {
  for (const [path, make] of Object.entries(GENERATED)) {
    const url = new URL(`../${path}`, import.meta.url);
    await Deno.mkdir(new URL(".", url), { recursive: true });
    await Deno.writeTextFile(url, make());
  }
}
