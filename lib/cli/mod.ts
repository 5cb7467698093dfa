/**
 * The command line of `ferry` and `ferryd`.
 *
 * @module
 */
export { denoEnvironment } from "./deno_environment.ts";
export {
  type Environment,
  type LocalEntry,
  type LocalKind,
  type Output,
  OutputClosedError,
  type Platform,
} from "./environment.ts";
export { runClient } from "./run_client.ts";
export { runServer } from "./run_server.ts";
