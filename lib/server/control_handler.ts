/**
 * The control connection of one client, from the log-in to the end.
 *
 * @module
 */

import {
  type Frame,
  type FrameOf,
  type KeyLogIn,
  keyLogInMessage,
  malformed,
  type Message,
  message,
  type MessageBody,
  NONCE_SIZE,
  VERSIONS,
} from "../protocol/mod.ts";
import { type FrameChannel, NetworkError } from "../transport/mod.ts";
import { AGENT } from "./agent.ts";
import type { Credentials } from "./access.ts";
import type { Visit } from "./door.ts";
import { errorBody, RefusalError, wireError } from "./errors.ts";
import { PageCredit } from "./listing.ts";
import { isRequest, REQUESTS, runRequest } from "./requests.ts";
import { Session, type SessionContext } from "./session.ts";
import type { Offer } from "./types.ts";

/** Receives the frame that must come now. */
async function expect<T extends "LOGIN">(
  channel: FrameChannel,
  type: T,
): Promise<FrameOf<T>> {
  const frame = await channel.receive();
  if (frame === undefined || frame.type === "FAIL") {
    throw new NetworkError("closed", "the client left before the log-in");
  }
  if (frame.type !== type) throw malformed(`expected ${type}`);
  return frame as FrameOf<T>;
}

/** What the client shows to come in. */
function readCredentials(
  method: Credentials["method"],
  { user, password, publicKey, signature }: MessageBody<"LOGIN">,
  connection: Omit<KeyLogIn, "user" | "publicKey">,
): Credentials {
  if (method === "anonymous") return { method };
  if (user === undefined) throw malformed(`LOGIN by ${method} without a user`);
  if (method === "password") {
    if (password !== undefined) return { method, user, password };
  } else if (publicKey !== undefined && signature !== undefined) {
    const message = keyLogInMessage({ ...connection, user, publicKey });
    return { method, user, publicKey, signature, message };
  }
  throw malformed(`LOGIN by ${method} without what it needs`);
}

/**
 * Greets and logs in.
 *
 * @param context What the server shares.
 * @param channel A connection whose first frame was `hello`.
 * @param hello That frame.
 * @param visit What the server does for the connection.
 * @returns The session.
 * @throws {RefusalError} When there is no common version, or no such log-in.
 */
export async function logIn(
  context: SessionContext,
  channel: FrameChannel,
  hello: FrameOf<"HELLO">,
  visit: Visit,
): Promise<Session> {
  const version = VERSIONS.find((version) =>
    hello.body.versions.includes(version)
  );
  if (version === undefined) {
    throw new RefusalError(
      "unsupported",
      `this server speaks protocol version ${VERSIONS.join(", ")}, the client ${
        hello.body.versions.join(", ") || "none"
      }`,
    );
  }
  const { methods } = visit;
  const nonce = context.random.bytes(NONCE_SIZE);
  const greeting = { version, agent: AGENT, nonce, methods };
  await channel.send(message("GREETING", greeting));
  const { body } = await expect(channel, "LOGIN");
  const method = methods.find((method) => method === body.method);
  if (method === undefined) {
    throw new RefusalError(
      "login-refused",
      `log-in method is not offered; offered: ${methods.join(", ")}`,
    );
  }
  const credentials = readCredentials(method, body, {
    clientNonce: hello.body.nonce,
    serverNonce: nonce,
    certificate: channel.certificate,
  });
  const grant = await visit.admit(credentials);
  const session = new Session({
    context,
    control: channel,
    visit,
    grant,
    method,
  });
  const { offer } = grant;
  const refusals = Object.entries(offer.refusals).map(([right, reason]) => ({
    right: right as Offer["rights"][number],
    reason,
  }));
  await channel.send(message("READY", {
    session: session.id,
    user: session.user,
    rights: offer.rights,
    refusals,
    digests: ["crc32-chunks", "sha256"],
    dataConnections: session.streams,
    active: context.dial !== undefined,
  }));
  return session;
}

