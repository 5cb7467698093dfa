/**
 * A listing, page by page, at the reader's pace.
 *
 * @module
 */

import {
  joinName,
  lastSegment,
  type Message,
  type MessageBody,
  PAGE_WINDOW,
  remoteNameProblem,
} from "../protocol/mod.ts";
import type { ControlSession } from "./control_session.ts";
import { cancelled, FerryError, remoteError } from "./errors.ts";
import type { ListPage, RemoteEntry } from "./types.ts";

/**
 * The entry that a message describes.
 *
 * @param path Its path relative to the user's root.
 */
export function remoteEntry(
  path: string,
  body: Omit<MessageBody<"ENTRY">, "algorithm" | "digest">,
): RemoteEntry {
  const { kind, size, modified, mode } = body;
  const name = lastSegment(path);
  const addressable = body.addressable && remoteNameProblem(path) === undefined;
  return { path, name, kind, size, modified, mode, addressable };
}

/** Whether a path can be that of something below the listed directory. */
function isBelow(path: string, recursive: boolean): boolean {
  const segments = path.split("/");
  return (recursive || segments.length === 1) && !path.includes("\0") &&
    !segments.some((segment) => ["", ".", ".."].includes(segment));
}

function toPage(
  folder: string,
  recursive: boolean,
  body: MessageBody<"PAGE">,
): ListPage {
  const { entries, problems } = body;
  for (const { path } of [...entries, ...problems]) {
    // Whoever fetches what is listed must not be led out of a folder.
    if (!isBelow(path, recursive)) {
      throw new FerryError("protocol", "the server listed an impossible name");
    }
  }
  return {
    entries: entries.map((entry) =>
      remoteEntry(joinName(folder, entry.path), entry)
    ),
    problems: problems.map((problem) =>
      remoteError({ ...problem, path: joinName(folder, problem.path) })
    ),
  };
}

function tooMany(): FerryError {
  return new FerryError("protocol", "the server sent more than was asked for");
}

/**
 * Lists a directory. The server sends a few pages ahead and waits until they
 * are read; a listing that is left early is cancelled.
 *
 * @throws {FerryError} What the server says, `connection-lost`, `cancelled`.
 */
export async function* listPages(
  session: ControlSession,
  path: string,
  recursive: boolean,
  signal: AbortSignal | undefined,
): AsyncIterable<ListPage> {
  const arrived: MessageBody<"PAGE">[] = [];
  let end: FerryError | "done" | undefined;
  let wake = () => {};
  const finish = (reason: FerryError | "done") => {
    end ??= reason;
    wake();
  };
  const id = session.begin(
    { type: "LIST", id: 0, body: { path, recursive } },
    {
      frame(frame: Message) {
        if (end !== undefined) return;
        if (frame.type === "PAGE") {
          if (arrived.length >= PAGE_WINDOW) return finish(tooMany());
          arrived.push(frame.body);
        } else if (frame.type === "ERROR") {
          return finish(remoteError(frame.body));
        } else if (frame.type === "DONE") return finish("done");
        wake();
      },
      lost: finish,
    },
    ["DONE", "ERROR"],
  );
  const onAbort = () => finish(cancelled(signal?.reason));
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    for (;;) {
      if (signal?.aborted) throw cancelled(signal.reason);
      const page = arrived.shift();
      if (page !== undefined) {
        yield toPage(path, recursive, page);
        if (end === undefined) {
          session.send({ type: "MORE", id, body: { pages: 1 } });
        }
      } else if (end === "done") return;
      else if (end instanceof FerryError) throw end;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    if (end !== "done") session.cancel(id);
  }
}
