/**
 * One end of a connection of the simulated network.
 *
 * @module
 */
import type {
  Connection,
  NetworkAddress,
  NetworkError,
} from "../../lib/transport/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimClock } from "./sim_clock.ts";
import { type Death, never, type SimProcess } from "./sim_process.ts";
import type { SimTrace } from "./sim_trace.ts";

/** Bytes that may be on their way, or wait to be read: back-pressure comes early. */
const WINDOW_SIZE = 65_536;

/** Time after which a system gives up sending again what nobody acknowledges: Linux's `tcp_retries2`. */
const GIVE_UP_AFTER = 924_000;

/** What both ends share. */
export interface SimLink {
  /** The time of the world. */
  readonly clock: SimClock;
  /** Chance of the network. */
  readonly random: SeededRandom;
  /** Is told of faults. */
  readonly trace: SimTrace;
  /** The error to throw. */
  readonly errors: typeof NetworkError;
  /** An end was closed by its owner. */
  readonly onClose: (connection: SimConnection) => void;
}

/** What travels: bytes, the end of one side, or the end of both. */
type Segment = Uint8Array<ArrayBuffer> | "end" | "reset";

/**
 * One end. Bytes that one end writes arrive at the other in order, in pieces,
 * each after a while.
 */
export class SimConnection implements Connection {
  readonly remote: NetworkAddress;
  /** Whose end it is. */
  readonly owner: SimProcess;
  /** What the trace calls it. */
  readonly name: string;
  /** The byte of what this end sends at which both ends are reset. */
  resetAt = Infinity;
  /** The byte of what this end sends of which one bit is flipped. */
  flipAt = Infinity;
  /** The byte of what this end sends from which on nothing gets through. */
  stallAt = Infinity;
  /** For how long, in milliseconds. */
  stallFor = Infinity;
  readonly #link: SimLink;
  #peer: SimConnection | undefined;
  readonly #inbound: Uint8Array<ArrayBuffer>[] = [];
  #sent = 0;
  /** Bytes that the peer's owner has not read. */
  #unread = 0;
  #lastArrival = 0;
  #stalledUntil = 0;
  #state: "open" | "reset" | "closed" = "open";
  #ended = false;
  #peerEnded = false;
  /** Its machine has no power: what arrives vanishes. */
  #dark = false;
  /** What arrives is answered with a reset: the system knows of no connection. */
  #unknown = false;
  #wake: (() => void)[] = [];

  /**
   * @param link What both ends share.
   * @param owner Whose end it is.
   * @param remote Where the other end is.
   * @param name What the trace calls it.
   */
  constructor(
    link: SimLink,
    owner: SimProcess,
    remote: NetworkAddress,
    name: string,
  ) {
    this.#link = link;
    this.owner = owner;
    this.remote = remote;
    this.name = name;
  }

