/**
 * `ferry get`.
 *
 * @module
 */

import { type Client, FerryError, type GetTarget } from "../../client/mod.ts";
import { LOCAL_OUTPUT, RECURSIVE } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import {
  type Environment,
  type Output,
  OutputClosedError,
  OutputError,
  STDOUT,
} from "../environment.ts";
import { usage } from "../messages.ts";
import {
  joinLocal,
  localNameOf,
  readRemoteName,
  readRemoteNameBelowRoot,
  rejectTwins,
} from "../names.ts";
import type { Session, Work } from "../session.ts";
import { UsageError } from "../usage_error.ts";
import { rejectTreeOptions, runTrees, treeSettings } from "./tree.ts";
import {
  type Job,
  runTransfers,
  type TransferSettings,
  transferSettings,
} from "./transfer.ts";

/** A remote file and where it goes; `undefined` is stdout. */
interface Fetch {
  readonly given: string;
  readonly remote: string;
  readonly target: string | undefined;
}

/** Plans fetches. */
export async function planGet(
  line: CommandLine,
  environment: Environment,
): Promise<Work> {
  rejectTreeOptions(line);
  const fetches = await planFetches(line, environment);
  if (line.value(RECURSIVE)) return planTrees(line, fetches, environment);
  const settings = transferSettings(line, "get", environment);
  return async (session) => {
    const jobs = await prepare(session, fetches, settings);
    return await runTransfers(session, jobs, settings);
  };
}

function planTrees(
  line: CommandLine,
  fetches: readonly Fetch[],
  environment: Environment,
): Work {
  const jobs = fetches.map(({ remote, target }) => {
    if (target === undefined) throw new UsageError(usage.noTreeToStdout());
    return { remote, local: target };
  });
  const style = { command: "get", direction: "get" } as const;
  const settings = treeSettings(line, style, environment);
  return (session) => runTrees(session, jobs, settings);
}

async function planFetches(
  line: CommandLine,
  environment: Environment,
): Promise<Fetch[]> {
  const output = line.value(LOCAL_OUTPUT);
  // With -r the top is a directory like any other, but has no name.
  const read = line.value(RECURSIVE)
    ? readRemoteName
    : (text: string) => readRemoteNameBelowRoot(text, "get");
  const sources = line.operands.slice(1).map((given) => ({
    given,
    remote: read(given),
  }));
  if (output === "-") {
    return sources.map((source) => ({ ...source, target: undefined }));
  }
  const { isWindows } = environment.platform;
  const isDirectory = output !== undefined &&
    (sources.length > 1 || /\/$/.test(output) ||
      isWindows && output.endsWith("\\") ||
      await isExistingDirectory(output, line, environment));
  const fetches = sources.map((source) => {
    if (output !== undefined && !isDirectory) {
      return { ...source, target: output };
    }
    const name = localNameOf(source.remote, isWindows);
    if (name === "") return { ...source, target: output ?? "." };
    return {
      ...source,
      target: output === undefined ? name : joinLocal(output, name),
    };
  });
  rejectTwins(fetches);
  return fetches;
}

/**
 * Whether what has the name `output` takes things in. With `-r` that would give
 * the second run of a command another target than the first: there only a name
 * that can be nothing else counts.
 */
async function isExistingDirectory(
  output: string,
  line: CommandLine,
  environment: Environment,
): Promise<boolean> {
  return line.value(RECURSIVE)
    ? /(?:^|[/\\])\.\.?$/.test(output)
    : (await environment.look(output)).kind === "directory";
}

/** Sizes are only worth a question each where somebody watches a sum of them. */
async function prepare(
  session: Session,
  fetches: readonly Fetch[],
  settings: TransferSettings,
): Promise<Job[]> {
  const { client, signal, environment } = session;
  const wantsSizes = fetches.length > 1 && settings.isProgressShown;
  const jobs: Job[] = [];
  for (const { remote, target } of fetches) {
    jobs.push({
      name: remote,
      target,
      size: wantsSizes ? await remoteSize(client, remote, signal) : undefined,
      run: (options) =>
        client.get(remote, target ?? outputStream(environment.stdout), options),
    });
  }
  return jobs;
}

/**
 * What cannot be looked at cannot be fetched either and adds nothing; the reason
 * shows when the file itself is asked for. Where a link leads is not known yet.
 */
async function remoteSize(
  client: Client,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const { kind, size } = await client.stat(path, { signal });
    return kind === "link" ? undefined : size;
  } catch (error) {
    const isUnknown = error instanceof FerryError &&
      error.code === "unsupported";
    return isUnknown ? undefined : 0;
  }
}

function outputStream(output: Output): Exclude<GetTarget, string> {
  return new WritableStream<Uint8Array>({
    async write(chunk): Promise<void> {
      try {
        await output.write(chunk);
      } catch (error) {
        if (!(error instanceof OutputClosedError)) throw error;
        // A listing that nobody reads on is one thing, half a file another.
        const phrase = "its reader is gone before the end";
        throw new OutputError(STDOUT, phrase);
      }
    },
  });
}
