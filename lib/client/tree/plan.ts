/**
 * What to do with a file, by what is there already. What is equal is done, and
 * only what is not can be a conflict.
 *
 * @module
 */

import type { ConflictPolicy, EntryKind } from "../../storage/mod.ts";
import { FerryError } from "../errors.ts";
import { MODIFIED_SLACK } from "./limits.ts";
import type { TreeFile } from "./types.ts";

/** What is there under the name of a file. */
export interface Existing {
  /** What it is. */
  readonly kind: EntryKind;
  /** Size in bytes. */
  readonly size: number;
  /** Last change, in milliseconds since 1970, where known. */
  readonly modified: number | undefined;
  /** Permission bits (0777); 0 where unknown. */
  readonly mode: number;
}

/** What to do. */
export type Plan =
  | {
    readonly kind: "move";
    readonly publication: "created" | "replaced" | "renamed";
  }
  /** The same, or what `otherwise` says, as the digests turn out. */
  | { readonly kind: "compare"; readonly otherwise: Plan }
  | { readonly kind: "equal" }
  | { readonly kind: "skip" }
  | { readonly kind: "fail"; readonly error: FerryError };

/** How to decide. */
export interface PlanRules {
  /** What to do about a taken name. */
  readonly onConflict: ConflictPolicy;
  /** Whether only a digest proves files equal. */
  readonly checksum: boolean;
  /** Where the files go. */
  readonly side: "local" | "remote";
}

/** Whether two times are one, as far as file systems keep them. */
export function isSameTime(
  one: number | undefined,
  other: number | undefined,
): boolean {
  return one !== undefined && other !== undefined &&
    Math.abs(one - other) <= MODIFIED_SLACK;
}

function inTheWay(what: string, subject: string, rules: PlanRules): Plan {
  const code = what === "a directory" ? "is-directory" : "exists";
  const error = new FerryError(code, `${what} of that name is in the way`, {
    side: rules.side,
    path: subject,
  });
  return { kind: "fail", error };
}

function byPolicy(subject: string, rules: PlanRules): Plan {
  switch (rules.onConflict) {
    case "overwrite":
      return { kind: "move", publication: "replaced" };
    case "rename":
      return { kind: "move", publication: "renamed" };
    case "skip":
      return { kind: "skip" };
    case "fail": {
      const error = new FerryError(
        "exists",
        "a file with other content has that name",
        { side: rules.side, path: subject },
      );
      return { kind: "fail", error };
    }
  }
}

/**
 * Decides what to do with a file.
 *
 * @param file The file.
 * @param there What is there; `undefined` for nothing.
 * @param rules How to decide.
 */
export function planFile(
  file: TreeFile,
  there: Existing | undefined,
  rules: PlanRules,
): Plan {
  const subject = rules.side === "local" ? file.local : file.remote;
  if (there === undefined) return { kind: "move", publication: "created" };
  if (there.kind === "directory") {
    return inTheWay("a directory", subject, rules);
  }
  if (there.kind !== "file") {
    // What goes under the name of a link may come out where the link leads.
    if (rules.onConflict === "skip") return { kind: "skip" };
    const what = there.kind === "link" ? "a link" : "something that is no file";
    return inTheWay(what, subject, rules);
  }
  const otherwise = byPolicy(subject, rules);
  // Where a followed link leads, only its digest tells.
  if (file.size === undefined) return { kind: "compare", otherwise };
  if (file.size !== there.size) return otherwise;
  if (rules.checksum) return { kind: "compare", otherwise };
  return isSameTime(file.modified, there.modified)
    ? { kind: "equal" }
    : otherwise;
}
