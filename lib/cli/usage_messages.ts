/**
 * What is said about command lines that make no sense. The policy stands in
 * `messages.ts`.
 *
 * @module
 */

import { formatAddress, type NetworkAddress } from "../transport/plain.ts";
import { escapeText, quoteName } from "./escape.ts";

/** Why there is no `--digest none`. */
export const INTEGRITY_IS_NEVER_OFF =
  'Option "--digest" has no "none": every file is always verified, and "auto" costs next to nothing';

/** What is wrong with a command line; each is one whole sentence. */
export const usage = {
  missingCommand: (help: string): string =>
    `A command is missing; ${help} lists them`,

  unknownCommand(
    word: string,
    meant: string | undefined,
    help: string,
  ): string {
    return `Unknown command ${quoteName(word)}${
      meant === undefined
        ? `; ${help} lists the commands`
        : `: did you mean "${meant}"?`
    }`;
  },

  /** A word that may be a mistyped command, or a host. */
  notAHost(word: string, meant: string, lone: string): string {
    return `Unknown command ${
      quoteName(word)
    }: did you mean "${meant}"? (a host of that name: ${lone} ${
      quoteName(word)
    })`;
  },

  unknownOption(
    command: string,
    option: string,
    similar: {
      readonly meant: string | undefined;
      readonly others: readonly string[];
      /** How to ask for help. */
      readonly help: string;
      /** The whole word, where it may be a name. */
      readonly name:
        | { readonly word: string; readonly isLocal: boolean }
        | undefined;
    },
  ): string {
    const unknown = `Unknown option ${quoteName(option)} for "${command}"`;
    if (similar.name !== undefined && similar.meant === undefined) {
      const { word, isLocal } = similar.name;
      const other = isLocal ? `write ${quoteName(`./${word}`)} or ` : "";
      return `${unknown}; if ${
        quoteName(word)
      } is a name, ${other}put "--" before it`;
    }
    if (similar.others.length > 0) {
      return `${unknown}: it belongs to ${listOf(similar.others)}`;
    }
    return similar.meant === undefined
      ? `${unknown}; see ${similar.help}`
      : `${unknown}: did you mean "${similar.meant}"?`;
  },

  missingOperand: (command: string, operand: string, help: string): string =>
    `${operand} is missing for "${command}"; see ${help}`,

  unexpected: (command: string, word: string, help: string): string =>
    `Unexpected ${quoteName(word)} for "${command}"; see ${help}`,

  missingValue(option: string, placeholder: string, inline?: string): string {
    const missing = `Option "${option}" needs a value: ${placeholder}`;
    return inline === undefined
      ? missing
      : `${missing} (if that is the value, write ${quoteName(inline)})`;
  },

  needlessValue: (option: string): string =>
    `Option ${quoteName(option)} takes no value`,

  contradiction: (one: string, other: string): string =>
    `Options "${one}" and "${other}" contradict each other`,

  emptyValue: (option: string): string =>
    `Option "${option}" needs a value that is not empty`,

  badOperand: (
    name: string,
    value: string,
    words: readonly string[],
  ): string =>
    `${name} cannot be ${quoteName(value)}: choose ${listOf(words, "or")}`,
  badChoice: (
    option: string,
    value: string,
    words: readonly string[],
  ): string =>
    `Option "${option}" cannot be ${quoteName(value)}: choose ${
      listOf(words, "or")
    }`,

  badSeconds: (
    option: string,
    value: string,
    min: number,
    max: number,
  ): string =>
    `Option "${option}" cannot be ${
      quoteName(value)
    }: give seconds from ${min} to ${max}, such as 30 or 2.5`,

  badCount(
    option: string,
    value: string,
    limits: {
      readonly min: number;
      readonly max: number;
      readonly word: string | undefined;
    },
  ): string {
    const { min, max, word } = limits;
    return `Option "${option}" cannot be ${
      quoteName(value)
    }: give a whole number from ${min} to ${max}${
      word === undefined ? "" : `, or "${word}"`
    }`;
  },

  badRate: (option: string, value: string): string =>
    `Option "${option}" cannot be ${
      quoteName(value)
    }: give bytes a second, at least 1K, such as 500K, 10M or 1.5G (in steps of 1024)`,

  badSize: (option: string, value: string): string =>
    `Option "${option}" cannot be ${
      quoteName(value)
    }: give bytes, such as 500M or 1.5G (in steps of 1024)`,

  badPattern: (option: string, value: string, problem: string): string =>
    `Option "${option}" cannot be ${quoteName(value)}: the pattern ${problem}`,

  needsOther: (option: string, other: string): string =>
    `Option "--${option}" needs "${other}"`,

  noTreeToStdout: (): string =>
    'Cannot get directories with "-o -": one stream cannot hold several files',

  stdinIsNoTree: (): string =>
    'Cannot put "-" (stdin) with -r; a directory of that name is "./-"',

  syncDirection: (): string =>
    'Say which way: "ferry sync --from-server HOST REMOTE LOCAL" makes LOCAL like REMOTE, "ferry sync --to-server HOST LOCAL REMOTE" makes REMOTE like LOCAL',

  nobodyToAsk: (): string =>
    'Option "--delete" asks before it deletes, and nobody is there to be asked: add --yes, or see what it would do with --dry-run',

  openQuote: (): string => "A quote is left open",

  openEscape: (): string => "There is nothing after the \\ at the end",

  noOperators: (operator: string): string =>
    `There is no ${
      quoteName(operator)
    } in this shell; put it in quotes if it is part of a name`,

  emptyOperand: (operand: string): string => `${operand} cannot be empty`,

  badHost: (text: string): string =>
    `Cannot use ${
      quoteName(text)
    } as a host: write NAME, NAME:PORT, 192.0.2.1:PORT or [2001:db8::1]:PORT`,

  badPort: (text: string, port: string): string =>
    `Cannot use ${quoteName(text)}: ${
      quoteName(port)
    } is no port, which is a number up to 65535`,

  badScheme: (text: string, scheme: string): string =>
    `Cannot use ${quoteName(text)}: Ferry does not speak ${
      quoteName(scheme)
    }, write tls://HOST, or tcp://HOST for plain TCP`,

  plainOnly: (text: string): string =>
    `Cannot use ${quoteName(text)}: this is plain HTTP, write HOST:PORT`,

  needsTls: (option: string, text: string): string =>
    `Option "${option}" is about TLS, and ${
      quoteName(text)
    } means plain TCP; write tls://HOST`,

  activeNeedsPlain: (text: string): string =>
    `Option "--active" works with plain TCP only, and ${
      quoteName(text)
    } means TLS; leave it out, or write tcp://HOST`,

  badFingerprint: (value: string): string =>
    `Option "--fingerprint" cannot be ${
      quoteName(value)
    }: give SHA256: and 43 letters, as "ferryd identity" shows it`,

  badFile: (option: string, reason: string): string =>
    `Option "${option}" names a file that cannot be used: ${
      escapeText(reason)
    }`,

  certNeedsKey: (): string =>
    'Options "--cert" and "--key" go together: a certificate, and the key it was made for',

  listenNeedsHost: (text: string): string =>
    `Cannot listen on ${
      quoteName(text)
    }: say where, as 127.0.0.1:PORT for this machine only or 0.0.0.0:PORT for every network`,

  plainListen: (address: NetworkAddress): string =>
    `Cannot listen on tcp://${
      formatAddress(address)
    }: it is reachable beyond this machine and unencrypted, which needs --allow-plain (or tls:// instead)`,

  hookNotAllowed: (program: string): string =>
    `Cannot run the upload hook ${
      quoteName(program)
    }: this program runs without --allow-run=${program}, or gave that up when it started without a hook`,

  badRemoteName: (text: string, problem: string): string =>
    `Cannot use ${quoteName(text)}: the name ${problem}`,

  notTheRoot: (doing: string, text: string): string =>
    `Cannot ${doing} ${quoteName(text)}: it means the top of the server's tree`,

  badLocalName: (segment: string): string =>
    `Cannot make a file named ${
      quoteName(segment)
    } on this system; choose a name with -o`,

  nameless: (local: string): string =>
    `Cannot put ${quoteName(local)}: it has no name of its own`,

  cannotBeRemote: (local: string, problem: string): string =>
    `Cannot put ${
      quoteName(local)
    } under its own name: the name ${problem}; choose a name with -o`,

  twins: (one: string, other: string, target: string): string =>
    `Cannot take both ${quoteName(one)} and ${
      quoteName(other)
    }: both would be ${quoteName(target)}`,

  stdinNeedsName: (): string =>
    'Cannot put "-" (stdin) without a name: add -o REMOTE, which is not a directory',

  stdinIsAlone: (): string =>
    'Cannot put "-" (stdin) together with other files; a file of that name is "./-"',
};

function listOf(words: readonly string[], conjunction = "and"): string {
  const quoted = words.map((word) => `"${word}"`);
  const last = quoted.pop() ?? "";
  return quoted.length === 0
    ? last
    : `${quoted.join(", ")} ${conjunction} ${last}`;
}
