/**
 * The client's end of one connection of a lock-step protocol: what `coen366`,
 * `csci320` and `nets` have in common.
 *
 * @module
 */

import { FerryError, type PutSource } from "../client/mod.ts";
import { openLocalSource, type Source } from "../storage/mod.ts";
import { assertQuiet, ByteFlow } from "./byte_flow.ts";
import type { FileStep } from "./file_step.ts";
import { type Machine, Walk } from "./machine.ts";
import type { ClientParts, Operation } from "./operation.ts";
import { MessageReader, type Reader } from "./reading.ts";
import { assertSendable } from "./receiving.ts";
import type { TargetSink } from "./target.ts";
import type { ClassicTransferOptions } from "./types.ts";

/** One conversation with a server. */
export class Guest<M extends string> {
  readonly #operation: Operation;
  readonly #timeout: number;
  readonly #reader: MessageReader;
  readonly #walk: Walk<M | FileStep>;
  readonly #parts: ClientParts;

  /**
   * @param operation The connection.
   * @param parts With what.
   * @param machine The states of the protocol.
   */
  constructor(
    operation: Operation,
    parts: ClientParts,
    machine: Machine<M | FileStep>,
  ) {
    this.#operation = operation;
    this.#parts = parts;
    this.#timeout = parts.timeout;
    this.#reader = new MessageReader(operation.control, parts.clock);
    this.#walk = new Walk<M | FileStep>(machine);
  }

  /** Whether nothing is owed: the next request may be sent. */
  get isAtStart(): boolean {
    return this.#walk.state === "start";
  }

  /**
   * Sends a message that the server waits for, in one go.
   *
   * @throws {MalformedError} When the server did not wait for it.
   */
  async send(type: M, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    assertQuiet(this.#operation.control);
    this.#walk.step("client", type);
    await this.#operation.control.send(bytes, this.#timeout);
  }

  /**
   * Receives an answer that the server waits after.
   *
   * @param what What it is, for people.
   * @param read Reads it.
   * @param type Which step of the table it is.
   */
  async receive<T>(
    what: string,
    read: Reader<T>,
    type: (message: T) => M,
  ): Promise<T> {
    const message = await this.receiveHead(what, read, type);
    assertQuiet(this.#operation.control);
    return message;
  }

  /** Receives an answer that bytes of a file may follow at once. */
  async receiveHead<T>(
    what: string,
    read: Reader<T>,
    type: (message: T) => M,
  ): Promise<T> {
    const message = await this.#reader.receive(what, read, this.#timeout);
    this.#operation.connected();
    this.#walk.step("server", type(message));
    return message;
  }

  /**
   * Receives the bytes of a file.
   *
   * @param size How many were announced.
   * @param sink Takes them.
   * @param options Who is told.
   */
  async receiveFile(
    size: number,
    sink: TargetSink,
    options: ClassicTransferOptions,
  ): Promise<void> {
    if (size > 0) this.#walk.step("server", "DATA");
    await this.#flow(size, options).receive(size, (bytes) => sink.write(bytes));
    this.#walk.step("server", "WHOLE");
  }

  /**
   * Refuses bytes beyond those that were announced.
   *
   * @param wait Milliseconds to look for them, unless the connection ends before.
   */
  async assertNoExcess(wait: number): Promise<void> {
    await this.#flow(0, {}).assertNoExcess(wait);
  }

  /**
   * Sends the bytes of a file, until the server says something.
   *
   * @returns Whether all were sent.
   */
  async sendFile(
    source: Source,
    options: ClassicTransferOptions,
  ): Promise<boolean> {
    const { size } = source.fingerprint;
    if (size > 0) this.#walk.step("client", "DATA");
    const isWhole = await this.#flow(size, options).send(source);
    if (isWhole) this.#walk.step("client", "WHOLE");
    return isWhole;
  }

  #flow(total: number, { onProgress }: ClassicTransferOptions): ByteFlow {
    return new ByteFlow(this.#operation.control, {
      clock: this.#parts.clock,
      // Two looks without a byte make the time-out.
      interval: this.#timeout / 2,
      sizeMin: 1,
      pace: () => Promise.resolve(),
      onMoved: (transferred) => onProgress?.({ transferred, total }),
    });
  }
}

/**
 * The bytes of a name that goes over the wire.
 *
 * @param protocol The name of the protocol.
 * @param path The name.
 * @param sizeMax Bytes that it may have there.
 * @throws {FerryError} `bad-name`.
 */
export function wireName(
  protocol: string,
  path: string,
  sizeMax: number,
): Uint8Array<ArrayBuffer> {
  assertSendable(path);
  const bytes = new TextEncoder().encode(path);
  if (bytes.length <= sizeMax) return bytes;
  throw new FerryError(
    "bad-name",
    `it has ${bytes.length} bytes, and ${protocol} carries names of at most ${sizeMax}`,
    { side: "local", path },
  );
}

/**
 * Opens what is to be sent, where the protocol needs the size beforehand.
 *
 * @throws {FerryError} `unsupported` for a stream.
 * @throws {StorageError} When the file cannot be opened.
 */
export async function openUploadSource(
  protocol: string,
  { disk }: ClientParts,
  source: PutSource,
): Promise<Source> {
  if (typeof source === "string") {
    return await openLocalSource(disk, source, "crc32-chunks");
  }
  throw new FerryError(
    "unsupported",
    `${protocol} tells the size of a file before its bytes, and a stream has none; send a file`,
    { side: "local" },
  );
}

/** What of a receipt is the same for every upload over these wires. */
export const UPLOADED = {
  publication: undefined,
  durable: false,
  verified: false,
} as const;
