/**
 * What the programs say about accounts, passwords and keys.
 *
 * @module
 */

import { quoteName } from "./escape.ts";

/** Sentences about accounts. */
export const accounts = {
  passwordInHost: (host: string): string =>
    `A password does not belong on the command line, where other users of this machine can read it: write ${
      quoteName(host)
    } with --user, and give the password by --password-file, by FERRY_PASSWORD or when asked`,

  twoUsers: (one: string, other: string): string =>
    `HOST says the user is ${quoteName(one)}, --user says ${
      quoteName(other)
    }; leave one out`,

  needsUser: (option: string): string =>
    `Option "${option}" needs "--user NAME"`,

  noPassword: (user: string): string =>
    `A log-in as ${
      quoteName(user)
    } needs --identity FILE, --password-file FILE or FERRY_PASSWORD: nobody is there to be asked`,

  unusable: (option: string, path: string, phrase: string): string =>
    `Cannot use ${option} ${quoteName(path)}: ${phrase}`,

  readableByOthers: (path: string): string =>
    `others on this machine may read it; do "chmod 600 ${path}"`,

  emptyPassword: "its first line is empty",

  askPassword: (user: string, host: string): string =>
    `Password of ${quoteName(user)} on ${host}: `,

  askNewPassword: (user: string): string =>
    `New password of ${quoteName(user)}: `,

  askAgain: "The same again: ",

  passwordsDiffer: "The two passwords are not the same; nothing was changed",

  badPassword: (problem: string): string =>
    `The password cannot be used: it ${problem}`,

  noNewPassword: (user: string): string =>
    `A password for ${
      quoteName(user)
    } needs --password-file FILE or FERRY_PASSWORD: nobody is there to be asked`,

  needsUsersFile: 'Option "--users FILE" is missing: it says which file to use',

  unknownAction: (action: string): string =>
    `Unknown ${
      quoteName(action)
    } for "user": choose "add", "passwd", "key", "list" or "rm"`,

  needsName: (action: string): string => `NAME is missing for "user ${action}"`,

  needsKeyFile: 'KEYFILE is missing for "user key": the .pub file of the key',

  needless: (action: string, word: string): string =>
    `Unexpected ${quoteName(word)} for "user ${action}"`,

  needlessOption: (action: string, option: string): string =>
    `Option "--${option}" means nothing for "user ${action}"`,

  badRights: (value: string, rights: readonly string[]): string =>
    `Option "--rights" cannot be ${quoteName(value)}: give some of ${
      rights.join(",")
    }`,

  failed: (doing: string, name: string, phrase: string): string =>
    `Cannot ${doing} ${quoteName(name)}: ${phrase}`,

  added: (name: string): string => `Added user ${quoteName(name)}`,

  passwordSet: (name: string): string =>
    `Changed the password of ${quoteName(name)}`,

  keyAdded: (name: string, fingerprint: string): string =>
    `${quoteName(name)} may log in by the key ${fingerprint}`,

  removed: (name: string): string => `Removed user ${quoteName(name)}`,

  nobody: "Nobody has an account there yet",

  keyMade: (
    path: string,
    key: { readonly line: string; readonly fingerprint: string },
  ): string =>
    [
      `Private key:  ${path} (nobody else should see it)`,
      `Public key:   ${path}.pub`,
      `Fingerprint:  ${key.fingerprint}`,
      "",
      "The operator of the server lets you in with:",
      `  ferryd user key NAME ${quoteName(`${path}.pub`)} --users FILE`,
      "",
    ].join("\n"),
};

/** What to do about a log-in that was refused on this side. */
export const logInHints = {
  "no-user":
    "name yours with --user NAME, and prove it with --identity FILE or its password",
  "no-secret": "use --identity FILE or --password-file FILE",
  "not-offered": "log in otherwise",
  "plain":
    "use tls://, or --identity FILE, which tells nobody anything; --allow-plain-password sends it all the same",
  "too-long": undefined,
} as const;
