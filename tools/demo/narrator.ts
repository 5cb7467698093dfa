// deno-lint-ignore-file no-console -- a script; what it says is for people
/**
 * What the demo says: numbered steps, the command lines that it ran, what they
 * answered, and what that shows.
 *
 * @module
 */

/** Columns of a terminal that everybody has. */
const COLUMNS = 100;
/** More of one command's output than this helps nobody. */
const LINES_MAX = 12;
/** More of one command line than this helps nobody either. */
const COMMAND_LINES_MAX = 3;

const SAFE_WORD_PATTERN = /^[\w@%+=:,./-]+$/;
const CONTROL_PATTERN = /\p{Cc}/u;

/**
 * A word as one would type it into a shell.
 *
 * @param word The word.
 */
export function quoteWord(word: string): string {
  if (SAFE_WORD_PATTERN.test(word)) return word;
  if (!CONTROL_PATTERN.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const escaped = word
    .replaceAll("\\", "\\\\")
    .replaceAll("'", "\\'")
    .replaceAll("\n", "\\n")
    .replaceAll(
      /\p{Cc}/gu,
      (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return `$'${escaped}'`;
}

/** Breaks a command line as one would for a shell; leaves the rest of a long one out. */
function wrapWords(words: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && line.length + 1 + word.length > COLUMNS) {
      if (lines.length + 1 === COMMAND_LINES_MAX) {
        return [...lines, `${line} ...`];
      }
      lines.push(`${line} \\`);
      line = `    ${word}`;
    } else {
      line += line === "" ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}

/** Writes the story to stdout. */
export class Narrator {
  readonly #isColored = !Deno.noColor && Deno.stdout.isTerminal();
  #steps = 0;

  /** What this is all about. */
  title(title: string, rest: string): void {
    console.log(`${this.#paint(1, title)}${rest}`);
  }

  /** A heading with the next number. */
  step(title: string): void {
    this.#steps++;
    console.log(`\n${this.#paint(1, `${this.#steps}. ${title}`)}`);
  }

  /** A command line that runs now. */
  command(words: readonly string[]): void {
    for (const line of wrapWords(["$", ...words.map(quoteWord)])) {
      console.log(`   ${this.#paint(36, line)}`);
    }
  }

  /** What a command answered. */
  output(text: string): void {
    const lines = text.trimEnd().split("\n");
    if (text.trim() === "") return;
    for (const line of lines.slice(0, LINES_MAX)) {
      console.log(`   ${this.#paint(2, line)}`);
    }
    const rest = lines.length - LINES_MAX;
    if (rest > 0) console.log(`   ${this.#paint(2, `(${rest} more lines)`)}`);
  }

  /** Something to know. */
  note(text: string): void {
    console.log(`   ${text}`);
  }

  /** Something that was checked and is as it must be. */
  ok(text: string): void {
    console.log(`   ${this.#paint(32, "ok")} ${text}`);
  }

  /** Lines as they are. */
  lines(lines: readonly string[]): void {
    console.log(`\n${lines.join("\n")}`);
  }

  /** The end of what somebody logged. */
  log(whose: string, text: string): void {
    const lines = text.trimEnd().split("\n").slice(-LINES_MAX);
    console.error(`\nThe end of the log of ${whose}:\n${lines.join("\n")}`);
  }

  /** Why the demo failed. */
  failure(message: string): void {
    console.error(`\n${this.#paint(31, "demo failed:")} ${message}`);
  }

  #paint(code: number, text: string): string {
    return this.#isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
