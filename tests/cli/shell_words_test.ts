import { assertEquals, assertThrows } from "@std/assert";
import { expand } from "../../lib/cli/shell/expand.ts";
import {
  localPath,
  type Places,
  remotePath,
} from "../../lib/cli/shell/places.ts";
import {
  splitOpenLine,
  splitShellLine,
  typeText,
} from "../../lib/cli/shell/shell_words.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";

const LINES: ReadonlyArray<readonly [line: string, words: string[]]> = [
  ["", []],
  ["  \t ", []],
  ["ls", ["ls"]],
  ["  get  a\tb ", ["get", "a", "b"]],
  ["get 'a b' \"c d\"", ["get", "a b", "c d"]],
  ["get a\\ b", ["get", "a b"]],
  ["get a'b c'd\"e f\"g", ["get", "ab cde fg"]],
  ["get ''", ["get", ""]],
  ['get \'a\\b\' "a\\b" "a\\"b" "a\\\\b"', [
    "get",
    "a\\b",
    "a\\b",
    'a"b',
    "a\\b",
  ]],
  ["get \\'a \\\"b", ["get", "'a", '"b']],
  ["# a comment", []],
  ["ls # a comment", ["ls"]],
  ["get a#b '#c'", ["get", "a#b", "#c"]],
  ["get $HOME `x`", ["get", "$HOME", "`x`"]],
  ["get '|' \\; \"a&b\"", ["get", "|", ";", "a&b"]],
  ["get 日本 e\u0301", ["get", "日本", "e\u0301"]],
];

Deno.test("splitShellLine() takes lines apart as sh does", () => {
  for (const [line, words] of LINES) {
    assertEquals(splitShellLine(line).map(({ text }) => text), words, line);
  }
});

Deno.test("splitShellLine() tells patterns from what only looks like them", () => {
  const cases: ReadonlyArray<readonly [string, string | undefined]> = [
    ["*.csv", "*.csv"],
    ["a?[bc]", "a?[bc]"],
    ["'*.csv'", undefined],
    ["\\*.csv", undefined],
    ["'[a]'*", "\\[a\\]*"],
    ['"a*"b?', "a\\*b?"],
    ["a\\\\*", "a\\\\*"],
  ];
  for (const [line, pattern] of cases) {
    assertEquals(splitShellLine(line)[0]?.pattern, pattern, line);
  }
  const homes = ["~", "~/a", "'~'/a", "\\~/a", "a~"];
  assertEquals(
    homes.map((line) => splitShellLine(line)[0]?.isHome),
    [true, true, false, false, false],
  );
});

Deno.test("splitShellLine() refuses what cannot be meant", () => {
  const cases: Record<string, string> = {
    "get 'a": "A quote is left open",
    'get "a': "A quote is left open",
    "get a\\": "There is nothing after the \\ at the end",
    "ls | less":
      'There is no "|" in this shell; put it in quotes if it is part of a name',
    "ls; pwd":
      'There is no ";" in this shell; put it in quotes if it is part of a name',
    "get a > b":
      'There is no ">" in this shell; put it in quotes if it is part of a name',
  };
  for (const [line, message] of Object.entries(cases)) {
    assertThrows(() => splitShellLine(line), UsageError, message);
  }
});

Deno.test("typeText() writes what is read as just that", () => {
  const names = [
    "plain",
    "two words",
    "it's",
    'say "x"',
    "a*b?[c]",
    "~x",
    "#x",
    "$x `y` !z",
    "back\\slash",
    "日本",
  ];
  for (const name of names) {
    for (const quote of ["", "'", '"'] as const) {
      const typed = typeText(name, quote, true);
      if (quote === "'" && name.includes("'")) {
        assertEquals(typed, undefined);
        continue;
      }
      const line = `${quote}${typed}${quote}`;
      const [word, ...others] = splitShellLine(line);
      assertEquals([word?.text, others], [name, []], line);
      assertEquals(word?.pattern, undefined, line);
      assertEquals(splitOpenLine(`${quote}${typed}`).open.text, name, line);
    }
  }
  assertEquals(typeText("a\nb", "", true), undefined);
});

const PLACES: Places = {
  remote: "docs/2026",
  local: "/desk",
  home: "/home/me",
  isWindows: false,
};

Deno.test("remotePath() and localPath() say what names mean from there", () => {
  const remote: Record<string, string> = {
    a: "/docs/2026/a",
    "a/": "/docs/2026/a/",
    "": "/docs/2026/",
    ".": "/docs/2026/",
    "..": "/docs/",
    "../..": "/",
    "../../../..": "/",
    "../a": "/docs/a",
    "./a/./b": "/docs/2026/a/b",
    "/": "/",
    "/a": "/a",
    "/../a": "/a",
    // A mistake that others tell of.
    "a//b": "/docs/2026/a//b",
  };
  for (const [text, path] of Object.entries(remote)) {
    assertEquals(remotePath(text, PLACES), path, text);
  }
  const local: ReadonlyArray<readonly [string, boolean, string]> = [
    ["a", false, "/desk/a"],
    ["../a", false, "/desk/../a"],
    ["/a", false, "/a"],
    ["-", false, "-"],
    ["~/a", true, "/home/me/a"],
    ["~", true, "/home/me"],
    ["~/a", false, "/desk/~/a"],
    ["~other/a", true, "/desk/~other/a"],
  ];
  for (const [text, isHome, path] of local) {
    assertEquals(localPath(text, isHome, PLACES), path, text);
  }
  const start = { ...PLACES, remote: "", local: "" };
  assertEquals(localPath("a", false, start), "a");
  assertEquals(remotePath("..", start), "/");
  const windows = { ...start, local: "C:\\x", isWindows: true };
  assertEquals(localPath("D:\\a", false, windows), "D:\\a");
  assertEquals(localPath("a", false, windows), "C:\\x/a");
});

const TREE: Record<string, string[]> = {
  "": ["b.csv", "a.csv", ".hidden.csv", "d1/", "d2/", "x*y"],
  "/": ["top.csv"],
  d1: ["c.csv", "e/"],
  d2: ["c.csv", "z.csv"],
  "d1/e": ["f.csv"],
  "../other": ["o.csv"],
};

async function* list(path: string) {
  for (const name of TREE[path] ?? []) {
    yield { name: name.replace("/", ""), isFolder: name.endsWith("/") };
  }
}

Deno.test("expand() knows the names that patterns stand for", async () => {
  const cases: Record<string, string[]> = {
    "*.csv": ["a.csv", "b.csv"],
    ".*": [".hidden.csv"],
    "*": ["a.csv", "b.csv", "d1", "d2", "x*y"],
    "[!a].csv": ["b.csv"],
    "x\\**": ["x*y"],
    "*/": ["d1/", "d2/"],
    "d*/c.csv": ["d1/c.csv", "d2/c.csv"],
    "*/*.csv": ["d1/c.csv", "d2/c.csv", "d2/z.csv"],
    "d1/e/?.csv": ["d1/e/f.csv"],
    "*/e/f*": ["d1/e/f.csv"],
    "*/z.csv": ["d2/z.csv"],
    "/t*": ["/top.csv"],
    "../other/*": ["../other/o.csv"],
    "*.zip": [],
  };
  for (const [pattern, names] of Object.entries(cases)) {
    assertEquals(await expand(pattern, list), names, pattern);
  }
});
