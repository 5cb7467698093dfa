/**
 * What the programs say about the classic protocols.
 *
 * @module
 */

import { quoteName } from "./escape.ts";

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** Sentences about the classic protocols. */
export const classic = {
  unknown: (
    name: string,
    names: readonly string[],
    meant: string | undefined,
  ): string =>
    `There is no classic protocol ${quoteName(name)}: ${
      meant === undefined
        ? `choose ${listed(names)}`
        : `did you mean "${meant}"?`
    }`,

  unknownSetting: (name: string, setting: string): string =>
    `The door of ${name} has no setting ${
      quoteName(setting)
    }: csci320 has "suffix=TEXT", and coen366 and csci320 have "on-conflict=POLICY"`,

  badPolicy: (
    name: string,
    value: string,
    policies: readonly string[],
  ): string =>
    `The door of ${name} cannot settle conflicts by ${
      quoteName(value)
    }: choose ${listed(policies)}`,

  needsAccounts: (name: string): string =>
    `Cannot speak ${name}: its users log in, and there are no accounts; use --users FILE`,

  noCommand: (
    name: string,
    command: string,
    commands: readonly string[],
  ): string =>
    `${name} has no "${command}": that protocol can do ${listed(commands)}`,

  noOption: (name: string, option: string): string =>
    `Option "${option}" has no meaning for ${name}: that protocol has no such thing`,

  needsClassic: (option: string): string =>
    `Option "${option}" is for --protocol cs372 and cs372-login only`,

  plainOnly: (name: string, host: string): string =>
    `Cannot use ${quoteName(host)}: ${name} is plain TCP; leave the scheme out`,
};
