/**
 * The server's end of one connection of a lock-step protocol: what `coen366`,
 * `csci320` and `nets` have in common.
 *
 * @module
 */

import {
  type Grant,
  RefusalError,
  requireRight,
  type Visit,
} from "../server/mod.ts";
import {
  type ConflictPolicy,
  type Durability,
  type Outcome,
  quoteName,
  type SafePath,
  type Source,
  StorageError,
} from "../storage/mod.ts";
import { type Connection, NetworkError } from "../transport/mod.ts";
import { assertQuiet, ByteFlow } from "./byte_flow.ts";
import { DoorSession } from "./door_session.ts";
import type { FileStep } from "./file_step.ts";
import { type Machine, Walk } from "./machine.ts";
import {
  MalformedError,
  MessageReader,
  type Reader,
  SilenceError,
} from "./reading.ts";
import { decodeName } from "./sending.ts";
import { ChunkFeed, receiveId } from "./target.ts";
import {
  FAREWELL_TIMEOUT,
  MESSAGE_TIMEOUT,
  PROGRESS_INTERVAL,
  PROGRESS_SIZE_MIN,
} from "./waits.ts";
import { Wire } from "./wire.ts";

/** How everybody is let in: none of the protocols asks who it is. */
const METHOD = "anonymous";

/** A file that a client wants to send. */
export interface UploadRequest {
  /** Where to, located with `write`. */
  readonly path: SafePath;
  /** Bytes. */
  readonly size: number;
  /** What to do if the name is taken; `skip` refuses, for there is no word for it. */
  readonly onConflict: ConflictPolicy;
  /** Whether it is answered only after stable storage. */
  readonly durability: Durability;
}

/** An upload that may begin; disposed of, what is not published is gone. */
export interface Upload extends AsyncDisposable {
  /** Takes all bytes, and nothing beyond them; publishes nothing yet. */
  receive(excessWait?: number): Promise<void>;
  /** Publishes the file. */
  publish(): Promise<Outcome>;
}

/** One connection, from the admission until it is disposed of. */
export class Host<M extends string> implements Disposable {
  /** What the server does for the connection. */
  readonly visit: Visit;
  /** Who the client is, what it may do, and what is told of it. */
  readonly session: DoorSession;
  /** The connection. */
  readonly wire: Wire;
  /** Where the conversation is. */
  readonly walk: Walk<M | FileStep>;
  readonly #reader: MessageReader;
  readonly #flow: ByteFlow;

