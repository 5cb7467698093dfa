/**
 * Who may do what where, by path.
 *
 * Rules are read from the first to the last, and the last one whose pattern
 * matches decides alone: the same as with the patterns of `--include` and
 * `--exclude`. A pattern is about what it matches and about all that is below.
 *
 * @module
 */

import { type Right, RIGHTS } from "../protocol/mod.ts";
import { compileGlob, foldName, type Glob } from "../storage/mod.ts";
import { AccountsError } from "./errors.ts";

/** What is allowed in a part of a tree. */
export interface RightsRule {
  /** A pattern for paths below the user's root, `/`-separated. */
  readonly path: string;
  /** All that is allowed there. */
  readonly rights: readonly Right[];
}

interface CompiledRule {
  readonly glob: Glob;
  readonly isEverything: boolean;
  readonly rights: ReadonlySet<Right>;
}

/** What a user may do. */
export class AccessRules {
  readonly #base: ReadonlySet<Right>;
  readonly #rules: readonly CompiledRule[];

  /**
   * @param rights What is allowed where no rule matches.
   * @param rules The rules, the last one first among equals.
   * @throws {AccountsError} When a pattern is none.
   */
  constructor(rights: readonly Right[], rules: readonly RightsRule[] = []) {
    this.#base = new Set(rights);
    this.#rules = rules.map(compile);
  }

  /** Whether what is allowed differs from place to place. */
  get hasRules(): boolean {
    return this.#rules.length > 0;
  }

  /**
   * Whether something is allowed at a path; `""` is the root.
   *
   * Names are compared as file systems do that know no case and no difference
   * between composed and decomposed letters: else another spelling would be a
   * way around a rule wherever the disk is one of those.
   */
  allows(right: Right, path: string): boolean {
    const folded = fold(path);
    const rule = this.#rules.findLast(({ glob }) => isAbout(glob, folded));
    return (rule?.rights ?? this.#base).has(right);
  }

  /** What is allowed somewhere. */
  get anywhere(): readonly Right[] {
    // What stands before a rule for everything never decides.
    const at = this.#rules.findLastIndex(({ isEverything }) => isEverything);
    const sets = this.#rules.slice(Math.max(at, 0)).map(({ rights }) => rights);
    if (at < 0) sets.push(this.#base);
    return RIGHTS.filter((right) => sets.some((set) => set.has(right)));
  }
}

function compile({ path, rights }: RightsRule): CompiledRule {
  const pattern = path.replace(/^\/+|\/+$/g, "");
  try {
    return {
      glob: compileGlob(fold(pattern)),
      isEverything: pattern === "" || pattern === "**",
      rights: new Set(rights),
    };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new AccountsError(`the pattern ${cause.message}`, undefined, {
      cause,
    });
  }
}

/** By way of capitals, which have fewer forms: both `ſ` and `s` become `S`. */
function fold(text: string): string {
  return foldName(text.toUpperCase());
}

/** Whether a pattern matches a path or anything above it. */
function isAbout(glob: Glob, path: string): boolean {
  if (glob.matches(path)) return true;
  for (
    let at = path.lastIndexOf("/");
    at > 0;
    at = path.lastIndexOf("/", at - 1)
  ) {
    if (glob.matches(path.slice(0, at))) return true;
  }
  return path !== "" && glob.matches("");
}
