/** The bytes of cs372, and every cut through them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { CS372_MACHINE } from "../../../lib/classic/cs372/machine.ts";
import {
  readAddress,
  readCommand,
  readName,
  readOk,
  readPort,
} from "../../../lib/classic/cs372/messages.ts";
import {
  isMissing,
  PADDED_SIZE,
  PaddedReply,
} from "../../../lib/classic/cs372/reply.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { type Kind, look } from "../look.ts";
import { assertWalks } from "../tables.ts";

const UTF8 = new TextEncoder();

Deno.test("commands: the two known ones are whole at once, others when nothing follows", () => {
  const golden: readonly (readonly [string, Kind, string?])[] = [
    ["-", "partial"],
    ["-l", "whole", "LIST"],
    ["-g", "whole", "GET"],
    ["-x", "open", "UNKNOWN"],
    ["-list", "open", "UNKNOWN"],
    ["l", "open", "UNKNOWN"],
    ["-l\n", "open", "UNKNOWN"],
    ["-l3000", "malformed"],
    ["-g3", "malformed"],
    ["x".repeat(1024), "open", "UNKNOWN"],
    ["x".repeat(1025), "malformed"],
  ];
  for (const [text, ...expected] of golden) {
    assertEquals<unknown>(look(readCommand, text), expected, text);
  }
});

Deno.test("ports: whole only where no further digit makes another one", () => {
  const golden: readonly (readonly [string, Kind, number?])[] = [
    ["0", "whole", 0],
    ["4", "open", 4],
    ["400", "open", 400],
    ["4000", "open", 4000],
    ["6553", "open", 6553],
    ["6554", "whole", 6554],
    ["9999", "whole", 9999],
    ["30001", "whole", 30_001],
    ["65535", "whole", 65_535],
    ["65536", "malformed"],
    ["300010", "malformed"],
    ["04", "malformed"],
    ["+4", "malformed"],
    ["4 ", "malformed"],
    ["4e3", "malformed"],
    ["٤", "malformed"],
  ];
  for (const [text, ...expected] of golden) {
    assertEquals<unknown>(look(readPort, text), expected, text);
  }
  for (let port = 1; port <= 65_535; port += 97) {
    const text = String(port);
    const further = Array.from({ length: 10 }, (_, digit) => text + digit);
    const canGrow = further.some((each) => Number(each) <= 65_535);
    assertEquals(look(readPort, text), [canGrow ? "open" : "whole", port]);
  }
});

Deno.test("addresses: whole only where no further digit makes another one", () => {
  const golden: readonly (readonly [string, Kind, string?])[] = [
    ["1", "partial"],
    ["127.", "partial"],
    ["127.0.0", "partial"],
    ["127.0.0.", "partial"],
    ["127.0.0.1", "open", "127.0.0.1"],
    ["127.0.0.25", "open", "127.0.0.25"],
    ["127.0.0.26", "whole", "127.0.0.26"],
    ["127.0.0.0", "whole", "127.0.0.0"],
    ["127.0.0.255", "whole", "127.0.0.255"],
    ["127.0.0.256", "malformed"],
    ["256", "malformed"],
    ["01", "malformed"],
    [".", "malformed"],
    ["1..", "malformed"],
    ["1.2.3.4.", "malformed"],
    ["localhost", "malformed"],
    ["::1", "malformed"],
  ];
  for (const [text, ...expected] of golden) {
    assertEquals<unknown>(look(readAddress, text), expected, text);
  }
});

Deno.test("names: any bytes, up to what a path may have", () => {
  assertEquals(look(readName, "a b\0"), ["open", UTF8.encode("a b\0")]);
  assertEquals(look(readName, "x".repeat(4096))[0], "open");
  assertEquals(look(readName, "x".repeat(4097))[0], "malformed");
});

Deno.test("answers: OK and nothing else", () => {
  assertEquals(look(readOk, "O"), ["partial"]);
  assertEquals(look(readOk, "OK"), ["whole", "OK"]);
  assertEquals(look(readOk, "OKOK"), ["whole", "OK"]);
  for (const text of ["ok", "Ok", "220 ftp", "\0"]) {
    assertEquals(look(readOk, text), ["malformed"]);
  }
  const error = assertThrows(() => readOk(UTF8.encode('\x1b[2J"\\é')));
  assert(error instanceof Error);
  assert(
    error.message.includes('\\x1b[2J\\x22\\x5c\\xc3\\xa9"'),
    error.message,
  );
});

Deno.test("the table: every way through it, and no step out of turn", () => {
  assertWalks(CS372_MACHINE, [
    "client LIST, server OK, client PORT, server OK, client ADDRESS, server OK, server OPEN, server DATA, server DATA, server END",
    "client GET, server OK, client PORT, server OK, client ADDRESS, server OK, client NAME, server OK, server OPEN, server DATA, server DATA, server END",
    "client GET, server OK, client PORT, server OK, client ADDRESS, server OK, client NAME, server OK, server OPEN, server MISSING, server END",
    "client GET, server OK, client PORT, server OK, client ADDRESS, server OK, client NAME, server OK, server OPEN, server END",
    "client UNKNOWN, server OK, client PORT, server OK, client ADDRESS, server OK, server OPEN, server END",
  ]);
});

/** Feeds a reply in pieces; what comes out of it. */
function take(bytes: Uint8Array<ArrayBuffer>, random: SeededRandom) {
  const reply = new PaddedReply();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = random.size(1, 100_000);
    for (const part of reply.add(bytes.slice(at, at + size))) {
      parts.push(part.slice());
    }
    at += size;
  }
  const { rest, strippedCount } = reply.end();
  return { bytes: [...parts, rest], strippedCount };
}

Deno.test("a reply loses NULs at its end if it has exactly the size of a padded one", async () => {
  const random = new SeededRandom(372);
  for (let round = 0; round < 30; round++) {
    for (
      const size of [
        0,
        1,
        1023,
        PADDED_SIZE - 1,
        PADDED_SIZE,
        PADDED_SIZE + 1,
        500_000,
      ]
    ) {
      const whole = new Uint8Array(size);
      const length = random.size(0, size);
      whole.set(UTF8.encode("x".repeat(length)));
      const out = take(whole, random);
      const isPadded = size === PADDED_SIZE;
      const expected = isPadded ? whole.subarray(0, length) : whole;
      assertEquals(await new Blob(out.bytes).bytes(), expected);
      assertEquals(out.strippedCount, isPadded ? size - length : 0);
    }
  }
});

Deno.test("the reply for a missing file is those 15 bytes", () => {
  assert(isMissing(UTF8.encode("File not found.")));
  for (
    const text of ["", "File not found", "File not found.\n", "file not found."]
  ) {
    assert(!isMissing(UTF8.encode(text)));
  }
});
