/**
 * The commands that are one question or one change: `mv`, `rm`, `mkdir`,
 * `stat` and `info`.
 *
 * @module
 */

import { FerryError } from "../../client/mod.ts";
import {
  ON_CONFLICT,
  PARENTS,
  REMOVE_RECURSIVE,
  SHOWN_DIGEST,
} from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import { settled } from "../conflicts.ts";
import {
  joinRemote,
  lastSegment,
  looksLikeDirectory,
  readRemoteName,
  readRemoteNameBelowRoot,
} from "../names.ts";
import type { FreeSpace } from "../reporter.ts";
import type { Session, Work } from "../session.ts";

/** Plans a rename. */
export function planRename(line: CommandLine): Work {
  const [, oldText = "", newText = ""] = line.operands;
  const from = readRemoteNameBelowRoot(oldText, "rename");
  const name = readRemoteName(newText);
  const to = looksLikeDirectory(newText)
    ? joinRemote(name, lastSegment(from))
    : name;
  const onConflict = line.value(ON_CONFLICT);
  return (session) =>
    session.attempt({ doing: "rename", path: from }, async () => {
      const { client, conflicts, reporter, signal } = session;
      const done = await settled(
        conflicts,
        to,
        (choice = onConflict) =>
          client.rename(from, to, { onConflict: choice, signal }),
      );
      await reporter.renamed({ from, ...done });
    });
}

/** Plans a removal. */
export function planRemove(line: CommandLine): Work {
  const paths = line.operands.slice(1)
    .map((text) => readRemoteNameBelowRoot(text, "remove"));
  const recursive = line.value(REMOVE_RECURSIVE);
  return (session) =>
    session.forEach(paths, {
      noun: "path",
      attempt: (path) => ({ doing: "remove", path }),
      work: async (path) => {
        const { client, reporter, signal } = session;
        const count = await client.remove(path, { recursive, signal });
        await reporter.removed(path, count);
      },
    });
}

/** Plans a new directory. */
export function planMakeDirectory(line: CommandLine): Work {
  const path = readRemoteNameBelowRoot(line.operands[1] ?? "", "make");
  const parents = line.value(PARENTS);
  return (session) =>
    session.attempt({ doing: "make", path }, async () => {
      const { client, reporter, signal } = session;
      await client.makeDirectory(path, { parents, signal });
      await reporter.created(path);
    });
}

/** Plans a look at one entry. */
export function planStat(line: CommandLine): Work {
  const path = readRemoteName(line.operands[1] ?? "");
  const digest = line.value(SHOWN_DIGEST);
  return (session) =>
    session.attempt({ doing: "look at", path }, async () => {
      const { client, reporter, signal } = session;
      const wanted = digest === undefined ? { signal } : { signal, digest };
      await reporter.stat(await client.stat(path, wanted));
    });
}

/** Free space, or why the server does not tell. */
async function freeSpace(session: Session): Promise<FreeSpace> {
  const { client, signal } = session;
  try {
    return { bytes: await client.freeSpace({ signal }) };
  } catch (error) {
    const isRefused = error instanceof FerryError &&
      (error.code === "denied" || error.code === "unsupported");
    if (isRefused) return { bytes: undefined, reason: error.message };
    throw error;
  }
}

/** Plans a look at the session. */
export function planInfo(): Work {
  return (session) =>
    session.attempt({ doing: "ask for the free space" }, async () => {
      const { client, reporter } = session;
      await reporter.info(client.info, await freeSpace(session));
    });
}
