/** The bytes of cs372-login, and every cut through them. */

import { assert, assertEquals } from "@std/assert";
import { LOGIN_MACHINE } from "../../../lib/classic/cs372_login/machine.ts";
import {
  encodeRequest,
  readFileAnswer,
  readLoginAnswer,
  readRequest,
  readRequestAnswer,
  readText,
} from "../../../lib/classic/cs372_login/messages.ts";
import {
  BLOCK_SIZE,
  MarkedReply,
  NameList,
} from "../../../lib/classic/cs372_login/reply.ts";
import type { Reader } from "../../../lib/classic/reading.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { look } from "../look.ts";
import { assertWalks } from "../tables.ts";

const UTF8 = new TextEncoder();
const MARK = "endOfInput";

Deno.test("requests: single spaces, the port last, the name between them", () => {
  const get = (name: string, port: number) => ({
    command: "GET",
    port,
    name: UTF8.encode(name),
  });
  const unknown = { command: "UNKNOWN" };
  const golden: readonly (readonly [string, string, unknown])[] = [
    ["-l 4000", "open", { command: "LIST", port: 4000 }],
    ["-l 30001", "whole", { command: "LIST", port: 30_001 }],
    ["-l 80", "open", { command: "LIST", port: 80 }],
    ["-g a.txt 4000", "open", get("a.txt", 4000)],
    ["-g a.txt 30001", "open", get("a.txt", 30_001)],
    ["-g two words 4000", "open", get("two words", 4000)],
    ["-g  a 4000", "open", get(" a", 4000)],
    ["-g é 4000", "open", get("é", 4000)],
    ["-g a\n 4000", "open", get("a\n", 4000)],
    ["-g 1 2", "open", get("1", 2)],
    ["-", "open", unknown],
    ["-l", "open", unknown],
    ["-l ", "open", unknown],
    ["-l  4000", "open", unknown],
    ["-l 4000 ", "open", unknown],
    ["-l 65536", "open", unknown],
    ["-l 04000", "open", unknown],
    ["-l x", "open", unknown],
    ["-g", "open", unknown],
    ["-g a.txt", "open", unknown],
    ["-g  4000", "open", unknown],
    ["-x 4000", "open", unknown],
    ["put a 4000", "open", unknown],
  ];
  for (const [text, kind, message] of golden) {
    assertEquals<unknown>(look(readRequest, text), [kind, message], text);
  }
  assertEquals(look(readRequest, `-g ${"x".repeat(4200)} 1`), ["malformed"]);
  assertEquals(encodeRequest(undefined, 4000), UTF8.encode("-l 4000"));
  assertEquals(encodeRequest("a b", 4000), UTF8.encode("-g a b 4000"));
});

Deno.test("answers: each is whole with its last byte, and nothing else is one", () => {
  const all: readonly (readonly [Reader<string>, Record<string, string>])[] = [
    [readLoginAnswer, { MATCH: "Match", NO_MATCH: "No match" }],
    [readRequestAnswer, {
      RECOGNIZED: "Command recognized",
      UNRECOGNIZED: "There is no command like that",
    }],
    [readFileAnswer, {
      FOUND: "FILE CORRECT",
      MISSING: "NO FILE WITH THAT NAME",
    }],
  ];
  for (const [read, answers] of all) {
    for (const [message, text] of Object.entries(answers)) {
      for (let at = 1; at < text.length; at++) {
        assertEquals(look(read, text.slice(0, at)), ["partial"]);
        assertEquals(look(read, `${text.slice(0, at)}#`), ["malformed"]);
      }
      assertEquals(look(read, text), ["whole", message]);
      assertEquals(look(read, `${text}and more`), ["whole", message]);
    }
    assertEquals(look(read, "match"), ["malformed"]);
  }
});

Deno.test("user and password: any bytes, not too many", () => {
  assertEquals(look(readText, "al ice"), ["open", "al ice"]);
  assertEquals(readText(Uint8Array.of(0xff)), {
    kind: "open",
    message: "\ufffd",
  });
  assertEquals(look(readText, "x".repeat(1024))[0], "open");
  assertEquals(look(readText, "x".repeat(1025)), ["malformed"]);
});

