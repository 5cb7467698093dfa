/**
 * A command line as it is meant from where a shell stands: names are looked up
 * from there, patterns are replaced by the names that they stand for.
 *
 * @module
 */

import { FROM_SERVER, LOCAL_OUTPUT, REMOTE_OUTPUT } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import { shell } from "../messages.ts";
import { joinLocal } from "../names.ts";
import type { NameSide, Option } from "../option.ts";
import { UsageError } from "../usage_error.ts";
import { sideOf } from "./completion.ts";
import { expand, type ListFolder, NoMatchError } from "./expand.ts";
import { localPath, type Places, remotePath } from "./places.ts";
import type { ShellWord } from "./shell_words.ts";

/** What names are looked up with. */
export interface Lookup {
  /** Where the shell stands. */
  readonly places: Places;
  /** Lists a directory, from there. */
  list(side: NameSide): ListFolder;
}

/** What an operand or value says from where a shell stands. */
function place(side: NameSide, word: ShellWord, places: Places): string {
  return side === "remote"
    ? remotePath(word.text, places)
    : localPath(word.text, word.isHome, places);
}

function plainWord(text: string): ShellWord {
  return { text, pattern: undefined, isHome: text.startsWith("~") };
}

async function placeAll(
  side: NameSide,
  word: ShellWord,
  { places, list }: Lookup,
): Promise<string[]> {
  if (word.pattern === undefined) return [place(side, word, places)];
  const found = await expand(word.pattern, list(side));
  if (found.length === 0) {
    throw new NoMatchError(shell.noMatch(word.text, side === "local"));
  }
  return found.map((name) => place(side, { ...word, text: name }, places));
}

/** Where a command works that was not told where. */
function standing(side: NameSide, { remote, local }: Places): string {
  return side === "remote" ? remote && `/${remote}` : local;
}

async function placeOperands(
  line: CommandLine,
  words: readonly ShellWord[],
  lookup: Lookup,
): Promise<string[]> {
  const placed: string[] = [];
  const specs = line.command?.operands ?? [];
  const isFromServer = line.value(FROM_SERVER);
  for (const [index, text] of line.operands.entries()) {
    const spec = specs[index] ?? specs.at(-1);
    const side = sideOf(spec?.names, isFromServer);
    const word = words[line.positions[index] ?? -1] ?? plainWord(text);
    if (side === undefined) placed.push(text);
    else {
      const names = await placeAll(side, word, lookup);
      if (names.length > 1 && !spec?.repeated) {
        throw new UsageError(shell.manyMatch(word.text, names.length));
      }
      placed.push(...names);
    }
  }
  const missing = specs[line.operands.length];
  if (line.operands.length === 0 && missing?.names !== undefined) {
    const here = standing(sideOf(missing.names, false)!, lookup.places);
    if (here !== "") placed.push(here);
  }
  return placed;
}

/** The value of an option, from where a shell stands. */
function placeValue<T>(
  option: Option<T>,
  line: CommandLine,
  places: Places,
): T {
  const isGiven = line.given([option]).length > 0;
  const value = line.value(option);
  if (option.names !== undefined && typeof value === "string" && isGiven) {
    return place(option.names, plainWord(value), places) as T;
  }
  if (isGiven || value !== undefined) return value;
  const isOutput = [LOCAL_OUTPUT, REMOTE_OUTPUT].some((output) =>
    Object.is(output, option)
  );
  const here = isOutput ? standing(option.names!, places) : "";
  return here === "" ? value : joinLocal(here, "") as T;
}

/**
 * Makes a command line of the shell one for the commands of `ferry`.
 *
 * @param line As it was typed.
 * @param words Its words.
 * @param lookup What names are looked up with.
 * @throws {NoMatchError} if a pattern stands for nothing; and what listing throws.
 */
export async function placedLine(
  line: CommandLine,
  words: readonly ShellWord[],
  lookup: Lookup,
): Promise<CommandLine> {
  const operands = await placeOperands(line, words, lookup);
  const { places } = lookup;
  return {
    ...line,
    operands,
    value: (option) => placeValue(option, line, places),
  };
}
