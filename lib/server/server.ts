/**
 * The server: listeners, sessions and shutdown.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { sleep } from "../platform/mod.ts";
import {
  type FrameOf,
  message,
  ProtocolError,
  VERSIONS,
} from "../protocol/mod.ts";
import {
  type Connection,
  formatAddress,
  FrameChannel,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
} from "../transport/mod.ts";
import { ControlHandler, logIn } from "./control_handler.ts";
import { DataHandler } from "./data_handler.ts";
import { errorBody, RefusalError, wireError } from "./errors.ts";
import { DRAIN_DEFAULT } from "./limits.ts";
import type { ServerContext, Session } from "./session.ts";
import type { Offer, Server } from "./types.ts";

const log = getLogger(["ferry", "server"]);

/** A listener and what anonymous users may do there. */
export interface Door {
  /** Where it listens. */
  readonly listener: Listener;
  /** What anonymous users may do. */
  readonly offer: Offer;
}

/** A server over the ports that it is given. */
export class FerryServer implements Server {
  readonly addresses: readonly NetworkAddress[];
  readonly offers: readonly Offer[];
  readonly finished: Promise<void>;
  readonly #context: ServerContext;
  readonly #doors: readonly Door[];
  readonly #sessions = new Map<string, Session>();
  readonly #channels = new Set<FrameChannel>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #pending = 0;
  #draining = false;
  #stopped: Promise<void> | undefined;
  #finish: () => void;

  /**
   * @param context What its sessions share, but for what only a running server has.
   * @param connections Its listeners, closed by the server as is the storage, and
   * where it may dial clients, if it may.
   */
  constructor(
    context: Omit<ServerContext, "draining" | "dial" | "uploads">,
    { doors, network }: {
      readonly doors: readonly Door[];
      readonly network: Network | undefined;
    },
  ) {
    this.#context = {
      ...context,
      draining: () => this.#draining,
      uploads: new Map(),
      dial: network &&
        ((session, ...call) =>
          session.whileDialling(() => this.#dial(network, session, ...call))),
    };
    this.#doors = doors;
    this.addresses = doors.map(({ listener }) => listener.address);
    this.offers = doors.map(({ offer }) => offer);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    for (const door of doors) this.#track(this.#acceptAll(door));
    this.#sweepAtIntervals();
  }

  /** Expired leftovers are cleared while the server runs, too. */
  #sweepAtIntervals(): void {
    const { clock, limits, storage } = this.#context;
    const cancel = clock.after(limits.sweepInterval, () => {
      this.#closing.signal.removeEventListener("abort", cancel);
      this.#track(storage.sweep());
      this.#sweepAtIntervals();
    });
    this.#closing.signal.addEventListener("abort", cancel, { once: true });
    if (this.#closing.signal.aborted) cancel();
  }

  async shutdown(options: { readonly drain?: number } = {}): Promise<void> {
    const { clock } = this.#context;
    const { drain = DRAIN_DEFAULT } = options;
    if (drain <= 0) this.#closing.abort();
    const cancel = clock.after(drain, () => this.#closing.abort());
    try {
      this.#stopped ??= this.#stop();
      await this.#stopped;
    } finally {
      cancel();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown({ drain: 0 });
  }

  async #stop(): Promise<void> {
    this.#draining = true;
    for (const { listener } of this.#doors) listener.close();
    for (const { control } of this.#sessions.values()) {
      control.send(
        message("GOODBYE", { reason: "the server is shutting down" }),
      )
        .catch(() => {});
    }
    await this.#quiet();
    this.#closing.abort();
    for (const session of this.#sessions.values()) session.close();
    for (const channel of this.#channels) channel.close();
    // A connection that was accepted last may add one more.
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    try {
      await this.#context.storage[Symbol.asyncDispose]();
    } finally {
      this.#finish();
    }
  }

  /**
   * Waits until no exchange is open, or the time to drain is over. One whose
   * answer is on its way is open until the client has acknowledged it: closed
   * before that, the answer may be lost.
   */
  async #quiet(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#closing;
    const busy = () =>
      [...this.#sessions.values()].some(({ isBusy }) => isBusy);
    while (busy() && !signal.aborted) {
      await sleep(clock, QUIET_INTERVAL, signal).catch(() => {});
    }
  }

  /** Remembers a task until it ends. Nothing that fails in one ends the server. */
  #track(work: Promise<void>): void {
    const task = work.catch((error) => {
      log.error("A connection's task failed: {error}", { error });
    }).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #acceptAll({ listener, offer }: Door): Promise<void> {
    const { clock, limits } = this.#context;
    for (;;) {
      try {
        const connection = await listener.accept();
        if (connection === undefined) return;
        if (this.#draining) connection.close();
        else this.#track(this.#serve(connection, offer));
      } catch (error) {
        // Out of descriptors, as a rule: those that are served free some.
        log.warn("Cannot accept connections for a moment: {reason}", {
          reason: error instanceof Error ? error.message : "unknown",
        });
        await sleep(clock, limits.exhaustedDelay, this.#closing.signal)
          .catch(() => {});
      }
    }
  }

  /** Serves one connection; whatever happens on it ends here. */
  async #serve(connection: Connection, offer: Offer): Promise<void> {
    const channel = new FrameChannel(connection, "control", "server");
    await this.#serveChannel(channel, offer);
  }

  /** Dials a client that listens for a data connection, never another host. */
  async #dial(
    network: Network,
    session: Session,
    { port, token }: { readonly port: number; readonly token: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, limits } = this.#context;
    const { hostname } = session.control.remote;
    const late = new AbortController();
    const cancel = clock.after(limits.dialTimeout, () => late.abort());
    const ending = AbortSignal.any([late.signal, signal]);
    try {
      const connection = await network.dial({ hostname, port }, ending);
      const channel = new FrameChannel(connection, "data", "server");
      try {
        signal.throwIfAborted();
        await channel.send(message("DIALLED", { session: session.id, token }));
      } catch (error) {
        channel.close();
        throw error;
      }
      this.#track(this.#serveChannel(channel, session.offer, session));
    } catch (cause) {
      signal.throwIfAborted();
      const reason = late.signal.aborted
        ? `no answer within ${limits.dialTimeout / 1000} s`
        : cause instanceof NetworkError
        ? cause.message
        : "it failed";
      throw new RefusalError(
        "unavailable",
        `the server cannot reach port ${port} of the client: ${reason} (is a firewall in between?)`,
      );
    } finally {
      cancel();
    }
  }

  /** @param caller Whom the server has dialled, if it has. */
  async #serveChannel(
    channel: FrameChannel,
    offer: Offer,
    caller?: Session,
  ): Promise<void> {
    this.#channels.add(channel);
    try {
      await this.#greet(channel, offer, caller);
    } catch (error) {
      await this.#farewell(channel, error);
    } finally {
      channel.close();
      this.#channels.delete(channel);
    }
  }

  async #greet(
    channel: FrameChannel,
    offer: Offer,
    caller: Session | undefined,
  ): Promise<void> {
    const { clock, limits } = this.#context;
    this.#pending++;
    let late = false;
    const cancel = clock.after(limits.loginTimeout, () => {
      late = true;
      channel.close();
    });
    let handler: ControlHandler | DataHandler | undefined;
    let session: Session | undefined;
    try {
      this.#refuseIfFull();
      const first = await channel.receiveFirst();
      if (first?.type === "HELLO") {
        session = await logIn(this.#context, channel, first, offer);
        handler = new ControlHandler(session);
      } else if (first?.type === "ATTACH") {
        session = this.#attach(channel, first, caller);
        handler = new DataHandler(session, channel);
      }
    } catch (error) {
      if (!late) throw error;
      throw new RefusalError("timeout", "the log-in took too long");
    } finally {
      cancel();
      this.#pending--;
    }
    if (session === undefined || handler === undefined) return;
    if (handler instanceof DataHandler) {
      await this.#serveData(session, channel, handler);
    } else await this.#serveControl(session, handler);
  }

  #refuseIfFull(): void {
    const { limits } = this.#context;
    if (
      this.#channels.size > limits.connectionCountMax ||
      this.#pending > limits.pendingCountMax
    ) {
      throw new RefusalError(
        "limit",
        "the server has as many connections as it takes; try again later",
      );
    }
  }

  #attach(
    channel: FrameChannel,
    { body }: FrameOf<"ATTACH">,
    caller: Session | undefined,
  ): Session {
    if (!VERSIONS.includes(body.version)) {
      throw new RefusalError(
        "unsupported",
        `this server speaks protocol version ${VERSIONS.join(", ")}`,
      );
    }
    const session = this.#sessions.get(body.session.toHex());
    const isOther = caller !== undefined && caller !== session;
    if (
      session === undefined || isOther || !session.attach(channel, body.token)
    ) {
      throw new RefusalError("login-refused", "the data token is not valid");
    }
    return session;
  }

  async #serveData(
    session: Session,
    channel: FrameChannel,
    handler: DataHandler,
  ): Promise<void> {
    try {
      await channel.send(message("ATTACHED", {}));
      await handler.run();
    } finally {
      session.detach(channel);
    }
  }