Deno.test("the table: every way through it, and no step out of turn", () => {
  const login = "client USER, client PASSWORD, server MATCH";
  assertWalks(LOGIN_MACHINE, [
    "client USER, client PASSWORD, server NO_MATCH",
    "client JOINED, server NO_MATCH",
    `client JOINED, server MATCH, client UNKNOWN, server UNRECOGNIZED`,
    `${login}, client LIST, server UNRECOGNIZED`,
    `${login}, client GET, server UNRECOGNIZED`,
    `${login}, client LIST, server RECOGNIZED, server OPEN, server NAME, server NAME, server MARK, server END`,
    `${login}, client GET, server RECOGNIZED, server OPEN, server FOUND, server DATA, server DATA, server MARK, server END`,
    `${login}, client GET, server RECOGNIZED, server OPEN, server MISSING`,
    `${login}, client GET, server RECOGNIZED, server FOUND, server OPEN, server MARK, server END`,
    `${login}, client GET, server RECOGNIZED, server MISSING, server OPEN`,
  ]);
});

/** Feeds a reply in pieces; what comes out of it. */
async function take(bytes: Uint8Array, random: SeededRandom) {
  const reply = new MarkedReply();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = random.size(1, 40);
    for (const part of reply.add(bytes.slice(at, at + size))) {
      parts.push(part.slice());
    }
    at += size;
  }
  return { bytes: await new Blob(parts).bytes(), end: reply.end() };
}

Deno.test("a file: the mark is taken off its very end, and nowhere else", async () => {
  const random = new SeededRandom(373);
  for (
    const text of [
      "",
      "x",
      "hello",
      MARK,
      `${MARK}${MARK}`,
      `a${MARK}b`,
      "endOf",
      `endOf${MARK}`,
    ]
  ) {
    for (let round = 0; round < 20; round++) {
      const { bytes, end } = await take(UTF8.encode(text + MARK), random);
      assertEquals(new TextDecoder().decode(bytes), text);
      assertEquals(end, { isMarked: true, paddingCount: 0 });
      const open = await take(UTF8.encode(`${text + MARK}x`), random);
      assertEquals(open.end.isMarked, false);
    }
  }
  assertEquals(new MarkedReply().end().isMarked, false);
});

Deno.test("a file: NULs that look like padding are counted, and kept", async () => {
  const random = new SeededRandom(374);
  const golden: readonly (readonly [number, number, number])[] = [
    // size, bytes that are not NUL, what looks like padding
    [BLOCK_SIZE, 5, BLOCK_SIZE - 5],
    [BLOCK_SIZE, 0, BLOCK_SIZE],
    [2 * BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE],
    [2 * BLOCK_SIZE, 10, BLOCK_SIZE],
    [2 * BLOCK_SIZE, BLOCK_SIZE + 1022, 1],
    [BLOCK_SIZE, BLOCK_SIZE, 0],
    [BLOCK_SIZE - 1, 5, 0],
    [BLOCK_SIZE + 1, 5, 0],
    [0, 0, 0],
  ];
  for (const [size, filled, padding] of golden) {
    const file = new Uint8Array(size).fill(7, 0, filled);
    const whole = await new Blob([file, MARK]).bytes();
    const { bytes, end } = await take(whole, random);
    assertEquals(bytes, file);
    assertEquals(end, { isMarked: true, paddingCount: padding });
  }
});

/** Reads with the milliseconds before each. */
function collect(...reads: readonly (readonly [number, string])[]): NameList {
  const list = new NameList();
  let now = 0;
  for (const [wait, text] of reads) list.add(UTF8.encode(text), now += wait);
  return list;
}

Deno.test("names: one for each read, but for the pieces of one send", () => {
  const spaced = collect([0, "."], [1000, ".."], [250, "a b"], [2000, MARK]);
  assert(spaced.isMarked);
  assertEquals(spaced.end(), [".", "..", "a b"]);
  assertEquals(spaced.size, 1 + 2 + 3 + MARK.length);
  const cut = collect([0, "."], [1000, "he"], [5, "llo"], [1000, "endOf"], [
    1,
    "Input",
  ]);
  assert(cut.isMarked);
  assertEquals(cut.end(), [".", "hello"]);
  const joined = collect([0, "..a.txt"], [1000, `b.txt${MARK}`]);
  assert(joined.isMarked);
  assertEquals(joined.end(), ["..a.txt", "b.txt"]);
  for (const reads of [[], [[0, "a"]], [[0, MARK], [1000, "a"]]] as const) {
    assertEquals(collect(...reads).isMarked, false);
  }
  assertEquals(collect([0, MARK], [1000, MARK]).end(), [MARK]);
  const late = collect([0, "a"], [1000, "bendOf"], [1000, "In"], [50, "put"]);
  assert(late.isMarked);
  assertEquals(late.end(), ["a", "b"]);
  const flood = collect([0, "x".repeat(1000)], [0, "y".repeat(1000)]);
  assertEquals(flood.isMarked, false);
  flood.add(UTF8.encode(MARK), 0);
  assertEquals(flood.end().map(({ length }) => length), [1000, 1000]);
});
