/**
 * The control connection as the client sees it: log-in, requests and their
 * answers, keep-alive, and tokens for data connections.
 *
 * @module
 */

import { formatFingerprint } from "../identity/mod.ts";
import { type Clock, type Random, sleep } from "../platform/mod.ts";
import {
  type Frame,
  type FrameType,
  type Message,
  message,
  type MessageBody,
  type MessageFrame,
  type MessageType,
  NONCE_SIZE,
  VERSIONS,
} from "../protocol/mod.ts";
import {
  FrameChannel,
  type Network,
  type NetworkAddress,
  type Scheme,
} from "../transport/mod.ts";
import { acceptData, type ActiveOptions, attachData } from "./active_data.ts";
import { AGENT } from "./agent.ts";
import {
  cancelled,
  farewellError,
  FerryError,
  type Phase,
  remoteError,
  toFerryError,
} from "./errors.ts";
import { expectFrame } from "./expect_frame.ts";
import {
  FAREWELL_TIMEOUT,
  GRANT_DELAY_MIN,
  GRANT_TRIES,
  REQUESTS_AT_ONCE,
  SILENCE_CHECKS,
} from "./limits.ts";
import { logInBody, type LogInOptions } from "./log_in.ts";
import { Places } from "./places.ts";
import type { SessionInfo } from "./types.ts";

/** What a session is made with. */
export interface SessionOptions {
  /** The server. */
  readonly address: NetworkAddress;
  /** How bytes travel to it. */
  readonly scheme: Scheme;
  /** Milliseconds of silence that end the session. */
  readonly timeout: number;
  /** Where to dial. */
  readonly network: Network;
  /** The time. */
  readonly clock: Clock;
  /** Nonces. */
  readonly random: Random;
  /** Has the server dial data connections; `undefined`: the client dials. */
  readonly active: ActiveOptions | undefined;
  /** Who logs in, and how. */
  readonly logIn: LogInOptions;
}

/** Takes the frames of one exchange, and the error that ends them. */
export interface ExchangeHandler {
  /** Takes a frame of the server. */
  frame(frame: Message): void;
  /** The session is over. */
  lost(error: FerryError): void;
}

/**
 * Runs `work` under a time limit, after which `abandon` is called to end it.
 *
 * @throws {FerryError} `connect-failed` when the time ran out.
 */
async function within<T>(
  { clock, timeout }: Pick<SessionOptions, "clock" | "timeout">,
  abandon: () => void,
  work: Promise<T>,
): Promise<T> {
  let late = false;
  const cancel = clock.after(timeout, () => {
    late = true;
    abandon();
  });
  try {
    return await work;
  } catch (error) {
    if (!late) throw error;
    throw new FerryError(
      "connect-failed",
      `no answer within ${timeout / 1000} s`,
      { cause: error },
    );
  } finally {
    cancel();
  }
}

/**
 * Dials and hands the connection to `greet`; both together have one time-out.
 *
 * @throws {FerryError} `connect-failed`, `wrong-protocol` and what the server says.
 */
async function dialAndGreet<T>(
  options: SessionOptions,
  kind: "control" | "data",
  greet: (channel: FrameChannel) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (signal?.aborted) throw cancelled(signal.reason);
  const dialling = new AbortController();
  let channel: FrameChannel | undefined;
  const abandon = () => {
    dialling.abort();
    channel?.close();
  };
  const work = async () => {
    channel = new FrameChannel(
      await options.network.dial(options.address, dialling.signal, kind),
      kind,
      "client",
    );
    // It may have come too late to be abandoned.
    dialling.signal.throwIfAborted();
    return await greet(channel);
  };
  signal?.addEventListener("abort", abandon, { once: true });
  try {
    return await within(options, abandon, work());
  } catch (error) {
    channel?.close();
    if (signal?.aborted) throw cancelled(signal.reason);
    const phase = kind === "control" ? "connecting" : "connected";
    throw inPhase(toFerryError(error, phase), phase);
  } finally {
    signal?.removeEventListener("abort", abandon);
  }
}

/**
 * A data connection that cannot be made is a session that broke, not one that
 * never was; a token is refused when its session is over.
 */
function inPhase(error: FerryError, phase: Phase): FerryError {
  const { code } = error;
  return phase === "connected" &&
      (code === "connect-failed" || code === "login-refused")
    ? new FerryError("connection-lost", error.message, { cause: error })
    : error;
}

/** A logged-in session. */
export class ControlSession {
  /** Who and what it is. */
  readonly info: SessionInfo;
  /** Names the session when a data connection attaches. */
  readonly id: Uint8Array;
  readonly #options: SessionOptions;
  readonly #channel: FrameChannel;
  readonly #exchanges = new Map<number, ExchangeHandler>();
  readonly #places = new Places(REQUESTS_AT_ONCE);
  readonly #lost: ((error: FerryError) => void)[] = [];
  readonly #received: Promise<void>;
  #roundTrip = Infinity;
  #error: FerryError | undefined;
  #lastId = 0;
  #cancelCheck = () => {};

