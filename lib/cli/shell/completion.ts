/**
 * How a line that is being typed may go on: commands, options, what options
 * may be, and names there and here.
 *
 * @module
 */

import type { CommandSpec, Operand, ProgramSpec } from "../command.ts";
import { commandNames, commonOptions, HELP } from "../command_line.ts";
import { FROM_SERVER } from "../client_options.ts";
import type { Completions } from "../line_editor.ts";
import type { AnyOption, NameSide } from "../option.ts";
import { splitWords } from "../words.ts";
import type { Candidate } from "./expand.ts";
import { type OpenWord, splitOpenLine, typeText } from "./shell_words.ts";

/** Lists names, in the words of who types: `docs/`, `~/`, `""` for where one is. */
export type NamesIn = (
  side: NameSide,
  folder: string,
  isHome: boolean,
) => Promise<readonly Candidate[]>;

const NOTHING: Completions = { hits: [], typed: "" };

/** What stands before the word that is being typed. */
interface Before {
  readonly command: CommandSpec | undefined;
  readonly options: readonly AnyOption[];
  readonly words: readonly string[];
}

/** Hits of whole words; `typed` is how their beginning was typed. */
function wholeWords(
  words: readonly string[],
  { text, typed }: Pick<OpenWord, "text" | "typed">,
): Completions {
  // What stands in quotes is no command and no option.
  if (text !== typed) return NOTHING;
  return {
    hits: words.filter((word) => word.startsWith(text)).sort()
      .map((word) => word.endsWith("=") ? word : `${word} `),
    typed,
  };
}

async function names(
  side: NameSide,
  open: OpenWord,
  isForFolders: boolean,
  namesIn: NamesIn,
): Promise<Completions> {
  const slash = open.text.lastIndexOf("/");
  const folder = open.text.slice(0, slash + 1);
  const begun = open.text.slice(slash + 1);
  const typed = open.typed.slice(open.typed.lastIndexOf("/") + 1);
  const hits: string[] = [];
  for (const { name, isFolder } of await namesIn(side, folder, open.isHome)) {
    const isMeant = name.startsWith(begun) && (isFolder || !isForFolders) &&
      (begun !== "" || !name.startsWith("."));
    if (!isMeant) continue;
    const rest = name.slice(begun.length);
    const more = typeText(rest, open.quote, open.typed === "");
    if (more === undefined) continue;
    hits.push(typed + more + (isFolder ? "/" : `${open.quote} `));
  }
  return { hits: hits.sort(), typed };
}

/** The option that the last word before leaves without its value. */
function openOption({ words, options }: Before): AnyOption | undefined {
  const last = words.at(-1) ?? "";
  if (!last.startsWith("-") || words.slice(0, -1).includes("--")) {
    return undefined;
  }
  return options.find(({ name, short = "", placeholder }) =>
    placeholder !== undefined &&
    (last === `--${name}` ||
      /^-[^-]/.test(last) && short !== "" && last.endsWith(short))
  );
}

function optionWords(options: readonly AnyOption[]): string[] {
  return options.map(({ name, placeholder }) =>
    placeholder === undefined ? `--${name}` : `--${name}=`
  );
}

/** The operand that is being typed. */
function openOperand({ command, options, words }: Before): Operand | undefined {
  const count = splitWords(words, options).operands.length;
  const last = command?.operands.at(-1);
  return command?.operands[count] ?? (last?.repeated ? last : undefined);
}

/** Where an operand is looked up. */
export function sideOf(
  names: Operand["names"],
  isFromServer: boolean,
): NameSide | undefined {
  if (names === "source") return isFromServer ? "remote" : "local";
  if (names === "destination") return isFromServer ? "local" : "remote";
  return names;
}

function valueOf(open: OpenWord): OpenWord {
  const [text, typed] = [open.text, open.typed].map((word) =>
    word.slice(word.indexOf("=") + 1)
  );
  return { ...open, text: text ?? "", typed: typed ?? "" };
}

async function completeValue(
  option: AnyOption,
  value: OpenWord,
  namesIn: NamesIn,
): Promise<Completions> {
  if (option.words !== undefined) return wholeWords(option.words, value);
  if (option.names === undefined) return NOTHING;
  return await names(option.names, value, false, namesIn);
}

async function completeRest(
  before: Before,
  open: OpenWord,
  namesIn: NamesIn,
): Promise<Completions> {
  const { options, words } = before;
  const waiting = openOption(before);
  if (waiting !== undefined) return await completeValue(waiting, open, namesIn);
  if (open.typed.startsWith("-") && !words.includes("--")) {
    const [name = ""] = open.text.slice(2).split("=");
    const given = open.text.includes("=")
      ? options.find((option) => option.name === name)
      : undefined;
    return given === undefined
      ? wholeWords(optionWords(options), open)
      : await completeValue(given, valueOf(open), namesIn);
  }
  const operand = openOperand(before);
  if (operand?.words !== undefined) return wholeWords(operand.words, open);
  const isFromServer = words.includes(`--${FROM_SERVER.name}`);
  const side = sideOf(operand?.names, isFromServer);
  return side === undefined
    ? NOTHING
    : await names(side, open, operand?.isFolder ?? false, namesIn);
}

/** The command that a line is about, and what is typed of it besides its name. */
function readBefore(
  program: ProgramSpec,
  words: readonly string[],
): Before & { readonly first: string | undefined } {
  const common = commonOptions(program);
  const all = program.commands.flatMap(({ options }) => options);
  const { operands, positions } = splitWords(words, [...common, ...all]);
  const [first] = operands;
  const named = program.commands.find(({ name, aliases = [] }) =>
    first !== undefined && first !== "" && [name, ...aliases].includes(first)
  );
  const command = named ??
    program.commands.find(({ name }) => name === program.defaultCommand);
  return {
    first,
    command,
    options: [...command?.options ?? [], ...common],
    words: named === undefined ? words : words.toSpliced(positions[0] ?? 0, 1),
  };
}

/** Every word that a line may begin with. */
function firstWords(program: ProgramSpec): readonly string[] {
  const names = commandNames(program).filter((name) => name !== "");
  return program.defaultCommand === undefined ? [...names, HELP.name] : names;
}

/**
 * Tells how a line may go on.
 *
 * @param line What there is of it.
 * @param program The commands.
 * @param namesIn Lists names.
 */
export async function complete(
  line: string,
  program: ProgramSpec,
  namesIn: NamesIn,
): Promise<Completions> {
  const { words, open } = splitOpenLine(line);
  if (program.isShell && line.trimStart().startsWith("!")) {
    return await names("local", open, false, namesIn);
  }
  const before = readBefore(program, words.map(({ text }) => text));
  const { command, first } = before;
  const known = firstWords(program);
  if (command === undefined && first !== undefined) {
    const isHelp = first === HELP.name && before.words.at(-1) === first;
    return isHelp ? wholeWords(known, open) : NOTHING;
  }
  const rest = await completeRest(before, open, namesIn);
  const isFirst = first === undefined && openOption(before) === undefined &&
    !open.typed.startsWith("-");
  if (!isFirst) return rest;
  const begun = wholeWords(known, open);
  return begun.hits.length === 0 ? rest : {
    hits: [
      ...begun.hits,
      ...rest.hits.map((hit) =>
        open.typed.slice(0, open.typed.length - rest.typed.length) + hit
      ),
    ],
    typed: open.typed,
  };
}
