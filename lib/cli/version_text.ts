/**
 * What `--version` says.
 *
 * @module
 */

import { VERSION } from "../platform/mod.ts";
import { VERSIONS } from "../protocol/plain.ts";
import type { Caller } from "./environment.ts";

/**
 * Program, commit (of executables), protocol and platform on one line.
 *
 * @param program The name of the program.
 * @param caller Who called.
 */
export function versionText(
  program: string,
  { platform, variable }: Caller,
): string {
  const commit = variable("FERRY_COMMIT") ?? "";
  const build = commit === "" ? [] : [`commit ${commit}`];
  const protocol = `protocol ${VERSIONS.join(", ")}`;
  const runtime = `deno ${platform.deno} ${platform.target}`;
  const details = [...build, protocol, runtime].join(", ");
  return `${program} ${VERSION} (${details})\n`;
}
