/**
 * Every limit of the storage room, with where its number comes from.
 *
 * @module
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR = 60 * 60 * 1000;

/**
 * Bytes in a chunk; all chunks of a file but the last have this size.
 *
 * One data frame carries one chunk. Loopback throughput is flat from 256 KiB up,
 * and a chunk is the most that a single corrupt bit makes one send again.
 */
export const CHUNK_SIZE: number = MIB;

/**
 * Chunks in a file, which bounds it to 16 TiB: the largest file of ext4 with
 * its usual blocks of 4 KiB. The sums of so many chunks take 64 MiB.
 */
export const CHUNK_COUNT_MAX: number = 2 ** 24;

/** Bytes in a file. */
export const FILE_SIZE_MAX: number = CHUNK_SIZE * CHUNK_COUNT_MAX;

/**
 * Bytes received between two checkpoints of the map, each of which costs two
 * syncs: an interrupted transfer sends again no more than this, which is well
 * under a second at the speed of a 10 Gb/s wire.
 */
export const CHECKPOINT_BYTES: number = 64 * MIB;

/**
 * Bytes received between two notes in the map. A note costs one small write and
 * no sync; what was noted and not vouched for when the process was killed is
 * read and checked, and need not be sent again.
 */
export const NOTE_BYTES: number = CHECKPOINT_BYTES / 8;

/**
 * Chunks that the map stops to vouch for, with one sync, when one of them is to
 * be replaced: a source that changed all over costs a sync for each so many.
 */
export const REWRITE_WINDOW: number = 64;

/** Milliseconds after its last checkpoint that an unfinished upload is kept: a week, so that a laptop may come back after a holiday. */
export const STAGING_EXPIRY: number = 7 * 24 * HOUR;

/** Milliseconds that an outcome which nobody acknowledged is kept: a day, many times any client's longest retry. */
export const OUTCOME_RETENTION: number = 24 * HOUR;

/** Milliseconds between two sweeps of the staging folder of a running server. */
export const SWEEP_INTERVAL: number = HOUR;

/** Numbers tried for `name-1`, `name-2`…: each costs one look, ten thousand about 30 ms. */
export const NUMBERED_NAMES_MAX: number = 10_000;

/** Bytes of one name in UTF-8: NAME_MAX of Linux, macOS and (in UTF-16) NTFS. */
export const NAME_BYTES_MAX: number = 255;

/** Bytes of a whole path in UTF-8: PATH_MAX of Linux. */
export const PATH_BYTES_MAX: number = 4096;

/** Segments of a path: deeper trees are made to hurt, and each segment costs a look. */
export const PATH_DEPTH_MAX: number = 128;

/** Entries looked at between two checks that a directory is still the one it was. */
export const LIST_BATCH: number = 256;

/** Chunk sums in one record of the map: a checkpoint fits, and a torn record loses little. */
export const JOURNAL_SUMS_MAX: number = 1024;

/**
 * Bytes of one record of the map: the longest holds two paths, a name and a
 * digest; checked before anything is allocated.
 */
export const JOURNAL_RECORD_BYTES_MAX: number = 16 * KIB;

/**
 * Bytes of a map for each chunk, and those to begin with, beyond which it is
 * not continued but begun anew: a note of one chunk takes 21, and whoever
 * resumes without end must not fill the disk with headers.
 */
export const JOURNAL_CHUNK_BYTES_MAX = 64;

/** See {@linkcode JOURNAL_CHUNK_BYTES_MAX}. */
export const JOURNAL_BASE_BYTES_MAX: number = MIB;

/** Characters of the fingerprint of a source, or of a token: twice the 64 of a SHA-256. */
export const FINGERPRINT_LENGTH_MAX = 128;

/** Blocks of a source that its identity looks at, and bytes of each: 64 KiB, read in well under a millisecond. */
export const SAMPLE_COUNT = 16;

/** See {@linkcode SAMPLE_COUNT}. */
export const SAMPLE_BYTES: number = 4 * KIB;

/**
 * Small files that are received as one group. Their staged files are open at
 * the same time, and a process usually may have 1024.
 */
export const SMALL_GROUP_FILES = 128;

/** Bytes of the small files of a group, which are held in memory by the caller. */
export const SMALL_GROUP_BYTES: number = 64 * MIB;

/**
 * Outcomes of small files that a process knows where to find, about 25 MiB:
 * many times what any client has unacknowledged.
 */
export const GROUP_OUTCOMES_MAX: number = 2 ** 18;

/** Syncs of one group that wait at the same time: the journal of the file system serves several at once. */
export const SMALL_GROUP_SYNCS = 32;

/** Bytes of the map looked at in one go when it is loaded. */
export const JOURNAL_WINDOW_BYTES: number = 256 * KIB;
/**
 * Bytes up to which a read or write of a local file is synchronous: a hop to
 * Deno's thread pool takes 25 to 30 µs, a synchronous call of this size less.
 */
export const SYNCHRONOUS_BYTES_MAX: number = 64 * KIB;

/** Bytes of a file that is read whole when it is opened: never more than one chunk. */
export const WHOLE_SOURCE_BYTES: number = Math.min(
  CHUNK_SIZE,
  SYNCHRONOUS_BYTES_MAX,
);