  /** Makes two ends one connection. */
  join(peer: SimConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    for (;;) {
      if (!this.owner.alive) return never();
      const first = this.#inbound[0];
      if (first !== undefined) return this.#copyOut(first, buffer);
      this.#assertUsable();
      if (this.#peerEnded) return 0;
      await this.#woken();
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    for (let at = 0; at < bytes.length;) {
      if (!this.owner.alive) return never();
      this.#assertUsable();
      if (this.#ended) {
        throw new this.#link.errors("closed", "this side is ended");
      }
      const room = WINDOW_SIZE - this.#unread;
      if (room <= 0) {
        await this.#woken();
        continue;
      }
      const length = Math.min(room, bytes.length - at, this.#pieceSize());
      this.#sendPiece(bytes.slice(at, at + length));
      at += length;
    }
    if (!this.owner.alive) return never();
    return bytes.length;
  }

  endWrite(): Promise<void> {
    if (this.#state === "open" && !this.#ended) {
      this.#ended = true;
      this.#transmit("end");
    }
    return Promise.resolve();
  }

  close(): void {
    if (this.#state === "closed" || !this.owner.alive) return;
    this.#closeInSystem();
    this.#link.onClose(this);
    this.#wakeAll();
  }

  /** From now until `until` nothing that this end sends gets through. */
  stall(until: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, until);
  }

  /** A reset has arrived. */
  reset(): void {
    this.#receive("reset");
  }

  /** Its owner has died: its system closes it, or is silent with it. */
  orphan(how: Death): void {
    if (how === "power") {
      this.#dark = true;
      return;
    }
    this.#closeInSystem();
    this.#link.onClose(this);
  }

  /** Its machine is up again and knows nothing of it: the peer's bytes find that out. */
  revive(): void {
    this.#dark = false;
    this.#unknown = true;
    this.#state = "closed";
    this.#link.onClose(this);
    if (this.#peer!.#unread > 0) this.#transmit("reset");
  }

  #closeInSystem(): void {
    const open = this.#state === "open";
    this.#state = "closed";
    if (!open) return;
    // As Linux does: whoever closes with unread bytes resets.
    const unread = this.#inbound.length > 0;
    this.#inbound.length = 0;
    if (unread) this.#transmit("reset");
    else if (!this.#ended) this.#transmit("end");
    this.#ended = true;
  }

  #copyOut(
    first: Uint8Array<ArrayBuffer>,
    buffer: Uint8Array<ArrayBuffer>,
  ): number {
    const length = Math.min(first.length, buffer.length);
    buffer.set(first.subarray(0, length));
    if (length === first.length) this.#inbound.shift();
    else this.#inbound[0] = first.subarray(length);
    const peer = this.#peer!;
    peer.#unread -= length;
    peer.#wakeAll();
    return length;
  }

  #sendPiece(piece: Uint8Array<ArrayBuffer>): void {
    const start = this.#sent;
    this.#sent += piece.length;
    this.#unread += piece.length;
    if (this.flipAt >= start && this.flipAt < this.#sent) {
      const bit = this.#link.random.integer(0, 7);
      piece[this.flipAt - start]! ^= 1 << bit;
      this.#link.trace.note(`${this.name} bit flipped at ${this.flipAt}`);
    }
    if (this.stallAt < this.#sent) {
      this.#link.trace.note(`${this.name} stalls for ${this.stallFor}`);
      this.stall(this.#link.clock.monotonic() + this.stallFor);
      this.stallAt = Infinity;
    }
    if (this.resetAt >= this.#sent) return this.#transmit(piece);
    const { trace, random } = this.#link;
    trace.note(`${this.name} reset at ${this.resetAt}`);
    this.#transmit(piece.subarray(0, Math.max(0, this.resetAt - start)));
    this.#transmit("reset");
    this.#peer!.#transmit("reset");
    if (random.chance(0.5)) this.#receive("reset");
  }

  #transmit(segment: Segment): void {
    const { clock, random } = this.#link;
    const now = clock.monotonic();
    if (this.#stalledUntil === Infinity) return this.#lose(segment);
    const at = Math.max(
      this.#lastArrival,
      now + random.unit() * 8,
      this.#stalledUntil > now ? this.#stalledUntil + random.unit() : 0,
    );
    this.#lastArrival = at;
    clock.after(at - now, () => this.#peer!.#receive(segment));
  }

  /** Nobody will acknowledge it; some time the system stops to try. */
  #lose(segment: Segment): void {
    if (typeof segment === "string") return;
    this.#link.clock.after(GIVE_UP_AFTER, () => this.#receive("reset"));
  }

  #receive(segment: Segment): void {
    if (this.#dark) return;
    if (this.#state === "closed") {
      const answer = this.#unknown || typeof segment !== "string";
      if (answer && segment !== "reset") this.#transmit("reset");
      return;
    }
    if (this.#state === "reset") return;
    if (segment === "reset") {
      this.#state = "reset";
      // Some systems let the rest be read, some do not.
      if (this.#link.random.chance(0.5)) this.#inbound.length = 0;
    } else if (segment === "end") this.#peerEnded = true;
    else this.#inbound.push(segment);
    this.#wakeAll();
  }

  #assertUsable(): void {
    const { errors } = this.#link;
    if (this.#state === "closed") {
      throw new errors("closed", "connection is closed");
    }
    if (this.#state === "reset") {
      throw new errors("reset", "connection reset by the peer");
    }
  }

  #pieceSize(): number {
    const { random } = this.#link;
    return random.chance(0.1)
      ? random.integer(1, 64)
      : random.pick(PIECE_SIZES);
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Bytes that one write gives to the network at a time, at most. */
const PIECE_SIZES = [1000, 1460, 16_384, WINDOW_SIZE] as const;
