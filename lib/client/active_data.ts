/**
 * Data connections that the server dials: for networks where only the client can
 * be reached.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import { message, TOKEN_SIZE } from "../protocol/mod.ts";
import {
  type Connection,
  FrameChannel,
  isLoopback,
  type Listener,
} from "../transport/mod.ts";
import type { ControlSession, SessionOptions } from "./control_session.ts";
import { cancelled, FerryError } from "./errors.ts";
import { expectFrame } from "./expect_frame.ts";
import { ACTIVE_TIMEOUT } from "./limits.ts";

/** How data connections are made when the server dials. */
export interface ActiveOptions {
  /** Where to listen; 0 is any free port. */
  readonly port: number;
}

/**
 * Listens, has the server dial, and checks that it is the server who came.
 *
 * @param session The session.
 * @param options The ports of the session.
 * @param active Where to listen.
 * @param attach Makes the accepted connection a data connection.
 * @param signal Ends the wait.
 * @throws {FerryError} `connection-lost` when the server does not come.
 */
export async function acceptData(
  session: ControlSession,
  options: SessionOptions,
  active: ActiveOptions,
  attach: (channel: FrameChannel) => Promise<FrameChannel>,
  signal: AbortSignal | undefined,
): Promise<FrameChannel> {
  const { network, address, clock, random } = options;
  const hostname = isLoopback(address.hostname)
    ? address.hostname.includes(":") ? "::1" : "127.0.0.1"
    : "0.0.0.0";
  const listener = network.listen({ hostname, port: active.port });
  const token = random.bytes(TOKEN_SIZE);
  let late = false;
  const cancel = clock.after(ACTIVE_TIMEOUT, () => {
    late = true;
    listener.close();
  });
  const onAbort = (): void => listener.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const accepted = acceptServer(listener, session, token);
    accepted.catch(() => {});
    const { port } = listener.address;
    await session.request(["DIAL", "DONE"], { port, token }, signal);
    const channel = await accepted;
    if (channel !== undefined) return await attach(channel);
    if (signal?.aborted) throw cancelled(signal.reason);
    throw unreached(port, late);
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
    listener.close();
  }
}

function unreached(port: number, late: boolean): FerryError {
  const reason = late ? `within ${ACTIVE_TIMEOUT / 1000} s` : "at all";
  return new FerryError(
    "connection-lost",
    `the server did not connect to port ${port} here ${reason} (does a firewall block it? leave --active out, or choose another --active-port)`,
    { side: "local" },
  );
}

/** The connection that shows the token; strangers are sent away. */
async function acceptServer(
  listener: Listener,
  session: ControlSession,
  token: Uint8Array,
): Promise<FrameChannel | undefined> {
  for (;;) {
    const connection = await listener.accept();
    if (connection === undefined) return undefined;
    const channel = await greet(connection, session, token);
    if (channel !== undefined) return channel;
  }
}

async function greet(
  connection: Connection,
  session: ControlSession,
  token: Uint8Array,
): Promise<FrameChannel | undefined> {
  const channel = new FrameChannel(connection, "data", "client");
  try {
    const body = await expectFrame(channel, "DIALLED");
    if (
      timingSafeEqual(body.token, token) &&
      timingSafeEqual(body.session, session.id)
    ) return channel;
  } catch {
    // Not the server: it is sent away below, and the wait goes on.
  }
  channel.close();
  return undefined;
}

/** Attaches a data connection to its session. */
export async function attachData(
  channel: FrameChannel,
  session: ControlSession,
  token: Uint8Array,
): Promise<FrameChannel> {
  await channel.send(message("ATTACH", {
    version: session.info.protocolVersion,
    session: session.id,
    token,
  }));
  await expectFrame(channel, "ATTACHED");
  return channel;
}
