/**
 * The error for command lines that make no sense.
 *
 * @module
 */

/** A command line that cannot be followed; the message is one whole sentence. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
