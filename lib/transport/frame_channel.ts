/**
 * Frames over a connection: codec, state tables and back-pressure in one place.
 *
 * @module
 */

import {
  type ConnectionKind,
  Conversation,
  type DataFrame,
  encodeDataHeader,
  encodeMessage,
  type Frame,
  FrameBuffer,
  HEADER_SIZE,
  type Message,
  type Role,
} from "../protocol/mod.ts";
import {
  type Connection,
  type NetworkAddress,
  NetworkError,
} from "./network.ts";
import type { Pace } from "./pacer.ts";

/**
 * Bytes that a closing end still reads and drops: 4 MiB. A socket closed with
 * unread bytes is reset by the kernel, and the reset can overtake the farewell
 * that says why.
 */
const LINGER_SIZE_MAX = 4_194_304;

/** Bytes of answers that may wait for a peer that is slow to read them: 256 KiB. */
const QUEUE_SIZE_MAX = 262_144;

/** How the first record of a TLS peer begins: of a client, and of a server that refuses. */
const TLS_HANDSHAKE = 0x16;
const TLS_ALERT = 0x15;

/**
 * Bytes of one frame, header and all, up to which it is copied at once, to leave
 * with others: a copy of 16 KiB takes about a microsecond, a write some ten. A
 * larger one is copied only where others wait and it fits beside them.
 */
export const JOINED_FRAME_MAX = 16_384;

/** Where messages are put together; whatever fits is small enough to be copied at once. */
const MESSAGE_ROOM = new Uint8Array(4096);

/** Bytes of joined frames in one write: 64 KiB. */
const JOINED_SIZE_MAX = 65_536;

/** Idle connections hold no room: what one has used the next one takes. */
const SPARE_ROOM_MAX = 16;
const spareRoom: Uint8Array<ArrayBuffer>[] = [];

/** Frames that leave in one write. */
class Joined {
  readonly #room = spareRoom.pop() ?? new Uint8Array(JOINED_SIZE_MAX);
  #length = 0;
  /** Resolves when they were written. */
  written: Promise<void> = Promise.resolve();

