/**
 * From the text of a users file to the accounts in it. Whatever is wrong with
 * any of it, none of it counts.
 *
 * @module
 */

import {
  findNodeAtLocation,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import * as v from "valibot";
import { AccountsError } from "./errors.ts";
import { parsePasswordHash, type PasswordHash } from "./password.ts";
import { AccessRules } from "./rights.ts";
import {
  ANONYMOUS,
  type AnonymousContent,
  type UserContent,
  USERS_SCHEMA,
} from "./schema.ts";
import { parsePublicKey, type PublicKey } from "./ssh_key.ts";

/** How much somebody may keep. */
export interface Quota {
  /** Bytes of all files. */
  readonly bytes: number | undefined;
  /** Files and folders. */
  readonly files: number | undefined;
}

/** Somebody who may log in, and what they may do. */
export interface Account {
  /** The name. */
  readonly name: string;
  /** What is kept of the password; `undefined`: no log-in by password. */
  readonly password: PasswordHash | undefined;
  /** The keys. */
  readonly keys: readonly PublicKey[];
  /** The root folder, below the served one or absolute; `undefined`: the served one. */
  readonly root: string | undefined;
  /** What may be done where. */
  readonly access: AccessRules;
  /** How much may be kept; `undefined`: no limit. */
  readonly quota: Quota | undefined;
  /** Bytes a second that all sessions together may move; `undefined`: no limit. */
  readonly rate: number | undefined;
  /** Sessions at once; `undefined`: no limit of its own. */
  readonly sessions: number | undefined;
  /** Data connections of a session; `undefined`: what the server allows. */
  readonly streams: number | undefined;
}

/** Everybody who may log in. */
export interface Accounts {
  /** By name. */
  readonly users: ReadonlyMap<string, Account>;
  /** Those without an account; `undefined`: the file says nothing of them. */
  readonly anonymous: Account | undefined;
  /** Whether a root folder may be inside another one. */
  readonly nestedRoots: boolean;
}

/** Bytes of the largest file that is read: 8 MiB, some ten thousand users. */
export const USERS_FILE_SIZE_MAX = 8_388_608;

/**
 * Reads a users file: JSON with comments and trailing commas.
 *
 * @param text What is in it.
 * @param file What to call it in errors.
 * @throws {AccountsError} With the line and the key that are to blame.
 */
export function parseUsersFile(text: string, file: string): Accounts {
  const tree = parseSyntax(text, file);
  rejectAmbiguity(tree, text, file);
  const result = v.safeParse(USERS_SCHEMA, toValue(tree), {
    abortPipeEarly: true,
  });
  if (!result.success) throw issueError(result.issues[0], tree, text, file);
  const { users, anonymous, nestedRoots } = result.output;
  const named = Object.entries(users).map(([name, content]) =>
    [name, toAccount(name, content)] as const
  );
  return {
    users: new Map(named),
    anonymous: anonymous && toAccount(ANONYMOUS, anonymous),
    nestedRoots,
  };
}

function toAccount(
  name: string,
  content: UserContent | AnonymousContent,
): Account {
  const { root, rights, rules, quota, rate, sessions, streams } = content;
  const secrets = "keys" in content ? content : undefined;
  return {
    name,
    password: secrets?.password === undefined
      ? undefined
      : parsePasswordHash(secrets.password),
    keys: secrets?.keys.map((line) => parsePublicKey(line)) ?? [],
    root,
    access: new AccessRules(rights, rules),
    quota: quota && { bytes: quota.bytes, files: quota.files },
    rate,
    sessions,
    streams,
  };
}

/** The tree of a text that is JSON with comments. */
function parseSyntax(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const what = printParseErrorCode(error.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
    throw new AccountsError(`it is not JSON with comments: ${what}`, {
      file,
      line: lineAt(text, error.offset),
    });
  }
  if (tree === undefined) {
    throw new AccountsError('it is empty; the least is { "users": {} }', {
      file,
    });
  }
  return tree;
}

/** Keys that mean something to the language, and that validators pass over. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set([
  "__proto__",
  "constructor",
  "prototype",
]);

/** A key that stands twice has two meanings. */
function rejectAmbiguity(tree: Node, text: string, file: string): void {
  const nodes = [tree];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    const { type, children = [] } = node;
    nodes.push(...children);
    if (type !== "object") continue;
    const seen = new Set<string>();
    for (const property of children) {
      const [key] = property.children ?? [];
      const name = String(key?.value);
      if (!seen.has(name) && !FORBIDDEN_KEYS.has(name)) {
        seen.add(name);
        continue;
      }
      throw new AccountsError(
        FORBIDDEN_KEYS.has(name)
          ? "no key can have this name"
          : "it stands twice",
        { file, line: lineAt(text, property.offset), key: name },
      );
    }
  }
}

/** The plain value of a tree without ambiguous keys. */
function toValue(node: Node): unknown {
  const { type, children = [], value } = node;
  if (type === "array") return children.map(toValue);
  if (type !== "object") return value;
  return Object.fromEntries(
    children.map(({ children: [key, content] = [] }) => [
      String(key?.value),
      content && toValue(content),
    ]),
  );
}

function issueError(
  issue: v.BaseIssue<unknown>,
  tree: Node,
  text: string,
  file: string,
): AccountsError {
  const path = (issue.path ?? []).map(({ key }) => key) as JSONPath;
  // Of what is missing, the place is that of what it is missing from.
  let node: Node | undefined;
  for (let length = path.length; node === undefined; length--) {
    node = findNodeAtLocation(tree, path.slice(0, length)) ??
      (length === 0 ? tree : undefined);
  }
  const offset = node.parent?.type === "property"
    ? node.parent.offset
    : node.offset;
  return new AccountsError(issue.message, {
    file,
    line: lineAt(text, offset),
    key: path.join("."),
  });
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
