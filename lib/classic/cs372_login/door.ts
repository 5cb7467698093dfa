/**
 * The server's side of cs372-login.
 *
 * @module
 */

import { sleep } from "../../platform/mod.ts";
import {
  type DoorProtocol,
  type Grant,
  RefusalError,
  requireRight,
  type Visit,
} from "../../server/mod.ts";
import type { Connection } from "../../transport/mod.ts";
import {
  assertDataPort,
  assertWaiting,
  type DataConnection,
  LINGER_TIMEOUT,
  withDialledBack,
} from "../dial_back.ts";
import { DoorSession, makeDoor } from "../door_session.ts";
import { Walk } from "../machine.ts";
import { MalformedError, MessageReader, SilenceError } from "../reading.ts";
import {
  openServed,
  sendSource,
  servedNames,
  stallTimeout,
} from "../sending.ts";
import { Wire } from "../wire.ts";
import { LOGIN_MACHINE, type LoginMessage } from "./machine.ts";
import {
  END_MARK,
  FILE_ANSWERS,
  LOGIN_ANSWERS,
  type LoginRequest,
  readRequest,
  readText,
  REQUEST_ANSWERS,
} from "./messages.ts";

/**
 * Milliseconds of silence that end a user name: half of the second that the
 * original client waits before the password.
 */
const USER_QUIET = 500;

/**
 * Milliseconds after which the password must have come together with the user
 * name: four times what the original client waits.
 */
const PASSWORD_TIMEOUT = 4000;

/** Milliseconds for the request: a person may be typing it. */
const REQUEST_TIMEOUT = 60_000;

/**
 * Milliseconds before the mark `endOfInput`, as in the original: its client drops
 * whatever it receives together with the mark.
 */
const MARK_PAUSE = 2000;

/**
 * Milliseconds between two names, as in the original, whose client takes for a
 * name whatever it receives at once; and for long listings, which would take
 * hours, what is still longer than a segment that was lost and repeated.
 */
const NAME_PAUSE = { first: 1000, later: 250, firstCount: 30 } as const;

const UTF8 = new TextEncoder();

/** The door. */
export const cs372LoginDoor: DoorProtocol = makeDoor(
  "cs372-login",
  true,
  (connection, visit) => new Conversation(connection, visit).run(),
);

/** A request that is going to be served. */
type ServedRequest = Exclude<LoginRequest, { readonly command: "UNKNOWN" }>;

/** One connection of a client. */
class Conversation {
  readonly #visit: Visit;
  readonly #control: Wire;
  readonly #reader: MessageReader;
  readonly #walk = new Walk<LoginMessage>(LOGIN_MACHINE);

  constructor(connection: Connection, visit: Visit) {
    this.#visit = visit;
    this.#control = new Wire(connection, visit.clock);
    this.#reader = new MessageReader(this.#control, visit.clock);
  }

  async run(): Promise<void> {
    const grant = await this.#logIn();
    if (grant === undefined) {
      await this.#answer("NO_MATCH", LOGIN_ANSWERS.NO_MATCH);
      return await this.#control.finish(LINGER_TIMEOUT);
    }
    this.#visit.arrived();
    using session = new DoorSession(this.#visit, grant, "password");
    await this.#answer("MATCH", LOGIN_ANSWERS.MATCH);
    const request = await this.#request(session);
    if (request === undefined) {
      await this.#answer("UNRECOGNIZED", REQUEST_ANSWERS.UNRECOGNIZED);
      return await this.#control.finish(LINGER_TIMEOUT);
    }
    await this.#answer("RECOGNIZED", REQUEST_ANSWERS.RECOGNIZED);
    await this.#visit.whileBusy(() =>
      withDialledBack(
        this.#visit,
        this.#control,
        request.port,
        (connection) => this.#deliver(session, request, connection),
      )
    );
  }

