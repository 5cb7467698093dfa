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

/** Milliseconds that a farewell may take: nobody waits for it. */
export const FAREWELL_TIMEOUT = 1000;

/** Checks for silence within one time-out: the first silent one sends a `PING`. */
export const SILENCE_CHECKS = 3;
