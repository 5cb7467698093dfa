/**
 * The server room: a folder served to Ferry clients.
 *
 * @module
 */
export { ServeError } from "./errors.ts";
export {
  DEFAULT_ADDRESS,
  DRAIN_DEFAULT,
  SERVER_LIMITS,
  type ServerLimits,
} from "./limits.ts";
export { checkServe, serve } from "./serve.ts";
export type { AnonymousAccess, Offer, ServeOptions, Server } from "./types.ts";
