/**
 * What goes wrong with identities.
 *
 * @module
 */

/**
 * The kinds of {@linkcode IdentityError}.
 *
 * - `certificate`: there is no certificate in it, or a damaged one.
 * - `key`: there is no private key in it, or one that cannot be used.
 * - `mismatch`: the key is not that of the certificate.
 * - `expired`, `not-yet-valid`: the time of the certificate is over, or to come.
 * - `file`: a file cannot be read or written.
 * - `known-hosts`: the list of known servers has a line that makes no sense.
 */
export type IdentityErrorKind =
  | "certificate"
  | "key"
  | "mismatch"
  | "expired"
  | "not-yet-valid"
  | "file"
  | "known-hosts";

/** An identity cannot be had. The message is a phrase that names the file and says what to do. */
export class IdentityError extends Error {
  /** Which failure this is. */
  readonly kind: IdentityErrorKind;

  /**
   * Makes an error.
   *
   * @param kind Which failure this is.
   * @param message A phrase in lower case.
   * @param options The cause.
   */
  constructor(
    kind: IdentityErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "IdentityError";
    this.kind = kind;
  }
}
