/**
 * Changes to the text of a users file that leave the rest of it, comments
 * included, as it is.
 *
 * @module
 */

import { applyEdits, type JSONPath, modify } from "jsonc-parser";
import type { Right } from "../protocol/mod.ts";
import { AccountsError } from "./errors.ts";
import { formatPasswordHash, type PasswordHash } from "./password.ts";
import { userNameProblem } from "./schema.ts";
import { formatPublicKey, type PublicKey } from "./ssh_key.ts";
import { type Account, parseUsersFile } from "./users_file.ts";

/** The text of a file that is not there yet. */
export const EMPTY_USERS_FILE =
  `// Who may log in to ferryd. What may stand here: docs/security.md.
{
  "users": {}
}
`;

/** What a new user has. */
export interface NewUser {
  /** All that is allowed. */
  readonly rights: readonly Right[];
  /** The root folder; `undefined`: the served one. */
  readonly root: string | undefined;
  /** What is kept of the password. */
  readonly password: PasswordHash | undefined;
  /** A key to log in with. */
  readonly key: PublicKey | undefined;
}

/** A change to the text of a users file. */
export type UsersEdit = (text: string) => string;

/**
 * Adds a user.
 *
 * @throws {AccountsError} When the name cannot be one, or is taken.
 */
export function addUser(name: string, user: NewUser): UsersEdit {
  const problem = userNameProblem(name);
  if (problem !== undefined) throw new AccountsError(problem);
  const { rights, root, password, key } = user;
  return (text) => {
    if (has(text, name)) {
      throw new AccountsError("there is such a user already");
    }
    return set(text, ["users", name], {
      ...password === undefined
        ? {}
        : { password: formatPasswordHash(password) },
      ...key === undefined ? {} : { keys: [formatPublicKey(key)] },
      ...root === undefined ? {} : { root },
      rights,
    });
  };
}

/** Gives a user another password. */
export function setPassword(name: string, password: PasswordHash): UsersEdit {
  return (text) => {
    assertUser(text, name);
    const path = ["users", name, "password"];
    return set(text, path, formatPasswordHash(password));
  };
}

/** Keeps a password at another cost, unless it was changed meanwhile. */
export function upgradePassword(
  name: string,
  { from, to }: { readonly from: PasswordHash; readonly to: PasswordHash },
): UsersEdit {
  return (text) => {
    const { password } = assertUser(text, name);
    const isSame = password !== undefined &&
      formatPasswordHash(password) === formatPasswordHash(from);
    return isSame ? setPassword(name, to)(text) : text;
  };
}

/**
 * Gives a user one more key; one that is there already stays as it is.
 *
 * @throws {AccountsError} When there is no such user.
 */
export function addKey(name: string, key: PublicKey): UsersEdit {
  return (text) => {
    const { keys } = assertUser(text, name);
    const isThere = keys.some(({ bytes }) =>
      bytes.toHex() === key.bytes.toHex()
    );
    if (isThere) return text;
    const line = formatPublicKey(key);
    return keys.length === 0
      ? set(text, ["users", name, "keys"], [line])
      : set(text, ["users", name, "keys", keys.length], line);
  };
}

/** Removes a user. */
export function removeUser(name: string): UsersEdit {
  return (text) => {
    assertUser(text, name);
    return set(text, ["users", name], undefined);
  };
}

function has(text: string, name: string): boolean {
  return parseUsersFile(text, "it").users.has(name);
}

function assertUser(text: string, name: string): Account {
  const user = parseUsersFile(text, "it").users.get(name);
  if (user === undefined) throw new AccountsError("there is no such user");
  return user;
}

function set(text: string, path: JSONPath, value: unknown): string {
  const formattingOptions = { insertSpaces: true, tabSize: 2, eol: "\n" };
  const edits = modify(text, path, value, { formattingOptions });
  return applyEdits(text, edits);
}
