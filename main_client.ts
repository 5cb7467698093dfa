#!/usr/bin/env -S deno run --allow-net --allow-read --allow-write --allow-env
/**
 * `ferry`, the client. It reads files to send and writes files that it fetches;
 * from the environment it reads `TERM`, and where to keep what interrupted
 * uploads need to go on, and which servers are known: `XDG_STATE_HOME`,
 * `XDG_CONFIG_HOME`, `HOME`, `LOCALAPPDATA` or `APPDATA`. With `--allow-run` its
 * shell can run commands of this machine as well (`!ls`); it does not ask for
 * that by itself.
 *
 * @module
 */

import { denoCaller } from "./lib/cli/deno_caller.ts";
import { runClient } from "./lib/cli/ferry.ts";

if (import.meta.main) {
  Deno.exit(await runClient(Deno.args, denoCaller()));
}
