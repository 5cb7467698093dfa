import { assert, assertEquals } from "@std/assert";
import {
  NAME_SIZE_MAX,
  PATH_DEPTH_MAX,
  PATH_SIZE_MAX,
  remoteNameProblem,
} from "../../lib/protocol/mod.ts";
import { NAMES } from "./vectors.ts";

Deno.test("the vectors hold names of both kinds", () => {
  assert(NAMES.filter(({ allowed }) => allowed).length >= 20);
  assert(NAMES.filter(({ allowed }) => !allowed).length >= 20);
});

for (const { name, allowed } of NAMES) {
  const shown = JSON.stringify(name.slice(0, 40));
  Deno.test(`name is ${allowed ? "allowed" : "refused"}: ${shown}`, () => {
    assertEquals(remoteNameProblem(name) === undefined, allowed);
  });
}

const BAD: readonly (readonly [name: string, problem: string])[] = [
  ["/", 'begins with "/"'],
  ["/etc/passwd", 'begins with "/"'],
  ["a//b", "has an empty segment"],
  ["a/", "has an empty segment"],
  [".", 'has a "." segment'],
  ["a/./b", 'has a "." segment'],
  ["..", 'has a ".." segment'],
  ["a/..", 'has a ".." segment'],
  ["../../etc/passwd", 'has a ".." segment'],
  ["a\0b", "has a NUL character"],
  ["a\\b", "has a backslash"],
  ["..\\b", "has a backslash"],
  ["\\\\server\\share", "has a backslash"],
  ["\\\\.\\PhysicalDrive0", "has a backslash"],
  ["C:", "begins with a drive letter"],
  ["c:/windows", "begins with a drive letter"],
  ["z:a", "begins with a drive letter"],
  [".ferry", 'has the reserved segment ".ferry"'],
  [".ferry/map", 'has the reserved segment ".ferry"'],
  ["a/b/.ferry", 'has the reserved segment ".ferry"'],
  [".FERRY", 'has the reserved segment ".ferry"'],
  ["a/.Ferry/b", 'has the reserved segment ".ferry"'],
  [".fer\u200cry", 'has the reserved segment ".ferry"'],
  ["\ufeff.ferry", 'has the reserved segment ".ferry"'],
  [".ｆｅｒｒｙ", 'has the reserved segment ".ferry"'],
  ["a\ud800", "is not well-formed Unicode"],
  ["\udc00/a", "is not well-formed Unicode"],
  ["a\ufffdb", "has a U+FFFD character"],
  [
    "n".repeat(NAME_SIZE_MAX + 1),
    `has a segment longer than ${NAME_SIZE_MAX} bytes`,
  ],
  ["ä".repeat(128), `has a segment longer than ${NAME_SIZE_MAX} bytes`],
  [
    Array(PATH_DEPTH_MAX + 1).fill("d").join("/"),
    `is deeper than ${PATH_DEPTH_MAX} segments`,
  ],
  ["p".repeat(PATH_SIZE_MAX + 1), `is longer than ${PATH_SIZE_MAX} bytes`],
];

for (const [name, problem] of BAD) {
  Deno.test(`name ${JSON.stringify(name.slice(0, 40))} ${problem}`, () => {
    assertEquals(remoteNameProblem(name), problem);
  });
}
