import { assertEquals } from "@std/assert";
import {
  Filter,
  filterProblem,
  type FilterRule,
  type Verdict,
} from "../../../lib/client/tree/filter.ts";
import { compileGlob, GLOB_SIZE_MAX } from "../../../lib/storage/mod.ts";

const GLOBS: ReadonlyArray<
  readonly [pattern: string, yes: string[], no: string[]]
> = [
  ["a", ["a"], ["b", "aa", "", "A"]],
  ["*.tmp", ["a.tmp", ".tmp"], ["a.tmpx", "d/a.tmp"]],
  ["a*b*c", ["abc", "axxbyyc"], ["ab", "axb/c"]],
  ["?", ["a", "日", "😀"], ["", "ab", "/"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "x"]],
  ["[!a-c]x", ["dx"], ["ax", "/x"]],
  ["[]]", ["]"], ["["]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[\\]]", ["]"], ["\\"]],
  ["\\*", ["*"], ["a"]],
  ["**", ["a", "a/b", "a/b/c"], []],
  ["**/a", ["a", "x/a", "x/y/a"], ["xa", "a/x"]],
  ["a/**", ["a/b", "a/b/c"], ["a", "ab/c", "a/"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]],
  ["a**b", ["axb", "ab"], ["a/b"]],
  ["**/*.txt", ["a.txt", "d/e/a.txt"], ["a.txt/b"]],
  ["a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]],
  ["", [""], ["a"]],
];

Deno.test("compileGlob() matches what people mean", async (t) => {
  for (const [pattern, yes, no] of GLOBS) {
    await t.step(JSON.stringify(pattern), () => {
      const glob = compileGlob(pattern);
      assertEquals(yes.filter((text) => !glob.matches(text)), []);
      assertEquals(no.filter((text) => glob.matches(text)), []);
    });
  }
});

Deno.test("compileGlob() needs no more time for hostile patterns and names", () => {
  const names = ["a".repeat(255), `${"a/".repeat(127)}a`];
  const patterns = [
    `${"*a".repeat(400)}b`,
    `${"**/".repeat(300)}b`,
    "*".repeat(GLOB_SIZE_MAX),
    `${"a**/**".repeat(100)}b`,
  ];
  const begin = performance.now();
  for (const pattern of patterns) {
    const glob = compileGlob(pattern);
    for (const name of names) glob.matches(name);
  }
  assertEquals(performance.now() - begin < 2000, true, "it took too long");
});

Deno.test("filterProblem() says what is wrong with a pattern", () => {
  const cases: ReadonlyArray<readonly [string, string | undefined]> = [
    ["*.o", undefined],
    ["/build/", undefined],
    ["", "matches nothing"],
    ["/", "matches nothing"],
    ["//", "matches nothing"],
    ["a//b", "has an empty segment"],
    ["[a", "has a [ without its ]"],
    ["[a\\", "has a [ without its ]"],
    ["a\\", "ends in a \\"],
    ["a".repeat(1025), "is longer than 1024 characters"],
  ];
  for (const [pattern, problem] of cases) {
    assertEquals(filterProblem(pattern), problem, pattern);
  }
});

/** `+` includes and `-` excludes. */
function rules(...texts: string[]): FilterRule[] {
  return texts.map((text) => ({
    action: text.startsWith("+") ? "include" : "exclude",
    pattern: text.slice(1),
  }));
}

/** What becomes of a path whose last segment is a file, or a folder if it ends in `/`. */
function judge(filter: Filter, path: string): Verdict {
  const isFolder = path.endsWith("/");
  const segments = path.replace(/\/$/, "").split("/");
  let verdict = filter.root;
  for (let count = 1; count <= segments.length; count++) {
    const isLast = count === segments.length;
    const at = segments.slice(0, count).join("/");
    verdict = filter.judge(at, !isLast || isFolder, verdict);
  }
  return verdict;
}

const FILTERS: ReadonlyArray<
  readonly [string[], Readonly<Record<string, Verdict>>]
> = [
  [[], { "a": "take", "d/": "take", "d/a": "take" }],
  [["-*.tmp"], { "a": "take", "a.tmp": "drop", "d/e/a.tmp": "drop" }],
  [["-/a"], { "a": "drop", "d/a": "take" }],
  [["-d/a"], { "d/a": "drop", "x/d/a": "take" }],
  [["-d/"], { "d/": "drop", "d/x/y": "drop", "d": "take" }],
  [["-*.jpg", "+keep.jpg"], { "x.jpg": "drop", "d/keep.jpg": "take" }],
  [["+keep.jpg", "-*.jpg"], { "keep.jpg": "drop", "x.png": "drop" }],
  [["-d/", "+d/a"], { "d/a": "drop" }],
  [["+*.jpg"], {
    "x.jpg": "take",
    "x": "drop",
    "d/": "pass",
    "d/y.jpg": "take",
  }],
  [["+docs/"], { "a": "drop", "docs/": "take", "docs/x/y": "take" }],
  [
    ["+docs/", "-*.o"],
    { "docs/a.o": "drop", "docs/a": "take", "src/": "pass", "src/a": "drop" },
  ],
  [["-**", "+a"], { "a": "take", "b": "drop", "d/a": "drop" }],
];

Deno.test("Filter lets the last pattern decide, and folders pass on what became of them", async (t) => {
  for (const [texts, verdicts] of FILTERS) {
    await t.step(JSON.stringify(texts), () => {
      const filter = new Filter(rules(...texts));
      for (const [path, verdict] of Object.entries(verdicts)) {
        assertEquals(judge(filter, path), verdict, path);
      }
    });
  }
});
