/**
 * The house rules that Deno's own linter does not know. `deno lint` loads this
 * file because `deno.json` names it; `tests/tools/lint_plugin_test.ts` shows
 * for each rule what it accepts and what it refuses.
 *
 * @module
 */
import { noAmbient, noConsole, pureProtocol } from "./lint/ambient.ts";
import { layers } from "./lint/layers.ts";
import { fileLength, functionLength, ignoreReason } from "./lint/size.ts";

/** All rules, by the names under which `deno lint` reports them. */
const plugin: Deno.lint.Plugin = {
  name: "ferry",
  rules: {
    "file-length": fileLength,
    "function-length": functionLength,
    "ignore-reason": ignoreReason,
    "layers": layers,
    "no-ambient": noAmbient,
    "no-console": noConsole,
    "pure-protocol": pureProtocol,
  },
};

export default plugin;
