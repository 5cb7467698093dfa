/**
 * What of the storage loads at once: it needs nothing that is built in, and no
 * package.
 *
 * @module
 */
export {
  StorageError,
  type StorageErrorKind,
  type StorageErrorOptions,
} from "./errors.ts";
export { compileGlob, type Glob, GLOB_SIZE_MAX } from "./glob.ts";
