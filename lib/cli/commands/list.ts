/**
 * `ferry ls`.
 *
 * @module
 */

import { FerryError, type RemoteEntry } from "../../client/mod.ts";
import {
  LIST_RECURSIVE,
  LONG,
  SORT,
  type SortOrder,
} from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import { EXIT } from "../exit_codes.ts";
import { readRemoteName } from "../names.ts";
import type { Session, Work } from "../session.ts";

type Compare = (one: RemoteEntry, other: RemoteEntry) => number;

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

const byPath: Compare = (one, other) => compareText(one.path, other.path);

/** Largest and newest first, as `ls -S` and `ls -t` have it; equals by name. */
const COMPARISONS: Readonly<Record<Exclude<SortOrder, "none">, Compare>> = {
  name: byPath,
  size: (one, other) => other.size - one.size || byPath(one, other),
  time: (one, other) =>
    (other.modified ?? -Infinity) - (one.modified ?? -Infinity) ||
    byPath(one, other),
};

interface Listing {
  readonly paths: readonly string[];
  readonly recursive: boolean;
  readonly order: SortOrder;
  readonly isLong: boolean;
}

/** Plans a listing. */
export function planList(line: CommandLine): Work {
  const given = line.operands.slice(1).map(readRemoteName);
  const listing = {
    paths: given.length === 0 ? [""] : given,
    recursive: line.value(LIST_RECURSIVE),
    order: line.value(SORT),
    isLong: line.value(LONG),
  };
  return async (session) => {
    let problems = 0;
    const code = await session.forEach(listing.paths, {
      noun: "path",
      attempt: (path) => ({ doing: "list", path }),
      work: async (path) => {
        problems += await list(session, path, listing);
      },
    });
    return code === EXIT.done && problems > 0 ? EXIT.someFailed : code;
  };
}

/** Lists, and returns how many folders could not be. */
async function list(
  session: Session,
  path: string,
  listing: Listing,
): Promise<number> {
  const { client, reporter, signal, folder } = session;
  const { paths, recursive, order, isLong } = listing;
  const isOne = paths.length === 1;
  const style = { isLong, hasPaths: recursive, folder };
  const collected: RemoteEntry[] = [];
  let problems = 0;
  let isHeaded = isOne || recursive;
  try {
    for await (const page of client.list(path, { recursive, signal })) {
      if (!isHeaded) await reporter.heading(path, style);
      isHeaded = true;
      if (order === "none") await reporter.entries(page.entries, style);
      else for (const entry of page.entries) collected.push(entry);
      for (const problem of page.problems) {
        problems++;
        await session.fail(problem, { doing: "list" });
      }
    }
    if (!isHeaded) await reporter.heading(path, style);
  } catch (error) {
    const isFile = error instanceof FerryError &&
      error.code === "not-directory" && error.side === "remote";
    if (!isFile) throw error;
    // What is no directory shows as itself, as `ls FILE` does.
    const entry = await client.stat(path, { signal });
    await reporter.entries([entry], { ...style, hasPaths: !isOne });
  }
  if (order !== "none") collected.sort(COMPARISONS[order]);
  await reporter.entries(collected, style);
  return problems;
}
