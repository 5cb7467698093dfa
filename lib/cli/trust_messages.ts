/**
 * What is said about who a server is. The policy stands in `messages.ts`.
 *
 * @module
 */

import type { UnknownServer } from "../client/mod.ts";
import type { PublicIdentity } from "../server/mod.ts";
import { formatAddress } from "../transport/mod.ts";
import { escapeText, quoteName } from "./escape.ts";

/** What the server says of its identity. */
export const identity = {
  notKept:
    "there is no folder to keep an identity in, or this program may not write to it; name one with --state DIR",

  shown: (
    shown: {
      readonly fingerprint: string;
      readonly shortForm: string;
      readonly file: string;
    },
  ): string =>
    `${shown.fingerprint}\nin digits: ${shown.shortForm}\nkept in ${
      quoteName(shown.file)
    }\n`,

  atStart: ({ fingerprint, shortForm }: PublicIdentity): string =>
    `The identity is ${fingerprint}, in digits: ${shortForm}`,

  forThisRun:
    "This identity was made for this run only, and clients will take the next one for a stranger: keep one with --state DIR",

  expires: (when: number): string =>
    `The certificate expires on ${
      new Date(when).toISOString().slice(0, 10)
    }: renew it, and send SIGHUP`,

  failed: (reason: string): string =>
    `Cannot use the identity: ${escapeText(reason)}`,
};

/** What the client says of servers. */
export const trust = {
  question: (server: UnknownServer): string =>
    `${
      escapeText(formatAddress(server))
    } is not known here: ${server.problem}. Its fingerprint is\n  ${server.fingerprint}\nand in digits\n  ${server.shortForm}\n"ferryd identity" shows both on the server. Trust it from now on? [y/N] `,

  kept: (server: UnknownServer): string =>
    `${
      escapeText(formatAddress(server))
    } is trusted from now on: ${server.fingerprint}`,

  notKept: (reason: string): string =>
    `The server is trusted this time only, for that could not be kept: ${
      escapeText(reason)
    }`,

  noFolder: "the environment names no folder for configuration",
};

/** What to do about a server that is not trusted. */
export const trustHints = {
  unknown:
    'compare it with what "ferryd identity" shows on the server; then add --fingerprint with it, or --accept-new',

  declined: "you did not trust it",

  other:
    "at the same moment another ferry has seen another server there: somebody may be in between",

  authority: "with --ca no other authority counts",

  changed: (file: string, line: number): string =>
    `the trusted one is in line ${line} of ${
      quoteName(file)
    }; only if you know why it has changed, remove that line and connect again`,
};
