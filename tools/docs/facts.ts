/**
 * What the manual pages and the reference tell, as the program's own tables have
 * it.
 *
 * @module
 */

import { CLIENT_PROGRAM } from "../../lib/cli/client_commands.ts";
import {
  type CommandSpec,
  operandSynopsis,
  type ProgramSpec,
} from "../../lib/cli/command.ts";
import { commonOptions } from "../../lib/cli/command_line.ts";
import { settingName } from "../../lib/cli/config_file.ts";
import { EXIT, EXIT_MEANINGS } from "../../lib/cli/exit_codes.ts";
import type { AnyOption } from "../../lib/cli/option.ts";
import { SERVER_PROGRAM, SETTINGS } from "../../lib/cli/server_commands.ts";
import { VARIABLES } from "../../lib/cli/variables.ts";
import { SERVER_LIMIT_TABLE } from "../../lib/server/mod.ts";

/** A term and what it means. */
export interface Fact {
  readonly term: string;
  readonly text: string;
}

/** The two programs. */
export const PROGRAMS: readonly ProgramSpec[] = [
  CLIENT_PROGRAM,
  SERVER_PROGRAM,
];

/** How a command is written. */
export function synopsis(program: ProgramSpec, command: CommandSpec): string {
  return [program.name, command.name, "[OPTIONS]", operandSynopsis(command)]
    .filter((part) => part !== "").join(" ");
}

function optionFact({ help, name, placeholder, short }: AnyOption): Fact {
  const letters = [...short ?? ""].map((letter) => `-${letter}, `).join("");
  const value = placeholder === undefined ? "" : ` ${placeholder}`;
  return { term: `${letters}--${name}${value}`, text: `${help}.` };
}

/** The options of a command. */
export function optionFacts(command: CommandSpec): readonly Fact[] {
  return command.options.map(optionFact);
}

/** The options of every command. */
export function commonFacts(program: ProgramSpec): readonly Fact[] {
  return commonOptions(program).map(optionFact);
}

/** The environment variables of a program. */
export function variableFacts({ name }: ProgramSpec): readonly Fact[] {
  return Object.entries(VARIABLES)
    .filter(([, { programs }]) => programs.some((program) => program === name))
    .map(([term, { help }]) => ({ term, text: help }));
}

/** The exit codes. */
export function exitFacts(): readonly Fact[] {
  return Object.entries(EXIT).map(([name, code]) => ({
    term: String(code),
    text: EXIT_MEANINGS[name as keyof typeof EXIT],
  }));
}

/** What a setting may be. */
function settingType(option: AnyOption): string {
  const { isNumber, isRepeated, placeholder, words } = option;
  if (placeholder === undefined) return "true or false";
  if (isRepeated) return "list of strings";
  if (words !== undefined) return words.map((word) => `"${word}"`).join(", ");
  return isNumber ? "number" : "string";
}

/** The settings of the configuration file that are options. */
export function settingFacts(): readonly Fact[] {
  return SETTINGS.map((option) => ({
    term: settingName(option),
    text: `(${settingType(option)}) ${option.help}.`,
  }));
}

/** The limits of a server. */
export function limitFacts(): readonly Fact[] {
  return Object.entries(SERVER_LIMIT_TABLE).map(([term, limit]) => ({
    term,
    text: `(default ${
      Number.isFinite(limit.value) ? limit.value : "none"
    }, in ${limit.unit}) ${limit.reason}`,
  }));
}
