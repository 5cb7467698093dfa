/**
 * Names, and whether they may stand in a request.
 *
 * @module
 */

/** A name. */
export interface NameVector {
  readonly name: string;
  readonly allowed: boolean;
}

const SIZE_MAX = 255;

const ALLOWED: readonly string[] = [
  "",
  "a",
  "a/b/c.txt",
  " leading and trailing ",
  "-rf",
  "...",
  "..a",
  "a..",
  ".hidden",
  ".ferry2",
  "ferry",
  ".ferry-x.part",
  "quotes \" and ' and `",
  "line\nfeed and \u001b[31m ESC",
  "right\u202eto left",
  "emoji 🚢 and 漢字",
  "composed \u00e4, decomposed a\u0308",
  "ab:c",
  "1:c",
  "x/C:",
  "\ufeffbom",
  "n".repeat(SIZE_MAX),
  "ä".repeat(127) + "a",
  Array(128).fill("d").join("/"),
  Array(16).fill("p".repeat(SIZE_MAX)).join("/"),
];

const REFUSED: readonly string[] = [
  "/",
  "/etc/passwd",
  "a//b",
  "a/",
  ".",
  "a/./b",
  "..",
  "a/..",
  "../../etc/passwd",
  "a\0b",
  "a\\b",
  "..\\b",
  "\\\\server\\share",
  "\\\\.\\PhysicalDrive0",
  "C:",
  "c:/windows",
  "z:a",
  ".ferry",
  ".ferry/map",
  "a/b/.ferry",
  ".FERRY",
  "a/.Ferry/b",
  ".fer\u200cry",
  "\ufeff.ferry",
  ".\uff46\uff45\uff52\uff52\uff59",
  "a\ufffdb",
  "n".repeat(SIZE_MAX + 1),
  "ä".repeat(128),
  Array(129).fill("d").join("/"),
  Array(16).fill("p".repeat(SIZE_MAX)).join("/") + "/p",
];

/** The names. */
export function nameVectors(): NameVector[] {
  return [
    ...ALLOWED.map((name) => ({ name, allowed: true })),
    ...REFUSED.map((name) => ({ name, allowed: false })),
  ];
}
