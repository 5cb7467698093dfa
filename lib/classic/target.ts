/**
 * Where the bytes of a file go that comes in, chunk by chunk: into a file under
 * the commit engine, or down a stream.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { FerryError, type GetTarget } from "../client/mod.ts";
import type { Clock, Random } from "../platform/mod.ts";
import {
  CHUNK_SIZE,
  type Disk,
  type Outcome,
  receiveLocalFile,
  type Receiving,
} from "../storage/mod.ts";
import type { ClassicTransferOptions } from "./types.ts";

/** Bytes of an upload id, as in {@linkcode ReceiveRequest.id}. */
const ID_SIZE = 16;

/** Makes an id for a file that is to be received. */
export function receiveId(random: Random): string {
  return random.bytes(ID_SIZE).toHex();
}

/** Collects bytes into chunks for the commit engine. */
export class ChunkFeed implements AsyncDisposable {
  readonly #receiving: Receiving;
  #chunk = new Uint8Array(0);
  #filled = 0;
  #index = 0;

  /** @param receiving The file that is being received. */
  constructor(receiving: Receiving) {
    this.#receiving = receiving;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#index * CHUNK_SIZE + this.#filled;
  }

  /** Takes bytes; they may change afterwards. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      this.#makeRoom(Math.min(CHUNK_SIZE, this.#filled + bytes.length - at));
      const count = Math.min(bytes.length - at, CHUNK_SIZE - this.#filled);
      this.#chunk.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === CHUNK_SIZE) await this.#flush();
    }
  }

  /** Publishes what has come, as the whole of the file. */
  async finish(): Promise<Outcome> {
    const { size } = this;
    if (this.#filled > 0) await this.#flush();
    return await this.#receiving.commit(size);
  }

  /** Nothing stays of what is not published. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiving.abort();
  }

  /** A small file takes little memory: the buffer grows up to a chunk. */
  #makeRoom(size: number): void {
    if (size <= this.#chunk.length) return;
    const room = Math.min(CHUNK_SIZE, Math.max(size, this.#chunk.length * 2));
    const chunk = new Uint8Array(room);
    chunk.set(this.#chunk.subarray(0, this.#filled));
    this.#chunk = chunk;
  }

  async #flush(): Promise<void> {
    const bytes = this.#chunk.subarray(0, this.#filled);
    await this.#receiving.writeChunk(this.#index, bytes, crc32(bytes));
    this.#index++;
    this.#filled = 0;
  }
}

/** What became of a download. */
export type Fetched = Pick<Outcome, "size" | "publication" | "durable"> & {
  /** The local path, as it is now; `undefined` for a stream. */
  readonly local: string | undefined;
};

/**
 * Takes a download. Disposed of before it is published, no local file stays; what
 * a stream has had, it has had.
 */
export interface TargetSink extends AsyncDisposable {
  /** Takes bytes; they may change afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** Publishes what has come, as the whole of the file. */
  finish(): Promise<Fetched>;
}

/**
 * Opens the target of a download.
 *
 * @param target A local path, or a stream, which is not closed.
 * @param ports Where files are, the time, ids.
 * @param options What to do about a name that is taken, and the size, if known.
 * @returns The sink; or what became of the download, if nothing is wanted.
 * @throws {StorageError} `exists` and its kin; nothing needs to be fetched then.
 */
export async function openTarget(
  target: GetTarget,
  ports: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  },
  options: ClassicTransferOptions & { readonly size?: number | undefined },
): Promise<TargetSink | Fetched> {
  if (typeof target !== "string") return streamTarget(target);
  const start = await receiveLocalFile(ports.disk, ports, target, {
    id: receiveId(ports.random),
    size: options.size,
    modified: undefined,
    onConflict: options.onConflict ?? "fail",
    durability: options.durability ?? "full",
    algorithm: "crc32-chunks",
  });
  const fetched = ({ path, size, publication, durable }: Outcome): Fetched => ({
    local: path,
    size,
    publication,
    durable,
  });
  if (start.kind === "settled") return fetched(start.outcome);
  const feed = new ChunkFeed(start.receiving);
  return {
    write: (bytes) => feed.write(bytes),
    finish: async () => fetched(await feed.finish()),
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}

function streamTarget(stream: WritableStream<Uint8Array>): TargetSink {
  const writer = stream.getWriter();
  let size = 0;
  return {
    async write(bytes) {
      size += bytes.length;
      try {
        await writer.write(bytes.slice());
      } catch (cause) {
        throw new FerryError("io", "the stream to write to broke", {
          side: "local",
          cause,
        });
      }
    },
    finish() {
      return Promise.resolve({
        local: undefined,
        size,
        publication: "created",
        durable: false,
      });
    },
    [Symbol.asyncDispose]() {
      writer.releaseLock();
      return Promise.resolve();
    },
  };
}
