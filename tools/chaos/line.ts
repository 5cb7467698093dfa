/**
 * One end of a connection as the proxy sees it: bytes in batches, and an end, a
 * close and a reset that are three different things.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import type { NetworkAddress } from "../../lib/transport/network.ts";

/** Bytes, in pieces that belong to the receiver. */
export type Batch = readonly Uint8Array[];

/** One end of a connection. */
export interface Line {
  /**
   * Reads all that is there, or waits for something.
   *
   * @returns The bytes; no piece when the peer has ended its side.
   * @throws {Error} when the connection is broken or closed.
   */
  read(): Promise<Batch>;
  /**
   * Writes; waits until the system has taken everything. One call at a time.
   *
   * @throws {Error} when the connection is broken or closed.
   */
  write(batch: Batch): Promise<void>;
  /** Ends this side: the peer reads what was written, then the end. */
  end(): Promise<void>;
  /** Closes as the system does for a process that ends; pending calls throw. */
  close(): void;
  /** Breaks the connection: the peer gets a reset. Pending calls throw. */
  reset(): void;
  /** Resolves when it is closed in whatever way. */
  readonly closed: Promise<void>;
}

/**
 * Pieces that are read ahead: 1 MiB of them, for Node's sockets read 64 KiB at a
 * time. With 2 the throughput is a third less.
 */
const READ_AHEAD = 16;

/** A line over one of Node's sockets: Deno's own have no reset. */
export class SocketLine implements Line {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #inbox: Uint8Array[] = [];
  #isPaused = false;
  #isEnded = false;
  #failure: Error | undefined;
  #wakeReader = (): void => {};
  #failWrite = (_error: Error): void => {};

  /**
   * Takes a socket over.
   *
   * @param socket Connected or connecting, with `allowHalfOpen`.
   */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.on("end", () => {
      this.#isEnded = true;
      this.#wakeReader();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    this.closed = new Promise((resolve) =>
      socket.on("close", () => {
        this.#fail(new Error("Connection is closed"));
        resolve();
      })
    );
  }

  async read(): Promise<Batch> {
    while (this.#inbox.length === 0) {
      if (this.#isEnded) return [];
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
    }
    const batch = this.#inbox;
    this.#inbox = [];
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    return batch;
  }

  write(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#failWrite = reject;
      const socket = this.#socket;
      if (batch.length > 1) socket.cork();
      for (const [index, bytes] of batch.entries()) {
        if (index < batch.length - 1) socket.write(bytes);
        else socket.write(bytes, (error) => error ? reject(error) : resolve());
      }
      if (batch.length > 1) socket.uncork();
    });
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#failWrite = reject;
      this.#socket.end(() => resolve());
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #take(bytes: Uint8Array): void {
    this.#inbox.push(bytes);
    if (this.#inbox.length >= READ_AHEAD && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
    this.#wakeReader();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wakeReader();
    this.#failWrite(this.#failure);
  }
}

/**
 * Connects.
 *
 * @param address Where to.
 * @param signal Gives up; the promise then rejects.
 * @throws {Error} when nobody is there.
 */
export async function dial(
  { hostname, port }: NetworkAddress,
  signal: AbortSignal,
): Promise<Line> {
  signal.throwIfAborted();
  const socket = connect({ host: hostname, port, allowHalfOpen: true });
  const line = new SocketLine(socket);
  const giveUp = (): void => void socket.destroy();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("Connection is closed")));
    });
  } catch (error) {
    socket.destroy();
    await line.closed;
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
  return line;
}
