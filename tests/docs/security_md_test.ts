/** `docs/security.md` says what the code does. */

import { assert, assertEquals } from "@std/assert";
import { LOCK_OUT_LIMITS, parseUsersFile } from "../../lib/accounts/mod.ts";
import { USERS_SCHEMA } from "../../lib/accounts/schema.ts";
import { RIGHTS } from "../../lib/protocol/mod.ts";
import { SERVER_LIMITS } from "../../lib/server/mod.ts";

const TEXT = Deno.readTextFileSync(
  new URL("../../docs/security.md", import.meta.url),
);

Deno.test("the users file of docs/security.md is one, and shows every key", () => {
  const [, example = ""] = /```jsonc\n(.*?)```/s.exec(TEXT) ?? [];
  const { users } = parseUsersFile(example, "docs/security.md");
  const alice = users.get("alice")!;
  assertEquals(alice.keys[0]?.comment, "alice@laptop");
  assert(alice.access.allows("read", "archive/a"));
  assert(!alice.access.allows("write", "archive/a"));
  assert(!alice.access.allows("list", "a/b/secret.key"));
  for (const key of Object.keys(USERS_SCHEMA.entries)) {
    assert(example.includes(`"${key}":`), key);
  }
  for (const [key, value] of Object.entries(alice)) {
    const shown = { access: "rights" }[key] ?? key;
    if (key === "name") continue;
    assert(value !== undefined, `${key} has no example`);
    assert(example.includes(`"${shown}":`), shown);
  }
});

Deno.test("docs/security.md names every right and the limits of the lock-out", () => {
  for (const right of RIGHTS) assert(TEXT.includes(`| \`${right}\``), right);
  const { freeCount, delayMin, delayMax, memory, countMax } = LOCK_OUT_LIMITS;
  const [, section = ""] = /\n## Lock-out\n(.*?)\n## /s.exec(TEXT) ?? [];
  const values = section.split("\n").filter((line) => line.startsWith("|"))
    .slice(2).map((line) => line.split("|")[2]?.trim());
  assertEquals(values, [
    `${freeCount}`,
    `${delayMin / 1000} s`,
    `${delayMax / 1000} s`,
    `${memory / 1000} s`,
    `${countMax}`,
  ]);
});

Deno.test("docs/security.md says how many connections there may be", () => {
  const { connectionCountMax, pendingCountMax } = SERVER_LIMITS;
  const { addressConnectionCountMax, addressPendingCountMax } = SERVER_LIMITS;
  const rows = [
    ["Connections", connectionCountMax, addressConnectionCountMax],
    [
      "Of those, not logged in \\(yet\\)",
      pendingCountMax,
      addressPendingCountMax,
    ],
  ];
  for (const [name, all, each] of rows) {
    const row = new RegExp(`\\| ${name} +\\| ${all} +\\| ${each} +\\|`);
    assert(row.test(TEXT), `${row}`);
  }
});
