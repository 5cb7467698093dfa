/**
 * What of the classic protocols loads at once: it needs nothing that is built
 * in, and no package.
 *
 * @module
 */
export {
  CLASSIC_FACTS,
  type ClassicFacts,
  type ClassicName,
  type ClassicOperation,
} from "./facts.ts";
