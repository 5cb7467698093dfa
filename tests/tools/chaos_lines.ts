/**
 * Both ends of a connection through the chaos proxy, in memory and on a clock
 * that stands still: what is slow is measured in bytes and virtual time.
 *
 * @module
 */
import type { Clock } from "../../lib/platform/mod.ts";
import { Conditions } from "../../tools/chaos/conditions.ts";
import type { Faults } from "../../tools/chaos/faults.ts";
import type { Batch, Line } from "../../tools/chaos/line.ts";
import { Link } from "../../tools/chaos/link.ts";

/** What a peer got, and when. */
export interface Arrival {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The proxy's end of a connection; the test plays the peer. */
export class FakeLine implements Line {
  readonly closed: Promise<void>;
  /** What the peer got. */
  readonly arrivals: Arrival[] = [];
  /** How the peer sees the connection. */
  state: "open" | "ended" | "closed" | "reset" = "open";
  /** Whether the peer takes nothing at the moment. */
  isStalled = false;
  readonly #clock: Clock;
  #inbox: Uint8Array[] = [];
  #isEnded = false;
  #isBroken = false;
  #changed = Promise.withResolvers<void>();
  #close = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.closed = new Promise((resolve) => this.#close = resolve);
  }

  /** All bytes that the peer got. */
  get received(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.receivedSize);
    let end = 0;
    for (const { bytes } of this.arrivals) {
      whole.set(bytes, end);
      end += bytes.length;
    }
    return whole;
  }

  /** How many bytes the peer got. */
  get receivedSize(): number {
    return this.arrivals.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Bytes that the peer sent and the proxy has not read. */
  get unread(): number {
    return this.#inbox.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** The peer sends. */
  send(...pieces: Uint8Array[]): void {
    this.#inbox.push(...pieces);
    this.#wake();
  }

  /** The peer ends its side. */
  finish(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The peer breaks the connection. */
  break(): void {
    this.#isBroken = true;
    this.#wake();
  }

  /** The peer takes what comes again. */
  resume(): void {
    this.isStalled = false;
    this.#wake();
  }

  async read(): Promise<Batch> {
    for (;;) {
      this.#assertWhole();
      const first = this.#inbox.shift();
      if (first !== undefined) return [first];
      if (this.#isEnded) return [];
      await this.#changed.promise;
    }
  }

  async write(batch: Batch): Promise<void> {
    for (const bytes of batch) {
      while (this.isStalled && this.state === "open") {
        await this.#changed.promise;
      }
      this.#assertWhole();
      const at = this.#clock.monotonic();
      this.arrivals.push({ at, bytes: new Uint8Array(bytes) });
    }
  }

  end(): Promise<void> {
    this.state = "ended";
    return Promise.resolve();
  }

  close(): void {
    this.#over("closed");
  }

  reset(): void {
    this.#over("reset");
  }

  #over(state: "closed" | "reset"): void {
    if (this.state === "open") this.state = state;
    this.#isBroken = true;
    this.#close();
    this.#wake();
  }

  #assertWhole(): void {
    if (this.#isBroken) throw new Error("broken");
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** A connection through the proxy, without the network. */
export interface FakeLink {
  readonly client: FakeLine;
  readonly server: FakeLine;
  readonly link: Link;
  /** Resolves when it is over. */
  readonly done: Promise<void>;
}

/** Connections that share their faults. */
export class FakeProxy implements AsyncDisposable {
  readonly conditions: Conditions;
  readonly #clock: Clock;
  readonly #links: FakeLink[] = [];

  constructor(clock: Clock, faults: Faults, seed = 1) {
    this.#clock = clock;
    this.conditions = new Conditions(seed, clock);
    this.conditions.set(faults);
  }

  /** Makes a connection. */
  connect(): FakeLink {
    const client = new FakeLine(this.#clock);
    const server = new FakeLine(this.#clock);
    const link = new Link({
      near: client,
      far: server,
      conditions: this.conditions,
      tally: this.conditions.tally.connected(),
      onCutAll: (kind) => {
        for (const other of this.#links) other.link.cut(kind);
      },
    });
    const fake = { client, server, link, done: link.run() };
    this.#links.push(fake);
    return fake;
  }

  /** Changes the faults of all. */
  set(changes: Faults): void {
    this.conditions.set(changes);
    for (const { link } of this.#links) link.refresh();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { link } of this.#links) link.close();
    await Promise.all(this.#links.map(({ done }) => done));
  }
}
