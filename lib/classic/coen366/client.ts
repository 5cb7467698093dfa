/**
 * The client's side of coen366.
 *
 * @module
 */

import {
  describe,
  FerryError,
  type GetTarget,
  type OperationOptions,
  type PutSource,
} from "../../client/mod.ts";
import { StorageError } from "../../storage/mod.ts";
import { Guest, openUploadSource, UPLOADED, wireName } from "../guest.ts";
import { BaseClient, type ClientParts, type Operation } from "../operation.ts";
import { MalformedError } from "../reading.ts";
import { type Fetched, openTarget } from "../target.ts";
import type {
  ClassicClient,
  ClassicReceipt,
  ClassicTransferOptions,
} from "../types.ts";
import { EXCESS_WAIT } from "../waits.ts";
import { COEN366 } from "./door.ts";
import { COEN366_MACHINE, type Coen366MessageType } from "./machine.ts";
import {
  COEN366_FILE_SIZE_MAX,
  COEN366_NAME_SIZE_MAX,
  COEN366_NEW_NAME_SIZE_MAX,
  type Coen366Answer,
  type Coen366Request,
  encodeRequest,
  readAnswer,
} from "./messages.ts";

const DOWNLOAD_WARNING =
  "coen366 tells the size of a file and no sum: that all bytes came is the only sign that they are right.";

const UPLOAD_WARNING =
  "coen366 compares no sum: the server has said that it took the file, not that its bytes are right.";

/** A client; all operations go over one connection, made anew when it is lost. */
export class Coen366Client extends BaseClient implements ClassicClient {
  private constructor(parts: ClientParts) {
    super(parts, { isKeeping: true });
  }

  /**
   * Connects.
   *
   * @param parts Where to, and with what.
   * @throws {FerryError} `connect-failed` and its kin.
   */
  static async open(parts: ClientParts): Promise<Coen366Client> {
    const client = new Coen366Client(parts);
    await client.operations.run(
      undefined,
      undefined,
      () => Promise.resolve(),
    );
    return client;
  }

  /** Fetches a file. */
  async get(
    path: string,
    target: GetTarget,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const name = wireName(COEN366, path, COEN366_NAME_SIZE_MAX);
    return await this.#run(path, options, async (exchange, operation) => {
      const answer = await exchange.ask({ type: "GET", name }, "FILE");
      const isAsked = answer.name.length === name.length &&
        answer.name.every((byte, at) => byte === name[at]);
      if (!isAsked) {
        throw new MalformedError("the server sent another file");
      }
      const fetched = await this.#fetch(
        exchange,
        answer.size,
        target,
        options,
      );
      return {
        ...fetched,
        path,
        wireBytes: operation.moved,
        verified: false,
        acknowledged: false,
        warnings: [DOWNLOAD_WARNING],
      };
    });
  }

  async #fetch(
    { guest, operation }: Exchange,
    size: number,
    target: GetTarget,
    options: ClassicTransferOptions,
  ): Promise<Fetched> {
    const opened = await openTarget(target, this.parts, { ...options, size });
    if (!("write" in opened)) {
      // The bytes come all the same, and nobody wants them.
      operation.close();
      return opened;
    }
    await using sink = opened;
    await guest.receiveFile(size, sink, options);
    await guest.assertNoExcess(EXCESS_WAIT);
    return await sink.finish();
  }

  /** Sends a file; whether an existing one is replaced is for the server to say. */
  async put(
    from: PutSource,
    path: string,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const name = wireName(COEN366, path, COEN366_NAME_SIZE_MAX);
    return await this.#run(path, options, async (exchange, operation) => {
      using source = await openUploadSource(COEN366, this.parts, from);
      const { size } = source.fingerprint;
      assertSize(size);
      await exchange.send({ type: "PUT", name, size });
      const isWhole = await exchange.guest.sendFile(source, options);
      await exchange.answer("DONE");
      if (!isWhole) throw new MalformedError("the answer came before the end");
      return {
        ...UPLOADED,
        path,
        local: typeof from === "string" ? from : undefined,
        size,
        wireBytes: operation.moved,
        acknowledged: true,
        warnings: [UPLOAD_WARNING],
      };
    });
  }

  /** Renames; a name that exists is refused. */
  async rename(
    from: string,
    to: string,
    options: OperationOptions = {},
  ): Promise<void> {
    const name = wireName(COEN366, from, COEN366_NAME_SIZE_MAX);
    const newName = wireName(COEN366, to, COEN366_NEW_NAME_SIZE_MAX);
    await this.#run(from, options, async (exchange) => {
      await exchange.ask({ type: "CHANGE", name, newName }, "DONE");
    });
  }

  /** The server's own words on what it can do. */
  async help(options: OperationOptions = {}): Promise<string> {
    return await this.#run(undefined, options, async (exchange) => {
      const { text } = await exchange.ask({ type: "HELP" }, "COMMANDS");
      return new TextDecoder().decode(text);
    });
  }

  /** Runs a request. The connection outlives a failure that both ends understand. */
  async #run<T>(
    path: string | undefined,
    { signal }: OperationOptions,
    work: (exchange: Exchange, operation: Operation) => Promise<T>,
  ): Promise<T> {
    const ended = await this.operations.run(
      path,
      signal,
      async (operation) => {
        const exchange = new Exchange(operation, this.parts);
        try {
          return { result: await work(exchange, operation) };
        } catch (error) {
          const isUnderstood = error instanceof FerryError ||
            error instanceof StorageError;
          if (!isUnderstood || !exchange.guest.isAtStart) throw error;
          return { error };
        }
      },
    );
    if ("result" in ended) return ended.result;
    throw describe(ended.error, path, signal);
  }
}

