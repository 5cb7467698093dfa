/**
 * Waits of the lock-step protocols `coen366`, `csci320` and `nets`, in
 * milliseconds, each with its reason.
 *
 * @module
 */

/**
 * For one whole message of a peer: the originals pause a second or two at each
 * step, and a proxy that lets one byte through in 100 ms needs 26 s for the
 * longest message of `nets`.
 */
export const MESSAGE_TIMEOUT = 30_000;

/** Between two requests of somebody at a prompt: ten minutes to look something up. */
export const PROMPT_TIMEOUT = 600_000;

/**
 * Between two looks at whether the bytes of a file still move; who has moved
 * less than {@linkcode PROGRESS_SIZE_MIN} bytes then counts as gone.
 */
export const PROGRESS_INTERVAL = 30_000;

/** Bytes in {@linkcode PROGRESS_INTERVAL}: two a second, less than any stammering proxy lets through. */
export const PROGRESS_SIZE_MIN = 64;

/**
 * After the last byte that was announced: what the peer sent beyond it in one
 * go is here by then, also on a loaded machine.
 */
export const EXCESS_WAIT = 50;

/** For the last bytes of a connection to get through before it is closed. */
export const FAREWELL_TIMEOUT = 1000;

/**
 * After the last byte that was announced, where the peer closes next: longer
 * than any pause that ends a message without an end mark.
 */
export const CLOSE_WAIT = 3000;
