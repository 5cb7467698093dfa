/**
 * Waits and sizes of the client, each with its reason.
 *
 * @module
 */

/** The port that `ferryd` listens on unless told otherwise. */
export const DEFAULT_PORT = 65430;

/**
 * Milliseconds of silence after which a server counts as gone, and the most
 * that connecting and logging in may take: 30 s, the time in which TCP itself
 * has tried again five times.
 */
export const TIMEOUT_DEFAULT = 30_000;

/** How often an answer that was lost is asked for again. */
export const RETRIES_DEFAULT = 3;

/** Milliseconds before the first try to reconnect; doubles with each. */
export const RETRY_DELAY_MIN = 250;

/**
 * How often a refused data connection is asked for again, and the milliseconds
 * before the first time, doubled with each: 1.6 s in all, for a server that has
 * not noticed yet which ones were closed.
 */
export const GRANT_TRIES = 5;

/** See {@linkcode GRANT_TRIES}. */
export const GRANT_DELAY_MIN = 50;

/**
 * Bytes of a cancelled download that are still read and dropped, so that its
 * connection can be used again: 64 MiB, more than is under way anywhere. A
 * server that sends more does not mean to stop.
 */
export const LEAVE_SIZE_MAX = 67_108_864;

/**
 * Requests of a session that wait for their answers at once; more wait here.
 * Half of what a server takes unless told otherwise, for listings count there too.
 */
export const REQUESTS_AT_ONCE = 16;

/** Milliseconds that a farewell may take: nobody waits for it. */
export const FAREWELL_TIMEOUT = 1000;

/** Checks for silence within one time-out: the first silent one sends a `PING`. */
export const SILENCE_CHECKS = 3;

/** Milliseconds before a try to reconnect, at most: half a minute. */
export const RETRY_DELAY_MAX = 30_000;

/**
 * Milliseconds between two measurements of a transfer that chooses its number of
 * connections: two round trips of a long link, or some chunks of a slow one.
 */
export const STREAM_INTERVAL = 250;

/** Milliseconds between two looks at whether all connections are under way. */
export const STREAM_POLL = 50;

/**
 * Milliseconds after which it counts what there is although some are not: they
 * may never be. Ten seconds are some round trips by satellite.
 */
export const STREAM_PATIENCE = 10_000;

/**
 * Bytes that a connection must have received before its rate says something: a
 * chunk, after which most of TCP's slow start is over.
 */
export const WARM_SIZE_GET = 1_048_576;

/**
 * Bytes that a connection must have sent before its rate says something: 8 MiB.
 * The first ones only fill the buffers of both systems: 4 MiB here and some there.
 */
export const WARM_SIZE_PUT = 8_388_608;

/**
 * Bytes from which on a file may use several connections: 32 MiB. Less is over
 * before anything could be measured.
 */
export const STREAM_SIZE_MIN = 33_554_432;

/** Chunks that one connection takes at a time: 8 MiB, so that none is long the last. */
export const STREAM_CHUNKS = 8;

/**
 * Milliseconds that a server has to dial an active data connection: a little
 * more than it tries, so that its own reason arrives.
 */
export const ACTIVE_TIMEOUT = 12_000;