  /** What is to be written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#room.subarray(0, this.#length);
  }

  /** Adds a frame; `false` when it does not fit. */
  add(frame: Uint8Array): boolean {
    if (this.#length + frame.length > this.#room.length) return false;
    this.#room.set(frame, this.#length);
    this.#length += frame.length;
    return true;
  }

  /** Lets the next one have the room. */
  release(): void {
    if (spareRoom.length < SPARE_ROOM_MAX) spareRoom.push(this.#room);
  }
}

/**
 * Sends and receives frames on one connection. Every frame, either way, is
 * checked against the state tables.
 *
 * One call of {@linkcode FrameChannel.receive} at a time; sends may overlap and
 * leave in the order of their calls.
 */
export class FrameChannel {
  readonly #connection: Connection;
  readonly #role: Role;
  readonly #peer: Role;
  readonly #buffer: FrameBuffer;
  #conversation: Conversation;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Frames that wait for the write before them, to leave with those that come meanwhile. */
  #joined: Joined | undefined;
  #bytesReceived = 0;
  #bytesSent = 0;
  #bytesQueued = 0;
  #bytesAtCheck = 0;
  /** Whether the frame at hand was owed at the last check already. */
  #owedAtCheck = false;
  #reading: Promise<number> | undefined;
  /** Whether nobody is to get a frame any more. */
  #isFinishing = false;

  /**
   * @param connection What carries the frames; the channel closes it.
   * @param kind Which kind of connection it is.
   * @param role Which end this is.
   */
  constructor(connection: Connection, kind: ConnectionKind, role: Role) {
    this.#connection = connection;
    this.#role = role;
    this.#peer = role === "client" ? "server" : "client";
    this.#conversation = new Conversation(kind, role);
    this.#buffer = new FrameBuffer({ acceptsData: kind === "data" });
  }

  /** Where the peer is. */
  get remote(): NetworkAddress {
    return this.#connection.remote;
  }

  /** SHA-256 of the certificate that the server showed on this connection, if one is known. */
  get certificate(): Uint8Array<ArrayBuffer> | undefined {
    return this.#connection.certificate;
  }

  /** The state tables, as far as this connection has walked them. */
  get conversation(): Conversation {
    return this.#conversation;
  }

  /** Bytes received so far. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Bytes sent so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Whether this end waits for bytes of the peer. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /** Whether this end waits for the peer to take bytes. */
  get isWriting(): boolean {
    return this.#bytesQueued > 0;
  }

  /**
   * Receives the next frame. A `DATA` payload stays valid while the following
   * frame is received, and no longer.
   *
   * @returns The frame, or `undefined` when the peer ended between two frames.
   * @throws {ProtocolError} When the peer broke the rules.
   * @throws {NetworkError} When the connection broke, or ended inside a frame.
   */
  async receive(): Promise<Frame | undefined> {
    const frame = await this.#receiveRaw();
    if (frame !== undefined) this.#conversation.step(this.#peer, frame);
    return frame;
  }

  /**
   * Receives the first frame of an accepted connection, which tells what kind
   * of connection it is.
   */
  async receiveFirst(): Promise<Frame | undefined> {
    const frame = await this.#receiveRaw();
    if (frame?.type === "ATTACH" && this.#conversation.state === "start") {
      this.#conversation = new Conversation("data", this.#role);
      this.#buffer.acceptsData = true;
    }
    if (frame !== undefined) this.#conversation.step(this.#peer, frame);
    return frame;
  }

  async #receiveRaw(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#buffer.next();
      if (frame !== undefined) {
        this.#owedAtCheck = false;
        return frame;
      }
      const space = this.#buffer.space();
      const length = await this.#read(space);
      if (this.#isFinishing) {
        throw new NetworkError("closed", "connection is closed");
      }
      if (length === 0) {
        if (!this.#buffer.partial) return undefined;
        throw new NetworkError(
          "reset",
          "connection ended in the middle of a frame",
        );
      }
      if (this.#bytesReceived === 0) this.#refuseTls(space[0]);
      this.#bytesReceived += length;
      this.#buffer.filled(length);
    }
  }

  async #read(space: Uint8Array<ArrayBuffer>): Promise<number> {
    this.#reading = this.#connection.read(space);
    try {
      return await this.#reading;
    } finally {
      this.#reading = undefined;
    }
  }

  /** No frame begins as a TLS record does: whoever sends one took the wrong scheme. */
  #refuseTls(first: number | undefined): void {
    if (this.#role === "client" && first === TLS_ALERT) {
      throw new NetworkError(
        "tls",
        "the server speaks TLS on this port; use tls:// instead of tcp://",
      );
    }
    if (this.#role === "server" && first === TLS_HANDSHAKE) {
      throw new NetworkError(
        "tls",
        "the client speaks TLS on a port for plain TCP; it needs tcp://, or this port --listen tls://",
      );
    }
  }

  /**
   * Sends a message; resolves when the connection has taken it. Never throws
   * at once: whoever does not wait may also not care.
   *
   * @throws {ProtocolError} `local` when the tables do not allow it now.
   * @throws {NetworkError} When the connection broke.
   */
  async send(frame: Message): Promise<void> {
    await this.#write(frame, encodeMessage(frame, MESSAGE_ROOM));
  }

  /**
   * Sends a chunk. What is sent in a burst leaves in few writes.
   *
   * @param bytes {@linkcode HEADER_SIZE} bytes of room for the header, then the
   * chunk. Not to be changed until it was sent, unless it has at most
   * {@linkcode JOINED_FRAME_MAX} bytes: those are copied at once.
   * @param frame Where the chunk belongs, and its CRC-32.
   * @param pace Lets the chunk pass piece by piece, so that the peer sees bytes
   * move however slow that is.
   */
  async sendData(
    bytes: Uint8Array<ArrayBuffer>,
    frame: Pick<DataFrame, "id" | "offset" | "checksum">,
    pace?: Pace,
  ): Promise<void> {
    encodeDataHeader(bytes, frame);
    await this.#write({ type: "DATA", id: frame.id }, bytes, pace);
  }

