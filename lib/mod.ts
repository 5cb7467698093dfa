/**
 * Ferry moves files over TCP: completely, verified, durably.
 *
 * {@linkcode serve} offers a folder, {@linkcode connect} opens a session with a
 * server; the programs `ferryd` and `ferry` are made of these two.
 *
 * @example Serve a folder and send a file to it
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await using server = await serve({
 *   root: folder,
 *   listen: [{ hostname: "127.0.0.1", port: 0 }],
 * });
 * const [address] = server.addresses;
 *
 * await using client = await connect(address!);
 * const receipt = await client.put(new Blob(["hello"]).stream(), "hello.txt");
 *
 * assertEquals(receipt.durable, Deno.build.os !== "windows");
 * assertEquals(await Deno.readTextFile(`${folder}/hello.txt`), "hello");
 * ```
 *
 * @module
 */
export {
  type Client,
  connect,
  type ConnectionEvent,
  type ConnectOptions,
  DEFAULT_PORT,
  FerryError,
  type FerryErrorCode,
  type FerryErrorOptions,
  filterProblem,
  type FilterRule,
  type GetTarget,
  getTree,
  type ListPage,
  type LogInKey,
  type LogInOptions,
  type OperationOptions,
  type PutSource,
  putTree,
  type Receipt,
  type ReconnectEvent,
  type RemoteEntry,
  RETRIES_DEFAULT,
  type SessionInfo,
  type SetAttributes,
  type SmallFiles,
  type SmallRequest,
  type SmallTransfer,
  type SyncOptions,
  syncTree,
  TIMEOUT_DEFAULT,
  type TlsOptions,
  type TransferOptions,
  type TransferProgress,
  TREE_LIMITS,
  type TreeDirection,
  type TreeEvent,
  type TreeFile,
  type TreeLimits,
  type TreeOptions,
  type TreePlaces,
  type TreeProgress,
  type TreeSummary,
  type UnknownServer,
} from "./client/mod.ts";
export {
  type FileParts,
  type Identity,
  IdentityError,
  type IdentityErrorKind,
  identityFromFiles,
  identityFromFolder,
  identityFromPem,
  type IdentityPaths,
  type KeptIdentity,
  makeIdentity,
  type PemNames,
} from "./identity/mod.ts";
export {
  type AnonymousAccess,
  type ChangeEvent,
  checkServe,
  type ClosingEvent,
  type ConnectedEvent,
  type Credentials,
  DEFAULT_ADDRESS,
  type DisconnectedEvent,
  type DoorOptions,
  type DoorProtocol,
  DRAIN_DEFAULT,
  type EventOrigin,
  type EventRefusal,
  type EventRequest,
  type EventUser,
  type Grant,
  type IdentitySource,
  type ListenAddress,
  type LogInEvent,
  type LogInRefusedEvent,
  type LogOutEvent,
  type Offer,
  type OnReceived,
  type OpenDoor,
  type PublicIdentity,
  type ReceivedEvent,
  type ReceivedFile,
  type RefusalEvent,
  type SentEvent,
  serve,
  ServeError,
  type ServeOptions,
  type Server,
  SERVER_LIMITS,
  type ServerAddress,
  type ServerEvent,
  type ServerLimits,
  type ServerObserver,
  type Verdict,
  type Visit,
} from "./server/mod.ts";
export {
  type Attributes,
  type ChunkRun,
  type ChunkSums,
  type CommitStep,
  type ConflictPolicy,
  type Digest,
  type DigestAlgorithm,
  type Disk,
  type DiskAccess,
  type DiskEntry,
  type DiskFile,
  type DiskStat,
  DiskStorage,
  type DiskStorageOptions,
  type Durability,
  type Entry,
  type EntryKind,
  type Fingerprint,
  type HeldChunks,
  type jailed,
  type KnownFolders,
  type LocateIntent,
  MemoryDisk,
  type MemoryDiskOptions,
  type MemoryStorageOptions,
  openFileStorage,
  openMemoryStorage,
  type OpenMode,
  type Outcome,
  type Publication,
  type ReceiveRequest,
  type ReceiveStart,
  type Receiving,
  type Review,
  type SafePath,
  type SeenDirectory,
  type SmallFile,
  type Source,
  type SourceChunk,
  type SourceState,
  type StagedFile,
  type Storage,
  StorageError,
  type StorageErrorKind,
  type StorageErrorOptions,
  type StorageHooks,
} from "./storage/mod.ts";
export {
  AccountsError,
  type FilePlace,
  generateKeyPair,
  type KeyPair,
  parsePrivateKey,
  type Proof,
} from "./accounts/mod.ts";
export type { CancelTimer, Clock, Random } from "./platform/mod.ts";
export type { ErrorCode, Right } from "./protocol/mod.ts";
export type {
  Connection,
  ConnectionPurpose,
  Listener,
  Network,
  NetworkAddress,
  NetworkError,
  NetworkErrorKind,
  Scheme,
} from "./transport/mod.ts";
