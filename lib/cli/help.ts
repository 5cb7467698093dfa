/**
 * The help, made of the tables of commands and options.
 *
 * @module
 */

import {
  type CommandSpec,
  operandSynopsis,
  type ProgramSpec,
} from "./command.ts";
import { commonOptions } from "./command_line.ts";
import type { AnyOption } from "./option.ts";

/** Columns of the help: a terminal as it comes. */
const COLUMNS = 80;
const INDENT = "  ";
/** Columns of what stands left of an explanation. */
const TERM_COLUMNS = 26;

/** Breaks a text into lines of at most `columns`, at spaces. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length > columns && line !== "") {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** A term and its explanation, side by side where they fit. */
function definition(
  term: string,
  explanation: string,
  columns: number,
): string {
  const lines = wrap(explanation, COLUMNS - INDENT.length - columns);
  const pad = `\n${INDENT}${" ".repeat(columns)}`;
  const left = INDENT + term;
  return term.length + 2 > columns
    ? `${left}${pad}${lines.join(pad)}\n`
    : `${INDENT}${term.padEnd(columns)}${lines.join(pad)}\n`;
}

/** An option as the help shows it: `-o, --output LOCAL`. */
function optionTerm({ name, short, placeholder }: AnyOption): string {
  const letters = [...short ?? ""].map((letter) => `-${letter}, `).join("");
  const value = placeholder === undefined ? "" : ` ${placeholder}`;
  return `${letters === "" ? "    " : letters}--${name}${value}`;
}

function optionTable(options: readonly AnyOption[]): string {
  return options.map((option) =>
    definition(optionTerm(option), option.help, TERM_COLUMNS)
  ).join("");
}

function usageLine(program: ProgramSpec, command: CommandSpec): string {
  const name = program.isShell ? "" : program.name;
  return [name, command.name, "[OPTIONS]", operandSynopsis(command)]
    .filter((part) => part !== "").join(" ");
}

/**
 * The help of one command.
 *
 * @param program The program.
 * @param command Its command.
 */
export function commandHelp(
  program: ProgramSpec,
  command: CommandSpec,
): string {
  const aliases = command.aliases === undefined
    ? ""
    : `Also called: ${command.aliases.join(", ")}\n\n`;
  const common = commonOptions(program);
  const others = program.commands.filter((other) =>
    command.name === program.defaultCommand && other !== command
  );
  const description = command.description
    .map((text) => `${wrap(text, COLUMNS).join("\n")}\n\n`);
  const sections = [
    `Usage: ${usageLine(program, command)}\n\n`,
    ...description,
    aliases,
    others.length === 0
      ? ""
      : `Commands:\n${
        others.map((other) =>
          definition(other.name, other.summary, TERM_COLUMNS)
        ).join("")
      }\n`,
    command.options.length === 0
      ? ""
      : `Options:\n${optionTable(command.options)}\n`,
    `${
      program.defaultCommand === undefined
        ? "Options of every command"
        : "More options"
    }:\n${optionTable(common)}\n`,
    "Examples:\n",
    ...command.examples.map((example) => `${INDENT}${example}\n`),
  ];
  return sections.join("");
}

/** Columns of the commands in the help of a program. */
const COMMAND_COLUMNS = 34;

/**
 * The help of a program with commands: on one screen, and enough to begin.
 *
 * @param program The program.
 */
export function programHelp(program: ProgramSpec): string {
  const commands = program.commands.filter(({ isMinor }) => !isMinor)
    .map((command) =>
      definition(
        `${command.name} ${operandSynopsis(command)}`,
        command.summary,
        COMMAND_COLUMNS,
      )
    );
  const minor = program.commands.filter(({ isMinor }) => isMinor)
    .map(({ name }) => name).join(", ");
  const options = commonOptions(program);
  return [
    `Usage: ${program.name} [OPTIONS] COMMAND HOST[:PORT] [ARGS]\n`,
    "Move files to and from a Ferry server; nothing arrives half.\n",
    "Commands:\n",
    ...commands,
    definition(
      minor,
      "Without a server; each has its own help",
      COMMAND_COLUMNS,
    ),
    "Options:\n",
    optionTable(options),
    "HOST is NAME or ADDRESS; it means tls://HOST, on this machine tcp://HOST.\n",
    `"${program.name} COMMAND --help" says more; to begin: ${program.name} put 127.0.0.1 notes.txt\n`,
  ].join("");
}

/**
 * The help of a shell.
 *
 * @param program Its commands.
 */
export function shellHelp(program: ProgramSpec): string {
  const commands = program.commands.map((command) =>
    definition(
      `${command.name} ${operandSynopsis(command)}`,
      command.summary,
      COMMAND_COLUMNS,
    )
  );
  return [
    ...commands,
    definition("!COMMAND", "Run a command of this machine", COMMAND_COLUMNS),
    definition("help [COMMAND]", "Say more of a command", COMMAND_COLUMNS),
    "Names may be patterns (*.csv). Tab completes, Ctrl-C stops a transfer.\n",
  ].join("");
}
