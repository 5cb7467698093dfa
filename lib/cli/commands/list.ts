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
import type { ListingStyle } from "../reporter.ts";
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
  readonly path: string;
  readonly recursive: boolean;
  readonly order: SortOrder;
  readonly style: ListingStyle;
}

/** Plans a listing. */
export function planList(line: CommandLine): Work {
  const recursive = line.value(LIST_RECURSIVE);
  const listing = {
    path: readRemoteName(line.operands[1] ?? ""),
    recursive,
    order: line.value(SORT),
    style: { isLong: line.value(LONG), hasPaths: recursive },
  };
  return async (session) => {
    const attempt = { doing: "list", path: listing.path };
    try {
      const problems = await list(session, listing);
      return problems === 0 ? EXIT.done : EXIT.someFailed;
    } catch (error) {
      return await session.fail(error, attempt);
    }
  };
}

/** Lists, and returns how many folders could not be. */
async function list(session: Session, listing: Listing): Promise<number> {
  const { client, reporter, signal } = session;
  const { path, recursive, order, style } = listing;
  const collected: RemoteEntry[] = [];
  let problems = 0;
  try {
    for await (const page of client.list(path, { recursive, signal })) {
      if (order === "none") await reporter.entries(page.entries, style);
      else for (const entry of page.entries) collected.push(entry);
      for (const problem of page.problems) {
        problems++;
        await session.fail(problem, { doing: "list" });
      }
    }
  } catch (error) {
    const isFile = error instanceof FerryError &&
      error.code === "not-directory" && error.side === "remote";
    if (!isFile) throw error;
    // What is no directory shows as itself, as `ls FILE` does.
    collected.push(await client.stat(path, { signal }));
  }
  if (order !== "none") collected.sort(COMPARISONS[order]);
  await reporter.entries(collected, style);
  return problems;
}
