/**
 * Splits the words of a command line into options and operands.
 *
 * `parseArgs` of `@std/cli` does the work, on words that leave it nothing to
 * guess. On its own it takes a file named `true` after a flag for the flag's
 * value, `--output -` for an empty one, and `-ofile` for five flags. So every
 * option is spelled out first (`-lRo x` becomes `--long --recursive
 * --output=x`), and operands go behind `--`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { usage } from "./messages.ts";
import type { AnyOption } from "./option.ts";

/** What a command line holds. */
export interface Words {
  /** The values of each given option by its name, as typed; none for a flag. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** Every option that is known, as often as it was given, in order: its name, and its value if it takes one. */
  readonly sequence: ReadonlyArray<readonly [name: string, value: string]>;
  /** Everything else. */
  readonly operands: readonly string[];
  /** Which of the words each operand was. */
  readonly positions: readonly number[];
  /** The first option that is not known, as typed. */
  readonly unknown: string | undefined;
  /** The whole word that it is or stands in. */
  readonly unknownWord: string | undefined;
  /** What else is wrong, as a sentence. */
  readonly problem: string | undefined;
}

const END_OF_OPTIONS = "--";

/** Spells the options of a command line out. */
class Speller {
  readonly options: string[] = [];
  readonly sequence: Array<readonly [name: string, value: string]> = [];
  readonly operands: string[] = [];
  readonly positions: number[] = [];
  problem: string | undefined;
  unknownWord: string | undefined;
  readonly #known: readonly AnyOption[];
  readonly #rest: string[];

  constructor(args: readonly string[], known: readonly AnyOption[]) {
    this.#known = known;
    this.#rest = [...args];
    for (;;) {
      const word = this.#rest.shift();
      if (word === undefined) break;
      const position = args.length - this.#rest.length - 1;
      if (word === END_OF_OPTIONS) {
        this.#rest.splice(0).forEach((operand, index) =>
          this.#operand(operand, position + 1 + index)
        );
      } else if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#letters(word);
      else this.#operand(word, position);
    }
  }

  #operand(word: string, position: number): void {
    this.operands.push(word);
    this.positions.push(position);
  }

  #long(word: string): void {
    const [name = "", ...values] = word.slice(2).split("=");
    const option = this.#known.find((option) => option.name === name);
    const value = values.length === 0 ? undefined : values.join("=");
    if (option === undefined) {
      this.unknownWord ??= word;
      this.options.push(word);
    } else this.#give(option, `--${name}`, value);
  }

  #letters(word: string): void {
    const letters = [...word.slice(1)];
    for (const [index, letter] of letters.entries()) {
      const option = this.#known.find(({ short }) => short?.includes(letter));
      if (option === undefined) {
        this.unknownWord ??= word;
        this.options.push(`-${letter}`);
        return;
      }
      const rest = letters.slice(index + 1).join("");
      const takesRest = option.placeholder !== undefined || rest[0] === "=";
      const value = takesRest && rest !== ""
        ? rest.replace(/^=/, "")
        : undefined;
      this.#give(option, `-${letter}`, value);
      if (takesRest) return;
    }
  }

  /** An option, with the value that stands in the same word. */
  #give(option: AnyOption, shown: string, inline: string | undefined): void {
    const { name, placeholder } = option;
    if (placeholder === undefined) {
      if (inline !== undefined) this.problem ??= usage.needlessValue(shown);
      this.options.push(`--${name}`);
      this.sequence.push([name, ""]);
      return;
    }
    const value = inline ?? this.#rest.shift();
    if (value === undefined) {
      this.problem ??= usage.missingValue(shown, placeholder);
    } else if (inline === undefined && /^-./.test(value)) {
      // "-o --json" forgot the value; who means it can write "--output=--json".
      const meant = `--${name}=${value}`;
      this.problem ??= usage.missingValue(shown, placeholder, meant);
    }
    this.options.push(`--${name}=${value ?? ""}`);
    this.sequence.push([name, value ?? ""]);
  }
}

function textsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is string => typeof item === "string");
}

/**
 * Splits a command line.
 *
 * @param args Its words.
 * @param known The options that there are.
 */
export function splitWords(
  args: readonly string[],
  known: readonly AnyOption[],
): Words {
  const spelled = new Speller(args, known);
  const valued = known.filter(({ placeholder }) => placeholder !== undefined)
    .map(({ name }) => name);
  let unknown: string | undefined;
  const parsed = parseArgs([
    ...spelled.options,
    END_OF_OPTIONS,
    ...spelled.operands,
  ], {
    boolean: known.filter(({ placeholder }) => placeholder === undefined)
      .map(({ name }) => name),
    string: valued,
    collect: valued,
    unknown: (word) => {
      unknown ??= word.replace(/=.*$/s, "");
      return false;
    },
  });
  const options = new Map<string, readonly string[]>();
  for (const { name, placeholder } of known) {
    const value = parsed[name];
    if (placeholder === undefined && value === true) options.set(name, []);
    const texts = textsOf(value);
    if (placeholder !== undefined && texts.length > 0) options.set(name, texts);
  }
  const operands = parsed._.map(String);
  const { sequence, positions, problem, unknownWord } = spelled;
  return {
    options,
    sequence,
    operands,
    positions,
    unknown,
    unknownWord,
    problem,
  };
}
