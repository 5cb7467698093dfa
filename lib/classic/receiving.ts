/**
 * What the cs372 clients share once the data connection stands: bytes up to its
 * end, names, and the local file.
 *
 * @module
 */

import { FerryError, type GetTarget } from "../client/mod.ts";
import { NetworkError } from "../transport/mod.ts";
import type { ClientParts } from "./operation.ts";
import { SilenceError } from "./reading.ts";
import { isPlainName } from "./sending.ts";
import { type Fetched, openTarget } from "./target.ts";
import type { ClassicTransferOptions } from "./types.ts";
import type { Wire } from "./wire.ts";

/**
 * Bytes of a listing at most: 16 MiB, a million names of usual length. More is
 * not a folder that anybody lists, but a peer that fills the memory.
 */
const LISTING_SIZE_MAX = 16_777_216;

/** Bytes of a name that the originals receive at once. */
const NAME_SIZE_MAX = 1024;

/**
 * Refuses a name that the protocol cannot carry.
 *
 * @throws {FerryError} `bad-name`.
 */
export function assertSendable(path: string): void {
  const problem = path === ""
    ? "it is empty"
    : !path.isWellFormed()
    ? "it is not well-formed Unicode"
    : !isPlainName(path)
    ? "it has control characters, which the classic protocols do not carry"
    : new TextEncoder().encode(path).length > NAME_SIZE_MAX
    ? `it is longer than ${NAME_SIZE_MAX} bytes`
    : undefined;
  if (problem === undefined) return;
  throw new FerryError("bad-name", problem, { side: "local", path });
}

/**
 * Reads a connection to its end.
 *
 * @param data The connection.
 * @param timeout Milliseconds of silence after which it counts as lost.
 * @throws {SilenceError} After that silence.
 * @throws {NetworkError} When it breaks.
 */
export async function* piecesOf(
  data: Wire,
  timeout: number,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const news = await data.more(timeout);
    if (news === "end") return;
    if (news === "silence") throw silent(timeout);
    const bytes = data.held;
    data.take(bytes.length);
    yield bytes;
  }
}

/** The error for a data connection on which nothing comes. */
export function silent(timeout: number): SilenceError {
  return new SilenceError(
    `the data connection has been silent for ${timeout / 1000} s`,
  );
}

/**
 * Refuses a listing that is too long to be held.
 *
 * @throws {FerryError} `limit`.
 */
export function assertListingSize(size: number): void {
  if (size <= LISTING_SIZE_MAX) return;
  throw new FerryError(
    "limit",
    `the listing is longer than ${LISTING_SIZE_MAX / 1024 ** 2} MiB`,
  );
}

/**
 * Fetches a file whose size is not known before its end; nothing stays of one
 * that fails.
 *
 * @param target Where it goes.
 * @param parts With what.
 * @param options How.
 * @param work Hands all bytes to `write`, and returns when the file is whole.
 * @returns What became of it.
 */
export async function fetchInto(
  target: GetTarget,
  parts: ClientParts,
  options: ClassicTransferOptions,
  work: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<Fetched> {
  const opened = await openTarget(target, parts, options);
  if (!("write" in opened)) return opened;
  await using sink = opened;
  let transferred = 0;
  await work(async (bytes) => {
    if (bytes.length === 0) return;
    await sink.write(bytes);
    transferred += bytes.length;
    options.onProgress?.({ transferred, total: undefined });
  });
  return await sink.finish();
}

/** The error for a reply that ends in the middle. */
export function cutShort(): NetworkError {
  return new NetworkError("reset", "the connection ended in the middle");
}