type AnswerOf<T extends Coen366Answer["type"]> = Extract<
  Coen366Answer,
  { readonly type: T }
>;

/** One request and its answer. */
class Exchange {
  readonly guest: Guest<Coen366MessageType>;
  readonly operation: Operation;

  constructor(operation: Operation, parts: ClientParts) {
    this.operation = operation;
    this.guest = new Guest<Coen366MessageType>(
      operation,
      parts,
      COEN366_MACHINE,
    );
  }

  async send(
    request: Exclude<Coen366Request, { readonly type: "UNKNOWN" }>,
  ): Promise<void> {
    await this.guest.send(request.type, encodeRequest(request));
  }

  /** Sends a request and receives the answer that it is meant to have. */
  async ask<T extends Coen366Answer["type"]>(
    request: Exclude<Coen366Request, { readonly type: "UNKNOWN" | "PUT" }>,
    type: T,
  ): Promise<AnswerOf<T>> {
    await this.send(request);
    return await this.answer(type);
  }

  /**
   * Receives the answer that is meant to come.
   *
   * @throws {FerryError} What any other answer stands for.
   */
  async answer<T extends Coen366Answer["type"]>(
    type: T,
  ): Promise<AnswerOf<T>> {
    const answer = await this.guest.receiveHead(
      "the answer",
      readAnswer,
      (message): Coen366MessageType => message.type,
    );
    if (answer.type === type) return answer as AnswerOf<T>;
    throw refusal(answer.type);
  }
}

function refusal(type: Coen366Answer["type"]): Error {
  switch (type) {
    case "NOT_FOUND":
      return new FerryError("not-found", "the server has no such file");
    case "REFUSED":
      return new FerryError(
        "exists",
        "the server refused it: the name exists there, or may not be used",
      );
    default:
      return new FerryError("unsupported", "the server does not know that");
  }
}

function assertSize(size: number): void {
  if (size <= COEN366_FILE_SIZE_MAX) return;
  throw new FerryError(
    "too-large",
    `it has ${size} bytes, and coen366 carries at most ${COEN366_FILE_SIZE_MAX}`,
    { side: "local" },
  );
}
