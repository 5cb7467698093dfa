/**
 * What may stand in a users file. This schema is the one that validates; what
 * each key means stands in `docs/security.md`.
 *
 * @module
 */

import * as v from "valibot";
import { type Right, RIGHTS } from "../protocol/mod.ts";
import { AccountsError } from "./errors.ts";
import { parsePasswordHash } from "./password.ts";
import { AccessRules } from "./rights.ts";
import { parsePublicKey } from "./ssh_key.ts";

/** Keys of one user: those of some laptops and phones. */
const KEY_COUNT_MAX = 32;

/** Rules of one user; each is tried for every name of a listing. */
const RULE_COUNT_MAX = 256;

/** Sessions and streams of one user: what the server has in all. */
const COUNT_MAX = 1024;

/** Characters of a user's name. */
const USER_NAME_LENGTH_MAX = 64;

/** Letters and digits of any script, and what addresses have. */
const USER_NAME_PATTERN = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.@+-]*$/u;

/** The name of those who have no account. */
export const ANONYMOUS = "anonymous";

/**
 * Says why a text cannot be the name of an account; `undefined` when it can.
 *
 * @param name The text.
 */
export function userNameProblem(name: string): string | undefined {
  if (name === ANONYMOUS) {
    return `"${ANONYMOUS}" stands for those without an account`;
  }
  return name.length <= USER_NAME_LENGTH_MAX &&
      USER_NAME_PATTERN.test(name) && name === name.normalize("NFC")
    ? undefined
    : `a user's name has at most ${USER_NAME_LENGTH_MAX} letters, digits and . _ @ + -, and begins with a letter, a digit or _`;
}

const SIZE_PATTERN =
  /^(?<digits>\d{1,15}(?:\.\d{1,3})?)(?:(?<unit>[KMGT])(?:iB)?|B)?$/i;

/** Bytes, as a number or as `10M` and `1.5GiB`; `undefined` when it is neither. */
function readSize(value: string | number): number | undefined {
  const found = SIZE_PATTERN.exec(String(value))?.groups;
  if (found === undefined) return undefined;
  const exponent = " KMGT".indexOf(found.unit?.toUpperCase() ?? " ");
  const bytes = Math.round(Number(found.digits) * 1024 ** exponent);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A phrase for a value that a check of ours refuses, without the value. */
function problemOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof AccountsError) return error.problem;
    throw error;
  }
}

/** Text that a function of ours takes; its own words say why not. */
function checkedText(check: (text: string) => unknown) {
  return v.pipe(
    v.string("must be text"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const message = problemOf(() => check(dataset.value));
      if (message !== undefined) addIssue({ message });
    }),
  );
}

function size(min: number) {
  const message =
    `must be bytes, at least ${min}, as a number or as text such as "500K", "10M" or "1.5G"`;
  return v.pipe(
    v.union([v.string(), v.number()], message),
    v.transform(readSize),
    v.number(message),
    v.minValue(min, message),
  );
}

function count(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

const RIGHTS_MESSAGE = `must be a list of rights: ${RIGHTS.join(", ")}`;

const rights = v.array(
  v.picklist<readonly Right[], string>(
    RIGHTS,
    `must be one of ${RIGHTS.join(", ")}`,
  ),
  RIGHTS_MESSAGE,
);

function strict<const T extends v.ObjectEntries>(what: string, entries: T) {
  return v.strictObject(entries, (issue) => {
    if (issue.expected === "never") {
      const known = Object.keys(entries).join(", ");
      return `is no key of ${what}; its keys are ${known}`;
    }
    return issue.input === undefined ? "is missing" : "must be an object";
  });
}

const rule = strict("a rule", {
  path: checkedText((path) => new AccessRules([], [{ path, rights: [] }])),
  rights,
});

const common = {
  root: v.optional(checkedText(checkRoot)),
  rights,
  rules: v.optional(
    v.pipe(
      v.array(rule, "must be a list of rules"),
      v.maxLength(RULE_COUNT_MAX, `must be at most ${RULE_COUNT_MAX} rules`),
    ),
    [],
  ),
  quota: v.optional(strict("a quota", {
    bytes: v.optional(size(0)),
    files: v.optional(count(0, Number.MAX_SAFE_INTEGER)),
  })),
  rate: v.optional(size(1024)),
  sessions: v.optional(count(1, COUNT_MAX)),
  streams: v.optional(count(1, COUNT_MAX)),
};

const anonymous = strict("anonymous", common);

const user = strict("a user", {
  password: v.optional(checkedText(parsePasswordHash)),
  keys: v.optional(
    v.pipe(
      v.array(checkedText(parsePublicKey), "must be a list of public keys"),
      v.maxLength(KEY_COUNT_MAX, `must be at most ${KEY_COUNT_MAX} keys`),
    ),
    [],
  ),
  ...common,
});

/** The whole file. */
export const USERS_SCHEMA = strict("a users file", {
  nestedRoots: v.optional(v.boolean("must be true or false"), false),
  anonymous: v.optional(anonymous),
  users: v.pipe(
    v.custom<object>(
      (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value),
      "must be an object with a user under each name",
    ),
    v.record(
      checkedText((name) => {
        const problem = userNameProblem(name);
        if (problem !== undefined) throw new AccountsError(problem);
      }),
      user,
    ),
  ),
});

/** What a users file says of one user. */
export type UserContent = v.InferOutput<typeof user>;

/** What a users file says of those without an account. */
export type AnonymousContent = v.InferOutput<typeof anonymous>;

function checkRoot(root: string): void {
  const isSound = root !== "" && !root.includes("\0") &&
    !root.split(/[/\\]/).includes("..");
  if (!isSound) {
    throw new AccountsError(
      'must be a folder, below the served one or from "/" on, without ".."',
    );
  }
}
