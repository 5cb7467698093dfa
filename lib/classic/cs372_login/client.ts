/**
 * The client's side of cs372-login.
 *
 * @module
 */

import {
  FerryError,
  type GetTarget,
  type OperationOptions,
} from "../../client/mod.ts";
import { sleep } from "../../platform/mod.ts";
import { DataListener, ownHostname, watchSilent } from "../data_listener.ts";
import { Walk } from "../machine.ts";
import { BaseClient, type ClientParts, type Operation } from "../operation.ts";
import { MessageReader, type Reader } from "../reading.ts";
import {
  assertListingSize,
  assertSendable,
  cutShort,
  fetchInto,
  piecesOf,
  silent,
} from "../receiving.ts";
import type {
  ClassicClient,
  ClassicListing,
  ClassicReceipt,
  ClassicTransferOptions,
} from "../types.ts";
import type { Wire } from "../wire.ts";
import { LOGIN_MACHINE, type LoginMessage } from "./machine.ts";
import {
  encodeRequest,
  readFileAnswer,
  readLoginAnswer,
  readRequestAnswer,
} from "./messages.ts";
import { MarkedReply, NameList } from "./reply.ts";

/** Milliseconds between user name and password: the original server reads each with one `recv`. */
const PASSWORD_PAUSE = 1000;

/** Milliseconds after which a listing whose last bytes are the mark has ended, if its connection has not. */
const MARK_SILENCE = 5000;

/** What every listing comes with. */
const NAMES_WARNING =
  "cs372-login sends names without anything between them: they were told apart by the pauses, and names that arrived together look like one.";

const UTF8 = new TextEncoder();

/** Who logs in. */
export interface Login {
  /** The user name. */
  readonly user: string;
  /** The password. */
  readonly password: string;
}

/** A client; every operation logs in on connections of its own. */
export class Cs372LoginClient extends BaseClient implements ClassicClient {
  readonly #login: Login;

  /**
   * @param parts Where to, and with what.
   * @param login Who logs in.
   */
  constructor(parts: ClientParts, login: Login) {
    super(parts);
    this.#login = login;
  }

  /** Lists the served folder. */
  async list({ signal }: OperationOptions = {}): Promise<ClassicListing> {
    return await this.operations.run(undefined, signal, async (operation) => {
      const exchange = new Exchange(operation, this.parts);
      await exchange.logIn(this.#login);
      const names = await exchange.list();
      return { names, warnings: [NAMES_WARNING] };
    });
  }

  /** Fetches a file. */
  async get(
    path: string,
    target: GetTarget,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const { signal } = options;
    return await this.operations.run(path, signal, async (operation) => {
      assertSendable(path);
      const { parts } = this;
      let paddingCount = 0;
      const fetched = await fetchInto(target, parts, options, async (write) => {
        const exchange = new Exchange(operation, parts);
        await exchange.logIn(this.#login);
        paddingCount = await exchange.get(path, write);
      });
      return {
        ...fetched,
        path,
        wireBytes: operation.moved,
        verified: false,
        acknowledged: true,
        warnings: paddingCount > 0 ? [paddingWarning(paddingCount)] : [],
      };
    });
  }
}

/** One conversation with the server. */
class Exchange {
  readonly #operation: Operation;
  readonly #parts: ClientParts;
  readonly #reader: MessageReader;
  readonly #walk = new Walk<LoginMessage>(LOGIN_MACHINE);

  constructor(operation: Operation, parts: ClientParts) {
    this.#operation = operation;
    this.#parts = parts;
    this.#reader = new MessageReader(operation.control, parts.clock);
  }

  /**
   * Says who is there.
   *
   * @throws {FerryError} `login-refused`.
   */
  async logIn({ user, password }: Login): Promise<void> {
    const { clock } = this.#parts;
    await this.#say("USER", UTF8.encode(user));
    await sleep(clock, PASSWORD_PAUSE, this.#operation.signal);
    await this.#say("PASSWORD", UTF8.encode(password));
    const answer = await this.#hear(
      "the answer to the log-in",
      readLoginAnswer,
    );
    this.#operation.connected();
    if (answer === "MATCH") return;
    throw new FerryError(
      "login-refused",
      "the server knows no such user with this password",
    );
  }

  /** The names in the served folder. */
  async list(): Promise<readonly string[]> {
    const { control } = this.#operation;
    const data = await this.#request(
      "LIST",
      undefined,
      () => watchSilent(control),
    );
    const { clock, timeout } = this.#parts;
    const names = new NameList();
    for (;;) {
      const wait = names.isMarked ? MARK_SILENCE : timeout;
      const news = await data.more(wait);
      if (news === "bytes") {
        names.add(data.held, clock.monotonic());
        data.take(data.held.length);
        assertListingSize(names.size);
        continue;
      }
      if (names.isMarked) break;
      throw news === "end" ? cutShort() : silent(wait);
    }
    return names.end();
  }

  /**
   * Fetches a file.
   *
   * @param path Its name.
   * @param write Takes its bytes; they are valid until it is done.
   * @returns NULs at its end that look like those of the original server.
   * @throws {FerryError} `not-found`.
   */
  async get(
    path: string,
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<number> {
    const { timeout } = this.#parts;
    let found: Promise<void> | undefined;
    const data = await this.#request("GET", path, () => found = this.#found());
    await found;
    const reply = new MarkedReply();
    for await (const bytes of piecesOf(data, timeout)) {
      for (const piece of reply.add(bytes)) {
        this.#walk.step("server", "DATA");
        await write(piece);
      }
    }
    const { isMarked, paddingCount } = reply.end();
    if (!isMarked) throw cutShort();
    this.#walk.step("server", "MARK");
    this.#walk.step("server", "END");
    return paddingCount;
  }

  async #found(): Promise<void> {
    const answer = await this.#hear(
      "the answer about the file",
      readFileAnswer,
    );
    if (answer === "FOUND") return;
    throw new FerryError("not-found", "the server has no such file");
  }

  /**
   * Sends the request and lets the server open the data connection.
   *
   * @param watch What goes on meanwhile on the control connection.
   */
  async #request(
    command: "LIST" | "GET",
    path: string | undefined,
    watch: () => Promise<void>,
  ): Promise<Wire> {
    const hostname = ownHostname(this.#operation.control);
    using listener = DataListener.open(this.#operation, this.#parts, hostname);
    await this.#say(command, encodeRequest(path, listener.port));
    const answer = await this.#hear(
      "the answer to the request",
      readRequestAnswer,
    );
    if (answer === "UNRECOGNIZED") {
      throw new FerryError(
        "denied",
        "the server does not serve this request (it knows none such, or this user may not)",
      );
    }
    const data = await listener.accept(watch());
    this.#walk.step("server", "OPEN");
    return data;
  }

  async #say(
    message: LoginMessage,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    this.#walk.step("client", message);
    await this.#operation.control.send(bytes, this.#parts.timeout);
  }

  async #hear<M extends LoginMessage>(
    what: string,
    read: Reader<M>,
  ): Promise<M> {
    const message = await this.#reader.receive(what, read, this.#parts.timeout);
    this.#walk.step("server", message);
    return message;
  }
}

function paddingWarning(count: number): string {
  return `The file ends with ${count} NUL bytes, with which the original server fills its last block up: they cannot be told from NULs of the file itself, and were kept.`;
}
