/** Names that no door may serve, as they would come over the wire. */

const UTF8 = new TextEncoder();

/** One name that a door must refuse. */
export interface BadName {
  /** What is wrong with it, for the name of a test. */
  readonly what: string;
  /** The bytes that are sent. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function bad(what: string, name: string | Uint8Array<ArrayBuffer>): BadName {
  return { what, bytes: typeof name === "string" ? UTF8.encode(name) : name };
}

/**
 * Files and links that the root of a door under test holds, so that the names
 * below could do harm if they were let through: a folder `folder`, and links
 * `escape` to a file and `way-out` to a folder outside of the root.
 */
export const ESCAPING_LINKS = { file: "escape", folder: "way-out" } as const;

/** Names of every forbidden shape, for reading and for writing. */
export const BAD_NAMES: readonly BadName[] = [
  bad("the folder above", ".."),
  bad("a file above", "../secret"),
  bad("a file above, by way of a folder", "folder/../../secret"),
  bad("a step back inside", "folder/../a.txt"),
  bad("the folder itself", "."),
  bad("a segment of one dot", "./a.txt"),
  bad("an absolute name", "/etc/passwd"),
  bad("only a separator", "/"),
  bad("two separators", "folder//a.txt"),
  bad("a separator at the end", "a.txt/"),
  bad("a backslash", "..\\secret"),
  bad("a NUL", "a.txt\0"),
  bad("a NUL inside", "a\0.txt"),
  bad("a line feed", "a.txt\n"),
  bad("a carriage return", "a\r.txt"),
  bad("an escape sequence", "\u001b[2Ja.txt"),
  bad("a delete character", "a\u007f.txt"),
  bad("a C1 control character", "a\u009b.txt"),
  bad("what is not UTF-8", Uint8Array.of(0x61, 0xff, 0xfe)),
  bad("an overlong slash", Uint8Array.of(0x2e, 0x2e, 0xc0, 0xaf, 0x61)),
  bad("Ferry's own folder", ".ferry"),
  bad("a file in Ferry's own folder", ".ferry/a"),
  bad("Ferry's own folder in capitals", ".FERRY/a"),
  bad("a link to a file outside", ESCAPING_LINKS.file),
  bad("a file behind a link to a folder outside", "way-out/secret"),
];

/** A name longer than any file system takes; only for wires that can carry it. */
export const LONG_NAME: BadName = bad(
  "more bytes than a name may have",
  "x".repeat(300),
);
