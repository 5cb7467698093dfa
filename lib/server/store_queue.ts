/**
 * Small files on their way in: those that come while a group is being stored
 * make the next group.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  type DataFrame,
  type FrameOf,
  type Message,
} from "../protocol/mod.ts";
import {
  type KnownFolders,
  type Outcome,
  type SafePath,
  type SmallFile,
  StorageError,
} from "../storage/mod.ts";
import { type FrameChannel, KeptBytes } from "../transport/mod.ts";
import { errorBody, wireError } from "./errors.ts";
import type { KeptExchange, Session } from "./session.ts";

/** Files of one group: what their common sync makes cheap is cheap by then. */
const GROUP_COUNT_MAX = 256;

/** Bytes of one group: 16 MiB, so that a group takes a fraction of a second. */
const GROUP_SIZE_MAX = 16_777_216;

interface Waiting {
  readonly request: FrameOf<"STORE">;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

/** The small files of one data connection. */
export class StoreQueue {
  readonly #session: Session;
  readonly #channel: FrameChannel;
  readonly #waiting: Waiting[] = [];
  readonly #bytes = new KeptBytes();
  readonly #stored = new Map<number, string>();
  /** Those that are not answered yet. */
  readonly #kept = new Map<number, KeptExchange>();
  #waitingSize = 0;
  #next: FrameOf<"STORE"> | undefined;
  #storing: Promise<void> | undefined;

  /**
   * @param session Who sends.
   * @param channel The data connection.
   */
  constructor(session: Session, channel: FrameChannel) {
    this.#session = session;
    this.#channel = channel;
  }

  /** Whether the chunk of the last request must come next. */
  get owesChunk(): boolean {
    return this.#next !== undefined;
  }

  /** Takes a request; one of an empty file has no chunk. */
  async store(request: FrameOf<"STORE">): Promise<void> {
    const { id, body: { size } } = request;
    if (size > CHUNK_SIZE) return await this.#tell(request, tooLarge());
    const kept = this.#session.keep(id);
    this.#kept.set(id, kept);
    if (size === 0) {
      const bytes = new Uint8Array(0);
      return await this.#add({ request, offset: 0, bytes, checksum: 0 });
    }
    this.#next = request;
    const onAbort = (): void => {
      // The client may have stopped sending: nothing else would answer.
      if (this.#next !== request) return;
      this.#next = undefined;
      void this.#tell(request, kept.signal.reason);
    };
    kept.signal.addEventListener("abort", onAbort, { once: true });
    if (kept.signal.aborted) onAbort();
  }

  /** Takes the chunk of the last request; anything else is dropped. */
  async chunk({ id, offset, payload, checksum }: DataFrame): Promise<boolean> {
    const request = this.#next;
    if (request?.id !== id) return false;
    this.#next = undefined;
    // The receive buffer is used again.
    const bytes = this.#bytes.keep(payload);
    await this.#whileTelling(id, this.#session.pace.take(bytes.length));
    await this.#add({ request, offset, bytes, checksum });
    return true;
  }

  /** The client knows an outcome. */
  async acknowledge(id: number): Promise<boolean> {
    const upload = this.#stored.get(id);
    if (upload === undefined) return false;
    this.#stored.delete(id);
    await this.#session.storage.acknowledge(upload);
    return true;
  }

  /** Waits until nothing is being stored. */
  async finish(): Promise<void> {
    this.#waiting.length = 0;
    this.#next = undefined;
    await this.#storing;
    for (const id of [...this.#kept.keys()]) this.#forget(id);
  }

  #forget(id: number): void {
    this.#kept.get(id)?.[Symbol.dispose]();
    this.#kept.delete(id);
  }

  async #add(file: Waiting): Promise<void> {
    // Whoever sends faster than the disk takes waits here.
    while (this.#waitingSize >= GROUP_SIZE_MAX) await this.#storing;
    this.#waiting.push(file);
    this.#waitingSize += file.bytes.length;
    this.#storing ??= this.#session.run(file.request.id, () => this.#storeAll())
      .finally(() => this.#storing = undefined);
  }

  async #storeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GROUP_COUNT_MAX);
      for (const { bytes } of group) this.#waitingSize -= bytes.length;
      await this.#storeGroup(group);
    }
  }

  async #storeGroup(group: readonly Waiting[]): Promise<void> {
    const { id } = group[0]!.request;
    const results = await this.#whileTelling(id, this.#receive(group));
    // Not waited for one by one: they leave in few writes.
    for (const [at, { request }] of group.entries()) {
      void this.#tell(request, results[at]);
    }
    await this.#channel.settled();
  }

