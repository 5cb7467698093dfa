/**
 * Ferry's own protocol on the listeners of a server: which connection is the
 * control connection of a session, and which carries its data.
 *
 * @module
 */

import { sleep } from "../platform/mod.ts";
import {
  type FrameOf,
  message,
  ProtocolError,
  VERSIONS,
} from "../protocol/mod.ts";
import {
  type Connection,
  FrameChannel,
  NetworkError,
} from "../transport/mod.ts";
import { ControlHandler, logIn } from "./control_handler.ts";
import { DataHandler } from "./data_handler.ts";
import type { DoorProtocol, Visit } from "./door.ts";
import { errorBody, RefusalError, refusedFields, wireError } from "./errors.ts";
import type { Session, SessionContext } from "./session.ts";

/** Milliseconds between two looks at whether a client has said all. */
const LAST_WORDS_INTERVAL = 20;

/** The name of the protocol. */
export const FERRY = "ferry";

/** What a {@linkcode FerryDoor} needs of its server. */
export interface FerryDoorOptions
  extends Omit<SessionContext, "dial" | "uploads"> {
  /** Whether data connections may be dialled back to clients. */
  readonly allowActive: boolean;
  /** Serves a connection that was dialled, as if it had been accepted. */
  readonly receive: (
    connection: Connection,
    door: DoorProtocol,
    visit: Visit,
  ) => void;
}

/** Ferry's own protocol, and the sessions that run. */
export class FerryDoor implements DoorProtocol {
  readonly name = FERRY;
  readonly hasLogin = true;
  readonly #context: SessionContext;
  readonly #receive: FerryDoorOptions["receive"];
  readonly #sessions = new Map<string, Session>();

  /** @param options What it needs. */
  constructor({ allowActive, receive, ...shared }: FerryDoorOptions) {
    this.#receive = receive;
    this.#context = {
      ...shared,
      uploads: new Map(),
      dial: allowActive
        ? (session, ...call) =>
          session.whileDialling(() => this.#dial(session, ...call))
        : undefined,
    };
  }

  /** Whether an exchange is open in any session. */
  get isBusy(): boolean {
    return [...this.#sessions.values()].some(({ isBusy }) => isBusy);
  }

  /** Tells every client that the server is going to close. */
  sayGoodbye(): void {
    const body = { reason: "the server is shutting down" };
    for (const { control } of this.#sessions.values()) {
      control.send(message("GOODBYE", body)).catch(() => {});
    }
  }

  /** Ends every session at once. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  /** Serves a connection that was accepted. */
  async serve(connection: Connection, visit: Visit): Promise<void> {
    const channel = new FrameChannel(connection, "control", "server");
    await this.#serveChannel(channel, visit);
  }

  /** Dials a client that listens for a data connection, never another host. */
  async #dial(
    session: Session,
    { port, token }: { readonly port: number; readonly token: Uint8Array },
    signal: AbortSignal,
  ): Promise<void> {
    const connection = await session.visit.dial(port, signal);
    const channel = new FrameChannel(connection, "data", "server");
    try {
      signal.throwIfAborted();
      await channel.send(message("DIALLED", { session: session.id, token }));
    } catch (cause) {
      channel.close();
      signal.throwIfAborted();
      throw new RefusalError(
        "unavailable",
        `the server cannot reach port ${port} of the client: ${
          cause instanceof NetworkError ? cause.message : "it failed"
        }`,
      );
    }
    const door: DoorProtocol = {
      name: this.name,
      hasLogin: this.hasLogin,
      serve: (_connection, visit) =>
        this.#serveChannel(channel, visit, session),
    };
    this.#receive(connection, door, session.visit);
  }

  /** @param caller Whom the server has dialled, if it has. */
  async #serveChannel(
    channel: FrameChannel,
    visit: Visit,
    caller?: Session,
  ): Promise<void> {
    const met = this.#meet(channel, visit, caller);
    try {
      const serve = await Promise.race([met, tooLate(visit)]);
      visit.arrived();
      await serve?.();
    } catch (error) {
      await this.#farewell(channel, visit, error);
    } finally {
      channel.close();
      // A log-in that took too long comes to its end, too.
      await met.catch(() => {});
    }
  }

  /** Takes the first frames of a connection, and says how it is served. */
  async #meet(
    channel: FrameChannel,
    visit: Visit,
    caller: Session | undefined,
  ): Promise<(() => Promise<void>) | undefined> {
    visit.assertRoom();
    const first = await channel.receiveFirst();
    if (first?.type === "HELLO") {
      const session = await logIn(this.#context, channel, first, visit);
      const handler = new ControlHandler(session);
      return () => this.#serveControl(session, handler);
    }
    if (first?.type !== "ATTACH") return undefined;
    const session = this.#attach(channel, first, caller);
    const handler = new DataHandler(session, channel);
    return () => this.#serveData(session, channel, handler);
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
    const { user, visit } = session;
    const began = visit.clock.monotonic();
    this.#sessions.set(key, session);
    visit.report({
      type: "log-in",
      user,
      session: key,
      method: session.method,
    });
    try {
      if (await handler.run()) await this.#lastWords(session);
    } catch (error) {
      session.end();
      await this.#farewell(session.control, visit, error);
    } finally {
      this.#sessions.delete(key);
      session.close();
      await handler.finish();
      const duration = visit.clock.monotonic() - began;
      visit.report({ type: "log-out", user, session: key, duration });
    }
  }

  /**
   * Lets a client that leaves have its last words: what it has acknowledged on a
   * data connection may arrive after the end of the control connection.
   */
  async #lastWords(session: Session): Promise<void> {
    const { visit: { clock, limits, signal } } = session;
    const end = clock.monotonic() + limits.farewellTimeout;
    while (session.isAwaitingWord && clock.monotonic() < end) {
      await sleep(clock, LAST_WORDS_INTERVAL, signal).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** Tells the peer why its connection ends, unless it is gone or does not speak Ferry. */
  async #farewell(
    channel: FrameChannel,
    visit: Visit,
    error: unknown,
  ): Promise<void> {
    visit.report({ type: "closing", ...refusedFields(error) });
    if (error instanceof NetworkError) return;
    const stranger = error instanceof ProtocolError &&
      channel.conversation.state === "start";
    if (stranger) return;
    const { clock, limits } = this.#context;
    const timeout = new AbortController();
    const cancel = clock.after(
      limits.farewellTimeout,
      () => timeout.abort(),
    );
    channel.send(message("FAIL", errorBody(wireError(error)))).catch(() => {});
    await channel.finish(timeout.signal);
    cancel();
  }
}

/** Fails when the peer has taken too long to say who it is. */
function tooLate({ late }: Visit): Promise<never> {
  return new Promise((_, reject) => {
    late.addEventListener("abort", () => {
      reject(new RefusalError("timeout", "the log-in took too long"));
    }, { once: true });
  });
}
