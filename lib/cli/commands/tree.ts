/**
 * What `get -r`, `put -r` and `sync` have in common: trees one after the other,
 * counted, shown and summed up.
 *
 * @module
 */

import {
  type FerryError,
  type FerryErrorCode,
  type FilterRule,
  getTree,
  putTree,
  type Receipt,
  type SyncOptions,
  syncTree,
  type TreeEvent,
  type TreePlaces,
  type TreeSummary,
} from "../../client/mod.ts";
import { TREE_OPTIONS } from "../client_commands.ts";
import {
  CHECKSUM,
  DELETE,
  DRY_RUN,
  DURABILITY,
  EXCLUDE,
  INCLUDE,
  LINKS,
  ON_CONFLICT,
  PRESERVE,
  RECURSIVE,
  TRANSFER_DIGEST,
} from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { Environment } from "../environment.ts";
import { endsSession, EXIT, type ExitCode } from "../exit_codes.ts";
import { problems, usage } from "../messages.ts";
import type { TreeStyle } from "../reporter.ts";
import type { Session, Try } from "../session.ts";
import { TreeMeter } from "../tree_meter.ts";
import { UsageError } from "../usage_error.ts";
import { joinLocal, joinRemote } from "../names.ts";
import {
  isProgressShown,
  type Job,
  networkOptions,
  runTransfers,
  type TransferSettings,
} from "./transfer.ts";
import { type Extras, treeHooks, tunedClient } from "./tree_client.ts";

/** How to move trees. */
export interface TreeSettings {
  /** How it shows. */
  readonly style: TreeStyle;
  /** What the engine is told. */
  readonly options: SyncOptions;
  /** What the client is told of each file besides. */
  readonly extras: Extras;
  /** Whether somebody watches. */
  readonly isProgressShown: boolean;
}

/**
 * Refuses options that mean nothing without `-r`.
 *
 * @throws {UsageError} if there is one.
 */
export function rejectTreeOptions(line: CommandLine): void {
  const [given] = line.given(TREE_OPTIONS);
  if (given === undefined || line.value(RECURSIVE)) return;
  throw new UsageError(usage.needsOther(given[0].name, "-r"));
}

/**
 * How a command line wants trees moved.
 *
 * @param line The command line.
 * @param style Which command, and which way.
 * @param environment Tells whether somebody watches.
 */
export function treeSettings(
  line: CommandLine,
  style: Pick<TreeStyle, "command" | "direction">,
  environment: Environment,
): TreeSettings {
  const digest = line.value(TRANSFER_DIGEST);
  const isDry = line.value(DRY_RUN);
  const filter = line.given([INCLUDE, EXCLUDE]).map(([option, pattern]) => ({
    action: option === INCLUDE ? "include" : "exclude",
    pattern,
  } satisfies FilterRule));
  const options: SyncOptions = {
    durability: line.value(DURABILITY),
    checksum: line.value(CHECKSUM),
    filter,
    links: line.value(LINKS),
    preserve: line.value(PRESERVE),
    dryRun: isDry,
    deleteExtra: line.value(DELETE),
    ...digest === "auto" ? {} : { digest },
    ...style.command === "sync" ? {} : { onConflict: line.value(ON_CONFLICT) },
  };
  return {
    style: { ...style, isDry, isDigestShown: digest !== "auto" },
    options,
    extras: networkOptions(line),
    isProgressShown: !isDry && isProgressShown(line, environment),
  };
}

/** What trees add up to. */
class Sum {
  #total: TreeSummary | undefined;
  /** Trees that could not begin. */
  failed = 0;
  /** The code of the last failure. */
  code: ExitCode = EXIT.done;
  /** Whether the last failure was about a root that is a file. */
  isOneFile = false;
  /** Bytes that an earlier try had moved already. */
  resumedFrom = 0;
  /** Chunks that were sent again. */
  repaired = 0;

