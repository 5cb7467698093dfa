/**
 * The server's half of a data connection (Q) of the cs372 kinds: it dials the
 * client, which may begin to listen seconds after its last message, and lets the
 * transfer end when the control connection (P) does.
 *
 * @module
 */

import { sleep } from "../platform/mod.ts";
import { DIAL_PORT_MIN, RefusalError, type Visit } from "../server/mod.ts";
import { type Connection, NetworkError } from "../transport/mod.ts";
import { MalformedError } from "./reading.ts";
import { Wire } from "./wire.ts";

/**
 * Milliseconds in which the client must begin to listen: the originals take
 * about one, and a machine under load, or a person at a prompt, a few more.
 */
const DIAL_WINDOW = 10_000;

/** Milliseconds between two tries: soon enough to be unnoticed, ten a second. */
const DIAL_INTERVAL = 100;

/** Milliseconds for the client to end its side after the server has ended its own. */
export const LINGER_TIMEOUT = 5000;

/**
 * Refuses a port that is not dialled, as soon as it is known.
 *
 * @throws {RefusalError} `denied`.
 */
export function assertDataPort(port: number): void {
  if (port >= DIAL_PORT_MIN) return;
  throw new RefusalError(
    "denied",
    `the client asks for its port ${port}, and none below ${DIAL_PORT_MIN} is dialled`,
  );
}

/**
 * Refuses what a client says before it has its answer.
 *
 * @throws {MalformedError} When something has come.
 */
export function assertWaiting(control: Wire): void {
  if (control.held.length > 0) throw early();
}

/** What a transfer runs on. */
export interface DataConnection {
  /** Q. */
  readonly data: Wire;
  /** Aborted when the transfer is to end: P has, or the server does. */
  readonly signal: AbortSignal;
}

/**
 * Dials Q and runs a transfer on it; afterwards Q is closed, after everything
 * that was sent, unless the transfer failed.
 *
 * @param visit The visit.
 * @param control P; nothing may come there meanwhile.
 * @param port The client's data port.
 * @param work The transfer.
 * @throws {RefusalError} `unavailable` when nobody listens there for too long.
 * @throws {MalformedError} When the client says something meanwhile.
 * @throws {NetworkError} When one of the connections breaks, or P ends before Q.
 */
export async function withDialledBack(
  visit: Visit,
  control: Wire,
  port: number,
  work: (connection: DataConnection) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  watch(control, (reason) => ended.abort(reason));
  const onClose = () =>
    ended.abort(new NetworkError("closed", "the server closes"));
  visit.signal.addEventListener("abort", onClose, { once: true });
  if (visit.signal.aborted) onClose();
  let data: Wire | undefined;
  const onAbort = () => data?.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    data = new Wire(await dialPatiently(visit, port, signal), visit.clock);
    signal.throwIfAborted();
    await work({ data, signal });
    signal.throwIfAborted();
    await data.finish(LINGER_TIMEOUT);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    visit.signal.removeEventListener("abort", onClose);
    signal.removeEventListener("abort", onAbort);
    data?.close();
  }
}

/** Says when P ends or breaks, or something comes there. */
function watch(control: Wire, end: (reason: Error) => void): void {
  if (control.held.length > 0) return end(early());
  control.more(Infinity).then(
    (news) =>
      end(
        news === "bytes"
          ? early()
          : new NetworkError("closed", "the client left before the end"),
      ),
    end,
  );
}

function early(): MalformedError {
  return new MalformedError("the client spoke before it had its answer");
}

async function dialPatiently(
  visit: Visit,
  port: number,
  signal: AbortSignal,
): Promise<Connection> {
  const { clock } = visit;
  const end = clock.monotonic() + DIAL_WINDOW;
  for (;;) {
    try {
      return await visit.dial(port, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isPassing = error instanceof RefusalError &&
        error.code === "unavailable";
      if (!isPassing || clock.monotonic() + DIAL_INTERVAL > end) throw error;
    }
    await sleep(clock, DIAL_INTERVAL, signal);
  }
}
