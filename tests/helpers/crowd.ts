/**
 * Many connections from one address, bound with `node:net`: `Deno.connect`
 * cannot choose where it comes from.
 *
 * @module
 */

import { connect, type Socket } from "node:net";

/** How a crowd behaves. */
export interface CrowdOptions {
  /** The server's port, on 127.0.0.1. */
  readonly port: number;
  /** The address that all of them come from. */
  readonly from: string;
  /** Connections that never say a word. */
  readonly silent: number;
  /** Connections that send {@linkcode CrowdOptions.words} a byte at a time, without end. */
  readonly trickling: number;
  /** What those begin to say. */
  readonly words: Uint8Array;
}

/** Milliseconds between two bytes of one connection. */
const TRICKLE_INTERVAL = 250;

/** Connections that are dialled in one go. */
const BATCH = 250;

/** Connections that are there at once, until it is disposed of. */
export class Crowd implements Disposable {
  /** Connections that the server has ended. */
  ended = 0;
  /** What it said to them before. */
  readonly heard: string[] = [];
  readonly #sockets: Socket[] = [];
  readonly #open = new Set<Socket>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Connections that the server has not ended. */
  get open(): number {
    return this.#open.size;
  }

  /** Dials them all. */
  async come(options: CrowdOptions): Promise<void> {
    const { silent, trickling, words } = options;
    const total = silent + trickling;
    for (let first = 0; first < total; first += BATCH) {
      const count = Math.min(BATCH, total - first);
      await Promise.all(
        Array.from({ length: count }, () => this.#dial(options)),
      );
    }
    const talkers = this.#sockets.slice(silent);
    let at = 0;
    this.#timer = setInterval(() => {
      const byte = words.subarray(at % words.length, at % words.length + 1);
      at++;
      for (const socket of talkers) {
        if (this.#open.has(socket)) socket.write(byte);
      }
    }, TRICKLE_INTERVAL);
  }

  #dial({ port, from }: CrowdOptions): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = connect({ host: "127.0.0.1", port, localAddress: from });
    this.#sockets.push(socket);
    let text = "";
    socket.on("connect", () => {
      this.#open.add(socket);
      resolve();
    });
    socket.on("data", (bytes: Uint8Array) => {
      text += new TextDecoder("latin1").decode(bytes);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#open.delete(socket)) {
        this.ended++;
        if (text !== "") this.heard.push(text);
      }
      resolve();
    });
    return promise;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#open.clear();
  }
}
