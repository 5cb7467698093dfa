/**
 * The client room: sessions with a Ferry server.
 *
 * @module
 */
export * from "./plain.ts";
export { connect } from "./connect.ts";
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
