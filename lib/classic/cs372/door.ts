/**
 * The server's side of cs372.
 *
 * @module
 */

import {
  type DoorProtocol,
  RefusalError,
  type Visit,
} from "../../server/mod.ts";
import type { Connection } from "../../transport/mod.ts";
import {
  assertDataPort,
  assertWaiting,
  type DataConnection,
  withDialledBack,
} from "../dial_back.ts";
import { DoorSession, makeDoor } from "../door_session.ts";
import { Walk } from "../machine.ts";
import { isOwnAddress } from "../ports.ts";
import { MalformedError, MessageReader, type Reader } from "../reading.ts";
import {
  openServed,
  sendSource,
  servedNames,
  stallTimeout,
} from "../sending.ts";
import { Wire } from "../wire.ts";
import { CS372_MACHINE, type Cs372Message } from "./machine.ts";
import {
  type Command,
  encodeText,
  readAddress,
  readCommand,
  readName,
  readPort,
  TEXTS,
} from "./messages.ts";

/**
 * Milliseconds for each message of the client: the originals send at once, a
 * network that stammers a byte at a time takes seconds.
 */
const STEP_TIMEOUT = 15_000;

/** Bytes of names that are collected before they are sent: one read of a client. */
const NAMES_SIZE = 65_536;

/** The door. */
export const cs372Door: DoorProtocol = makeDoor(
  "cs372",
  false,
  (connection, visit) => new Conversation(connection, visit).run(),
);

/** What a client asks for, once it has said everything. */
interface Request {
  readonly command: Command;
  readonly port: number;
  /** The file name as it came; only for `GET`. */
  readonly name: Uint8Array | undefined;
}

/** One connection of a client. */
class Conversation {
  readonly #visit: Visit;
  readonly #control: Wire;
  readonly #reader: MessageReader;
  readonly #walk = new Walk<Cs372Message>(CS372_MACHINE);

  constructor(connection: Connection, visit: Visit) {
    this.#visit = visit;
    this.#control = new Wire(connection, visit.clock);
    this.#reader = new MessageReader(this.#control, visit.clock);
  }

  async run(): Promise<void> {
    const method = "anonymous";
    const grant = await this.#visit.admit({ method });
    const command = await this.#receive("the command", readCommand);
    this.#visit.arrived();
    using session = new DoorSession(this.#visit, grant, method);
    const request = await this.#request(command);
    await this.#visit.whileBusy(() =>
      withDialledBack(
        this.#visit,
        this.#control,
        request.port,
        (connection) => this.#deliver(session, request, connection),
      )
    );
  }

  /** The rest of the client's three or four messages, each with its answer. */
  async #request(command: Command): Promise<Request> {
    this.#walk.step("client", command);
    await this.#accept();
    const port = await this.#receive("the data port", readPort);
    this.#walk.step("client", "PORT");
    assertDataPort(port);
    await this.#accept();
    const address = await this.#receive("the address", readAddress);
    this.#walk.step("client", "ADDRESS");
    this.#assertOwn(address);
    await this.#accept();
    if (command !== "GET") return { command, port, name: undefined };
    const name = await this.#receive("the file name", readName);
    this.#walk.step("client", "NAME");
    await this.#accept();
    return { command, port, name };
  }

  async #receive<M>(what: string, read: Reader<M>): Promise<M> {
    return await this.#reader.receive(what, read, STEP_TIMEOUT);
  }

  async #accept(): Promise<void> {
    assertWaiting(this.#control);
    this.#walk.step("server", "OK");
    await this.#control.send(TEXTS.ok, STEP_TIMEOUT);
  }

  /** The address is a claim; whom to dial is known from the connection itself. */
  #assertOwn(address: string): void {
    const { hostname } = this.#visit.remote;
    if (isOwnAddress(address, hostname)) return;
    throw new RefusalError(
      "denied",
      `the client names ${address} as its address, and that is another machine's`,
    );
  }

  async #deliver(
    session: DoorSession,
    request: Request,
    connection: DataConnection,
  ): Promise<void> {
    this.#walk.step("server", "OPEN");
    const { command, name } = request;
    if (command === "LIST") await this.#list(session, connection);
    else if (name !== undefined) await this.#get(session, name, connection);
    else {session.refused(
        command,
        new MalformedError("there is no such command"),
      );}
    this.#walk.step("server", "END");
  }

  async #list(
    session: DoorSession,
    { data, signal }: DataConnection,
  ): Promise<void> {
    let names: AsyncIterable<string>;
    try {
      names = servedNames(session.grant);
    } catch (error) {
      // There is no answer for that: the listing is empty.
      return session.refused("LIST", error);
    }
    let lines: string[] = [];
    let size = 0;
    const flush = async () => {
      const bytes = encodeText(lines.join(""));
      [lines, size] = [[], 0];
      await this.#send(bytes, { data, signal });
    };
    for await (const name of names) {
      signal.throwIfAborted();
      lines.push(`${name}\n`);
      size += name.length;
      if (size >= NAMES_SIZE) await flush();
    }
    if (lines.length > 0) await flush();
  }

  async #get(
    session: DoorSession,
    name: Uint8Array,
    { data, signal }: DataConnection,
  ): Promise<void> {
    let file: Awaited<ReturnType<typeof openServed>>;
    try {
      file = await openServed(session.grant, name);
    } catch (error) {
      session.refused("GET", error, name);
      this.#walk.step("server", "MISSING");
      await data.send(TEXTS.missing, stallTimeout(this.#visit.limits));
      return;
    }
    using source = file.source;
    const { size } = source.fingerprint;
    if (size > 0) this.#walk.step("server", "DATA");
    await session.sending(
      { request: "GET", name, path: file.path, size },
      () => sendSource(data, source, this.#visit, signal),
    );
  }

  async #send(
    bytes: Uint8Array<ArrayBuffer>,
    { data, signal }: DataConnection,
  ): Promise<void> {
    await this.#visit.pace(bytes.length, signal);
    signal.throwIfAborted();
    this.#walk.step("server", "DATA");
    await data.send(bytes, stallTimeout(this.#visit.limits));
  }
}
