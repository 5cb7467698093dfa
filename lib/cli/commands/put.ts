/**
 * `ferry put`.
 *
 * @module
 */

import { FerryError, type TreePlaces } from "../../client/mod.ts";
import { RECURSIVE, REMOTE_OUTPUT } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { Environment } from "../environment.ts";
import { EXIT, type ExitCode } from "../exit_codes.ts";
import { usage } from "../messages.ts";
import {
  joinRemote,
  looksLikeDirectory,
  readRemoteName,
  rejectTwins,
  remoteNameOf,
} from "../names.ts";
import type { Session, Work } from "../session.ts";
import { UsageError } from "../usage_error.ts";
import { type Job, runTransfers, transferSettings } from "./transfer.ts";
import { rejectTreeOptions, runTrees, treeSettings } from "./tree.ts";

const STDIN = "-";

/** What is to be sent, and where to. */
interface Sending {
  /** Local paths, or stdin alone. */
  readonly sources: readonly string[];
  /** The name that `-o` gave; `""` for the top. */
  readonly output: string;
  /** Whether `output` is a directory; `undefined` if the server has to say. */
  readonly isDirectory: boolean | undefined;
  /** The name of each source below a directory. */
  readonly names: readonly string[];
}

/** Plans sendings. */
export function planPut(line: CommandLine, environment: Environment): Work {
  rejectTreeOptions(line);
  const sending = planSending(line, environment);
  const run = line.value(RECURSIVE)
    ? treeRunner(line, environment)
    : fileRunner(line, environment);
  return async (session) => {
    let isDirectory = sending.isDirectory;
    const attempt = { doing: "look at", path: sending.output };
    const code = await session.attempt(attempt, async () => {
      isDirectory ??= await isRemoteDirectory(session, sending.output);
    });
    if (code !== EXIT.done) return code;
    const pairs = sending.sources.map((local, index) => {
      const name = sending.names[index] ?? "";
      const isBelow = isDirectory && name !== "";
      const { output } = sending;
      return { local, remote: isBelow ? joinRemote(output, name) : output };
    });
    return await run(session, pairs);
  };
}

/** Sends what is local under its remote name. */
type Runner = (
  session: Session,
  pairs: readonly TreePlaces[],
) => Promise<ExitCode>;

function treeRunner(line: CommandLine, environment: Environment): Runner {
  const style = { command: "put", direction: "put" } as const;
  const settings = treeSettings(line, style, environment);
  return (session, pairs) => runTrees(session, pairs, settings);
}

function fileRunner(line: CommandLine, environment: Environment): Runner {
  const settings = transferSettings(line, "put", environment);
  return async (session, pairs) => {
    const jobs: Job[] = [];
    for (const { local, remote } of pairs) {
      jobs.push(await prepare(session, local, remote));
    }
    return await runTransfers(session, jobs, settings);
  };
}

function planSending(line: CommandLine, environment: Environment): Sending {
  const sources = line.operands.slice(1);
  const given = line.value(REMOTE_OUTPUT);
  const output = readRemoteName(given ?? "");
  const isNamedDirectory = given === undefined || looksLikeDirectory(given);
  const isTree = line.value(RECURSIVE);
  if (sources.includes(STDIN)) {
    if (isTree) throw new UsageError(usage.stdinIsNoTree());
    if (sources.length > 1) throw new UsageError(usage.stdinIsAlone());
    if (isNamedDirectory) throw new UsageError(usage.stdinNeedsName());
    return { sources, output, isDirectory: false, names: [] };
  }
  // With -r an existing directory is not asked for: the second run of a command
  // would have another target than the first.
  const isDirectory = isNamedDirectory || sources.length > 1
    ? true
    : isTree
    ? false
    : undefined;
  const { isWindows } = environment.platform;
  const names = sources.map((source) =>
    // What is in it, as "cp -r ." has it.
    isTree && isHere(source) ? "" : remoteNameOf(source, isWindows)
  );
  rejectTwins(
    sources.map((source, index) => ({
      given: source,
      target: names[index] ?? "",
    })),
  );
  return { sources, output, isDirectory, names };
}

/** `.`, `./`, `docs/.` and their like: what is in a directory, not the directory. */
function isHere(path: string): boolean {
  return /(^|[/\\])\.[/\\]*$/.test(path);
}

/** Who may not look, or finds nothing, sends a file of that name. */
async function isRemoteDirectory(
  { client, signal }: Session,
  path: string,
): Promise<boolean> {
  try {
    return (await client.stat(path, { signal })).kind === "directory";
  } catch (error) {
    const isNo = error instanceof FerryError &&
      ["not-found", "not-directory", "denied", "unsupported"].includes(
        error.code,
      );
    if (isNo) return false;
    throw error;
  }
}

async function prepare(
  { client, environment }: Session,
  source: string,
  path: string,
): Promise<Job> {
  if (source === STDIN) {
    return {
      name: path,
      size: undefined,
      run: (options) => client.put(environment.stdin(), path, options),
    };
  }
  const { kind, size } = await environment.look(source);
  return {
    name: source,
    // A pipe has as much as comes; what is not there, nothing.
    size: kind === "other" ? undefined : size,
    run: (options) => client.put(source, path, options),
  };
}
