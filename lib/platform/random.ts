/**
 * The port for chance: ids, tokens and jitter come from a {@linkcode Random},
 * so that a seeded one can replay a whole run.
 *
 * @module
 */

/** A source of random bytes. */
export interface Random {
  /** Returns `length` random bytes, fit for secrets when the source is. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** The operating system's cryptographic random source. */
export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};
