/**
 * The client's side of cs372.
 *
 * @module
 */

import {
  FerryError,
  type GetTarget,
  type OperationOptions,
} from "../../client/mod.ts";
import { DataListener, ownHostname, watchSilent } from "../data_listener.ts";
import { Walk } from "../machine.ts";
import { BaseClient, type ClientParts, type Operation } from "../operation.ts";
import { toIpv4 } from "../ports.ts";
import { MessageReader } from "../reading.ts";
import {
  assertListingSize,
  assertSendable,
  cutShort,
  fetchInto,
  piecesOf,
} from "../receiving.ts";
import type {
  ClassicClient,
  ClassicListing,
  ClassicReceipt,
  ClassicTransferOptions,
} from "../types.ts";
import type { Wire } from "../wire.ts";
import { CS372_MACHINE, type Cs372Message } from "./machine.ts";
import { encodeText, readOk, TEXTS } from "./messages.ts";
import { isMissing, PADDED_SIZE, PaddedReply } from "./reply.ts";

/** What every file comes with. */
const NO_SIZE_WARNING =
  "cs372 tells neither size nor sum: that the connection ended without an error is the only sign that the file is whole.";

/** A client; every operation has connections of its own. */
export class Cs372Client extends BaseClient implements ClassicClient {
  /** Lists the served folder. */
  async list({ signal }: OperationOptions = {}): Promise<ClassicListing> {
    return await this.operations.run(undefined, signal, async (operation) => {
      const exchange = new Exchange(operation, this.parts);
      await exchange.open(undefined);
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      let size = 0;
      const strippedCount = await exchange.receive((bytes) => {
        assertListingSize(size += bytes.length);
        pieces.push(bytes.slice());
        return Promise.resolve();
      });
      const text = await new Blob(pieces).text();
      if (text !== "" && !text.endsWith("\n")) throw cutShort();
      return {
        names: text.split("\n").slice(0, -1),
        warnings: strippedCount > 0 ? [paddingWarning(strippedCount)] : [],
      };
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
      const warnings = [NO_SIZE_WARNING];
      const fetched = await fetchInto(target, parts, options, async (write) => {
        const exchange = new Exchange(operation, parts);
        await exchange.open(path);
        const strippedCount = await exchange.receive(write);
        if (strippedCount > 0) warnings.push(paddingWarning(strippedCount));
      });
      return {
        ...fetched,
        path,
        wireBytes: operation.moved,
        verified: false,
        acknowledged: false,
        warnings,
      };
    });
  }
}

/** One conversation with the server. */
class Exchange {
  readonly #operation: Operation;
  readonly #parts: ClientParts;
  readonly #reader: MessageReader;
  readonly #walk = new Walk<Cs372Message>(CS372_MACHINE);
  #data: Wire | undefined;

  constructor(operation: Operation, parts: ClientParts) {
    this.#operation = operation;
    this.#parts = parts;
    this.#reader = new MessageReader(operation.control, parts.clock);
  }

  /**
   * Asks for a file, or for the listing, and lets the server open the data
   * connection.
   */
  async open(path: string | undefined): Promise<void> {
    const { control } = this.#operation;
    const address = toIpv4(ownHostname(control));
    if (address === undefined) {
      throw new FerryError(
        "unsupported",
        "cs372 works over IPv4 only; give the server's IPv4 address",
        { side: "local" },
      );
    }
    using listener = DataListener.open(this.#operation, this.#parts, address);
    if (path === undefined) await this.#say("LIST", TEXTS.list);
    else await this.#say("GET", TEXTS.get);
    this.#operation.connected();
    await this.#say("PORT", encodeText(listener.port));
    await this.#say("ADDRESS", encodeText(address));
    if (path !== undefined) await this.#say("NAME", encodeText(path));
    this.#data = await listener.accept(watchSilent(control));
    this.#walk.step("server", "OPEN");
  }

  /** Lock-step: what is sent next waits for the answer. */
  async #say(
    message: Cs372Message,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { timeout } = this.#parts;
    this.#walk.step("client", message);
    await this.#operation.control.send(bytes, timeout);
    await this.#reader.receive('the answer "OK"', readOk, timeout);
    this.#walk.step("server", "OK");
  }

  /**
   * Receives what comes over the data connection, up to its end.
   *
   * @param write Takes bytes; they are valid until it is done.
   * @returns NULs that were left out at the end.
   * @throws {FerryError} `not-found` when the server has no such file.
   */
  async receive(
    write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<number> {
    const isFile = this.#walk.state === "getting";
    const reply = new PaddedReply();
    const settle = async (bytes: Uint8Array<ArrayBuffer>) => {
      if (bytes.length === 0) return;
      this.#walk.step("server", "DATA");
      await write(bytes);
    };
    for await (const bytes of piecesOf(this.#data!, this.#parts.timeout)) {
      for (const piece of reply.add(bytes)) await settle(piece);
    }
    const { rest, strippedCount } = reply.end();
    if (isFile && isMissing(rest)) {
      this.#walk.step("server", "MISSING");
      throw new FerryError("not-found", "the server has no such file");
    }
    await settle(rest);
    this.#walk.step("server", "END");
    return strippedCount;
  }
}

function paddingWarning(count: number): string {
  return `The reply was filled up with NUL to ${PADDED_SIZE} bytes, as the original server does: ${count} NUL bytes at its end were left out, and such as the file itself may end with are among them.`;
}
