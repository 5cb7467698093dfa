/**
 * Which entries of a folder are meant: a list of patterns, as in a `.gitignore`.
 *
 * - A pattern without `/` is about names at any depth, one with a `/` in it or
 *   at its beginning about paths from the root of the folder that is moved. A
 *   `/` at the end makes it about folders only.
 * - The last pattern that matches decides. What none matches goes the way of the
 *   folder that it is in.
 * - At the top everything is taken, unless the first pattern is an inclusion:
 *   then only what is included is.
 * - Nothing is looked for in an excluded folder.
 *
 * @module
 */

import { compileGlob, type Glob } from "../../storage/plain.ts";

/** One pattern, and what it does. */
export interface FilterRule {
  /** What becomes of entries that match. */
  readonly action: "include" | "exclude";
  /** Such as `*.tmp`, `/build/`, `docs/**`. */
  readonly pattern: string;
}

/**
 * What becomes of an entry: it is taken; or passed through, a folder in which
 * something may be taken; or dropped with everything in it.
 */
export type Verdict = "take" | "pass" | "drop";

interface Rule {
  readonly verdict: "take" | "drop";
  readonly glob: Glob;
  readonly isAnchored: boolean;
  readonly isForFolders: boolean;
}

function compileRule({ action, pattern }: FilterRule): Rule {
  const isForFolders = pattern.length > 1 && pattern.endsWith("/");
  const core = isForFolders ? pattern.slice(0, -1) : pattern;
  const bare = core.replace(/^\//, "");
  if (bare === "") throw new SyntaxError("matches nothing");
  if (bare.startsWith("/") || bare.includes("//") || bare.endsWith("/")) {
    throw new SyntaxError("has an empty segment");
  }
  return {
    verdict: action === "include" ? "take" : "drop",
    glob: compileGlob(bare),
    isAnchored: core.includes("/"),
    isForFolders,
  };
}

/** A list of patterns. */
export class Filter {
  readonly #rules: readonly Rule[];
  /** What becomes of the root. */
  readonly root: Verdict;

  /**
   * @param rules The patterns, in their order.
   * @throws {SyntaxError} with a phrase that says what is wrong with a pattern.
   */
  constructor(rules: readonly FilterRule[]) {
    this.#rules = rules.map(compileRule);
    this.root = rules[0]?.action === "include" ? "pass" : "take";
  }

  /**
   * Decides on one entry.
   *
   * @param path Its path from the root.
   * @param isFolder Whether it is a folder.
   * @param above What became of the folder that it is in.
   */
  judge(path: string, isFolder: boolean, above: Verdict): Verdict {
    if (above === "drop") return "drop";
    const name = path.slice(path.lastIndexOf("/") + 1);
    const rule = this.#rules.findLast(({ glob, isAnchored, isForFolders }) =>
      (isFolder || !isForFolders) && glob.matches(isAnchored ? path : name)
    );
    if (rule !== undefined) return rule.verdict;
    return above === "take" ? "take" : isFolder ? "pass" : "drop";
  }
}

/**
 * Says what is wrong with a pattern.
 *
 * @param pattern A pattern as a {@linkcode FilterRule} has it.
 * @returns A phrase such as `matches nothing`, or `undefined` when it can be used.
 */
export function filterProblem(pattern: string): string | undefined {
  try {
    compileRule({ action: "include", pattern });
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}