  /** Lets the client in, if user and password say so. */
  async #logIn(): Promise<Grant | undefined> {
    const heard = await this.#hear();
    try {
      const credentials = "joined" in heard
        // What cannot be parted is a try like any other, and nobody's name.
        ? await this.#visit.part(heard.joined) ??
          { user: "", password: heard.joined }
        : heard;
      return await this.#visit.admit({ ...credentials, method: "password" });
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      return undefined;
    }
  }

  /** User and password, or both as one if no pause came between them. */
  async #hear(): Promise<
    | { readonly user: string; readonly password: string }
    | { readonly joined: string }
  > {
    const first = await this.#reader.receive(
      "the user name",
      readText,
      this.#visit.limits.loginTimeout,
      USER_QUIET,
    );
    try {
      const password = await this.#reader.receive(
        "the password",
        readText,
        PASSWORD_TIMEOUT,
      );
      this.#walk.step("client", "USER");
      this.#walk.step("client", "PASSWORD");
      return { user: first, password };
    } catch (error) {
      if (!(error instanceof SilenceError)) throw error;
      this.#walk.step("client", "JOINED");
      return { joined: first };
    }
  }

  /** What the client asks for, unless it gets nothing. */
  async #request(session: DoorSession): Promise<ServedRequest | undefined> {
    const request = await this.#reader.receive(
      "the request",
      readRequest,
      REQUEST_TIMEOUT,
    );
    this.#walk.step("client", request.command);
    try {
      if (request.command === "UNKNOWN") {
        throw new MalformedError("there is no such request");
      }
      assertDataPort(request.port);
      requireRight(session.grant, request.command === "LIST" ? "list" : "read");
      return request;
    } catch (error) {
      session.refused(request.command, error);
      return undefined;
    }
  }

  async #answer(
    message: LoginMessage,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    assertWaiting(this.#control);
    this.#walk.step("server", message);
    await this.#control.send(bytes, stallTimeout(this.#visit.limits));
  }

  async #deliver(
    session: DoorSession,
    request: ServedRequest,
    connection: DataConnection,
  ): Promise<void> {
    this.#walk.step("server", "OPEN");
    const isSent = request.command === "LIST"
      ? await this.#list(session, connection)
      : await this.#get(session, request.name, connection);
    if (!isSent) return;
    const { data, signal } = connection;
    await sleep(this.#visit.clock, MARK_PAUSE, signal);
    this.#walk.step("server", "MARK");
    await data.send(END_MARK, stallTimeout(this.#visit.limits));
    this.#walk.step("server", "END");
  }

  async #list(
    { grant }: DoorSession,
    { data, signal }: DataConnection,
  ): Promise<boolean> {
    const { clock, limits } = this.#visit;
    let count = 0;
    for await (const name of servedNames(grant)) {
      if (count > 0) await sleep(clock, pauseAfter(count), signal);
      const bytes = UTF8.encode(name);
      await this.#visit.pace(bytes.length, signal);
      signal.throwIfAborted();
      this.#walk.step("server", "NAME");
      await data.send(bytes, stallTimeout(limits));
      count++;
    }
    return true;
  }

  /** Returns whether there is such a file. */
  async #get(
    session: DoorSession,
    name: Uint8Array,
    { data, signal }: DataConnection,
  ): Promise<boolean> {
    let file: Awaited<ReturnType<typeof openServed>>;
    try {
      file = await openServed(session.grant, name);
    } catch (error) {
      session.refused("GET", error, name);
      await this.#answer("MISSING", FILE_ANSWERS.MISSING);
      return false;
    }
    using source = file.source;
    await this.#answer("FOUND", FILE_ANSWERS.FOUND);
    const { size } = source.fingerprint;
    if (size > 0) this.#walk.step("server", "DATA");
    await session.sending(
      { request: "GET", name, path: file.path, size },
      () => sendSource(data, source, this.#visit, signal),
    );
    return true;
  }
}

/** Milliseconds between the name before which `count` were sent and the one before it. */
function pauseAfter(count: number): number {
  const { first, firstCount, later } = NAME_PAUSE;
  return count < firstCount ? first : later;
}
