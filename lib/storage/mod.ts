/**
 * Bytes at rest: a jail for names, an engine that publishes only what is
 * complete, verified and durable, and the disks that it works on.
 *
 * @module
 */
export * from "./plain.ts";
export {
  chunkCount,
  ChunkDigest,
  chunkLength,
  smallDigest,
} from "./chunk_digest.ts";
export { DenoDisk } from "./deno_disk.ts";
export type {
  Disk,
  DiskAccess,
  DiskEntry,
  DiskFile,
  DiskStat,
  EntryKind,
  OpenMode,
} from "./disk.ts";
export {
  DiskStorage,
  type DiskStorageOptions,
  type MemoryStorageOptions,
  openFileStorage,
  openMemoryStorage,
} from "./disk_storage.ts";
export type { jailed, KnownFolders, SafePath, SeenDirectory } from "./jail.ts";
export { lstatIfAny } from "./jail.ts";
export { type Journal, readJournal } from "./journal_file.ts";
export {
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  FILE_SIZE_MAX,
  NAME_BYTES_MAX,
  PATH_BYTES_MAX,
  PATH_DEPTH_MAX,
} from "./limits.ts";
export {
  type LocalFileOptions,
  makeLocalDirectory,
  openLocalSource,
  receiveLocalFile,
  receiveLocalSmall,
  setLocalAttributes,
} from "./local_files.ts";
export {
  hasLeftover,
  listLeftovers,
  type LocalLeftover,
  removeLeftover,
} from "./local_leftovers.ts";
export { MemoryDisk, type MemoryDiskOptions } from "./memory_disk.ts";
export { NameLocks } from "./name_locks.ts";
export { foldName, formatBytes, quoteName, STAGING_NAME } from "./names.ts";
export type { CommitStep, StorageHooks } from "./receiving_parts.ts";
export type {
  Attributes,
  ChunkRun,
  ChunkSums,
  ConflictPolicy,
  Digest,
  DigestAlgorithm,
  Durability,
  Entry,
  Fingerprint,
  HeldChunks,
  LocateIntent,
  Outcome,
  Publication,
  ReceiveRequest,
  ReceiveStart,
  Receiving,
  Review,
  SmallFile,
  Source,
  SourceChunk,
  SourceState,
  StagedFile,
  Storage,
} from "./storage.ts";
export type {
  HeaderRecord,
  IntentRecord,
  OutcomeRecord,
  SumsRecord,
} from "./upload_journal.ts";
export { readWholeFile, writeWholeFile } from "./whole_file.ts";
