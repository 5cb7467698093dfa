/**
 * From a command line to who logs in, and how. A secret comes from a file, the
 * environment or a terminal, and never from a word of the command line.
 *
 * @module
 */

import type { LogInKey, LogInOptions } from "../client/mod.ts";
import { StorageError } from "../storage/plain.ts";
import { accounts as text } from "./account_messages.ts";
import type { CommandLine } from "./command_line.ts";
import type { Environment } from "./environment.ts";
import { escapeText } from "./escape.ts";
import { readLocalText } from "./local_text.ts";
import {
  ALLOW_PLAIN_PASSWORD,
  IDENTITY,
  PASSWORD_FILE,
  USER,
} from "./log_in_options.ts";
import { usage } from "./messages.ts";
import { UsageError } from "./usage_error.ts";

/** Bytes of the largest file with a key or a password. */
const SECRET_SIZE_MAX = 16_384;

/** The variable that may hold a password. */
const PASSWORD_VARIABLE = "FERRY_PASSWORD";

const USER_PATTERN =
  /^(?<scheme>[a-z][a-z0-9+.-]*:\/\/)?(?:(?<user>[^/]*)@)?(?<host>[^@]*)$/is;

/** A HOST that may name a user. */
export interface UserAndHost {
  /** The user; `undefined`: none is named. */
  readonly user: string | undefined;
  /** The rest. */
  readonly host: string;
}

/**
 * Takes `NAME@` from a HOST.
 *
 * @param operand The HOST, as it was typed.
 * @throws {UsageError} When it holds a password; it is not shown again.
 */
export function splitUser(operand: string): UserAndHost {
  const found = USER_PATTERN.exec(operand)?.groups;
  const { scheme = "", user, host: rest = "" } = found ?? {};
  if (user === undefined) return { user: undefined, host: operand };
  const host = `${scheme}${rest}`;
  if (user.includes(":")) throw new UsageError(text.passwordInHost(host));
  return { user: user === "" ? undefined : user, host };
}

/** What {@linkcode readLogIn} works with. */
export interface LogInParts {
  /** The user that HOST names. */
  readonly user: string | undefined;
  /** The server, for questions. */
  readonly host: string;
  /** The world around. */
  readonly environment: Environment;
  /** Ends a question. */
  readonly signal: AbortSignal;
}

/**
 * Says who logs in; asks for the password where nothing else holds it.
 *
 * @throws {UsageError} When the options make no sense, or no secret is there.
 */
export async function readLogIn(
  line: CommandLine,
  { user: named, host, environment, signal }: LogInParts,
): Promise<LogInOptions> {
  const asked = line.value(USER);
  if (named !== undefined && asked !== undefined && named !== asked) {
    throw new UsageError(text.twoUsers(named, asked));
  }
  const user = asked ?? named;
  const identity = line.value(IDENTITY);
  const passwordFile = line.value(PASSWORD_FILE);
  if (identity !== undefined && passwordFile !== undefined) {
    throw new UsageError(usage.contradiction("--identity", "--password-file"));
  }
  if (user === undefined) {
    if (identity !== undefined) {
      throw new UsageError(text.needsUser("--identity"));
    }
    if (passwordFile === undefined) return {};
    throw new UsageError(text.needsUser("--password-file"));
  }
  if (identity !== undefined) {
    return { user, identity: await readIdentity(identity, environment) };
  }
  const password = await readPassword(passwordFile, environment) ??
    await environment.askSecret(
      text.askPassword(user, escapeText(host)),
      signal,
    );
  signal.throwIfAborted();
  if (password === undefined) throw new UsageError(text.noPassword(user));
  const allowPlainPassword = line.value(ALLOW_PLAIN_PASSWORD);
  return { user, password, allowPlainPassword };
}

/** The password of a file or of the environment; `undefined`: neither is there. */
export async function readPassword(
  path: string | undefined,
  environment: Environment,
): Promise<string | undefined> {
  if (path === undefined) return environment.variable(PASSWORD_VARIABLE);
  const content = await readSecret("--password-file", path, environment);
  const [password = ""] = content.split(/\r?\n/, 1);
  if (password !== "") return password;
  throw new UsageError(
    text.unusable("--password-file", path, text.emptyPassword),
  );
}

async function readIdentity(
  path: string,
  environment: Environment,
): Promise<LogInKey> {
  const content = await readSecret("--identity", path, environment);
  // Few log in with a key, and what reads one takes a while to load.
  const { AccountsError, parsePrivateKey } = await import("../accounts/mod.ts");
  try {
    return parsePrivateKey(content);
  } catch (error) {
    if (!(error instanceof AccountsError)) throw error;
    throw new UsageError(text.unusable("--identity", path, error.problem));
  }
}

async function readSecret(
  option: string,
  path: string,
  { disk }: Environment,
): Promise<string> {
  try {
    const { mode } = await disk.stat(path);
    if ((mode & 0o077) !== 0) {
      throw new UsageError(
        text.unusable(option, path, text.readableByOthers(path)),
      );
    }
    return await readLocalText(disk, path, SECRET_SIZE_MAX);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new UsageError(text.unusable(option, path, error.message));
  }
}
