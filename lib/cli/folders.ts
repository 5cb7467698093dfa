/**
 * Where programs keep things of their user, by the rules of each system.
 *
 * @module
 */

import type { Environment } from "./environment.ts";
import { joinLocal } from "./names.ts";
import type { VariableName } from "./variables.ts";

/** What is kept: `state` of the server, `client` and `config` of the client. */
export type FolderUse = "state" | "client" | "config";

/** Per use: variables of the XDG rules and of Windows, and the path below. */
const FOLDERS: Readonly<
  Record<
    FolderUse,
    {
      readonly xdg: VariableName;
      readonly home: string;
      readonly windows: VariableName;
      readonly below: string;
    }
  >
> = {
  state: {
    xdg: "XDG_STATE_HOME",
    home: ".local/state",
    windows: "LOCALAPPDATA",
    below: "ferryd",
  },
  client: {
    xdg: "XDG_STATE_HOME",
    home: ".local/state",
    windows: "LOCALAPPDATA",
    below: "ferry",
  },
  config: {
    xdg: "XDG_CONFIG_HOME",
    home: ".config",
    windows: "APPDATA",
    below: "ferry",
  },
};

/**
 * A folder of the user; `undefined` where the environment does not tell.
 *
 * @param use What for.
 * @param environment The world around.
 */
export function userFolder(
  use: FolderUse,
  { platform, variable }: Environment,
): string | undefined {
  const { xdg, home, windows, below } = FOLDERS[use];
  if (platform.isWindows) {
    const base = variable(windows) ?? "";
    return base === "" ? undefined : `${base}\\${below.replaceAll("/", "\\")}`;
  }
  // The XDG rules: a path that is not absolute is to be ignored.
  const named = variable(xdg) ?? "";
  if (named.startsWith("/")) return joinLocal(named, below);
  const own = variable("HOME") ?? "";
  return own.startsWith("/") ? joinLocal(own, `${home}/${below}`) : undefined;
}
