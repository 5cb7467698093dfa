/**
 * Asks what to do about names that are taken, where somebody is there to say.
 *
 * @module
 */

import { FerryError } from "../client/plain.ts";
import type { ConflictChoice } from "./client_options.ts";
import { shell } from "./messages.ts";

/** Is asked about taken names, one after the other. */
export interface Conflicts {
  /**
   * What to do about a taken name.
   *
   * @param error What says that it is taken.
   * @param name What to call it, if the error does not say.
   */
  choose(error: FerryError, name: string): Promise<ConflictChoice>;
}

const CHOICES: Readonly<Record<string, ConflictChoice>> = {
  "": "fail",
  f: "fail",
  fail: "fail",
  o: "overwrite",
  overwrite: "overwrite",
  r: "rename",
  rename: "rename",
  s: "skip",
  skip: "skip",
};

const ANSWER_PATTERN = /^(?<choice>[a-z]*?)\s*(?<all>\ball|(?<=^[orsf])a)?$/;

/** {@linkcode Conflicts} for one command: what is said of all holds to its end. */
export class ConflictDesk implements Conflicts {
  readonly #ask: (question: string) => Promise<string | undefined>;
  #forAll: ConflictChoice | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param ask Asks; `undefined` if no answer comes. */
  constructor(ask: (question: string) => Promise<string | undefined>) {
    this.#ask = ask;
  }

  choose(error: FerryError, name: string): Promise<ConflictChoice> {
    const answer = this.#last.then(() => this.#choose(error, name));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #choose(error: FerryError, name: string): Promise<ConflictChoice> {
    if (this.#forAll !== undefined) return this.#forAll;
    const isLocal = error.side === "local";
    const question = shell.conflict(error.path ?? name, isLocal);
    for (let text = question;; text = shell.conflictAnswers + question) {
      const answer = await this.#ask(text);
      if (answer === undefined) return "fail";
      const { choice = "?", all } =
        ANSWER_PATTERN.exec(answer.trim().toLowerCase())?.groups ?? {};
      const chosen = CHOICES[choice];
      if (chosen === undefined) continue;
      if (all !== undefined) this.#forAll = chosen;
      return chosen;
    }
  }
}

/**
 * Does something to a name; if that is taken and somebody can be asked, does it
 * again as they say.
 *
 * @param conflicts Who is asked.
 * @param name What to call it.
 * @param work Does it, with another policy if that is given.
 */
export async function settled<T>(
  conflicts: Conflicts | undefined,
  name: string,
  work: (onConflict?: ConflictChoice) => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isTaken = error instanceof FerryError && error.code === "exists";
    if (conflicts === undefined || !isTaken) throw error;
    const choice = await conflicts.choose(error, name);
    if (choice === "fail") throw error;
    return await work(choice);
  }
}