  /** A disk, or a limit, may take its time: the client is to see that somebody is at work. */
  async #whileTelling<T>(id: number, work: Promise<T>): Promise<T> {
    const { clock, limits } = this.#session.context;
    let isDone = false;
    let cancel = (): void => {};
    const again = (): void => {
      cancel = clock.after(limits.progressInterval, () => {
        this.#channel.send({ type: "PROGRESS", id, body: { verified: 0 } })
          .then(() => !isDone && again(), () => {});
      });
    };
    again();
    try {
      return await work;
    } finally {
      isDone = true;
      cancel();
    }
  }

  async #receive(
    group: readonly Waiting[],
  ): Promise<readonly (Outcome | unknown)[]> {
    const results: unknown[] = new Array(group.length);
    const items: (SmallFile & { readonly path: SafePath })[] = [];
    const places: number[] = [];
    const known: KnownFolders = new Map();
    for (const [at, file] of group.entries()) {
      try {
        items.push(await this.#locate(file, known));
        places.push(at);
      } catch (error) {
        results[at] = error;
      }
    }
    try {
      const outcomes = await this.#session.storage.receiveSmall(items);
      for (const [at, outcome] of outcomes.entries()) {
        results[places[at]!] = outcome;
      }
    } catch (error) {
      for (const at of places) results[at] = error;
    }
    return results;
  }

  async #locate(
    { request: { id, body }, offset, bytes, checksum }: Waiting,
    known: KnownFolders,
  ): Promise<SmallFile & { readonly path: SafePath }> {
    this.#kept.get(id)?.signal.throwIfAborted();
    this.#session.require("write");
    if (offset + bytes.length > body.size) throw tooLarge();
    if (bytes.length !== body.size || crc32(bytes) !== checksum) {
      throw new StorageError("integrity", "the file arrived damaged");
    }
    const path = await this.#session.storage.locate(body.path, "write", known);
    return {
      path,
      bytes,
      checksum,
      request: {
        id: body.upload.toHex(),
        size: body.size,
        modified: body.modified,
        mode: body.mode,
        onConflict: body.onConflict,
        durability: body.durability,
        algorithm: "crc32-chunks",
      },
    };
  }

  async #tell(request: FrameOf<"STORE">, result: unknown): Promise<void> {
    this.#forget(request.id);
    const frame = isOutcome(result)
      ? this.#receipt(request, result)
      : this.#refusal(request, result);
    // A client that is gone is found by the receiving side.
    await this.#channel.send(frame).catch(() => {});
  }

  #receipt(
    { id, body: { upload } }: FrameOf<"STORE">,
    outcome: Outcome,
  ): Message {
    const { path, publication, size, durable, digest } = outcome;
    this.#stored.set(id, upload.toHex());
    this.#session.report({
      type: "received",
      request: "STORE",
      id,
      path,
      publication,
      size,
      resumedFrom: 0,
      durable,
    });
    return {
      type: "RECEIPT",
      id,
      body: {
        path,
        publication,
        size,
        durable,
        digest: digest && Uint8Array.fromHex(digest.value),
      },
    };
  }

  #refusal(frame: FrameOf<"STORE">, error: unknown): Message {
    this.#session.reportRefusal(frame, error);
    const { id, body: { path } } = frame;
    return {
      type: "ERROR",
      id,
      body: { ...errorBody(wireError(error)), path },
    };
  }
}

function tooLarge(): StorageError {
  return new StorageError(
    "too-large",
    "it is more than was announced, or than 1 MiB",
  );
}

function isOutcome(result: unknown): result is Outcome {
  return typeof result === "object" && result !== null &&
    "publication" in result;
}
