import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AccountsError,
  addKey,
  addUser,
  EMPTY_USERS_FILE,
  formatPublicKey,
  generateKeyPair,
  parsePublicKey,
  parseUsersFile,
  removeUser,
  setPassword,
} from "../../lib/accounts/mod.ts";
import { formatPasswordHash } from "../../lib/accounts/password.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const HASH = {
  cost: { ln: 15, r: 8, p: 3 },
  salt: new Uint8Array(16).fill(1),
  hash: new Uint8Array(32).fill(2),
};
const HASH_TEXT = formatPasswordHash(HASH);
const KEY = generateKeyPair(new SeededRandom(5)).pair;
const KEY_LINE = formatPublicKey({ bytes: KEY.publicKey, comment: "a@b" });

/** What is wrong with a file: the line, the key, and a part of the words. */
const WRONG: ReadonlyArray<
  readonly [text: string, line: number | undefined, key: string, part: string]
> = [
  ["", 1, "", "not JSON"],
  ["// nothing", 1, "", "not JSON"],
  ["{", 1, "", "close brace expected"],
  ['{\n"users": {\n', 3, "", "close brace expected"],
  ["nonsense", 1, "", "not JSON"],
  ["[]", 1, "users", "is missing"],
  ["{}", 1, "users", "is missing"],
  ['{"users": []}', 1, "users", "must be an object"],
  ['{"users": null}', 1, "users", "must be an object"],
  ['{"users": {},\n "user": {}}', 2, "user", "is no key of a users file"],
  ['{"users": {\n"a": 1}}', 2, "users.a", "must be an object"],
  ['{"users": {\n"a": {}}}', 2, "users.a.rights", "is missing"],
  [
    '{"users": {"a": {"rights":\n["lst"]}}}',
    2,
    "users.a.rights.0",
    "must be one of list, read",
  ],
  ['{"users": {"a": {"rights": "list"}}}', 1, "users.a.rights", "list of"],
  ['{"users": {"a b": {"rights": []}}}', 1, "users.a b", "at most 64"],
  ['{"users": {"anonymous": {"rights": []}}}', 1, "users.anonymous", "without"],
  [
    '{"users": {"a": {"rights": []},\n"a": {"rights": ["delete"]}}}',
    2,
    "a",
    "stands twice",
  ],
  [
    '{"users": {"__proto__": {"rights": []}}}',
    1,
    "__proto__",
    "can have this name",
  ],
  [
    '{"users": {"constructor": {"rights": []}}}',
    1,
    "constructor",
    "can have this name",
  ],
  [
    '{"users": {"a": {"rights": [],\n"passwd": "hunter22"}}}',
    2,
    "users.a.passwd",
    "is no key of a user",
  ],
  [
    '{"users": {"a": {"rights": [],\n"password": "hunter22"}}}',
    2,
    "users.a.password",
    "never a password itself",
  ],
  [
    `{"users": {"a": {"rights": [], "password": "${
      HASH_TEXT.replace("ln=15", "ln=30")
    }"}}}`,
    1,
    "users.a.password",
    "too low or too high",
  ],
  [
    `{"users": {"a": {"rights": [], "password": "${
      HASH_TEXT.replace("ln=15", "ln=1")
    }"}}}`,
    1,
    "users.a.password",
    "too low or too high",
  ],
  [
    '{"users": {"a": {"rights": [], "keys": ["ssh-rsa AAAA"]}}}',
    1,
    "users.a.keys.0",
    "only ssh-ed25519",
  ],
  [
    '{"users": {"a": {"rights": [], "root": "../b"}}}',
    1,
    "users.a.root",
    "without",
  ],
  ['{"users": {"a": {"rights": [], "root": ""}}}', 1, "users.a.root", "folder"],
  [
    '{"users": {"a": {"rights": [],\n\n"quota": {"bytes": "10Q"}}}}',
    3,
    "users.a.quota.bytes",
    "must be bytes",
  ],
  [
    '{"users": {"a": {"rights": [], "quota": {"bytes": -1}}}}',
    1,
    "users.a.quota.bytes",
    "must be bytes",
  ],
  [
    '{"users": {"a": {"rights": [], "quota": {"size": 1}}}}',
    1,
    "users.a.quota.size",
    "its keys are bytes, files",
  ],
  [
    '{"users": {"a": {"rights": [], "sessions": 0}}}',
    1,
    "users.a.sessions",
    "from 1 to 1024",
  ],
  [
    '{"users": {"a": {"rights": [], "rules": [{"path": "[", "rights": []}]}}}',
    1,
    "users.a.rules.0.path",
    "[ without its ]",
  ],
  [
    '{"users": {"a": {"rights": [], "rules": [{"path": "x"}]}}}',
    1,
    "users.a.rules.0.rights",
    "is missing",
  ],
  [
    '{"users": {}, "anonymous": {"rights": [], "keys": []}}',
    1,
    "anonymous.keys",
    "is no key of anonymous",
  ],
  ['{"users": {}, "nestedRoots": 1}', 1, "nestedRoots", "true or false"],
];