  add(summary: TreeSummary): void {
    const before = this.#total;
    if (before === undefined) {
      this.#total = summary;
      return;
    }
    const sums = Object.entries(summary).map(([name, value]) => {
      const other = before[name as keyof TreeSummary];
      return typeof value === "number"
        ? [name, value + Number(other)]
        : [name, value ?? other];
    });
    const isDurable = before.isDurable === undefined
      ? summary.isDurable
      : before.isDurable && summary.isDurable !== false;
    this.#total = { ...summary, ...Object.fromEntries(sums), isDurable };
  }

  /** A file that failed is asked about: it is left out, or tried again. */
  reconsider(isSkipped: boolean): void {
    const { failed, skipped } = this.#total ?? NOTHING;
    this.#total = {
      ...this.#total ?? NOTHING,
      failed: failed - 1,
      skipped: skipped + (isSkipped ? 1 : 0),
    };
  }

  get total(): TreeSummary {
    const total = this.#total ?? NOTHING;
    return { ...total, failed: total.failed + this.failed };
  }

  /** A file was moved. */
  moved({ resumedFrom, repaired, publication }: Receipt): void {
    if (publication !== "skipped") this.resumedFrom += resumedFrom;
    this.repaired += repaired;
  }

  /** The exit code of it all. */
  exitCode(jobs: number): ExitCode {
    const { total } = this;
    if (total.ended !== undefined) return EXIT.failed;
    if (total.failed === 0) return EXIT.done;
    const isOnly = jobs === 1 && (this.failed === 1 || this.isOneFile);
    return isOnly ? this.code : EXIT.someFailed;
  }
}

const NOTHING: TreeSummary = {
  files: 0,
  bytes: 0,
  wireBytes: 0,
  folders: 0,
  equal: 0,
  skipped: 0,
  links: 0,
  specials: 0,
  failed: 0,
  notTried: 0,
  deleted: 0,
  extra: 0,
  isDurable: undefined,
  ended: undefined,
};

/**
 * Moves trees.
 *
 * @param session Over which.
 * @param jobs The trees.
 * @param settings How.
 */
export async function runTrees(
  session: Session,
  jobs: readonly TreePlaces[],
  settings: TreeSettings,
): Promise<ExitCode> {
  const { reporter, environment } = session;
  const { style } = settings;
  const meter = new TreeMeter(environment.clock, jobs.length);
  const sum = new Sum();
  const taken: Taken[] = [];
  await reporter.treesBegin(style, meter, settings.isProgressShown);
  try {
    for (const job of jobs) {
      try {
        sum.add(await moveTree(session, job, { settings, meter, sum, taken }));
      } catch (error) {
        const path = style.direction === "get" ? job.remote : job.local;
        sum.failed++;
        sum.code = await session.fail(error, attemptOf(style, path));
        if (endsSession(error)) break;
      }
      meter.next();
      if (sum.total.ended !== undefined) break;
    }
    const { elapsed } = meter;
    const again = await reconsider(session, taken, settings, sum);
    const isNothing = sum.failed === jobs.length;
    const { total, resumedFrom, repaired } = sum;
    const report = { ...total, elapsed, resumedFrom, repaired };
    if (!isNothing) await reporter.treesEnd(report, style);
    const code = sum.exitCode(jobs.length);
    await remark(session, sum.total, code);
    if (again.length === 0) return code;
    const second = await runTransfers(session, again, transfersOf(settings));
    return code === EXIT.done ? second : code;
  } finally {
    await reporter.transfersStop();
  }
}

/** A file of a tree whose name is taken, and about which somebody is asked at the end. */
interface Taken {
  readonly error: FerryError;
  readonly attempt: Try;
  readonly remote: string;
  readonly local: string;
}

