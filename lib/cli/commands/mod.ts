/**
 * What the commands of `ferry` do.
 *
 * @module
 */

import {
  GET,
  INFO,
  LIST,
  MAKE_DIRECTORY,
  PUT,
  REMOVE,
  RENAME,
  STAT,
  SYNC,
} from "../client_commands.ts";
import type { Planner } from "../session.ts";
import { planGet } from "./get.ts";
import { planList } from "./list.ts";
import { planPut } from "./put.ts";
import { planSync } from "./sync.ts";
import {
  planInfo,
  planMakeDirectory,
  planRemove,
  planRename,
  planStat,
} from "./simple.ts";

/** The planner of each command, by its name. */
export const PLANNERS: Readonly<Record<string, Planner>> = {
  [LIST.name]: planList,
  [GET.name]: planGet,
  [PUT.name]: planPut,
  [SYNC.name]: planSync,
  [RENAME.name]: planRename,
  [REMOVE.name]: planRemove,
  [MAKE_DIRECTORY.name]: planMakeDirectory,
  [STAT.name]: planStat,
  [INFO.name]: planInfo,
};