for (const [text, line, key, part] of WRONG) {
  Deno.test(`parseUsersFile() refuses ${JSON.stringify(text).slice(0, 80)}`, () => {
    const error = assertThrows(
      () => parseUsersFile(text, "users.jsonc"),
      AccountsError,
    );
    assertEquals(error.place?.line, line);
    assertEquals(error.place?.key ?? "", key);
    assert(error.message.includes(part), error.message);
    assert(error.message.startsWith("users.jsonc"), error.message);
    assert(!error.message.includes("hunter22"), error.message);
    assert(!error.message.includes(HASH_TEXT.slice(-20)), error.message);
  });
}

Deno.test("parseUsersFile() reads what may stand in a file", () => {
  const { users, anonymous, nestedRoots } = parseUsersFile(
    `// who
    {
      "nestedRoots": true,
      "anonymous": { "root": "pub", "rights": ["list", "read"] },
      "users": {
        "alice": {
          "password": "${HASH_TEXT}", // hers
          "keys": ["${KEY_LINE}"],
          "root": "home/alice",
          "rights": ["list", "read", "write"],
          "rules": [{ "path": "old/**", "rights": ["list"] }],
          "quota": { "bytes": "1.5G", "files": 10 },
          "rate": "10M", "sessions": 2, "streams": 3,
        },
        "toString": { "rights": [] },
      },
    }`,
    "users.jsonc",
  );
  assertEquals(nestedRoots, true);
  assertEquals(anonymous?.root, "pub");
  assertEquals(anonymous?.password, undefined);
  const alice = users.get("alice")!;
  assertEquals(alice.password, HASH);
  assertEquals(alice.keys.map(({ bytes }) => bytes), [KEY.publicKey]);
  assertEquals(alice.keys[0]!.comment, "a@b");
  assertEquals(alice.quota, { bytes: 1.5 * 1024 ** 3, files: 10 });
  assertEquals(alice.rate, 10 * 1024 ** 2);
  assertEquals([alice.sessions, alice.streams], [2, 3]);
  assert(alice.access.allows("write", "new/a"));
  assert(!alice.access.allows("write", "old/a"));
  assertEquals(users.get("toString")?.name, "toString");
  assertEquals(users.get("valueOf"), undefined);
});

Deno.test("changes to a users file keep the rest of it, comments too", () => {
  const user = {
    rights: ["list"] as const,
    root: undefined,
    password: HASH,
    key: undefined,
  };
  let text = addUser("alice", user)(EMPTY_USERS_FILE);
  text = text.replace('"alice"', '// the boss\n    "alice"');
  text = addUser("bob", { ...user, root: "bob", password: undefined })(text);
  const line = parsePublicKey(KEY_LINE);
  text = addKey("bob", line)(text);
  assertEquals(addKey("bob", line)(text), text);
  text = addKey("bob", {
    bytes: generateKeyPair(new SeededRandom(6)).pair.publicKey,
    comment: "",
  })(text);
  const other = { ...HASH, salt: new Uint8Array(16).fill(9) };
  text = setPassword("alice", other)(text);
  assert(text.includes("// the boss"), text);
  assert(text.includes("docs/security.md"), text);
  const { users } = parseUsersFile(text, "u");
  assertEquals(users.get("alice")?.password, other);
  assertEquals(users.get("bob")?.keys.length, 2);
  assertEquals(users.get("bob")?.root, "bob");
  text = removeUser("alice")(text);
  assertEquals([...parseUsersFile(text, "u").users.keys()], ["bob"]);
  assertThrows(() => removeUser("alice")(text), AccountsError, "no such user");
  assertThrows(() => addUser("bob", user)(text), AccountsError, "already");
  assertThrows(() => addUser("a/b", user), AccountsError, "at most 64");
});
