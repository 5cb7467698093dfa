/**
 * Patterns for names, matched in time proportional to the length of the pattern
 * times that of the name, whatever either holds: all the places in the pattern
 * where the name may stand are followed at once. A regular expression made of
 * `*a*a*a*a*b` would try them one after the other, for years.
 *
 * - `*` is any part of a name, `?` one character of it, `[a-z]` and `[!a-z]` one
 *   of a set; none of them is `/`.
 * - `**` as a whole segment is any number of segments, also none.
 * - `\` takes the next character as it is.
 *
 * @module
 */

/** Characters of a pattern: the longest path is 4096, and longer than a quarter of it means nothing. */
export const GLOB_SIZE_MAX = 1024;

interface CharacterSet {
  readonly isNegated: boolean;
  readonly ranges: ReadonlyArray<readonly [first: string, last: string]>;
}

/** One place of a pattern. `dirs` is two places: before, and inside of, `**` and its `/`. */
type Token =
  | { readonly kind: "character"; readonly character: string }
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "one" | "star" | "rest" | "dirs" | "inside" };

/** A pattern that is ready to be matched. */
export interface Glob {
  /** Whether the whole of `text` is as the pattern says. */
  matches(text: string): boolean;
}

/**
 * Reads a pattern.
 *
 * @param pattern The pattern, without a leading or trailing `/`.
 * @throws {SyntaxError} with a phrase that says what is wrong with it.
 */
export function compileGlob(pattern: string): Glob {
  if (pattern.length > GLOB_SIZE_MAX) {
    throw new SyntaxError(`is longer than ${GLOB_SIZE_MAX} characters`);
  }
  const tokens = new GlobReader(pattern).read();
  return { matches: (text) => simulate(tokens, [...text]) };
}

/** Reads a pattern from left to right. */
class GlobReader {
  readonly #characters: readonly string[];
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  read(): readonly Token[] {
    while (this.#at < this.#characters.length) this.#token();
    return this.#tokens;
  }

  #token(): void {
    const character = this.#characters[this.#at++]!;
    if (character === "*") this.#stars();
    else if (character === "?") this.#tokens.push({ kind: "one" });
    else if (character === "[") this.#set();
    else if (character === "\\") this.#literal(this.#next("ends in a \\"));
    else this.#literal(character);
  }

  #literal(character: string): void {
    this.#tokens.push({ kind: "character", character });
  }

  #next(problem: string): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new SyntaxError(problem);
    return character;
  }

  #stars(): void {
    const start = this.#at - 1;
    while (this.#characters[this.#at] === "*") this.#at++;
    const before = this.#characters[start - 1];
    const after = this.#characters[this.#at];
    const isSegment = this.#at - start === 2 &&
      (before === undefined || before === "/") &&
      (after === undefined || after === "/");
    if (!isSegment) {
      this.#tokens.push({ kind: "star" });
    } else if (after === undefined) {
      // "a/**" is what is below "a", and "**" everything.
      if (before !== undefined) this.#tokens.push({ kind: "one" });
      this.#tokens.push({ kind: "rest" });
    } else {
      this.#at++;
      this.#tokens.push({ kind: "dirs" }, { kind: "inside" });
    }
  }

  #set(): void {
    const problem = "has a [ without its ]";
    const ranges: Array<readonly [string, string]> = [];
    const sign = this.#characters[this.#at] ?? "";
    const isNegated = sign === "!" || sign === "^";
    if (isNegated) this.#at++;
    for (let isFirst = true;; isFirst = false) {
      let first = this.#next(problem);
      if (first === "]" && !isFirst) break;
      if (first === "\\") first = this.#next(problem);
      let last = first;
      const [dash, end] = this.#characters.slice(this.#at, this.#at + 2);
      if (dash === "-" && end !== undefined && end !== "]") {
        this.#at++;
        last = this.#next(problem);
        if (last === "\\") last = this.#next(problem);
      }
      ranges.push([first, last]);
    }
    this.#tokens.push({ kind: "set", set: { isNegated, ranges } });
  }
}

function isInSet({ isNegated, ranges }: CharacterSet, text: string): boolean {
  const code = text.codePointAt(0)!;
  const isListed = ranges.some(([first, last]) =>
    code >= first.codePointAt(0)! && code <= last.codePointAt(0)!
  );
  return isListed !== isNegated;
}

/** All places of a pattern where a name may stand, each once. */
class Places {
  readonly #tokens: readonly Token[];
  readonly #isIn: Uint8Array;
  readonly list: number[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#isIn = new Uint8Array(tokens.length + 1);
  }

  get isAtEnd(): boolean {
    return this.#isIn[this.#tokens.length] === 1;
  }

  /** Adds a place, and those that nothing has to be read to get to. */
  add(place: number): void {
    if (this.#isIn[place] === 1) return;
    this.#isIn[place] = 1;
    this.list.push(place);
    const kind = this.#tokens[place]?.kind;
    if (kind === "star" || kind === "rest") this.add(place + 1);
    if (kind === "dirs") {
      this.add(place + 1);
      this.add(place + 2);
    }
  }

  clear(): void {
    for (const place of this.list) this.#isIn[place] = 0;
    this.list.length = 0;
  }
}

function simulate(tokens: readonly Token[], text: readonly string[]): boolean {
  let [now, next] = [new Places(tokens), new Places(tokens)];
  now.add(0);
  for (const character of text) {
    for (const place of now.list) step(tokens[place], place, character, next);
    if (next.list.length === 0) return false;
    [now, next] = [next, now];
    next.clear();
  }
  return now.isAtEnd;
}

/** Reads one character at one place. */
function step(
  token: Token | undefined,
  place: number,
  character: string,
  next: Places,
): void {
  switch (token?.kind) {
    case "character":
      if (token.character === character) next.add(place + 1);
      break;
    case "one":
      if (character !== "/") next.add(place + 1);
      break;
    case "set":
      if (character !== "/" && isInSet(token.set, character)) {
        next.add(place + 1);
      }
      break;
    case "star":
      if (character !== "/") next.add(place);
      break;
    case "rest":
      next.add(place);
      break;
    case "inside":
      next.add(place);
      if (character === "/") next.add(place + 1);
      break;
  }
}