/** Serves the control connection of a logged-in client until it ends. */
export class ControlHandler {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #credits = new Map<number, PageCredit>();
  readonly #tasks = new Set<Promise<void>>();
  #cancelCheck = () => {};

  /** @param session The client. */
  constructor(session: Session) {
    this.#session = session;
    this.#channel = session.control;
  }

  /**
   * Runs until the client leaves, the connection breaks or the server closes it.
   *
   * @returns Whether the client has said goodbye.
   * @throws {ProtocolError} When the client broke the rules.
   * @throws {NetworkError} When the connection broke.
   */
  async run(): Promise<boolean> {
    this.#watch();
    try {
      for (;;) {
        await this.#channel.settled();
        const frame = await this.#channel.receive();
        if (frame === undefined) return false;
        if (frame.type === "GOODBYE") return true;
        if (frame.type === "FAIL") {
          throw new NetworkError("closed", frame.body.message);
        }
        this.#dispatch(frame);
      }
    } finally {
      this.#cancelCheck();
    }
  }

  /** Waits for what still runs; to be called after the session was closed. */
  async finish(): Promise<void> {
    await Promise.all(this.#tasks);
  }

  #dispatch(frame: Frame): void {
    switch (frame.type) {
      case "PING":
        return this.#post(message("PONG", frame.body));
      case "PONG":
      case "DATA":
        return;
      case "CANCEL":
        return this.#session.cancel(frame.id);
      case "MORE":
        return this.#credits.get(frame.id)?.add(frame.body.pages);
      default:
        return this.#start(frame);
    }
  }

  #start(frame: Message): void {
    const task = this.#answer(frame);
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }

  async #answer(frame: Message): Promise<void> {
    const { id } = frame;
    const session = this.#session;
    try {
      if (!isRequest(frame)) throw malformed(`${frame.type} is no request`);
      if (this.#tasks.size >= session.context.limits.requestCountMax) {
        throw new RefusalError("limit", "too many requests at once");
      }
      const credit = new PageCredit();
      this.#credits.set(id, credit);
      await session.run(id, async (signal) => {
        // A change that was made is told and logged, cancelled or not.
        const answer = await runRequest(frame, {
          session,
          credit,
          signal,
          send: (answer) => this.#channel.send({ ...answer, id } as Message),
        });
        if (REQUESTS[frame.type].change) {
          session.report({
            type: "change",
            request: frame.type,
            id,
            details: frame.body,
          });
        }
        this.#post({ ...answer, id } as Message);
      });
    } catch (error) {
      this.#refuse(frame, error);
    } finally {
      this.#credits.delete(id);
    }
  }

  #refuse(frame: Message, error: unknown): void {
    this.#session.reportRefusal(frame, error);
    this.#post({
      type: "ERROR",
      id: frame.id,
      body: errorBody(wireError(error)),
    });
  }

  /** Sends without waiting; the receiving side finds out if the connection broke. */
  #post(frame: Message): void {
    this.#channel.send(frame).catch(() => {});
  }

  /** Pings a silent client and ends a dead one; asks every connection for progress. */
  #watch(): void {
    const { clock, limits } = this.#session.context;
    let heard = -1;
    let silent = 0;
    const check = () => {
      const received = this.#channel.bytesReceived;
      silent = received === heard ? silent + 1 : 0;
      heard = received;
      for (const channel of [this.#channel, ...this.#session.data]) {
        if (!channel.progressing(limits.progressSizeMin)) {
          this.#giveUp(channel, "it sent part of a frame and then too little");
        }
      }
      if (silent >= limits.silentCheckCountMax) {
        return this.#giveUp(this.#channel, "it was silent for too long");
      }
      if (silent > 0) this.#post(message("PING", { cookie: silent }));
      this.#cancelCheck = clock.after(limits.checkInterval, check);
    };
    check();
  }

  #giveUp(channel: FrameChannel, reason: string): void {
    this.#session.visit.report({ type: "closing", code: "timeout", reason });
    channel.close();
  }
}
