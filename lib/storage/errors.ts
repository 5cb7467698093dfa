/**
 * What can go wrong with bytes at rest.
 *
 * @module
 */

/** The kinds of {@linkcode StorageError}; stable, for programs to branch on. */
export type StorageErrorKind =
  | "not-found"
  | "exists"
  | "is-directory"
  | "not-directory"
  | "not-empty"
  | "not-file"
  | "denied"
  | "outside"
  | "bad-name"
  | "busy"
  | "no-space"
  | "quota"
  | "too-large"
  | "integrity"
  | "changed"
  | "cancelled"
  | "io";

/** Options of {@linkcode StorageError}. */
export interface StorageErrorOptions extends ErrorOptions {
  /** The name that the user knows the thing by; never a path outside the root. */
  readonly name?: string;
}

/**
 * A storage operation failed for a reason that the caller can act on.
 *
 * The message is a phrase that completes "Cannot …: ", in lower case, safe to
 * show to a remote user: it names no path of this machine.
 */
export class StorageError extends Error {
  /** Which failure this is. */
  readonly kind: StorageErrorKind;
  /** The name that the user knows the thing by, where there is one. */
  readonly subject: string | undefined;

  /**
   * Makes an error.
   *
   * @param kind Which failure this is.
   * @param message A phrase that completes "Cannot …: ".
   * @param options The subject and the cause.
   */
  constructor(
    kind: StorageErrorKind,
    message: string,
    options: StorageErrorOptions = {},
  ) {
    super(message, options);
    this.name = "StorageError";
    this.kind = kind;
    this.subject = options.name;
  }
}
