import { assertEquals } from "@std/assert";
import { AccessRules } from "../../lib/accounts/mod.ts";
import type { Right } from "../../lib/protocol/mod.ts";

const ALL: readonly Right[] = ["list", "read", "write", "rename", "delete"];

/** Rules, a right, a path, and whether it is allowed. */
const CASES: ReadonlyArray<
  readonly [rules: Record<string, readonly Right[]>, path: string, may: boolean]
> = [
  [{}, "", true],
  [{}, "a/b", true],
  [{ secret: [] }, "secret", false],
  [{ secret: [] }, "secret/a/b", false],
  [{ secret: [] }, "secrets", true],
  [{ secret: [] }, "a/secret", true],
  [{ "/secret/": [] }, "secret/a", false],
  [{ "secret/**": [] }, "secret", true],
  [{ "secret/**": [] }, "secret/a", false],
  [{ "**/secret": [] }, "a/b/secret/c", false],
  [{ "*.key": [] }, "a.key", false],
  [{ "*.key": [] }, "a/b.key", true],
  [{ "**/*.key": [] }, "a/b.key", false],
  [{ "": [] }, "", false],
  [{ "": [] }, "a", false],
  [{ "**": [] }, "a/b", false],
  [{ "": [], pub: ["read"] }, "pub/a", true],
  [{ "": [], pub: ["read"] }, "private", false],
  // The last one that matches decides, not the one that says most.
  [{ "pub/open": ["read"], pub: [] }, "pub/open", false],
  [{ pub: [], "pub/open": ["read"] }, "pub/open/a", true],
  // Another spelling is no way around.
  [{ secret: [] }, "SECRET/a", false],
  [{ "Geheimnis-Ä": [] }, "geheimnis-a\u0308/x", false],
  [{ secret: [] }, "\u017fecret", false],
];

for (const [rules, path, may] of CASES) {
  const shown = JSON.stringify(rules);
  Deno.test(`AccessRules: ${shown} ${may ? "allow" : "refuse"} "${path}"`, () => {
    const list = Object.entries(rules).map(([path, rights]) => ({
      path,
      rights,
    }));
    assertEquals(new AccessRules(ALL, list).allows("read", path), may);
  });
}

Deno.test("AccessRules.anywhere is what is allowed somewhere", () => {
  const rule = (path: string, ...rights: Right[]) => ({ path, rights });
  assertEquals(new AccessRules([]).anywhere, []);
  assertEquals(new AccessRules(ALL).anywhere, ALL);
  assertEquals(
    new AccessRules(["list"], [rule("in", "write")]).anywhere,
    ["list", "write"],
  );
  assertEquals(
    new AccessRules(ALL, [rule("**", "list"), rule("in", "write")]).anywhere,
    ["list", "write"],
  );
  assertEquals(
    new AccessRules(ALL, [rule("in", "write"), rule("", "list")]).anywhere,
    ["list"],
  );
});
