/**
 * Moving whole folders over a session.
 *
 * @module
 */
export { filterProblem, type FilterRule } from "./filter.ts";
export { getTree } from "./get_tree.ts";
export { TREE_LIMITS, type TreeLimits } from "./limits.ts";
export { putTree } from "./put_tree.ts";
export { syncTree } from "./sync_tree.ts";
export type {
  SetAttributes,
  SmallFiles,
  SyncOptions,
  TreeDirection,
  TreeEvent,
  TreeFile,
  TreeOptions,
  TreePlaces,
  TreeProgress,
  TreeSummary,
} from "./types.ts";
