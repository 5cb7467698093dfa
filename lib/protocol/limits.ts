/**
 * Every limit of the wire, with where its number comes from. A decoder checks a
 * length against its limit before it allocates anything for it.
 *
 * @module
 */

/** Versions of the protocol that this code speaks, best first. */
export const VERSIONS: readonly number[] = [1];

/** Bytes of a frame's header: what the fields need, see `docs/protocol.md` section 3. */
export const HEADER_SIZE = 28;

/**
 * Bytes of a chunk, and so the largest payload of a `DATA` frame: 1 MiB. Large
 * enough that per-frame costs vanish (4 GB/s on loopback, twice what 64 KiB
 * gives), small enough that two a connection do not count.
 */
export const CHUNK_SIZE = 1_048_576;

/** Chunks of one file: 2^24, so files of at most 16 TiB (what ext4 can hold). */
export const CHUNK_COUNT_MAX = 16_777_216;

/** Largest payload of every other frame: 64 KiB, a page of a listing. */
export const MESSAGE_SIZE_MAX = 65_536;

/** Bytes of one segment of a name in UTF-8: 255, the limit of ext4, XFS, APFS and NTFS. */
export const NAME_SIZE_MAX = 255;

/** Bytes of a whole path in UTF-8: 4096, Linux's `PATH_MAX`. */
export const PATH_SIZE_MAX = 4096;

/** Segments of a path: 128, several times what real trees reach. */
export const PATH_DEPTH_MAX = 128;

/** Bytes of a text for people, such as an error's: 1 KiB, some lines of a terminal. */
export const TEXT_SIZE_MAX = 1024;

/** Bytes of a program's name and version. */
export const AGENT_SIZE_MAX = 128;

/** Bytes of a user name: 255, more than any directory service allows. */
export const USER_SIZE_MAX = 255;

/** Bytes of a password: 1024, more than anybody types, little enough to hash. */
export const PASSWORD_SIZE_MAX = 1024;

/** Bytes of an Ed25519 public key. */
export const PUBLIC_KEY_SIZE = 32;

/** Bytes of an Ed25519 signature. */
export const SIGNATURE_SIZE = 64;

/** Versions, log-in methods or features that one message may list. */
export const OFFER_COUNT_MAX = 16;

/** Bytes of a nonce: 32, as long as the hashes that a log-in signature covers. */
export const NONCE_SIZE = 32;

/** Bytes of a session id. */
export const SESSION_ID_SIZE = 16;

/** Bytes of a data token: 32, past guessing. */
export const TOKEN_SIZE = 32;

/** Bytes of an upload id. */
export const UPLOAD_ID_SIZE = 16;

/** Bytes of the longest digest: SHA-256. */
export const DIGEST_SIZE = 32;

/** Entries of one page of a listing; pages end earlier where bytes run out. */
export const PAGE_ENTRY_COUNT_MAX = 512;

/** Pages that a listing may send ahead of the reader's credit. */
export const PAGE_WINDOW = 8;

/** Runs of chunks that one message may name: 1024, some 20 KiB. */
export const RUN_COUNT_MAX = 1024;

/** Sums that one `HAVE` may carry: 8192, half a message; they stand for 8 GiB. */
export const SUM_COUNT_MAX = 8192;

/** Bytes of the fingerprint of a file on the server: SHA-256. */
export const FINGERPRINT_SIZE = 32;

/** How often a transfer asks again for what was damaged before it fails. */
export const REPAIR_COUNT_MAX = 8;

/**
 * `WANT` and `SUMS` of one `FETCH` that are under way: 8; two hide a round trip,
 * and each may ask for a whole file.
 */
export const WANT_COUNT_MAX = 8;

/**
 * Exchanges that a connection may have open at once: 256, several times what a
 * script has in flight. A data connection has one, unless all are pipelined.
 */
export const EXCHANGE_COUNT_MAX = 256;

/** The largest id of an exchange; a session that has used it up ends. */
export const EXCHANGE_ID_MAX = 0xffff_ffff;