  private constructor(
    options: SessionOptions,
    channel: FrameChannel,
    greeting: MessageBody<"GREETING">,
    ready: MessageBody<"READY">,
  ) {
    this.#options = options;
    this.#channel = channel;
    this.id = ready.session;
    this.info = {
      ...options.address,
      scheme: options.scheme,
      fingerprint: channel.certificate &&
        formatFingerprint(channel.certificate),
      server: greeting.agent,
      protocolVersion: greeting.version,
      user: ready.user,
      rights: ready.rights,
      refusals: Object.fromEntries(
        ready.refusals.map(({ right, reason }) => [right, reason]),
      ),
      digests: ready.digests,
      dataConnections: ready.dataConnections,
    };
    this.#received = this.#receiveAll();
    this.#watch();
  }

  /**
   * Connects and logs in.
   *
   * @param signal Ends the attempt.
   * @throws {FerryError} When there is no session.
   */
  static open(
    options: SessionOptions,
    signal?: AbortSignal,
  ): Promise<ControlSession> {
    return dialAndGreet(options, "control", async (channel) => {
      const nonce = options.random.bytes(NONCE_SIZE);
      const hello = { versions: VERSIONS, agent: AGENT, nonce };
      const { clock } = options;
      const helloAt = clock.monotonic();
      await channel.send(message("HELLO", hello));
      const greeting = await expectFrame(channel, "GREETING");
      const greetedAfter = clock.monotonic() - helloAt;
      if (!VERSIONS.includes(greeting.version)) {
        throw new FerryError(
          "unsupported",
          `the server chose protocol version ${greeting.version}, this client speaks ${
            VERSIONS.join(", ")
          }`,
        );
      }
      const { hostname } = options.address;
      const { certificate } = channel;
      const place = { hostname, nonce, greeting, certificate };
      const logIn = logInBody(options.logIn, place);
      const logInAt = clock.monotonic();
      await channel.send(message("LOGIN", logIn));
      const ready = await expectFrame(channel, "READY");
      const session = new ControlSession(options, channel, greeting, ready);
      session.#roundTrip = Math.min(greetedAfter, clock.monotonic() - logInAt);
      return session;
    }, signal);
  }

  /** Why the session is over; `undefined` while it is not. */
  get error(): FerryError | undefined {
    return this.#error;
  }

  /**
   * Milliseconds between a question and its answer, the shortest so far: not
   * less than a round trip of the link, and after a few hardly more.
   */
  get roundTrip(): number {
    return this.#roundTrip;
  }

