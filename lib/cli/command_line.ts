/**
 * From the words of a command line to a command with its options and operands,
 * by the tables and nothing else.
 *
 * @module
 */

import type { CommandSpec, ProgramSpec } from "./command.ts";
import { usage } from "./messages.ts";
import { nearest } from "./nearest.ts";
import { type AnyOption, flag, type Option } from "./option.ts";
import { UsageError } from "./usage_error.ts";
import { splitWords, type Words } from "./words.ts";

/** Shows the help. */
export const HELP: Option<boolean> = flag("help", "h", "Show this help");
/** Shows the version. */
export const VERSION_FLAG: Option<boolean> = flag(
  "version",
  "V",
  "Show the version",
);

/** A command line that makes sense. */
export interface CommandLine {
  /** What to run; `help` and `version` ask for text instead. */
  readonly action: "run" | "help" | "version";
  /** The command; `undefined` where help or version was asked of the program. */
  readonly command: CommandSpec | undefined;
  /** What was given besides options. */
  readonly operands: readonly string[];
  /** Which of the words each operand was. */
  readonly positions: readonly number[];
  /** The value of an option, or its fallback. */
  value<T>(option: Option<T>): T;
  /** Which of these options were given, in order and as often, each with its text; none with a flag. */
  given(
    options: readonly AnyOption[],
  ): ReadonlyArray<readonly [option: AnyOption, text: string]>;
}

/**
 * Reads a command line.
 *
 * @param program The tables.
 * @param args The words after the program's name.
 * @throws {UsageError} if it makes no sense.
 */
export function readCommandLine(
  program: ProgramSpec,
  args: readonly string[],
): CommandLine {
  const common = commonOptions(program);
  // What a word means depends on the command, so this finds only that.
  const everywhere = program.commands.flatMap(({ options }) => options);
  const first = splitWords(args, [...common, ...everywhere]);
  if (first.options.has(VERSION_FLAG.name)) return asking("version", undefined);
  const [word, ...rest] = first.operands;
  if (word === HELP.name && program.defaultCommand === undefined) {
    return asking("help", readHelpOperands(program, rest));
  }
  const command = findCommand(program, word) ??
    (rest.length === 0 ? loneCommand(program, word, first) : undefined);
  if (first.options.has(HELP.name) && (command || word === undefined)) {
    return asking("help", command);
  }
  if (command === undefined) {
    rejectUnknownOption(program, undefined, first);
    throw new UsageError(noCommand(program, word));
  }
  const known = [...command.options, ...common];
  const words = splitWords(args, known);
  rejectUnknownOption(program, command, words);
  if (words.problem !== undefined) throw new UsageError(words.problem);
  const isNamed = word !== undefined && isCalled(command, word);
  const operands = isNamed ? words.operands.slice(1) : words.operands;
  checkOperands(program, command, operands);
  const values = readValues(known, words);
  return {
    action: "run",
    command,
    operands,
    positions: isNamed ? words.positions.slice(1) : words.positions,
    value: <T>(option: Option<T>): T =>
      values.has(option) ? values.get(option) as T : option.fallback,
    given: (options) =>
      words.sequence.flatMap(([name, text]) =>
        options.filter((option) => option.name === name)
          .map((option) => [option, text] as const)
      ),
  };
}

/** The options that every command has. */
export function commonOptions(program: ProgramSpec): readonly AnyOption[] {
  return [...program.commonOptions, HELP, VERSION_FLAG];
}

function asking(
  action: "help" | "version",
  command: CommandSpec | undefined,
): CommandLine {
  return {
    action,
    command,
    operands: [],
    positions: [],
    value: (option) => option.fallback,
    given: () => [],
  };
}

function readHelpOperands(
  program: ProgramSpec,
  operands: readonly string[],
): CommandSpec | undefined {
  const [word, extra] = operands;
  if (extra !== undefined) {
    throw new UsageError(
      usage.unexpected(program.name || HELP.name, extra, helpText(program)),
    );
  }
  const command = findCommand(program, word);
  if (word !== undefined && command === undefined) {
    throw new UsageError(noCommand(program, word));
  }
  return command;
}

/** The command that a word names; for programs that have one, else the default one. */
function findCommand(
  program: ProgramSpec,
  word: string | undefined,
): CommandSpec | undefined {
  const { commands, defaultCommand } = program;
  return commands.find((command) =>
    word !== undefined && isCalled(command, word)
  ) ?? commands.find(({ name }) => name === defaultCommand);
}

