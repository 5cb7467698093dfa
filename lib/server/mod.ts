/**
 * The server room: a folder served to Ferry clients.
 *
 * @module
 */
export {
  type Authority,
  type Credentials,
  type Grant,
  type Origin,
  requireRight,
} from "./access.ts";
export type { DoorProtocol, Visit } from "./door.ts";
export {
  RefusalError,
  ServeError,
  type WireError,
  wireError,
} from "./errors.ts";
export {
  DEFAULT_ADDRESS,
  DRAIN_DEFAULT,
  SERVER_LIMITS,
  type ServerLimits,
} from "./limits.ts";
export { checkServe, serve } from "./serve.ts";
export type {
  AnonymousAccess,
  DoorOptions,
  Offer,
  OpenDoor,
  ServeOptions,
  Server,
} from "./types.ts";
