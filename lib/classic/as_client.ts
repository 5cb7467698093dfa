/**
 * A classic client behind the interface of Ferry's own, so that the same
 * commands work with both. What a protocol does not have is `unsupported`.
 *
 * @module
 */

import {
  type Client,
  FerryError,
  type GetTarget,
  type ListPage,
  type OperationOptions,
  type PutSource,
  type Receipt,
  type SessionInfo,
  type TransferOptions,
} from "../client/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import type {
  ClassicClient,
  ClassicName,
  ClassicOperation,
  ClassicReceipt,
} from "./types.ts";

/** Where a classic client is connected, and as whom. */
export interface ClassicSession extends NetworkAddress {
  /** The protocol. */
  readonly name: ClassicName;
  /** Who logged in, where the protocol asks. */
  readonly user: string | undefined;
}

/** {@linkcode Client} over a classic protocol. */
class ClassicAsClient implements Client {
  readonly info: SessionInfo;
  readonly #client: ClassicClient;
  readonly #name: ClassicName;

  constructor(client: ClassicClient, session: ClassicSession) {
    const { hostname, port, name, user } = session;
    this.#client = client;
    this.#name = name;
    this.info = {
      hostname,
      port,
      scheme: "tcp",
      fingerprint: undefined,
      server: name,
      protocolVersion: 0,
      user: user ?? "anonymous",
      rights: [],
      refusals: {},
      digests: [],
      dataConnections: 0,
    };
  }

  async *list(
    path: string,
    options?: OperationOptions,
  ): AsyncIterable<ListPage> {
    const { list } = this.#client;
    if (list === undefined) throw this.#lacks("list");
    if (path !== "") {
      throw new FerryError(
        "unsupported",
        `${this.#name} lists the served folder only`,
        { path },
      );
    }
    const { names } = await list.call(this.#client, options);
    const entries = names.map((name) => ({
      path: name,
      name,
      // The wire tells names and nothing else.
      kind: "other" as const,
      size: 0,
      modified: undefined,
      mode: 0,
      addressable: true,
    }));
    yield { entries, problems: [] };
  }

  async get(
    path: string,
    target: GetTarget,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    const { get } = this.#client;
    if (get === undefined) throw this.#lacks("get");
    return receiptOf(await get.call(this.#client, path, target, options));
  }

  async put(
    source: PutSource,
    path: string,
    options: TransferOptions = {},
  ): Promise<Receipt> {
    const { put } = this.#client;
    if (put === undefined) throw this.#lacks("put");
    return receiptOf(await put.call(this.#client, source, path, options));
  }

  async rename(
    from: string,
    to: string,
    options?: OperationOptions,
  ): Promise<{ readonly path: string; readonly publication: "created" }> {
    const { rename } = this.#client;
    if (rename === undefined) throw this.#lacks("rename");
    await rename.call(this.#client, from, to, options);
    return { path: to, publication: "created" };
  }

  stat(): Promise<never> {
    return Promise.reject(this.#lacks("stat"));
  }

  remove(): Promise<never> {
    return Promise.reject(this.#lacks("remove"));
  }

  makeDirectory(): Promise<never> {
    return Promise.reject(this.#lacks("makeDirectory"));
  }

  moveSmall(): Promise<never> {
    return Promise.reject(this.#lacks("moveSmall"));
  }

  setAttributes(): Promise<never> {
    return Promise.reject(this.#lacks("setAttributes"));
  }

  freeSpace(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #lacks(operation: ClassicOperation | Exclude<keyof Client, symbol>) {
    return new FerryError("unsupported", `${this.#name} has no ${operation}`);
  }
}

function receiptOf(receipt: ClassicReceipt): Receipt {
  const { publication = "created", ...rest } = receipt;
  return {
    ...rest,
    publication,
    digest: undefined,
    resumedFrom: 0,
    repaired: 0,
  };
}

/**
 * A classic client as {@linkcode Client}.
 *
 * @param client The client, which is closed with it.
 * @param session Where it is connected.
 */
export function asClient(
  client: ClassicClient,
  session: ClassicSession,
): Client {
  return new ClassicAsClient(client, session);
}
