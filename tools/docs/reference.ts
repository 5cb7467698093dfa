/**
 * `docs/reference.md`.
 *
 * @module
 */

import type { CommandSpec, ProgramSpec } from "../../lib/cli/command.ts";
import {
  commonFacts,
  exitFacts,
  type Fact,
  limitFacts,
  optionFacts,
  PROGRAMS,
  settingFacts,
  synopsis,
  variableFacts,
} from "./facts.ts";

/** Text between whose lines Markdown sees nothing to format. */
function plain(text: string): string {
  return text.replace(/[\\`*_<>[\]|~]/g, "\\$&");
}

function list(facts: readonly Fact[]): string {
  return facts.map(({ term, text }) => `- \`${term}\`: ${plain(text)}\n`)
    .join("");
}

function fence(lines: readonly string[]): string {
  return `\`\`\`text\n${lines.join("\n")}\n\`\`\`\n\n`;
}

function commandSection(program: ProgramSpec, command: CommandSpec): string {
  const { aliases, description, examples, name } = command;
  const options = optionFacts(command);
  return [
    `### ${program.name}${name === "" ? "" : ` ${name}`}\n\n`,
    fence([synopsis(program, command)]),
    ...description.map((text) => `${plain(text)}\n\n`),
    aliases === undefined
      ? ""
      : `Also called: ${
        aliases.map((alias) => `\`${alias}\``).join(", ")
      }.\n\n`,
    options.length === 0 ? "" : `${list(options)}\n`,
    fence(examples),
  ].join("");
}

function programSection(program: ProgramSpec): string {
  const variables = variableFacts(program);
  return [
    `## ${program.name}\n\n`,
    ...program.commands.map((command) => commandSection(program, command)),
    `### Options of every command of ${program.name}\n\n`,
    `${list(commonFacts(program))}\n`,
    `### Environment of ${program.name}\n\n`,
    `${list(variables)}\n`,
  ].join("");
}

/** The reference: every command, option, variable, setting, limit and exit code. */
export function referencePage(): string {
  return [
    "# Reference\n\n",
    '<!-- Written by "deno task docs" from the tables of the program. -->\n\n',
    "Every command, option, environment variable, setting, limit and exit code.\n\n",
    ...PROGRAMS.map(programSection),
    "## Configuration file\n\n",
    "`ferryd --config FILE` reads JSON with comments; [ferryd.schema.json](ferryd.schema.json) describes it to editors. Every option is a setting of the same name in camel case; what the command line says wins. `root` is the directory to serve.\n\n",
    `${list(settingFacts())}\n`,
    "## Limits of the server\n\n",
    "Settings in the object `limits` of the configuration file.\n\n",
    `${list(limitFacts())}\n`,
    "## Exit codes\n\n",
    list(exitFacts()),
  ].join("");
}
