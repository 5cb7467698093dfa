/**
 * Doors, and what they tell the log, and whoever observes the server, of one
 * user: one event for each log-in, refusal and transfer.
 *
 * @module
 */

import {
  type DoorProtocol,
  type Grant,
  RefusalError,
  refusedFields,
  type Visit,
} from "../server/mod.ts";
import type { Outcome } from "../storage/mod.ts";
import { MalformedError, SilenceError } from "./reading.ts";
import type { ClassicName } from "./types.ts";

/**
 * Makes a door.
 *
 * @param name The name of the protocol.
 * @param hasLogin Whether it asks for user and password.
 * @param serve Serves one connection, as long as there is room for one more.
 */
export function makeDoor(
  name: ClassicName,
  hasLogin: boolean,
  serve: DoorProtocol["serve"],
): DoorProtocol {
  return {
    name,
    hasLogin,
    async serve(connection, visit) {
      visit.assertRoom();
      try {
        await serve(connection, visit);
      } catch (error) {
        throw doorError(error);
      }
    },
  };
}

/** One user at a door, from the log-in until it is disposed of. */
export class DoorSession implements Disposable {
  /** What the user may do. */
  readonly grant: Grant;
  readonly #visit: Visit;
  readonly #began: number;

  /**
   * Tells of the log-in.
   *
   * @param visit The visit.
   * @param grant What the user may do.
   * @param method How the user was let in.
   */
  constructor(visit: Visit, grant: Grant, method: string) {
    this.#visit = visit;
    this.grant = grant;
    this.#began = visit.clock.monotonic();
    visit.report({ type: "log-in", user: grant.user, method });
  }

  /** Tells that a request was refused, or failed on the way. */
  refused(request: string, error: unknown, name?: Uint8Array): void {
    this.#visit.report({
      type: "refusal",
      user: this.grant.user,
      request,
      path: name && shownName(name),
      ...refusedFields(doorError(error)),
    });
  }

  /**
   * Sends a file and tells of it.
   *
   * @param file What and how large.
   * @param send Sends it.
   */
  async sending(
    file: {
      readonly request: string;
      readonly name: Uint8Array;
      readonly path: string;
      readonly size: number;
    },
    send: () => Promise<void>,
  ): Promise<void> {
    const { name, path, request, size } = file;
    const began = this.#visit.clock.monotonic();
    try {
      await send();
    } catch (error) {
      this.refused(request, error, name);
      throw error;
    }
    this.#visit.report({
      type: "sent",
      user: this.grant.user,
      request,
      path,
      size,
      bytes: size,
      duration: this.#visit.clock.monotonic() - began,
    });
  }

  /**
   * Receives a file and tells of it.
   *
   * @param file What.
   * @param receive Receives and publishes it.
   */
  async receiving(
    file: { readonly request: string; readonly name: Uint8Array },
    receive: () => Promise<Outcome>,
  ): Promise<void> {
    const { name, request } = file;
    const began = this.#visit.clock.monotonic();
    let outcome: Outcome;
    try {
      outcome = await receive();
    } catch (error) {
      this.refused(request, error, name);
      throw error;
    }
    const { path, publication, size, durable } = outcome;
    this.#visit.report({
      type: "received",
      user: this.grant.user,
      request,
      path,
      publication,
      size,
      resumedFrom: 0,
      durable,
      duration: this.#visit.clock.monotonic() - began,
    });
  }

  /** Tells that an entry was changed. */
  changed(request: string, details: Readonly<Record<string, unknown>>): void {
    const { user } = this.grant;
    this.#visit.report({ type: "change", user, request, details });
  }

  /** Tells that the session is over. */
  [Symbol.dispose](): void {
    const duration = this.#visit.clock.monotonic() - this.#began;
    const { user } = this.grant;
    this.#visit.report({ type: "log-out", user, duration });
  }
}

/** Bytes of a name that an event has. */
const SHOWN_MAX = 256;

/** A name as it came, for people. */
function shownName(name: Uint8Array): string {
  return new TextDecoder().decode(name.subarray(0, SHOWN_MAX));
}

/** The error that the server logs for one of reading. */
function doorError(error: unknown): unknown {
  if (error instanceof MalformedError) {
    return new RefusalError("protocol", error.message);
  }
  if (error instanceof SilenceError) {
    return new RefusalError("timeout", error.message);
  }
  return error;
}