  #write(
    frame: Pick<Frame, "type" | "id">,
    bytes: Uint8Array<ArrayBuffer>,
    pace?: Pace,
  ): Promise<void> {
    // The step is taken before the first await, so the tables see the frames in
    // the order of the wire.
    this.#conversation.step(this.#role, frame);
    this.#bytesQueued += bytes.length;
    if (pace !== undefined) {
      this.#joined = undefined;
      return this.#enqueue(
        () => this.#writePaced(bytes, pace),
        () => bytes.length,
      );
    }
    if (this.#joined?.add(bytes)) return this.#joined.written;
    this.#joined = undefined;
    const { length } = bytes;
    if (length > JOINED_FRAME_MAX) {
      return this.#enqueue(() => this.#writeAll(bytes), () => length);
    }
    const joined = new Joined();
    joined.add(bytes);
    this.#joined = joined;
    const close = () => {
      if (this.#joined === joined) this.#joined = undefined;
    };
    const write = () => {
      close();
      return this.#writeAll(joined.bytes);
    };
    joined.written = this.#enqueue(() => {
      const turn = this.#connection.turn?.();
      return turn === undefined ? write() : turn.then(write);
    }, () => {
      close();
      joined.release();
      return joined.bytes.length;
    });
    return joined.written;
  }

  #enqueue(
    write: () => Promise<void>,
    end: () => number,
  ): Promise<void> {
    const written = this.#lastWrite.then(write)
      .finally(() => this.#bytesQueued -= end());
    // A failed write fails the sends behind it too, each to its own caller.
    this.#lastWrite = written;
    written.catch(() => {});
    return written;
  }

  async #writePaced(
    bytes: Uint8Array<ArrayBuffer>,
    pace: Pace,
  ): Promise<void> {
    for (let at = 0; at < bytes.length; at += pace.pieceSize) {
      const piece = bytes.subarray(at, at + pace.pieceSize);
      await pace.take(piece.length);
      await this.#writeAll(piece);
    }
  }

  async #writeAll(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const rest = at === 0 ? bytes : bytes.subarray(at);
      const length = await this.#connection.write(rest);
      at += length;
      this.#bytesSent += length;
    }
  }

  /**
   * Waits until the peer has taken enough of what was sent. Whoever answers
   * without waiting for each send calls this before it takes the next request,
   * so that a peer that asks and never reads cannot fill the memory.
   */
  async settled(): Promise<void> {
    while (this.#bytesQueued > QUEUE_SIZE_MAX) {
      await this.#lastWrite.catch(() => {});
    }
  }

  /**
   * To be called at regular intervals: whether the peer is making progress. It
   * owes the rest of a frame only while this end waits for it: a slow disk here
   * is not the fault of the peer.
   *
   * @param bytesMin What it must have sent since the last call, if it has owed
   * the rest of one and the same frame since then.
   */
  progressing(bytesMin: number): boolean {
    const owed = this.#owedAtCheck;
    const received = this.#bytesReceived - this.#bytesAtCheck;
    this.#bytesAtCheck = this.#bytesReceived;
    this.#owedAtCheck = this.isReading && this.#buffer.partial;
    return !(owed && this.#owedAtCheck && received < bytesMin);
  }

  /** Closes at once; pending calls fail. */
  close(): void {
    this.#connection.close();
  }

  /**
   * Closes so that the peer gets everything sent before: ends this side, then
   * reads and drops until the peer ends its own, `timeout` fires or enough was
   * dropped. A {@linkcode FrameChannel.receive} that is pending fails.
   *
   * @param timeout Ends the wait.
   */
  async finish(timeout: AbortSignal): Promise<void> {
    const close = () => this.#connection.close();
    this.#isFinishing = true;
    if (timeout.aborted) return close();
    timeout.addEventListener("abort", close, { once: true });
    try {
      await this.#lastWrite;
      await this.#connection.endWrite();
      await this.#reading;
      const scrap = new Uint8Array(65_536);
      for (let dropped = 0; dropped < LINGER_SIZE_MAX;) {
        const length = await this.#connection.read(scrap);
        if (length === 0) break;
        dropped += length;
      }
    } catch {
      // Broken already: there is nobody left to hear the farewell.
    } finally {
      timeout.removeEventListener("abort", close);
      close();
    }
  }
}

/** Bytes of room that {@linkcode FrameChannel.sendData} needs before a chunk. */
export const DATA_HEADROOM: number = HEADER_SIZE;
