/**
 * The environment variables that the programs look at; no other is read.
 *
 * @module
 */

/** One environment variable. */
export interface VariableSpec {
  /** Who looks at it. */
  readonly programs: readonly ("ferry" | "ferryd")[];
  /** What it is for. */
  readonly help: string;
}

/** A table that keeps the names of its rows. */
function table<K extends string>(
  rows: Readonly<Record<K, VariableSpec>>,
): Readonly<Record<K, VariableSpec>> {
  return rows;
}

/** The variables by their names. */
export const VARIABLES = table({
  TERM: {
    programs: ["ferry"],
    help:
      'With "dumb" no progress is drawn, and the shell edits no lines by itself.',
  },
  XDG_STATE_HOME: {
    programs: ["ferry", "ferryd"],
    help:
      "Where ferry keeps what an interrupted put needs to go on, in ferry/uploads, the history of the shell, in ferry/history, and the names that completion has asked a server for, in ferry/completions; and ferryd its identity, in ferryd (default ~/.local/state).",
  },
  XDG_CONFIG_HOME: {
    programs: ["ferry"],
    help:
      "Where the servers that are known are written down, in ferry/known_hosts (default ~/.config).",
  },
  HOME: {
    programs: ["ferry", "ferryd"],
    help: "The home directory, for the defaults of the others.",
  },
  USERPROFILE: {
    programs: ["ferry"],
    help: "On Windows, instead of HOME.",
  },
  LOCALAPPDATA: {
    programs: ["ferry", "ferryd"],
    help: "On Windows, instead of XDG_STATE_HOME.",
  },
  FERRY_PASSWORD: {
    programs: ["ferry", "ferryd"],
    help:
      "The password to log in with, or to give a user, where no --password-file is named.",
  },
  FERRY_COMMIT: {
    programs: ["ferry", "ferryd"],
    help:
      "The commit that --version shows; executables have it built in and look at nothing else.",
  },
  APPDATA: {
    programs: ["ferry"],
    help: "On Windows, instead of XDG_CONFIG_HOME.",
  },
  OTEL_DENO: {
    programs: ["ferryd"],
    help:
      'With "true" each request becomes a span that Deno exports as OTEL_EXPORTER_OTLP_ENDPOINT and its like say.',
  },
});

/** The name of a variable that the programs may look at. */
export type VariableName = keyof typeof VARIABLES;
