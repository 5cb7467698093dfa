/**
 * The client's side of nets.
 *
 * @module
 */

import {
  FerryError,
  type GetTarget,
  type PutSource,
} from "../../client/mod.ts";
import { NetworkError } from "../../transport/mod.ts";
import { Guest, openUploadSource, UPLOADED, wireName } from "../guest.ts";
import { BaseClient, type ClientParts, type Operation } from "../operation.ts";
import { MalformedError, SilenceError } from "../reading.ts";
import { type Fetched, openTarget, type TargetSink } from "../target.ts";
import type {
  ClassicClient,
  ClassicReceipt,
  ClassicTransferOptions,
} from "../types.ts";
import { CLOSE_WAIT } from "../waits.ts";
import { NETS } from "./door.ts";
import {
  NETS_MACHINE,
  type NetsMessageType,
  type NetsTurn,
} from "./machine.ts";
import {
  encodeNets,
  NETS_NAME_SIZE_MAX,
  type NetsMessage,
  netsReader,
} from "./messages.ts";

const DOWNLOAD_WARNING =
  "nets tells the size of a file and no sum: that all bytes came is the only sign that they are right.";

const UPLOAD_WARNING =
  "nets has no answer after the last byte: all bytes were sent and the server has closed the connection, which does not say that it stored them.";

/** A client; every operation has a connection of its own. */
export class NetsClient extends BaseClient implements ClassicClient {
  /** Fetches a file. */
  async get(
    path: string,
    target: GetTarget,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const name = wireName(NETS, path, NETS_NAME_SIZE_MAX);
    return await this.#run(path, options, async (exchange, operation) => {
      await exchange.send({ type: "DOWNLOAD", name });
      const { size } = await exchange.offer();
      const fetched = await this.#fetch(exchange, size, target, options);
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
    exchange: Exchange,
    size: number,
    target: GetTarget,
    options: ClassicTransferOptions,
  ): Promise<Fetched> {
    let opened: TargetSink | Fetched;
    try {
      // Looks at the free space, too.
      opened = await openTarget(target, this.parts, { ...options, size });
    } catch (error) {
      await exchange.send({ type: "NO_SPACE" });
      throw error;
    }
    if (!("write" in opened)) {
      await exchange.send({ type: "NO_SPACE" });
      return opened;
    }
    await using sink = opened;
    await exchange.send({ type: "START" });
    await exchange.guest.receiveFile(size, sink, options);
    await exchange.guest.assertNoExcess(CLOSE_WAIT);
    return await sink.finish();
  }

  /** Sends a file. */
  async put(
    from: PutSource,
    path: string,
    options: ClassicTransferOptions = {},
  ): Promise<ClassicReceipt> {
    const name = wireName(NETS, path, NETS_NAME_SIZE_MAX);
    return await this.#run(path, options, async (exchange, operation) => {
      using source = await openUploadSource(NETS, this.parts, from);
      const { size } = source.fingerprint;
      await exchange.send({ type: "UPLOAD", name });
      await exchange.consent();
      await exchange.send({ type: "SIZE", size });
      await exchange.room();
      if (!await exchange.guest.sendFile(source, options)) {
        throw new MalformedError("bytes came before they were due");
      }
      await awaitEnd(operation, this.parts.timeout);
      return {
        ...UPLOADED,
        path,
        local: typeof from === "string" ? from : undefined,
        size,
        wireBytes: operation.moved,
        acknowledged: false,
        warnings: [UPLOAD_WARNING],
      };
    });
  }

  async #run(
    path: string,
    { signal }: ClassicTransferOptions,
    work: (
      exchange: Exchange,
      operation: Operation,
    ) => Promise<ClassicReceipt>,
  ): Promise<ClassicReceipt> {
    return await this.operations.run(
      path,
      signal,
      (operation) => work(new Exchange(operation, this.parts), operation),
    );
  }
}

/** The server closes when it has everything; that is all it says. */
async function awaitEnd(
  { control }: Operation,
  timeout: number,
): Promise<void> {
  const news = await control.some(timeout);
  if (news === "bytes") {
    throw new MalformedError("the server spoke after the last byte");
  }
  if (news === "silence") {
    throw new SilenceError(
      `the server did not close the connection within ${
        timeout / 1000
      } s after the last byte; whether it has the file is not known`,
    );
  }
}

/** One conversation with the server. */
class Exchange {
  /** The conversation. */
  readonly guest: Guest<NetsMessageType>;

  constructor(operation: Operation, parts: ClientParts) {
    this.guest = new Guest<NetsMessageType>(operation, parts, NETS_MACHINE);
  }

  async send(message: NetsMessage): Promise<void> {
    await this.guest.send(message.type, encodeNets(message));
  }

  /** The answer to a download. */
  async offer(): Promise<{ readonly size: number }> {
    const message = await this.#receive("the answer", "download asked");
    if (message.type === "MISSING") {
      throw new FerryError(
        "not-found",
        "the server has no such file, or it is being uploaded",
      );
    }
    if (!("size" in message)) throw refused();
    return message;
  }

  /** The answer to an upload. */
  async consent(): Promise<void> {
    const { type } = await this.#receive("the answer", "upload asked");
    if (type === "ACCEPT") return;
    if (type === "UPLOAD_ERROR") throw refused();
    throw new FerryError(
      "exists",
      "that name exists on the server, or is being uploaded",
    );
  }

  /** The answer to the size. */
  async room(): Promise<void> {
    const { type } = await this.#receive("the answer", "upload sized");
    if (type === "SEND") return;
    throw new FerryError(
      "no-space",
      "it is too big for the space that the server has left",
    );
  }

  async #receive(what: string, turn: NetsTurn): Promise<NetsMessage> {
    try {
      return await this.guest.receive(
        what,
        netsReader(turn),
        ({ type }) => type,
      );
    } catch (error) {
      if (!(error instanceof NetworkError) || error.kind !== "closed") {
        throw error;
      }
      throw new FerryError(
        "connection-lost",
        "the server closed the connection without an answer",
        { cause: error },
      );
    }
  }
}

function refused(): FerryError {
  return new FerryError(
    "unavailable",
    "the server refused it, and nets has no words for the reason",
  );
}
