/**
 * The names on the server of a command line that is being typed. Nobody is asked
 * anything, and nothing is said.
 *
 * @module
 */

import type { ListPage } from "../client/mod.ts";
import { CLIENT_PROGRAM, INFO, REMOTE_OPTIONS } from "./client_commands.ts";
import { ACCEPT_NEW, DATA_PORT, PROTOCOL } from "./client_options.ts";
import { readCommandLine } from "./command_line.ts";
import { CompletionCache } from "./completion_cache.ts";
import { stateFolder } from "./connection.ts";
import type { Environment, Output } from "./environment.ts";
import { readHost } from "./host.ts";
import { splitUser } from "./log_in.ts";
import { makeReporter } from "./reporters.ts";
import { connect } from "./run_client.ts";
import type { Candidate } from "./shell/expand.ts";
import { remotePath } from "./shell/places.ts";
import { RemoteNames } from "./shell/remote_names.ts";
import { splitWords } from "./words.ts";

/** Milliseconds that somebody who types is kept waiting for a connection and a listing. */
const PATIENCE = 2000;

const SILENCE: Output = {
  isTerminal: false,
  columns: () => 80,
  write: () => Promise.resolve(),
};

/** What may be said of the connection and is worth following here. */
const FOLLOWED = REMOTE_OPTIONS.filter((option) =>
  // A Tab trusts nobody, and a classic protocol has no directories to list.
  option !== ACCEPT_NEW && option !== PROTOCOL && option !== DATA_PORT
);

/** A world in which nobody hears or answers. */
function quiet(environment: Environment): Environment {
  return {
    ...environment,
    stdout: SILENCE,
    stderr: SILENCE,
    canAsk: false,
    ask: () => Promise.resolve(undefined),
    askSecret: () => Promise.resolve(undefined),
  };
}

/**
 * The command line that asks the server of another one who it is; `undefined`
 * where there is none to ask.
 */
function questionOf(words: readonly string[]): string[] | undefined {
  const { commands, commonOptions } = CLIENT_PROGRAM;
  const all = [...commonOptions, ...commands.flatMap(({ options }) => options)];
  const [name] = splitWords(words, all).operands;
  const command = commands.find(({ name: own, aliases = [] }) =>
    own === name || aliases.some((alias) => alias === name)
  );
  if (command === undefined) return undefined;
  const known = [...commonOptions, ...command.options];
  const { operands: [, host], sequence } = splitWords(words, known);
  const isOther = sequence.some(([name]) => name === PROTOCOL.name);
  if (host === undefined || isOther) return undefined;
  const options = sequence.flatMap(([name, value]) => {
    const option = FOLLOWED.find((option) => option.name === name);
    if (option === undefined) return [];
    return option.placeholder === undefined
      ? [`--${name}`]
      : [`--${name}=${value}`];
  });
  return [INFO.name, ...options, "--", host];
}

/**
 * The names in a directory of the server that a command line of `ferry` names.
 *
 * @param folder The directory, as it was typed.
 * @param words What stands before it.
 * @param environment The world around.
 */
export async function remoteNames(
  folder: string,
  words: readonly string[],
  environment: Environment,
): Promise<readonly Candidate[]> {
  const question = questionOf(words);
  if (question === undefined) return [];
  const places = { remote: "", local: "", home: undefined, isWindows: false };
  const path = remotePath(folder, places).replace(/^\/+|\/+$/g, "");
  const cache = new CompletionCache(
    environment,
    await stateFolder(environment),
  );
  const key = [...question, path];
  const kept = await cache.get(key);
  if (kept !== undefined) return kept;
  const names = await askServer(question, path, quiet(environment));
  if (names.length > 0) await cache.set(key, names);
  return names;
}

async function askServer(
  question: readonly string[],
  path: string,
  environment: Environment,
): Promise<readonly Candidate[]> {
  const line = readCommandLine(CLIENT_PROGRAM, question);
  const { host, user } = splitUser(line.operands[0] ?? "");
  const ending = new AbortController();
  const connecting = connect(line, {
    address: readHost(host),
    user,
    reporter: makeReporter(environment, { isJson: false }, ""),
    environment,
    signal: ending.signal,
  });
  async function* list(
    path: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<ListPage> {
    const client = await connecting;
    if (typeof client !== "number") yield* client.list(path, options);
  }
  const names = new RemoteNames(
    environment.clock,
    () => ({ list }),
    PATIENCE,
  );
  try {
    return await names.in(path);
  } finally {
    names.close();
    ending.abort();
    const client = await connecting.catch(() => undefined);
    if (typeof client === "object") await client.close();
  }
}
