/**
 * The server room: a folder served to Ferry clients.
 *
 * @module
 */
export {
  type AccessChange,
  type AccessPolicy,
  type Authority,
  type Credentials,
  type Grant,
  type Origin,
  type PasswordCredentials,
  requireRight,
} from "./access.ts";
export type {
  ChangeEvent,
  ClosingEvent,
  ConnectedEvent,
  DisconnectedEvent,
  EventOrigin,
  EventRefusal,
  EventRequest,
  EventUser,
  LockedOutEvent,
  LogInEvent,
  LogInRefusedEvent,
  LogOutEvent,
  ReceivedEvent,
  RefusalEvent,
  SentEvent,
  ServerEvent,
  ServerObserver,
} from "./events.ts";
export type { DoorProtocol, Visit } from "./door.ts";
export {
  RefusalError,
  refusedFields,
  ServeError,
  type WireError,
  wireError,
} from "./errors.ts";
export {
  DEFAULT_ADDRESS,
  DIAL_PORT_MIN,
  DRAIN_DEFAULT,
  type LimitSpec,
  SERVER_LIMIT_TABLE,
  SERVER_LIMITS,
  type ServerLimits,
} from "./limits.ts";
export type { OnReceived, ReceivedFile, Verdict } from "./reviewed_storage.ts";
export { checkServe, serve } from "./serve.ts";
export type {
  AnonymousAccess,
  DoorOptions,
  IdentitySource,
  ListenAddress,
  Offer,
  OpenDoor,
  PublicIdentity,
  ReloadOptions,
  ServeOptions,
  Server,
  ServerAddress,
} from "./types.ts";