  /** A new exchange id. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Calls `callback` when the session is over; at once if it is. */
  onLost(callback: (error: FerryError) => void): void {
    if (this.#error !== undefined) callback(this.#error);
    else this.#lost.push(callback);
  }

  /**
   * Asks one question, when no more than a few wait for their answers.
   *
   * @param type The request.
   * @param body Its fields.
   * @param answer What is answered, unless it is `ERROR`.
   * @throws {FerryError} What the server says, `connection-lost`, `cancelled`.
   */
  async request<Q extends MessageType, A extends MessageType>(
    types: readonly [request: Q, answer: A],
    body: MessageBody<Q>,
    signal?: AbortSignal,
  ): Promise<MessageBody<A>> {
    await this.#places.take(signal);
    try {
      return await this.#ask(types, body, signal);
    } finally {
      this.#places.give();
    }
  }

  #ask<Q extends MessageType, A extends MessageType>(
    [type, answer]: readonly [request: Q, answer: A],
    body: MessageBody<Q>,
    signal: AbortSignal | undefined,
  ): Promise<MessageBody<A>> {
    const { promise, resolve, reject } = Promise.withResolvers<
      MessageBody<A>
    >();
    const askedAt = this.#options.clock.monotonic();
    const id = this.begin({ type, id: 0, body } as Message, {
      frame: (frame) => {
        this.#heard(askedAt);
        if (frame.type === answer) resolve(frame.body as MessageBody<A>);
        else reject(remoteError((frame as MessageFrame<"ERROR">).body));
      },
      lost: reject,
    }, ["ERROR", answer]);
    const onAbort = () => {
      this.cancel(id);
      reject(cancelled(signal?.reason));
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /**
   * Begins an exchange of several frames on the control connection.
   *
   * @param frame The request; its id is filled in.
   * @param handler Takes what comes back.
   * @param last The frames after which nothing more comes.
   * @returns The exchange's id.
   */
  begin(
    frame: Message,
    handler: ExchangeHandler,
    last: readonly FrameType[],
  ): number {
    const id = this.nextId();
    if (this.#error !== undefined) {
      handler.lost(this.#error);
      return id;
    }
    this.#exchanges.set(id, {
      frame: (frame) => {
        if (last.includes(frame.type)) this.#exchanges.delete(id);
        handler.frame(frame);
      },
      lost: (error) => handler.lost(error),
    });
    this.send({ ...frame, id } as Message);
    return id;
  }

  /** Sends a frame; a broken connection is told to {@linkcode ControlSession.onLost}. */
  send(frame: Message): void {
    if (this.#error !== undefined) return;
    this.#channel.send(frame).catch((error) => this.#lose(toFerryError(error)));
  }

  /** Asks the server to end an exchange, and drops what still comes of it here. */
  cancel(id: number): void {
    this.#exchanges.delete(id);
    this.send({ type: "CANCEL", id, body: {} });
  }

  /**
   * Opens a data connection.
   *
   * @throws {FerryError} As for {@linkcode ControlSession.open}.
   */
  async openData(signal?: AbortSignal): Promise<FrameChannel> {
    const token = await this.#grant(signal);
    const { active, clock } = this.#options;
    const greet = async (channel: FrameChannel): Promise<FrameChannel> => {
      const askedAt = clock.monotonic();
      const attached = await attachData(channel, this, token);
      this.#heard(askedAt);
      return attached;
    };
    try {
      if (active !== undefined) {
        return await acceptData(this, this.#options, active, greet, signal);
      }
      return await dialAndGreet(this.#options, "data", greet, signal);
    } catch (error) {
      // The end of the session is why, if it has ended.
      throw this.#error ?? error;
    }
  }

  /** A question was answered that was asked then. */
  #heard(askedAt: number): void {
    const duration = this.#options.clock.monotonic() - askedAt;
    this.#roundTrip = Math.min(this.#roundTrip, duration);
  }

  /** Asks for a token; the server may not have seen yet that a connection was closed. */
  async #grant(signal: AbortSignal | undefined): Promise<Uint8Array> {
    for (let attempt = 0;; attempt++) {
      try {
        return (await this.#ask(["GRANT", "GRANTED"], {}, signal)).token;
      } catch (error) {
        const isFull = error instanceof FerryError && error.code === "limit";
        if (!isFull || attempt === GRANT_TRIES) throw error;
      }
      const delay = GRANT_DELAY_MIN * 2 ** attempt;
      await sleep(this.#options.clock, delay, signal).catch((reason) => {
        throw cancelled(reason);
      });
    }
  }

  /** Says goodbye and closes. */
  async close(): Promise<void> {
    if (this.#error === undefined) {
      this.send(message("GOODBYE", { reason: "done" }));
      this.#end(cancelled(undefined));
      const farewell = new AbortController();
      const waiting = sleep(
        this.#options.clock,
        FAREWELL_TIMEOUT,
        farewell.signal,
      ).then(() => this.#channel.close(), () => {});
      await this.#received;
      farewell.abort();
      await waiting;
    }
    this.#channel.close();
    await this.#received;
  }

  async #receiveAll(): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#channel.receive();
        if (frame === undefined) break;
        this.#dispatch(frame);
      }
      this.#lose(
        new FerryError("connection-lost", "the server closed the connection"),
      );
    } catch (error) {
      this.#lose(toFerryError(error));
    }
  }

  #dispatch(frame: Frame): void {
    switch (frame.type) {
      case "PING":
        return this.send(message("PONG", frame.body));
      case "FAIL":
        return this.#lose(farewellError(frame.body));
      case "PONG":
      case "GOODBYE":
      case "DATA":
        return;
      default:
        this.#exchanges.get(frame.id)?.frame(frame);
    }
  }

  /** Ends the session when the server has been silent for too long. */
  #watch(): void {
    const { clock, timeout } = this.#options;
    let heard = -1;
    let silent = 0;
    const check = () => {
      silent = this.#channel.bytesReceived === heard ? silent + 1 : 0;
      heard = this.#channel.bytesReceived;
      if (silent >= SILENCE_CHECKS) {
        return this.#lose(
          new FerryError(
            "connection-lost",
            `the server has been silent for ${timeout / 1000} s`,
          ),
        );
      }
      if (silent > 0) this.send(message("PING", { cookie: silent }));
      this.#cancelCheck = clock.after(timeout / SILENCE_CHECKS, check);
    };
    check();
  }

  #lose(error: FerryError): void {
    this.#end(error);
    this.#channel.close();
  }

  #end(error: FerryError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#cancelCheck();
    for (const handler of this.#exchanges.values()) handler.lost(error);
    this.#exchanges.clear();
    this.#places.fail(error);
    for (const callback of this.#lost.splice(0)) callback(error);
  }
}
