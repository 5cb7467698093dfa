/** Connections and a network in memory. */

import {
  type Connection,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
} from "../../lib/transport/mod.ts";

/** Bytes that a connection takes before a write waits for the reader. */
const CAPACITY = 65_536;

/** What a tap does with a write: pass it on, change it, or break the connection. */
export type Tap = (
  bytes: Uint8Array<ArrayBuffer>,
) => Uint8Array<ArrayBuffer> | "reset" | "swallow" | void;

/** One end of a connection in memory. */
export class PipeEnd implements Connection {
  readonly remote: NetworkAddress;
  readonly local: NetworkAddress;
  /** Looks at every write of this end before it is sent. */
  tap: Tap = () => {};
  /** See {@linkcode Connection.turn}; as it is, nothing is waited for. */
  turn?: () => Promise<void>;
  /** The most bytes that one read returns. */
  readSizeMax = Infinity;
  /** Bytes written and taken by the pipe. */
  bytesWritten = 0;
  #peer: PipeEnd | undefined;
  #inbox: Uint8Array<ArrayBuffer>[] = [];
  #inboxSize = 0;
  #ended = false;
  #closed = false;
  #broken = false;
  #changed = Promise.withResolvers<void>();

  constructor(remote: NetworkAddress, local: NetworkAddress) {
    this.remote = remote;
    this.local = local;
  }

  /** Two ends of one connection. */
  static pair(
    first: NetworkAddress = { hostname: "127.0.0.1", port: 1 },
    second: NetworkAddress = { hostname: "127.0.0.1", port: 2 },
  ): [PipeEnd, PipeEnd] {
    const ends: [PipeEnd, PipeEnd] = [
      new PipeEnd(second, first),
      new PipeEnd(first, second),
    ];
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  /** Whether this end was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    for (;;) {
      this.#assertWhole();
      const first = this.#inbox[0];
      if (first !== undefined) {
        const part = first.subarray(
          0,
          Math.min(buffer.length, this.readSizeMax),
        );
        buffer.set(part);
        if (part.length < first.length) {
          this.#inbox[0] = first.subarray(part.length);
        } else this.#inbox.shift();
        this.#inboxSize -= part.length;
        this.#peer!.#wake();
        return part.length;
      }
      if (this.#peerEnded) return 0;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    this.#assertWhole();
    const tapped = this.tap(bytes) ?? bytes;
    if (tapped === "swallow") return bytes.length;
    if (tapped === "reset") {
      this.reset();
      throw new NetworkError("reset", "connection reset by the peer");
    }
    const peer = this.#peer!;
    for (let at = 0; at < tapped.length;) {
      while (peer.#inboxSize >= CAPACITY && !peer.#closed && !this.#closed) {
        await this.#changed.promise;
        this.#assertWhole();
      }
      this.#assertWhole();
      if (peer.#closed) {
        throw new NetworkError("reset", "connection closed by the peer");
      }
      const part = tapped.slice(at, at + CAPACITY);
      peer.#inbox.push(part);
      peer.#inboxSize += part.length;
      this.bytesWritten += part.length;
      at += part.length;
      peer.#wake();
    }
    return bytes.length;
  }

  endWrite(): Promise<void> {
    this.#ended = true;
    this.#peer!.#wake();
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    this.#peer!.#wake();
  }

  /** Breaks the connection for both ends at once; what was not read is lost. */
  reset(): void {
    for (const end of [this, this.#peer!]) {
      end.#broken = true;
      end.#inbox = [];
      end.#inboxSize = 0;
      end.#wake();
    }
  }

  get #peerEnded(): boolean {
    return this.#peer!.#ended || this.#peer!.#closed;
  }

  #assertWhole(): void {
    if (this.#closed) throw new NetworkError("closed", "connection is closed");
    if (this.#broken) {
      throw new NetworkError("reset", "connection reset by the peer");
    }
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** A connection of a {@linkcode FakeNetwork}, seen from both ends. */
export interface Dialled {
  readonly client: PipeEnd;
  readonly server: PipeEnd;
}

class FakeListener implements Listener {
  readonly address: NetworkAddress;
  readonly #waiting: PipeEnd[] = [];
  readonly #onClose: () => void;
  #wake = () => {};
  /** Errors that the next accepts throw. */
  readonly failures: NetworkError[] = [];
  closed = false;

  constructor(address: NetworkAddress, onClose: () => void) {
    this.address = address;
    this.#onClose = onClose;
  }

  offer(end: PipeEnd): void {
    this.#waiting.push(end);
    this.#wake();
  }

  fail(error: NetworkError): void {
    this.failures.push(error);
    this.#wake();
  }

  async accept(): Promise<Connection | undefined> {
    for (;;) {
      if (this.closed) return undefined;
      const failure = this.failures.shift();
      if (failure !== undefined) throw failure;
      const end = this.#waiting.shift();
      if (end !== undefined) return end;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    this.closed = true;
    for (const end of this.#waiting) end.close();
    this.#wake();
    this.#onClose();
  }
}

/** A network in memory, with faults on demand. */
export class FakeNetwork implements Network {
  /** Every connection that was ever dialled. */
  readonly dialled: Dialled[] = [];
  /** Called for each new connection before either end has it. */
  onDial: (dialled: Dialled, index: number) => void = () => {};
  /** What the next dials do instead of dialling. */
  readonly dialFailures: (NetworkError | "hang" | "late")[] = [];
  readonly #listeners = new Map<number, FakeListener>();
  #nextPort = 1024;

  /** Connection ends that were not closed. */
  get openCount(): number {
    return this.dialled.flatMap(({ client, server }) => [client, server])
      .filter((end) => !end.closed).length;
  }

  /** The listener on a port. */
  listener(port: number): {
    fail(error: NetworkError): void;
    readonly failures: readonly NetworkError[];
  } {
    return this.#listeners.get(port)!;
  }

  listen({ hostname, port }: NetworkAddress): Listener {
    const free = port === 0 ? this.#nextPort++ : port;
    if (this.#listeners.has(free)) {
      throw new NetworkError("in-use", "address is in use");
    }
    const listener = new FakeListener(
      { hostname, port: free },
      () => this.#listeners.delete(free),
    );
    this.#listeners.set(free, listener);
    return listener;
  }

  async dial(
    { hostname, port }: NetworkAddress,
    signal?: AbortSignal,
  ): Promise<PipeEnd> {
    signal?.throwIfAborted();
    const failure = this.dialFailures.shift();
    if (failure instanceof NetworkError) throw failure;
    if (failure !== undefined) {
      await new Promise<void>((resolve, reject) =>
        signal?.addEventListener(
          "abort",
          () => failure === "hang" ? reject(signal.reason) : resolve(),
        )
      );
    }
    const listener = this.#listeners.get(port);
    if (listener === undefined) {
      throw new NetworkError("refused", "connection refused");
    }
    const from = { hostname: "127.0.0.1", port: 50_000 + this.dialled.length };
    const [client, server] = PipeEnd.pair(from, { hostname, port });
    const dialled = { client, server };
    this.onDial(dialled, this.dialled.length);
    this.dialled.push(dialled);
    listener.offer(server);
    return client;
  }
}
