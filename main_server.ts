#!/usr/bin/env -S deno run --allow-net --allow-read --allow-write --allow-env --allow-sys=statfs
/**
 * `ferryd`, the server. It offers what it may do: without `--allow-write` it
 * lists and sends, without `--allow-sys=statfs` it does not know the free space.
 * From the environment it reads where to keep its identity, unless `--state` says
 * so: `XDG_STATE_HOME`, `HOME` or `LOCALAPPDATA`.
 *
 * @module
 */

import { denoCaller } from "./lib/cli/deno_caller.ts";
import { runServer } from "./lib/cli/ferryd.ts";

if (import.meta.main) {
  Deno.exit(await runServer(Deno.args, denoCaller()));
}
