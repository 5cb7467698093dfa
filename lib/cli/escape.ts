/**
 * Text that is safe to show: names, and messages of the other end, may hold
 * whatever a file system or a hostile peer can hold, and a terminal obeys much
 * of it. What people read goes through this file; so do logs.
 *
 * Escaped are control characters (C0, DEL, C1), line and paragraph separators,
 * bidirectional controls, everything else that is invisible by design, and lone
 * surrogates. They show as `\n`, `\t`, `\r` or as `\u{202e}`; a backslash shows
 * as `\\`, so that no name can pretend to be another one's escaped form. Emoji
 * keep what holds them together.
 *
 * @module
 */

/** Controls, formats, surrogates, separators, and what is invisible by default. */
const UNSAFE =
  "\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}";

/** The patterns for names that are not harmless. */
interface Patterns {
  /** An unsafe character. */
  readonly unsafe: RegExp;
  /** Unsafe characters and backslashes, and emoji sequences to let through. */
  readonly interesting: RegExp;
}

let patterns: Patterns | undefined;

/** Made at first use: the emoji sequences alone cost 8 ms of a program's start. */
function loadPatterns(): Patterns {
  return patterns ??= {
    unsafe: new RegExp(`[${UNSAFE}]`, "u"),
    interesting: new RegExp(`\\p{RGI_Emoji}|[${UNSAFE}\\\\]`, "gv"),
  };
}

/** Most names: nothing to look at twice. */
const HARMLESS_PATTERN = /^[\x20-\x5b\x5d-\x7e]*$/;

/** Most sentences: the same with backslashes, which stay. */
const PLAIN_PATTERN = /^[\x20-\x7e]*$/;

const SHORT_FORMS: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
};

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return SHORT_FORMS[character] ?? `\\u{${code.toString(16).padStart(2, "0")}}`;
}

function escapeMatch(match: string): string {
  const isSequence = [...match].length > 1;
  const isPlain = match !== "\\" && !loadPatterns().unsafe.test(match);
  return isSequence || isPlain ? match : escapeCharacter(match);
}

/**
 * Makes a name safe to show, unambiguously.
 *
 * @param name Any text.
 */
export function escapeName(name: string): string {
  if (HARMLESS_PATTERN.test(name)) return name;
  return name.replace(loadPatterns().interesting, escapeMatch);
}

/**
 * A name as it stands in a sentence: safe, and in quotes.
 *
 * @param name Any text.
 */
export function quoteName(name: string): string {
  return `"${escapeName(name).replaceAll('"', '\\"')}"`;
}

/**
 * Makes a sentence from somewhere else safe to show on one line. It differs
 * from {@linkcode escapeName} only in leaving backslashes alone.
 *
 * @param text Any text.
 */
export function escapeText(text: string): string {
  if (PLAIN_PATTERN.test(text)) return text;
  return text.replace(
    loadPatterns().interesting,
    (match) => match === "\\" ? match : escapeMatch(match),
  );
}

/**
 * One line of JSON. Programs read exactly the value; a terminal that shows it
 * sees no unsafe character, for these are written as `\uXXXX`.
 *
 * @param value What to write.
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    new RegExp(`[${UNSAFE}]`, "gu"),
    (character) =>
      character.split("").map((unit) =>
        `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
      ).join(""),
  ) + "\n";
}
