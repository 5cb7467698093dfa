/**
 * Takes a line apart as `sh` does: blanks separate words, `'…'` and `"…"` hold
 * them together, `\` takes the next character as it is, `#` begins a comment.
 * There are no variables, and nothing like pipes.
 *
 * @module
 */

import { usage } from "../messages.ts";
import { UsageError } from "../usage_error.ts";

/** A word of a line. */
export interface ShellWord {
  /** What it says, without its quotes. */
  readonly text: string;
  /** The same as a pattern, if it has an unquoted `*`, `?` or `[`; what was quoted is escaped. */
  readonly pattern: string | undefined;
  /** Whether it begins with an unquoted `~`, which is the home directory. */
  readonly isHome: boolean;
}

/** The quote that a word stands in; `""` for none. */
export type Quote = "" | "'" | '"';

/** The word at the end of a line that is being typed. */
export interface OpenWord {
  /** What it says so far, without its quotes. */
  readonly text: string;
  /** The quote that is still open. */
  readonly quote: Quote;
  /** How it was typed so far. */
  readonly typed: string;
  /** Whether it begins with an unquoted `~`. */
  readonly isHome: boolean;
}

const BLANKS = " \t";
const GLOB_SIGNS = "*?[";
/** What would mean something to `sh`, and nothing here. */
const OPERATORS = "|&;<>";
/** What a `\` takes as it is between double quotes. */
const ESCAPED_IN_QUOTES = '"\\$`';

/** Reads a line from left to right. */
class Lexer {
  readonly words: ShellWord[] = [];
  readonly #line: string;
  #at = 0;
  #start = 0;
  #text = "";
  #pattern = "";
  #isGlob = false;
  #isHome = false;
  #isInWord = false;
  #quote: Quote = "";
  operator: string | undefined;
  isEscapeOpen = false;

  constructor(line: string) {
    this.#line = line;
    while (this.#at < line.length) this.#step();
  }

  /** The word that has not ended yet; an empty one after a blank. */
  get open(): OpenWord {
    const isComment = this.#at > this.#line.length;
    const typed = this.#isInWord && !isComment
      ? this.#line.slice(this.#start)
      : "";
    return {
      text: this.#text,
      quote: this.#quote,
      typed,
      isHome: this.#isHome,
    };
  }

  get isQuoteOpen(): boolean {
    return this.#quote !== "";
  }

  #step(): void {
    const character = this.#line[this.#at++] ?? "";
    if (this.#quote !== "") return this.#quoted(character);
    if (BLANKS.includes(character)) return this.end();
    if (!this.#isInWord) {
      if (character === "#") {
        this.#at = this.#line.length + 1;
        return;
      }
      this.#start = this.#at - 1;
      this.#isInWord = true;
      this.#isHome = character === "~";
    }
    if (character === "'" || character === '"') this.#quote = character;
    else if (character === "\\") this.#escape();
    else {
      if (OPERATORS.includes(character)) this.operator ??= character;
      if (GLOB_SIGNS.includes(character)) this.#isGlob = true;
      this.#text += character;
      this.#pattern += character;
    }
  }

  #quoted(character: string): void {
    if (character === this.#quote) {
      this.#quote = "";
      return;
    }
    const next = this.#line[this.#at] ?? "";
    const isEscape = this.#quote === '"' && character === "\\" &&
      next !== "" && ESCAPED_IN_QUOTES.includes(next);
    if (isEscape) this.#at++;
    this.#literal(isEscape ? next : character);
  }

  #escape(): void {
    const next = this.#line[this.#at++];
    if (next === undefined) this.isEscapeOpen = true;
    else this.#literal(next);
  }

  #literal(character: string): void {
    this.#text += character;
    this.#pattern += /[*?[\]\\]/.test(character) ? `\\${character}` : character;
  }

  /** Ends a word, if there is one. */
  end(): void {
    if (this.#isInWord) {
      this.words.push({
        text: this.#text,
        pattern: this.#isGlob ? this.#pattern : undefined,
        isHome: this.#isHome,
      });
    }
    this.#isInWord = this.#isGlob = this.#isHome = false;
    this.#text = this.#pattern = "";
  }
}

/**
 * Takes a line apart.
 *
 * @param line The line.
 * @throws {UsageError} if a quote is left open, or it means something to `sh` that is not to be had here.
 */
export function splitShellLine(line: string): readonly ShellWord[] {
  const lexer = new Lexer(line);
  if (lexer.isQuoteOpen) throw new UsageError(usage.openQuote());
  if (lexer.isEscapeOpen) throw new UsageError(usage.openEscape());
  if (lexer.operator !== undefined) {
    throw new UsageError(usage.noOperators(lexer.operator));
  }
  lexer.end();
  return lexer.words;
}

/**
 * Takes the beginning of a line apart, which somebody is typing.
 *
 * @param line What there is of it.
 */
export function splitOpenLine(
  line: string,
): { readonly words: readonly ShellWord[]; readonly open: OpenWord } {
  const { words, open } = new Lexer(line);
  return { words, open };
}

/**
 * Writes more of a word, so that it is read as just that.
 *
 * @param text What is to be said.
 * @param quote The quote that is open.
 * @param isStart Whether the word begins with it.
 * @returns How to type it; `undefined` if it cannot be typed.
 */
export function typeText(
  text: string,
  quote: Quote,
  isStart: boolean,
): string | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  if (quote === "'") return text.includes("'") ? undefined : text;
  if (quote === '"') return text.replace(/["\\$`]/g, "\\$&");
  const typed = text.replace(/[\s"'\\*?[\]|&;<>()$`!]/g, "\\$&");
  return isStart ? typed.replace(/^[~#]/, "\\$&") : typed;
}