  private constructor(
    machine: Machine<M | FileStep>,
    connection: Connection,
    visit: Visit,
    grant: Grant,
  ) {
    const { clock, signal } = visit;
    this.visit = visit;
    this.session = new DoorSession(visit, grant, METHOD);
    this.wire = new Wire(connection, clock);
    this.walk = new Walk<M | FileStep>(machine);
    this.#reader = new MessageReader(this.wire, clock);
    this.#flow = new ByteFlow(this.wire, {
      clock,
      interval: PROGRESS_INTERVAL,
      sizeMin: PROGRESS_SIZE_MIN,
      pace: (bytes) => visit.pace(bytes, signal),
    });
  }

  /**
   * Lets the client in, as `anonymous`.
   *
   * @param machine The states of the protocol.
   * @param connection The connection.
   * @param visit What the server does for it.
   * @throws {RefusalError} `login-refused`.
   */
  static async admit<M extends string>(
    machine: Machine<M | FileStep>,
    connection: Connection,
    visit: Visit,
  ): Promise<Host<M>> {
    const grant = await visit.admit({ method: METHOD });
    return new Host<M>(machine, connection, visit, grant);
  }

  /** What the client may do. */
  get grant(): Grant {
    return this.session.grant;
  }

  /**
   * Receives a message after which the client has to wait.
   *
   * @param what What it is, for people.
   * @param read Reads it.
   * @param type Which step of the table it is.
   * @throws {MalformedError} When it is none, or bytes come before they are due.
   * @throws {SilenceError} When it does not come in time.
   * @throws {NetworkError} When the connection breaks or ends.
   */
  async receive<T>(
    what: string,
    read: Reader<T>,
    type: (message: T) => M,
  ): Promise<T> {
    const message = await this.receiveHead(what, read);
    assertQuiet(this.wire);
    this.walk.step("client", type(message));
    return message;
  }

  /** Receives a message that bytes of a file may follow at once; takes no step. */
  async receiveHead<T>(what: string, read: Reader<T>): Promise<T> {
    return await this.#reader.receive(what, read, MESSAGE_TIMEOUT);
  }

  /**
   * Sends a message that the client waits for, in one go.
   *
   * @throws {MalformedError} When the client did not wait for it.
   * @throws {NetworkError} When the connection breaks.
   */
  async send(type: M, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    assertQuiet(this.wire);
    await this.interrupt(type, bytes);
  }

  /** Sends a message while the client is still sending bytes of a file. */
  async interrupt(type: M, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.walk.step("server", type);
    await this.wire.send(bytes, MESSAGE_TIMEOUT);
  }

  /** Sends the bytes of a file that was announced. */
  async sendFile(source: Source): Promise<void> {
    if (source.fingerprint.size > 0) this.walk.step("server", "DATA");
    if (!await this.#flow.send(source)) assertQuiet(this.wire);
    this.walk.step("server", "WHOLE");
  }

  /**
   * Finds the place of an upload.
   *
   * @param name The name as it came.
   * @param suffix What to append to it.
   * @throws {RefusalError} `denied`, `unavailable`.
   * @throws {StorageError} When the name cannot be served.
   */
  async locateUpload(name: Uint8Array, suffix = ""): Promise<SafePath> {
    this.assertOpen();
    requireRight(this.grant, "write");
    const wanted = decodeName(name) + suffix;
    return await this.grant.storage.locate(wanted, "write");
  }

  /**
   * Refuses what is new while the server is shutting down.
   *
   * @throws {RefusalError} `unavailable`.
   */
  assertOpen(): void {
    if (!this.visit.isDraining) return;
    throw new RefusalError("unavailable", "the server is shutting down");
  }

  /**
   * Prepares an upload: looks at name, conflicts and free space.
   *
   * @throws {StorageError} `exists`, `no-space` and their kin.
   */
  async openUpload(request: UploadRequest): Promise<Upload> {
    const { path, size } = request;
    const { storage } = this.grant;
    const id = receiveId(this.visit.random);
    const start = await storage.receive(path, {
      id,
      size,
      modified: undefined,
      onConflict: request.onConflict,
      durability: request.durability,
      algorithm: "crc32-chunks",
    });
    if (start.kind === "settled") {
      throw new StorageError(
        "exists",
        `${quoteName(path.path)} exists already`,
      );
    }
    const feed = new ChunkFeed(start.receiving);
    return {
      receive: async (excessWait) => {
        if (size > 0) this.walk.step("client", "DATA");
        await this.#flow.receive(size, (bytes) => feed.write(bytes));
        await this.#flow.assertNoExcess(excessWait);
        this.walk.step("client", "WHOLE");
      },
      publish: async () => {
        const outcome = await feed.finish();
        // Nobody will ask for it again: there is no such question here.
        await storage.acknowledge(id);
        return outcome;
      },
      [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
    };
  }

  /** Receives and drops the bytes of a file that was refused. */
  async dropFile(size: number): Promise<void> {
    if (size > 0) this.walk.step("client", "DATA");
    await this.#flow.receive(size, () => Promise.resolve());
    this.walk.step("client", "WHOLE");
  }

  /** Ends the connection, so that what was sent arrives. */
  async finish(): Promise<void> {
    await this.wire.finish(FAREWELL_TIMEOUT);
  }

  /** Tells that the session is over. */
  [Symbol.dispose](): void {
    this.session[Symbol.dispose]();
  }
}

/** Whether nothing can be answered to a failure: the connection, or the order on it, is lost. */
export function isOver(error: unknown): boolean {
  return error instanceof NetworkError || error instanceof MalformedError ||
    error instanceof SilenceError;
}
