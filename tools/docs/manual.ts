/**
 * The manual pages.
 *
 * @module
 */

import { CLIENT_PROGRAM } from "../../lib/cli/client_commands.ts";
import type { CommandSpec, ProgramSpec } from "../../lib/cli/command.ts";
import { SERVER_PROGRAM } from "../../lib/cli/server_commands.ts";
import { ERROR_CODES, MESSAGES, VERSIONS } from "../../lib/protocol/mod.ts";
import {
  commonFacts,
  exitFacts,
  type Fact,
  limitFacts,
  optionFacts,
  settingFacts,
  synopsis,
  variableFacts,
} from "./facts.ts";
import {
  roffExample,
  roffHead,
  roffParagraph,
  roffPart,
  roffSection,
  roffTerm,
} from "./roff.ts";

function terms(facts: readonly Fact[]): string[] {
  return facts.map(({ term, text }) => roffTerm(term, text));
}

function join(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

function commandPart(program: ProgramSpec, command: CommandSpec): string[] {
  const { aliases, description, examples } = command;
  return [
    roffPart(synopsis(program, command)),
    ...description.map(roffParagraph),
    ...aliases === undefined
      ? []
      : [roffParagraph(`Also called: ${aliases.join(", ")}.`)],
    ...terms(optionFacts(command)),
    ...examples.length === 0 ? [] : [roffParagraph("Examples:")],
    roffExample(examples),
  ];
}

/** What a program is, for the first lines of its page. */
interface About {
  readonly section: number;
  readonly title: string;
  readonly description: readonly string[];
  readonly seeAlso: string;
}

function programPage(program: ProgramSpec, about: About): string {
  const { commands } = program;
  const variables = variableFacts(program);
  return join([
    roffHead({ name: program.name, ...about }),
    roffSection("Synopsis"),
    roffExample(commands.map((command) => synopsis(program, command))),
    roffSection("Description"),
    ...about.description.map(roffParagraph),
    roffSection("Commands"),
    ...commands.flatMap((command) => commandPart(program, command)),
    roffSection("Options of every command"),
    ...terms(commonFacts(program)),
    ...variables.length === 0 ? [] : [roffSection("Environment")],
    ...terms(variables),
    roffSection("Exit status"),
    ...terms(exitFacts()),
    roffSection("See also"),
    roffParagraph(about.seeAlso),
  ]);
}

/** ferry(1). */
export function clientPage(): string {
  return programPage(CLIENT_PROGRAM, {
    section: 1,
    title: "move files to and from a Ferry server",
    description: [
      "A file that Ferry says has arrived is complete, verified, durable and under its right name. What is interrupted goes on where it was.",
      "HOST is an address with or without a port; a leading / of a remote path means the top of what the server offers.",
    ],
    seeAlso: "ferryd(8), ferry-protocol(7)",
  });
}

/** ferryd(8). */
export function serverPage(): string {
  return programPage(SERVER_PROGRAM, {
    section: 8,
    title: "offer a directory to Ferry clients",
    description: [
      "Files appear in the directory only when they are whole, verified and on stable storage. Unfinished uploads live in .ferry at its top, which nobody sees.",
      "SIGINT and SIGTERM let transfers finish for the time of --drain; a second signal ends them.",
    ],
    seeAlso: "ferry(1), ferryd.conf(5), ferry-protocol(7)",
  });
}

/** ferryd.conf(5). */
export function configPage(): string {
  return join([
    roffHead({
      name: "ferryd.conf",
      section: 5,
      title: "configuration of ferryd",
    }),
    roffSection("Description"),
    roffParagraph(
      "The file that ferryd --config names is JSON with comments. Every option of the command line is a setting of the same name in camel case; what the command line says wins. A file with anything in it that makes no sense is refused as a whole, with its line. ferryd check tries it.",
    ),
    roffSection("Settings"),
    roffTerm(
      "root",
      "(string) The directory to serve (default: the current one).",
    ),
    ...terms(settingFacts()),
    roffSection("Limits"),
    roffParagraph('What stands in the object "limits":'),
    ...terms(limitFacts()),
    roffSection("Example"),
    roffExample([
      "{",
      "  // Everybody on this machine may read.",
      '  "root": "/srv/files",',
      '  "listen": ["127.0.0.1:65430"],',
      '  "anonymous": "read",',
      '  "limitRate": "10M",',
      '  "limits": { "connectionCountMax": 200 }',
      "}",
    ]),
    roffSection("See also"),
    roffParagraph("ferryd(8)"),
  ]);
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}

/** ferry-protocol(7). */
export function protocolPage(): string {
  return join([
    roffHead({
      name: "ferry-protocol",
      section: 7,
      title: "how Ferry clients and servers talk",
    }),
    roffSection("Description"),
    roffParagraph(
      `Version ${
        VERSIONS.join(", ")
      }. A control connection carries the log-in, questions and changes; data connections, which name the session with a token, carry files. Frames have a header with its own sum, and every chunk of a file has a CRC-32. The normative text, complete enough to write a client from, is docs/protocol.md of the project; this page is an overview.`,
    ),
    roffSection("Frames"),
    ...Object.entries(MESSAGES).map(([name, { code, exchange, fields }]) =>
      roffTerm(
        `${name} (${hex(code)})`,
        `${exchange ? "Part of an exchange" : "Of the connection itself"}; ${
          Object.keys(fields).length === 0
            ? "no fields"
            : `fields: ${Object.keys(fields).join(", ")}`
        }.`,
      )
    ),
    roffSection("Error codes"),
    ...Object.entries(ERROR_CODES).map(([name, code]) =>
      roffTerm(String(code), name)
    ),
    roffSection("See also"),
    roffParagraph("ferry(1), ferryd(8)"),
  ]);
}
