/**
 * `ferryd user`: accounts in a users file.
 *
 * @module
 */

import {
  type Account,
  AccountsError,
  addKey,
  addUser,
  EMPTY_USERS_FILE,
  hashPassword,
  keyFingerprint,
  parsePublicKey,
  parseUsersFile,
  type PasswordHash,
  passwordProblem,
  type PublicKey,
  removeUser,
  SecretFile,
  setPassword,
  USERS_FILE_SIZE_MAX,
  type UsersEdit,
} from "../accounts/mod.ts";
import { RIGHTS } from "../protocol/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { accounts as text } from "./account_messages.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment } from "./environment.ts";
import { escapeName } from "./escape.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { readLocalText } from "./local_text.ts";
import { readPassword } from "./log_in.ts";
import { PASSWORD_FILE } from "./log_in_options.ts";
import { USER_KEY, USER_RIGHTS, USER_ROOT, USERS } from "./server_commands.ts";
import type { AnyOption } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** Bytes of the largest public-key file that is read. */
const KEY_SIZE_MAX = 16_384;

/** What an action works with. */
interface Job {
  readonly line: CommandLine;
  readonly environment: Environment;
  readonly file: SecretFile;
  readonly name: string;
  /** What follows the name. */
  readonly operand: string | undefined;
  /** Aborted when somebody asks the program to end. */
  readonly signal: AbortSignal;
}

/** One thing to do with accounts. */
interface Action {
  /** How failures call it. */
  readonly doing: string;
  /** Whether it is about one user. */
  readonly hasName: boolean;
  /** The options that mean something to it. */
  readonly options: readonly AnyOption[];
  /** Does it. Returns what to say. */
  run(job: Job): Promise<string>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  add: {
    doing: "add user",
    hasName: true,
    options: [PASSWORD_FILE, USER_ROOT, USER_RIGHTS, USER_KEY],
    async run(job) {
      const { line, name } = job;
      const path = line.value(USER_KEY);
      const key = path === undefined ? undefined : await readKey(path, job);
      const isByKey = key !== undefined &&
        line.value(PASSWORD_FILE) === undefined;
      await edit(
        job,
        addUser(name, {
          rights: line.value(USER_RIGHTS),
          root: line.value(USER_ROOT),
          password: isByKey ? undefined : await newPassword(job),
          key,
        }),
      );
      return text.added(name);
    },
  },
  passwd: {
    doing: "change the password of",
    hasName: true,
    options: [PASSWORD_FILE],
    async run(job) {
      await edit(job, setPassword(job.name, await newPassword(job)));
      return text.passwordSet(job.name);
    },
  },
  key: {
    doing: "give a key to",
    hasName: true,
    options: [],
    async run(job) {
      const { name, operand } = job;
      if (operand === undefined) throw new UsageError(text.needsKeyFile);
      const key = await readKey(operand, job);
      await edit(job, addKey(name, key));
      return text.keyAdded(name, keyFingerprint(key.bytes));
    },
  },
  rm: {
    doing: "remove user",
    hasName: true,
    options: [],
    async run(job) {
      await edit(job, removeUser(job.name));
      return text.removed(job.name);
    },
  },
  list: {
    doing: "list the users of",
    hasName: false,
    options: [],
    async run({ file }) {
      const content = (await file.read())?.text ?? EMPTY_USERS_FILE;
      const { users, anonymous } = parseUsersFile(content, file.path);
      const all = [...users.values()];
      if (anonymous !== undefined) all.push(anonymous);
      return all.length === 0 ? text.nobody : all.map(describe).join("\n");
    },
  },
};

/**
 * Does what was asked with a users file.
 *
 * @param line The command line.
 * @param environment The world around.
 * @throws {UsageError} When it makes no sense.
 */
export async function runUser(
  line: CommandLine,
  environment: Environment,
): Promise<ExitCode> {
  const [word = "", ...rest] = line.operands;
  const action = ACTIONS[word];
  if (action === undefined || !Object.hasOwn(ACTIONS, word)) {
    throw new UsageError(text.unknownAction(word));
  }
  const path = line.value(USERS);
  if (path === undefined) throw new UsageError(text.needsUsersFile);
  const [name, operand] = action.hasName ? rest : [path, ...rest];
  if (name === undefined) throw new UsageError(text.needsName(word));
  if (operand !== undefined && word !== "key") {
    throw new UsageError(text.needless(word, operand));
  }
  const needless = line.given([PASSWORD_FILE, USER_ROOT, USER_RIGHTS, USER_KEY])
    .find(([option]) => !action.options.includes(option));
  if (needless !== undefined) {
    throw new UsageError(text.needlessOption(word, needless[0].name));
  }
  const sizeMax = USERS_FILE_SIZE_MAX;
  const file = new SecretFile({ ...environment, path, sizeMax });
  const interruption = new AbortController();
  const { signal } = interruption;
  // Else the signal would end the program while the terminal shows nothing.
  const stop = environment.onTermination(() => interruption.abort());
  try {
    const job = { line, environment, file, name, operand, signal };
    const said = await action.run(job);
    await environment.stdout.write(`${said}\n`);
    return EXIT.done;
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    if (!(error instanceof AccountsError)) throw error;
    const message = text.failed(action.doing, name, error.message);
    await environment.stderr.write(`ferryd: ${message}\n`);
    return EXIT.failed;
  } finally {
    stop();
  }
}

/** Changes the file; one that is not there yet begins empty. */
async function edit({ file }: Job, change: UsersEdit): Promise<void> {
  await file.update((before = EMPTY_USERS_FILE) => {
    const after = change(before);
    // What is written must be what can be read again.
    parseUsersFile(after, file.path);
    return after;
  });
}

async function newPassword(job: Job): Promise<PasswordHash> {
  const { line, environment } = job;
  const password = await readPassword(line.value(PASSWORD_FILE), environment) ??
    await askTwice(job);
  const problem = passwordProblem(password);
  if (problem !== undefined) throw new UsageError(text.badPassword(problem));
  return await hashPassword(password, environment.random);
}

async function askTwice(
  { environment, name, signal }: Job,
): Promise<string> {
  const ask = (question: string) => environment.askSecret(question, signal);
  const password = await ask(text.askNewPassword(name));
  if (password === undefined) throw new UsageError(text.noNewPassword(name));
  if (await ask(text.askAgain) === password) return password;
  throw new UsageError(text.passwordsDiffer);
}

async function readKey(
  path: string,
  { environment }: Job,
): Promise<PublicKey> {
  try {
    const content = await readLocalText(environment.disk, path, KEY_SIZE_MAX);
    return parsePublicKey(content);
  } catch (error) {
    if (!(error instanceof AccountsError || error instanceof StorageError)) {
      throw error;
    }
    throw new UsageError(text.unusable("the key", path, error.message));
  }
}

/** One line of a list. */
function describe({ name, password, keys, root, access }: Account): string {
  const proofs = [
    ...password === undefined ? [] : ["password"],
    ...keys.length === 0
      ? []
      : [keys.length === 1 ? "1 key" : `${keys.length} keys`],
  ];
  const rights = RIGHTS.filter((right) => access.anywhere.includes(right));
  return [
    name,
    proofs.join(" and ") || "no log-in",
    rights.join(",") || "nothing",
    root === undefined ? "" : escapeName(root),
  ].join("\t").trimEnd();
}
