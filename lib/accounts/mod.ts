/**
 * Who may log in, and what they may do: the users file, passwords and keys,
 * rights by path, quotas, and the lock-out of those who guess.
 *
 * @module
 */
export {
  AccountBook,
  type AccountBookParts,
  LogInError,
  type LogInProblem,
  type Proof,
} from "./account_book.ts";
export { AccountsError, type FilePlace } from "./errors.ts";
export {
  addressPrefix,
  LOCK_OUT_LIMITS,
  LockOut,
  type LockOutLimits,
} from "./lock_out.ts";
export {
  type Derive,
  hashPassword,
  type PasswordHash,
  passwordProblem,
  type ScryptCost,
} from "./password.ts";
export {
  QuotaLedger,
  type QuotaLedgerParts,
  type QuotaLimit,
  type Reservation,
} from "./quota_ledger.ts";
export { AccessRules, type RightsRule } from "./rights.ts";
export { ANONYMOUS } from "./schema.ts";
export {
  SecretFile,
  type SecretFileParts,
  type SecretText,
} from "./secret_file.ts";
export {
  formatPublicKey,
  generateKeyPair,
  keyFingerprint,
  type KeyPair,
  parsePrivateKey,
  parsePublicKey,
  type PublicKey,
} from "./ssh_key.ts";
export { countUsage, type FolderUsage, type Usage } from "./usage.ts";
export {
  type Account,
  type Accounts,
  parseUsersFile,
  type Quota,
  USERS_FILE_SIZE_MAX,
} from "./users_file.ts";
export {
  addKey,
  addUser,
  EMPTY_USERS_FILE,
  type NewUser,
  removeUser,
  setPassword,
  type UsersEdit,
} from "./users_editor.ts";
