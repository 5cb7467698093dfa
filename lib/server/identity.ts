/**
 * The identity that a server shows, from its start to its end.
 *
 * @module
 */

import { type Identity, makeIdentity } from "../identity/mod.ts";
import type { Random } from "../platform/mod.ts";
import { ServeError } from "./errors.ts";
import type { IdentitySource, PublicIdentity } from "./types.ts";

/** Shows one identity, and another one whenever it is told to. */
export class ShownIdentity {
  #source: IdentitySource | undefined;
  #current: Identity;

  private constructor(source: IdentitySource | undefined, current: Identity) {
    this.#source = source;
    this.#current = current;
  }

  /**
   * Takes the first identity; without a source it is made, for this run only.
   *
   * @throws {ServeError} With the reason.
   */
  static async open(
    source: IdentitySource | undefined,
    random: Random,
  ): Promise<ShownIdentity> {
    return new ShownIdentity(
      source,
      source === undefined ? await makeIdentity(random) : await load(source),
    );
  }

  /** What new connections are shown. */
  get current(): Identity {
    return this.#current;
  }

  /** What anybody may know of it. */
  get shown(): PublicIdentity {
    const { fingerprintText, shortForm, expires } = this.#current;
    return { fingerprint: fingerprintText, shortForm, expires };
  }

  /**
   * Takes it anew from its source, or from another one from now on.
   *
   * @returns What shows it; until then the old one is shown.
   * @throws {ServeError} With the reason.
   */
  async prepare(source = this.#source): Promise<() => void> {
    const next = source === undefined ? this.#current : await load(source);
    return () => {
      this.#source = source;
      this.#current = next;
    };
  }
}

async function load(source: IdentitySource): Promise<Identity> {
  try {
    return await source();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new ServeError(`Cannot use the identity: ${cause.message}`, {
      cause,
    });
  }
}
