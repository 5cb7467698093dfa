/**
 * What `--version` says.
 *
 * @module
 */

import { VERSION } from "../platform/mod.ts";
import { VERSIONS } from "../protocol/mod.ts";
import type { Platform } from "./environment.ts";

/**
 * Program, protocol and platform on one line.
 *
 * @param program The name of the program.
 * @param platform What it runs on.
 */
export function versionText(program: string, platform: Platform): string {
  const protocol = `protocol ${VERSIONS.join(", ")}`;
  const runtime = `deno ${platform.deno} ${platform.target}`;
  return `${program} ${VERSION} (${protocol}, ${runtime})\n`;
}
