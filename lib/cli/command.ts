/**
 * What a command is, as far as the command line goes: its words, not its work.
 *
 * @module
 */

import type { AnyOption, NameSide } from "./option.ts";

/** How many operands a command takes, and what they are called. */
export interface Operand {
  /** Its name in the help, in capitals. */
  readonly name: string;
  /** Where it is looked up, if it is a name; what a mirror makes and what it is made of are where its options say. */
  readonly names?: NameSide | "source" | "destination";
  /** Whether it names a directory. */
  readonly isFolder?: boolean;
  /** The only words that make sense, where there are few. */
  readonly words?: readonly string[];
  /** Whether it may be left out. */
  readonly optional?: boolean;
  /** Whether it may be given several times; only the last operand may. */
  readonly repeated?: boolean;
}

/** One command of a program. */
export interface CommandSpec {
  /** Its name; a program without commands has one with an empty name. */
  readonly name: string;
  /** Other names. */
  readonly aliases?: readonly string[];
  /** What it does, in a few words, for the list of commands. */
  readonly summary: string;
  /** What it does, in full sentences, for its own help. */
  readonly description: readonly string[];
  /** What it takes besides options. */
  readonly operands: readonly Operand[];
  /** Whether the help of the program only names it, and leaves the rest to its own. */
  readonly isMinor?: boolean;
  /** Options of this command only. */
  readonly options: readonly AnyOption[];
  /** Command lines to copy. */
  readonly examples: readonly string[];
}

/** A program: its commands, and the options that all of them have. */
export interface ProgramSpec {
  /** Its name. */
  readonly name: string;
  /** Its commands. */
  readonly commands: readonly CommandSpec[];
  /** The name of the command that is meant where none is named. */
  readonly defaultCommand?: string;
  /** The name of the command that is meant where there is one operand, and no command. */
  readonly loneCommand?: string;
  /** Whether its commands are typed at its own prompt. */
  readonly isShell?: boolean;
  /** Options of every command. */
  readonly commonOptions: readonly AnyOption[];
}

/**
 * The operands of a command as its usage line shows them: `HOST REMOTE...`.
 *
 * @param spec The command.
 */
export function operandSynopsis(spec: CommandSpec): string {
  return spec.operands.map(({ name, optional, repeated }) => {
    const shown = repeated ? `${name}...` : name;
    return optional ? `[${shown}]` : shown;
  }).join(" ");
}
