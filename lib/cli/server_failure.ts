/**
 * The error for what a server cannot do.
 *
 * @module
 */

import type { ExitCode } from "./exit_codes.ts";

/** A command of `ferryd` has failed; the message is one whole sentence. */
export class ServerFailure extends Error {
  override readonly name = "ServerFailure";
  /** How the program ends. */
  readonly code: ExitCode;

  /**
   * @param message What failed, why, and what to do.
   * @param code How the program ends.
   * @param options The cause.
   */
  constructor(message: string, code: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
