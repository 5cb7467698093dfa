/**
 * Messages without an end mark: the originals send each whole in one send and
 * take for a message whatever one `recv` brings. A network may cut that
 * anywhere, so here a message that could go on is over when nothing follows it
 * for a moment.
 *
 * @module
 */

import type { Clock } from "../platform/mod.ts";
import { type NetworkAddress, NetworkError } from "../transport/mod.ts";
import type { Wire } from "./wire.ts";

/** What bytes mean so far. */
export type Reading<M> =
  /** They begin with a whole message, whatever follows. */
  | { readonly kind: "whole"; readonly message: M; readonly length: number }
  /** All of them are a message, unless more follows. */
  | { readonly kind: "open"; readonly message: M }
  /** More must follow. */
  | { readonly kind: "partial" };

/**
 * Reads what has arrived; never an empty array.
 *
 * @throws {MalformedError} When no message begins so.
 */
export type Reader<M> = (bytes: Uint8Array) => Reading<M>;

/** What no peer that keeps to the protocol sends, at least not now. */
export class MalformedError extends Error {
  /** @param message What is wrong, as a phrase. */
  constructor(message: string) {
    super(message);
    this.name = "MalformedError";
  }
}

/** A message that did not come in time. */
export class SilenceError extends Error {
  /** @param message What did not come, as a phrase. */
  constructor(message: string) {
    super(message);
    this.name = "SilenceError";
  }
}

/**
 * Milliseconds of silence that end a message which could go on: 250, for the
 * segments of one send follow each other at once, and a lost one is repeated
 * after 200 ms as a rule (Linux's least time-out).
 */
const QUIET_MIN = 250;

/** The same on a connection that has shown longer gaps within messages. */
const QUIET_MAX = 2000;

/** How much longer than the longest gap so far the silence must be. */
const QUIET_FACTOR = 3;

/**
 * Milliseconds to look once more after a silence: 20. Where this process itself
 * stood still, its timers go before the bytes that have arrived meanwhile.
 */
const CATCH_UP = 20;

/** Receives the messages of one control connection. */
export class MessageReader {
  readonly #wire: Wire;
  readonly #clock: Clock;
  /** The longest gap so far between two pieces of one message. */
  #gapMax = 0;

  /**
   * @param wire Where they come from.
   * @param clock The time.
   */
  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
  }

  /** Where the peer is. */
  get remote(): NetworkAddress {
    return this.#wire.remote;
  }

  /**
   * Receives one message.
   *
   * @param what What is waited for, for people.
   * @param read Reads it.
   * @param timeout Milliseconds in which all of it must come.
   * @param quietMin Milliseconds of silence that end it at least.
   * @throws {MalformedError} When something else comes.
   * @throws {SilenceError} When it does not come in time.
   * @throws {NetworkError} When the connection breaks or ends before.
   */
  async receive<M>(
    what: string,
    read: Reader<M>,
    timeout: number,
    quietMin: number = QUIET_MIN,
  ): Promise<M> {
    const end = this.#clock.monotonic() + timeout;
    for (;;) {
      const { held } = this.#wire;
      const reading: Reading<M> = held.length === 0
        ? { kind: "partial" }
        : read(held);
      if (reading.kind === "whole") {
        this.#wire.take(reading.length);
        return reading.message;
      }
      const begun = this.#clock.monotonic();
      const left = Math.max(0, end - begun);
      const quiet = reading.kind === "open" ? this.#quiet(quietMin) : Infinity;
      let news = await this.#wire.more(Math.min(left, quiet));
      if (news === "silence") news = await this.#wire.more(CATCH_UP);
      if (news === "end") {
        throw new NetworkError("closed", `the peer ended before ${what}`);
      }
      if (news === "silence" && reading.kind === "open" && quiet <= left) {
        this.#wire.take(held.length);
        return reading.message;
      }
      // A trickle that never pauses is over as well.
      if (news === "silence" || left === 0) {
        throw new SilenceError(
          `${what} did not come within ${timeout / 1000} s`,
        );
      }
      if (held.length > 0) {
        this.#gapMax = Math.max(this.#gapMax, this.#clock.monotonic() - begun);
      }
    }
  }

  #quiet(quietMin: number): number {
    return Math.min(
      QUIET_MAX,
      Math.max(quietMin, this.#gapMax * QUIET_FACTOR),
    );
  }
}

/** A reader of fixed answers, none of which begins another one. */
export function oneOf<M extends string>(
  answers: Readonly<Record<M, Uint8Array>>,
): Reader<M> {
  const all = Object.entries<Uint8Array>(answers) as [M, Uint8Array][];
  return (bytes) => {
    for (const [message, answer] of all) {
      const length = Math.min(bytes.length, answer.length);
      const isSame = answer.subarray(0, length)
        .every((byte, at) => byte === bytes[at]);
      if (!isSame) continue;
      return length === answer.length
        ? { kind: "whole", message, length }
        : { kind: "partial" };
    }
    throw new MalformedError(
      `${showBytes(bytes)} came in place of ${
        all.map(([, answer]) => showBytes(answer)).join(" or ")
      }`,
    );
  };
}

/**
 * Bytes as text, one character a byte: for messages that are ASCII if they are
 * right, and have some thousands of bytes at most.
 */
export function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** Bytes that are shown of a message that was not understood. */
const SHOWN_MAX = 40;

/** Bytes as people may see them. */
export function showBytes(bytes: Uint8Array): string {
  const text = Array.from(
    bytes.subarray(0, SHOWN_MAX),
    (byte) =>
      byte > 0x1f && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
  return `"${text}${bytes.length > SHOWN_MAX ? "…" : ""}"`;
}
