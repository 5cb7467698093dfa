/**
 * `ferry sync`.
 *
 * @module
 */

import type { TreePlaces } from "../../client/mod.ts";
import { isConfirmed } from "../ask.ts";
import {
  DELETE,
  DRY_RUN,
  FROM_SERVER,
  JSON_OUTPUT,
  TO_SERVER,
  YES,
} from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { Environment } from "../environment.ts";
import { notes, usage } from "../messages.ts";
import { readRemoteName } from "../names.ts";
import type { Direction } from "../reporter.ts";
import type { Session, Work } from "../session.ts";
import { UsageError } from "../usage_error.ts";
import { runTrees, treeSettings } from "./tree.ts";

/** Plans a mirror. */
export function planSync(line: CommandLine, environment: Environment): Work {
  const direction = readDirection(line);
  const places = readPlaces(line, direction);
  checkDelete(line, environment);
  const settings = treeSettings(
    line,
    { command: "sync", direction },
    environment,
  );
  const destination = direction === "get" ? places.local : places.remote;
  return (session) => {
    const options = line.value(YES) ? settings.options : {
      ...settings.options,
      confirmDelete: (paths: readonly string[]) =>
        confirm(session, paths, destination),
    };
    return runTrees(session, [places], { ...settings, options });
  };
}

function readDirection(line: CommandLine): Direction {
  const [isFrom, isTo] = [line.value(FROM_SERVER), line.value(TO_SERVER)];
  if (isFrom === isTo) throw new UsageError(usage.syncDirection());
  return isFrom ? "get" : "put";
}

function readPlaces(line: CommandLine, direction: Direction): TreePlaces {
  const [, source = "", destination = ""] = line.operands;
  const [remote, local] = direction === "get"
    ? [source, destination]
    : [destination, source];
  if (local === "") throw new UsageError(usage.emptyOperand("LOCAL"));
  return { remote: readRemoteName(remote), local };
}

function checkDelete(line: CommandLine, environment: Environment): void {
  const [isDeleting, isSure] = [line.value(DELETE), line.value(YES)];
  if (isSure && !isDeleting) {
    throw new UsageError(usage.needsOther(YES.name, "--delete"));
  }
  if (!isDeleting || isSure || line.value(DRY_RUN)) return;
  if (environment.canAsk && !line.value(JSON_OUTPUT)) return;
  throw new UsageError(usage.nobodyToAsk());
}

async function confirm(
  { environment, reporter, signal }: Session,
  paths: readonly string[],
  destination: string,
): Promise<boolean> {
  const shown = destination === "" ? "/" : destination;
  const question = notes.confirmDelete(paths, shown);
  return await reporter.aside(() => isConfirmed(environment, question, signal));
}
