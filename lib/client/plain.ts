/**
 * What of the client loads at once: it needs nothing that is built in, and no
 * package.
 *
 * @module
 */
export {
  describe,
  FerryError,
  type FerryErrorCode,
  type FerryErrorOptions,
  type Phase,
  toFerryError,
} from "./errors.ts";
export { DEFAULT_PORT, RETRIES_DEFAULT, TIMEOUT_DEFAULT } from "./limits.ts";
export {
  type LogInKey,
  type LogInOptions,
  type LogInProblem,
  LogInProblemError,
} from "./log_in.ts";
export { filterProblem, type FilterRule } from "./tree/filter.ts";
