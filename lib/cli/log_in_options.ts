/**
 * The options of who logs in, for both programs.
 *
 * @module
 */

import { type AnyOption, flag, type Option, text } from "./option.ts";

/** Who logs in. */
export const USER: Option<string | undefined> = text("user", "u", {
  placeholder: "NAME",
  help: "Log in as this user; HOST can be NAME@HOST as well",
});

/** Where the password is. */
export const PASSWORD_FILE: Option<string | undefined> = text(
  "password-file",
  "",
  {
    placeholder: "FILE",
    help:
      "Take the password from the first line of this file (or set FERRY_PASSWORD; else it is asked for)",
  },
);

/** Where the key is. */
export const IDENTITY: Option<string | undefined> = text("identity", "", {
  placeholder: "FILE",
  help: "Log in by this private key, of ferry keygen or ssh-keygen",
});

/** A password that everybody can read. */
export const ALLOW_PLAIN_PASSWORD: Option<boolean> = flag(
  "allow-plain-password",
  "",
  "Send the password even where everybody on the way can read it",
);

/** The options of every command that talks to a server. */
export const LOG_IN_OPTIONS: readonly AnyOption[] = [
  USER,
  PASSWORD_FILE,
  IDENTITY,
  ALLOW_PLAIN_PASSWORD,
];
