/**
 * The words of the shell: the commands of `ferry` without their HOST, and those
 * that only make sense at a prompt.
 *
 * @module
 */

import {
  CLIENT_PROGRAM,
  COMPLETIONS,
  KEYGEN,
  REMOTE_OPTIONS,
  SHELL,
} from "../client_commands.ts";
import type { CommandSpec, ProgramSpec } from "../command.ts";

/** Goes to another remote directory. */
export const CHANGE_FOLDER: CommandSpec = {
  name: "cd",
  summary: "Go to another directory of the server",
  description: [
    'Goes to PATH, from which names are looked up from then on; without PATH to the top. "cd -" goes back to where you were before.',
  ],
  operands: [
    { name: "PATH", names: "remote", isFolder: true, optional: true },
  ],
  options: [],
  examples: ["cd docs/2026", "cd .."],
};

/** Goes to another local directory. */
export const CHANGE_LOCAL_FOLDER: CommandSpec = {
  name: "lcd",
  summary: "Go to another directory of this machine",
  description: [
    "Goes to DIR, from which local names are looked up from then on; without DIR to your home directory.",
  ],
  operands: [{ name: "DIR", names: "local", isFolder: true, optional: true }],
  options: [],
  examples: ["lcd ~/Downloads"],
};

/** Says where one is on the server. */
export const SHOW_FOLDER: CommandSpec = {
  name: "pwd",
  summary: "Show where you are on the server",
  description: ["Shows the directory of the server in which you are."],
  operands: [],
  options: [],
  examples: ["pwd"],
};

/** Says where one is on this machine. */
export const SHOW_LOCAL_FOLDER: CommandSpec = {
  name: "lpwd",
  summary: "Show where you are on this machine",
  description: ["Shows the directory of this machine in which you are."],
  operands: [],
  options: [],
  examples: ["lpwd"],
};

/** Leaves. */
export const LEAVE: CommandSpec = {
  name: "bye",
  aliases: ["quit", "exit"],
  summary: "Leave",
  description: ["Says goodbye to the server and ends. So does Ctrl-D."],
  operands: [],
  options: [],
  examples: ["bye"],
};

/** What makes no sense at a prompt. */
const OUTSIDE: readonly CommandSpec[] = [SHELL, KEYGEN, COMPLETIONS];

/** A command as it is typed where the host is known. */
function withoutHost(spec: CommandSpec): CommandSpec {
  const strip = (text: string) => text.replaceAll(" HOST", "");
  return {
    ...spec,
    description: spec.description.map(strip),
    operands: spec.operands.filter(({ name }) => name !== "HOST"),
    options: spec.options.filter((option) => !REMOTE_OPTIONS.includes(option)),
    examples: spec.examples
      .filter((example) => !/[|']/.test(example))
      .map((example) =>
        example.replace(/^ferry /, "").replace(/ 127\.0\.0\.1\b/, "")
      ),
  };
}

/** The commands of a shell, made of those of a program. */
export function shellProgram(program: ProgramSpec): ProgramSpec {
  const commands = program.commands
    .filter((command) => !OUTSIDE.includes(command))
    .map(withoutHost);
  const own = [
    CHANGE_FOLDER,
    CHANGE_LOCAL_FOLDER,
    SHOW_FOLDER,
    SHOW_LOCAL_FOLDER,
    LEAVE,
  ];
  return {
    name: program.name,
    commands: [...commands, ...own],
    commonOptions: program.commonOptions,
    isShell: true,
  };
}

/** The commands of `ferry` at its prompt. */
export const SHELL_PROGRAM: ProgramSpec = shellProgram(CLIENT_PROGRAM);
