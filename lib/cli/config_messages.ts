/**
 * What `ferryd` says of a configuration file that it cannot follow.
 *
 * @module
 */

import { quoteName } from "./escape.ts";

/** Sentences about configuration files. */
export const config = {
  at: (file: string, line: number, problem: string): string =>
    `Cannot use ${quoteName(file)}, line ${line}: ${problem}`,

  unreadable: (file: string, phrase: string): string =>
    `Cannot use ${quoteName(file)}: ${phrase}`,

  empty: "there is nothing in it; an empty configuration is {}",

  notJson: (code: string): string =>
    `this is no JSON (${code}); comments and a comma at the end are allowed`,

  notObject: (what: string): string =>
    `${what} must be an object: {"setting": value, ...}`,

  noValue: "a setting has no value",

  twice: (name: string): string =>
    `${quoteName(name)} is said twice; leave one out`,

  unknown: (name: string, meant: string | undefined): string =>
    `${quoteName(name)} is no setting${
      meant === undefined ? "" : `; did you mean ${quoteName(meant)}?`
    }`,

  wrongType: (name: string, kind: string): string =>
    `${quoteName(name)} must be ${kind}`,
};

/** Sentences about reading files again while the server runs. */
export const reloading = {
  done: (fingerprint: string | undefined): string =>
    `Read configuration, accounts and certificate again; they count for new sessions${
      fingerprint === undefined ? "" : `, which see ${fingerprint}`
    }`,

  kept: (names: readonly string[]): string =>
    `Kept ${
      names.map((name) => quoteName(name)).join(", ")
    } as before: a change of that needs a restart`,

  failed: "Kept everything as it was: {reason}",
};