/** Asks about taken names; what is to be moved after all comes back. */
async function reconsider(
  session: Session,
  taken: readonly Taken[],
  { style }: TreeSettings,
  sum: Sum,
): Promise<Job[]> {
  const { client, conflicts, signal } = session;
  const again: Job[] = [];
  for (const { error, attempt, remote, local } of taken) {
    signal.throwIfAborted();
    const choice = await conflicts?.choose(error, remote) ?? "fail";
    if (choice === "fail") sum.code = await session.fail(error, attempt);
    else sum.reconsider(choice === "skip");
    if (choice === "fail" || choice === "skip") continue;
    const isGet = style.direction === "get";
    again.push({
      name: isGet ? remote : local,
      target: isGet ? local : undefined,
      size: undefined,
      run: (options) =>
        isGet
          ? client.get(remote, local, { ...options, onConflict: choice })
          : client.put(local, remote, { ...options, onConflict: choice }),
    });
  }
  return again;
}

/** How single files of a tree are moved. */
function transfersOf(
  { style, options, ...rest }: TreeSettings,
): TransferSettings {
  const { durability, digest } = options;
  return {
    direction: style.direction,
    isProgressShown: rest.isProgressShown,
    isDigestShown: style.isDigestShown,
    options: {
      ...rest.extras,
      ...durability === undefined ? {} : { durability },
      ...digest === undefined ? {} : { digest },
    },
  };
}

async function remark(
  { reporter }: Session,
  total: TreeSummary,
  code: ExitCode,
): Promise<void> {
  if (total.ended !== undefined) {
    await reporter.remark(problems.endedEarly(total.notTried));
  } else if (code === EXIT.someFailed) {
    const { files, equal, skipped, failed, notTried } = total;
    const all = files + equal + skipped + failed + notTried;
    await reporter.remark(problems.someFailed(failed, all, "entry"));
  }
  if (total.extra > 0) {
    await reporter.remark(problems.notDeleted(total.extra));
  }
}

async function moveTree(
  session: Session,
  places: TreePlaces,
  { settings, meter, sum, taken }: {
    readonly settings: TreeSettings;
    readonly meter: TreeMeter;
    readonly sum: Sum;
    readonly taken: Taken[];
  },
): Promise<TreeSummary> {
  const { environment, reporter, signal } = session;
  const { style, extras } = settings;
  const client = tunedClient(session.client, extras);
  const options: SyncOptions = {
    ...settings.options,
    ...treeHooks(client),
    disk: environment.disk,
    clock: environment.clock,
    signal,
    onProgress: (progress) => meter.update(progress),
    onEvent: async (event) => {
      if (event.kind !== "failed") {
        if (event.kind === "file" && event.receipt) sum.moved(event.receipt);
        return await reporter.treeEvent(event, style);
      }
      sum.isOneFile = event.path === "" && event.doing === style.direction;
      const attempt = failedAttempt(event, style);
      const { error, path } = event;
      const isAsked = session.conflicts !== undefined && !style.isDry &&
        style.command !== "sync";
      if (isAsked && error.code === "exists") {
        const remote = joinPath(places.remote, path);
        const local = path === ""
          ? places.local
          : joinLocal(places.local, path);
        return void taken.push({ error, attempt, remote, local });
      }
      sum.code = await session.fail(event.error, attempt);
    },
  };
  if (style.command === "sync") {
    const { direction } = style;
    return await syncTree(client, { direction, ...places }, options);
  }
  return style.direction === "get"
    ? await getTree(client, places, options)
    : await putTree(client, places, options);
}

function joinPath(remote: string, path: string): string {
  return path === "" ? remote : joinRemote(remote, path);
}

/** Hints that are for single files. */
const UNHINTED: readonly FerryErrorCode[] = [
  "is-directory",
  "not-empty",
  "not-found",
];

function attemptOf({ command, direction }: TreeStyle, path: string): Try {
  const unhinted: readonly FerryErrorCode[] = command === "sync"
    ? [...UNHINTED, "exists"]
    : UNHINTED;
  return { doing: direction, path, unhinted };
}

function failedAttempt(
  event: Extract<TreeEvent, { kind: "failed" }>,
  style: TreeStyle,
): Try {
  const { doing, subject, target } = event;
  const attempt = { ...attemptOf(style, subject), doing };
  return doing === "get" && target !== undefined
    ? { ...attempt, target }
    : attempt;
}