function isCalled({ name, aliases = [] }: CommandSpec, word: string): boolean {
  return word !== "" && [name, ...aliases].includes(word);
}

/** The command that a single operand stands for, which names none itself. */
function loneCommand(
  program: ProgramSpec,
  word: string | undefined,
  { unknown }: Words,
): CommandSpec | undefined {
  const lone = program.commands.find(({ name }) =>
    name === program.loneCommand
  );
  if (word === undefined || lone === undefined || unknown !== undefined) {
    return undefined;
  }
  // "ferry gte" is rather a slip than a host.
  const meant = nearest(word, [...commandNames(program), HELP.name]);
  if (meant === undefined) return lone;
  throw new UsageError(
    usage.notAHost(word, meant, `${program.name} ${lone.name}`),
  );
}

/** Every name of every command. */
export function commandNames(program: ProgramSpec): string[] {
  return program.commands.flatMap(({ name, aliases = [] }) => [
    name,
    ...aliases,
  ]);
}

/** How to ask for the help of a command, or of the program. */
function helpText(program: ProgramSpec, command?: CommandSpec): string {
  const own = command === undefined || command.name === program.defaultCommand
    ? ""
    : command.name;
  const words = program.isShell
    ? [HELP.name, own]
    : [program.name, own, "--help"];
  return `"${words.filter((word) => word !== "").join(" ")}"`;
}

function noCommand(program: ProgramSpec, word: string | undefined): string {
  const help = helpText(program);
  if (word === undefined) return usage.missingCommand(help);
  const meant = nearest(word, commandNames(program));
  return usage.unknownCommand(word, meant, help);
}

function spellings({ name, short }: AnyOption): string[] {
  return [`--${name}`, ...[...short ?? ""].map((letter) => `-${letter}`)];
}

function rejectUnknownOption(
  program: ProgramSpec,
  command: CommandSpec | undefined,
  { unknown, unknownWord = "" }: Words,
): void {
  if (unknown === undefined) return;
  const own = command?.options ??
    program.commands.flatMap(({ options }) => options);
  const known = [...own, ...commonOptions(program)];
  const others = program.commands.filter(({ options }) =>
    options.flatMap(spellings).includes(unknown)
  );
  throw new UsageError(
    usage.unknownOption(commandName(program, command), unknown, {
      meant: nearest(unknown, known.flatMap(spellings)),
      others: others.map(({ name }) => name),
      help: helpText(program, command),
      name: command !== undefined && looksLikeName(unknownWord)
        ? { word: unknownWord, isLocal: takesLocalNames(command) }
        : undefined,
    }),
  );
}

/** Whether a word is rather a name that begins with a dash: `-d.txt`. */
function looksLikeName(word: string): boolean {
  return word.length > 2 && /[^a-z-]/i.test(word) && !word.includes("=");
}

function takesLocalNames({ operands }: CommandSpec): boolean {
  return ["LOCAL", "DIR", "ROOT"].includes(operands.at(-1)?.name ?? "");
}

function checkOperands(
  program: ProgramSpec,
  command: CommandSpec,
  operands: readonly string[],
): void {
  const shown = commandName(program, command);
  const help = helpText(program, command);
  const missing = command.operands.find((operand, index) =>
    !operand.optional && index >= operands.length
  );
  if (missing !== undefined) {
    throw new UsageError(usage.missingOperand(shown, missing.name, help));
  }
  for (const [index, { name, words }] of command.operands.entries()) {
    const given = operands[index];
    if (given !== undefined && words?.includes(given) === false) {
      throw new UsageError(usage.badOperand(name, given, words));
    }
  }
  const extra = operands[command.operands.length];
  if (extra !== undefined && !command.operands.at(-1)?.repeated) {
    throw new UsageError(usage.unexpected(shown, extra, help));
  }
}

/** What messages call a command: its own name, or the program's if it is implied. */
function commandName(
  program: ProgramSpec,
  command: CommandSpec | undefined,
): string {
  const isNamed = command !== undefined &&
    command.name !== program.defaultCommand;
  return isNamed ? command.name : program.name;
}

function readValues(
  known: readonly AnyOption[],
  words: Words,
): ReadonlyMap<AnyOption, unknown> {
  const values = new Map<AnyOption, unknown>();
  for (const option of known) {
    const given = words.options.get(option.name);
    if (given === undefined) continue;
    const texts = option.placeholder === undefined ? [""] : given;
    let value: unknown = option.fallback;
    for (const text of texts) value = option.read(text, value);
    values.set(option, value);
  }
  return values;
}
