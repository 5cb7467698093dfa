/**
 * The command line of `ferry` and `ferryd`.
 *
 * @module
 */
export { denoCaller } from "./deno_caller.ts";
export {
  type Caller,
  type Environment,
  type LocalEntry,
  type LocalKind,
  type Output,
  OutputClosedError,
  type Platform,
} from "./environment.ts";
export { runClient } from "./ferry.ts";
export { runServer } from "./ferryd.ts";
