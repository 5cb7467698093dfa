/**
 * Answers the scripts of `completion_scripts.ts`: how a command line may go on.
 *
 * @module
 */

import type { ProgramSpec } from "./command.ts";
import {
  COMPLETE_WORD,
  type CompleteForm,
  FORMS,
} from "./completion_scripts.ts";
import type { Caller } from "./environment.ts";
import { complete, type NamesIn } from "./shell/completion.ts";
import { splitOpenLine, typeText } from "./shell/shell_words.ts";

/**
 * Makes what lists names for a command line.
 *
 * @param words What stands before the word that is being typed.
 */
export type NamesFor = (words: readonly string[]) => NamesIn;

/** Whether a script asks. */
export function isCompletion([first]: readonly string[]): boolean {
  return first === COMPLETE_WORD;
}

/**
 * Writes how a command line may go on, one way a line.
 *
 * A `line` is answered as it is typed: first the end of it that is replaced,
 * then what may stand there. `words` are answered by whole words, without any
 * quotes. Whatever goes wrong, nothing is said: somebody is typing.
 *
 * @param program The commands.
 * @param args The words after the program's name.
 * @param parts Who called, and what knows names.
 */
export async function answerCompletion(
  program: ProgramSpec,
  [, form, ...given]: readonly string[],
  { caller, namesFor }: {
    readonly caller: Caller;
    readonly namesFor: NamesFor;
  },
): Promise<void> {
  if (!FORMS.some((known) => known === form)) return;
  const isLine = form === "line" satisfies CompleteForm;
  const line = isLine ? given.join(" ").trimStart() : typeWords(given);
  if (line === undefined) return;
  const { words, open } = splitOpenLine(line);
  const namesIn = namesFor(words.map(({ text }) => text));
  try {
    const { hits, typed } = await complete(line, program, namesIn);
    const begun = open.typed.slice(0, open.typed.length - typed.length);
    const lines = isLine
      ? [typed, ...hits]
      : hits.map((hit) => readWord(begun + hit));
    const text = lines.map((line) => `${line}\n`).join("");
    if (hits.length > 0) await caller.stdout.write(text);
  } catch {
    // Nothing is known, then.
  }
}

/** A line that says just these words, the last of which is being typed. */
function typeWords(words: readonly string[]): string | undefined {
  const typed = words.map((word, index) => {
    const isHome = index === words.length - 1 && /^~(\/|$)/.test(word);
    const text = typeText(isHome ? word.slice(1) : word, "", !isHome);
    if (text === undefined) return undefined;
    if (isHome) return `~${text}`;
    return text === "" && index < words.length - 1 ? "''" : text;
  });
  return typed.includes(undefined) ? undefined : typed.join(" ");
}

/** What a typed word says. */
function readWord(typed: string): string {
  const { words: [word], open } = splitOpenLine(typed);
  return (word ?? open).text;
}
