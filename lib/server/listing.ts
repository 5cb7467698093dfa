/**
 * Listings: page by page, no further ahead than the client has given credit.
 *
 * @module
 */

import {
  ERROR_CODES,
  joinName,
  type MessageBody,
  PAGE_ENTRY_COUNT_MAX,
  PAGE_WINDOW,
  PATH_SIZE_MAX,
  type WireEntry,
} from "../protocol/mod.ts";
import type { Entry, Storage } from "../storage/mod.ts";
import { RefusalError, wireError } from "./errors.ts";

/**
 * Bytes of entries after which a page is sent: the encoding adds at most 60
 * bytes an entry to its name, and the largest name still fits in a message.
 */
const PAGE_SIZE = 32_768;

/** Bytes that an entry's encoding adds to its name, at most. */
const ENTRY_OVERHEAD = 60;

const UTF8 = new TextEncoder();

/** How many pages may be sent. */
export class PageCredit {
  #pages = PAGE_WINDOW;
  #wake = () => {};

  /** Adds to the credit. */
  add(pages: number): void {
    this.#pages += pages;
    this.#wake();
  }

  /**
   * Uses up one page of the credit; waits for it.
   *
   * @throws The signal's reason.
   */
  async take(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (this.#pages === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    signal.throwIfAborted();
    this.#pages--;
  }
}

type Item =
  | { readonly entry: WireEntry }
  | { readonly problem: MessageBody<"PAGE">["problems"][number] };

function toWire(path: string, entry: Entry): WireEntry {
  const { kind, size, modified, mode, addressable } = entry;
  return { path, kind, size, modified, mode, addressable };
}

/** Every entry below `root`, parents before children; links are not followed. */
async function* walk(
  storage: Storage,
  root: string,
  recursive: boolean,
): AsyncIterable<Item> {
  const folders = [""];
  for (
    let folder = folders.pop();
    folder !== undefined;
    folder = folders.pop()
  ) {
    try {
      const path = await storage.locate(joinName(root, folder), "read");
      for await (const entry of storage.list(path)) {
        const name = joinName(folder, entry.name);
        if (UTF8.encode(name).length > PATH_SIZE_MAX) {
          // One name that cannot be told must not cost the whole listing.
          throw new RefusalError("bad-name", "the names in it are too long");
        }
        yield { entry: toWire(name, entry) };
        if (recursive && entry.kind === "directory" && entry.addressable) {
          folders.push(name);
        }
      }
    } catch (error) {
      // The listed directory itself must be readable; below it the rest is.
      if (folder === "") throw error;
      const { code, message } = wireError(error);
      yield { problem: { path: folder, code: ERROR_CODES[code], message } };
    }
  }
}

/**
 * Sends a listing.
 *
 * @param storage Where to list.
 * @param request What to list.
 * @param credit How far ahead of the reader.
 * @param send Sends a page.
 * @param signal Ends the listing.
 */
export async function sendListing(
  storage: Storage,
  { path, recursive }: MessageBody<"LIST">,
  credit: PageCredit,
  send: (page: MessageBody<"PAGE">) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let items: Item[] = [];
  let size = 0;
  const flush = async () => {
    if (items.length === 0) return;
    await credit.take(signal);
    const page = {
      entries: items.flatMap((item) => "entry" in item ? [item.entry] : []),
      problems: items.flatMap((item) =>
        "problem" in item ? [item.problem] : []
      ),
    };
    items = [];
    size = 0;
    await send(page);
  };
  for await (const item of walk(storage, path, recursive)) {
    signal.throwIfAborted();
    items.push(item);
    const name = "entry" in item
      ? item.entry.path
      : item.problem.path + item.problem.message;
    size += UTF8.encode(name).length + ENTRY_OVERHEAD;
    if (size >= PAGE_SIZE || items.length >= PAGE_ENTRY_COUNT_MAX) {
      await flush();
    }
  }
  await flush();
}