  async #serveControl(
    session: Session,
    handler: ControlHandler,
  ): Promise<void> {
    const key = session.id.toHex();
    const who = {
      user: session.user,
      peer: formatAddress(session.control.remote),
      session: key,
    };
    this.#sessions.set(key, session);
    log.info("Log-in of {user} from {peer}", who);
    try {
      await handler.run();
    } catch (error) {
      session.end();
      await this.#farewell(session.control, error);
    } finally {
      this.#sessions.delete(key);
      session.close();
      await handler.finish();
      log.info("End of session of {user} from {peer}", who);
    }
  }

  /** Tells the peer why its connection ends, unless it is gone or does not speak Ferry. */
  async #farewell(channel: FrameChannel, error: unknown): Promise<void> {
    const told = wireError(error);
    const peer = formatAddress(channel.remote);
    if (error instanceof NetworkError) {
      log.debug("Connection from {peer} broke: {reason}", {
        peer,
        reason: error.message,
      });
      return;
    }
    const bug = told.code === "internal";
    log[bug ? "error" : "warn"](
      "Closing the connection from {peer}: {code}: {reason}",
      {
        peer,
        code: told.code,
        reason: told.message,
        ...(bug ? { error } : {}),
      },
    );
    const stranger = error instanceof ProtocolError &&
      channel.conversation.state === "start";
    if (stranger) return;
    const { clock, limits } = this.#context;
    const timeout = new AbortController();
    const cancel = clock.after(
      limits.farewellTimeout,
      () => timeout.abort(),
    );
    channel.send(message("FAIL", errorBody(told))).catch(() => {});
    await channel.finish(timeout.signal);
    cancel();
  }
}

/** Milliseconds between two looks at whether a draining server is quiet. */
const QUIET_INTERVAL = 20;
