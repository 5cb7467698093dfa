/**
 * The client room: sessions with a Ferry server.
 *
 * @module
 */
export { connect } from "./connect.ts";
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
export type { SmallRequest, SmallTransfer } from "./small_job.ts";
export type { TlsOptions, UnknownServer } from "./trust.ts";
export type {
  Client,
  ConnectionEvent,
  ConnectOptions,
  GetTarget,
  ListPage,
  OperationOptions,
  PutSource,
  Receipt,
  ReconnectEvent,
  RemoteEntry,
  SessionInfo,
  TransferOptions,
  TransferProgress,
} from "./types.ts";
export {
  filterProblem,
  type FilterRule,
  getTree,
  putTree,
  type SetAttributes,
  type SmallFiles,
  type SyncOptions,
  syncTree,
  TREE_LIMITS,
  type TreeDirection,
  type TreeEvent,
  type TreeFile,
  type TreeLimits,
  type TreeOptions,
  type TreePlaces,
  type TreeProgress,
  type TreeSummary,
} from "./tree/mod.ts";
