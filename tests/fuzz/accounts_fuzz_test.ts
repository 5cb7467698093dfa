/**
 * Whatever stands in a users file or a key file, it is read, or refused with an
 * `AccountsError` that gives nothing of it away.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  AccountsError,
  formatPublicKey,
  generateKeyPair,
  parsePrivateKey,
  parsePublicKey,
  parseUsersFile,
} from "../../lib/accounts/mod.ts";
import {
  formatPasswordHash,
  parsePasswordHash,
} from "../../lib/accounts/password.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { fuzz } from "./fuzz.ts";

const HASH = formatPasswordHash({
  cost: { ln: 15, r: 8, p: 3 },
  salt: new Uint8Array(16).fill(0x5a),
  hash: new Uint8Array(32).fill(0xa5),
});
const { pair, pem } = generateKeyPair(new SeededRandom(1));
const LINE = formatPublicKey({ bytes: pair.publicKey, comment: "a@b" });

const USERS = `// comment
{
  "nestedRoots": true,
  "anonymous": { "rights": ["list"] },
  "users": {
    "alice": {
      "password": "${HASH}",
      "keys": ["${LINE}"],
      "root": "a/b",
      "rights": ["list", "read", "write", "rename", "delete"],
      "rules": [{ "path": "x/**/*.[a-z]", "rights": ["read"] }],
      "quota": { "bytes": "10G", "files": 7 },
      "rate": 100000, "sessions": 3, "streams": 2,
    },
    "bob": { "rights": [] }
  }
}
`;

/** Pieces that parsers stumble over. */
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "\\",
  "/*",
  "//",
  "\n",
  "\0",
  "\ud800",
  "null",
  "-1",
  "1e400",
  "__proto__",
  "constructor",
  '"users": {},',
  "\u202e",
  "$scrypt$",
  "AAAA",
  "=",
  "-----BEGIN PRIVATE KEY-----",
];

/** A text with some changes. */
function mutated(text: string, random: SeededRandom): string {
  let result = text;
  for (let count = random.integer(1, 4); count > 0; count--) {
    const at = random.below(result.length + 1);
    const length = random.pick([0, 0, 1, 1, 5, 60, result.length]);
    const piece = random.chance(0.5)
      ? random.pick(PIECES)
      : random.chance(0.5)
      ? String.fromCharCode(random.below(0x100))
      : result.slice(at, at + random.below(40));
    result = result.slice(0, at) + piece + result.slice(at + length);
  }
  return result;
}

/** Reads, and insists that a refusal is one. */
function attempt<T>(work: () => T): T | AccountsError {
  try {
    return work();
  } catch (error) {
    if (error instanceof AccountsError) return error;
    throw error;
  }
}

fuzz("a users file is read, or refused with file and line", (random) => {
  const text = mutated(USERS, random);
  const result = attempt(() => parseUsersFile(text, "users"));
  if (result instanceof AccountsError) {
    assert(result.message.startsWith("users, line "), result.message);
    assert(!result.message.includes(HASH.slice(-12)), result.message);
    return;
  }
  for (const [name, { password, keys, access }] of result.users) {
    assert(name !== "" && name !== "anonymous", name);
    for (const { bytes } of keys) assertEquals(bytes.length, 32);
    if (password !== undefined) assertEquals(password.hash.length, 32);
    access.allows("read", "x/y/z.a");
  }
}, 10);

fuzz("a users file without changes at its end is read", (random) => {
  const text = USERS + random.pick(["", "\n", "// x", "/* x */", "  "]);
  assertEquals(parseUsersFile(text, "users").users.size, 2);
});

fuzz("a public key is read as it was written, or refused", (random) => {
  const text = mutated(LINE, random);
  const result = attempt(() => parsePublicKey(text));
  if (result instanceof AccountsError) return;
  const again = parsePublicKey(formatPublicKey(result));
  assertEquals(again.bytes, result.bytes);
  assertEquals(result.bytes.length, 32);
});

fuzz("a private key is read, or refused without a word of it", (random) => {
  const text = mutated(pem, random);
  const result = attempt(() => parsePrivateKey(text));
  if (!(result instanceof AccountsError)) {
    assertEquals(result.sign(new Uint8Array(1)).length, 64);
    return;
  }
  assert(!result.message.includes(pem.split("\n")[1]!.slice(22, 34)));
});

fuzz("a password hash is read as it was written, or refused", (random) => {
  const text = mutated(HASH, random);
  const result = attempt(() => parsePasswordHash(text));
  if (result instanceof AccountsError) return;
  assert(result.cost.ln >= 10 && result.cost.ln <= 20);
  assertEquals(
    parsePasswordHash(formatPasswordHash(result)),
    result,
  );
});
