/**
 * Ports to what is not deterministic: time and chance.
 *
 * @module
 */
export { type CancelTimer, type Clock, sleep, systemClock } from "./clock.ts";
export { type Random, systemRandom } from "./random.ts";
export { VERSION } from "./version.ts";
