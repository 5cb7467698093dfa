/**
 * What is only said at the prompt of a shell, or of its scripts. The policy
 * stands in `messages.ts`.
 *
 * @module
 */

import type { SessionInfo } from "../client/mod.ts";
import { formatAddress, type NetworkAddress } from "../transport/plain.ts";
import { escapeName, escapeText, quoteName } from "./escape.ts";

/** What a shell says at its prompt. */
export const shell = {
  welcome: (info: SessionInfo): string =>
    `Connected to ${escapeText(formatAddress(info))} as ${
      escapeName(info.user)
    }: ${
      info.rights.length === 0 ? "nothing is allowed" : info.rights.join(", ")
    }
"help" lists the commands, "bye" leaves`,

  lost: (error: Error): string =>
    `Connection lost (${
      escapeText(error.message)
    }); the next command makes it again`,

  back: (address: NetworkAddress): string =>
    `Connected to ${escapeText(formatAddress(address))} again`,

  interrupted(percent: number | undefined, canContinue: boolean): string {
    const where = percent === undefined ? "" : ` at ${percent}%`;
    return `Interrupted${where}${
      canContinue ? "; the same command continues" : ""
    }`;
  },

  conflict: (subject: string, isLocal: boolean): string =>
    `${quoteName(subject)} is there already${
      isLocal ? "" : " on the server"
    }\n(o)verwrite, (r)ename, (s)kip or (f)ail? Add "all" for the rest too [f] `,

  conflictAnswers: 'Please answer o, r, s or f, or such as "s all"\n',

  noPermissionToRun:
    "Cannot run commands of this machine: ferry runs without --allow-run",

  notRun: "Cannot run it: a command is missing after the !",

  endedWith: (code: number): string => `The command ended with code ${code}`,

  noMatch: (pattern: string, isLocal: boolean): string =>
    `No name ${isLocal ? "here" : "on the server"} matches ${
      quoteName(pattern)
    }`,

  manyMatch: (pattern: string, count: number): string =>
    `${quoteName(pattern)} matches ${count} names, and only one can be used`,

  notAFolder: (path: string): string =>
    `Cannot go to ${quoteName(path)}: it is not a directory`,

  stdinIsTaken:
    'Cannot put "-" (stdin): that is where the commands of the shell come from',

  scriptProblem: (file: string, phrase: string): string =>
    `Cannot read the script ${quoteName(file)}: ${escapeText(phrase)}`,
};
