import { assertEquals, assertThrows } from "@std/assert";
import { COEN366_MACHINE } from "../../../lib/classic/coen366/machine.ts";
import {
  type Coen366Answer,
  encodeAnswer,
  encodeRequest,
  readAnswer,
  readRequest,
} from "../../../lib/classic/coen366/messages.ts";
import { MalformedError, type Reader } from "../../../lib/classic/reading.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import {
  changeHeader,
  fileHeader,
  getHeader,
  putHeader,
} from "../peers/coen366.ts";
import { ascii, joined } from "../peers/socket.ts";
import { assertWalks } from "../tables.ts";

const NAME = ascii("a.txt");

const REQUESTS = [
  [{ type: "PUT", name: NAME, size: 5 }, putHeader("a.txt", 5)],
  [{ type: "PUT", name: NAME, size: 0 }, putHeader("a.txt", 0)],
  [
    { type: "PUT", name: NAME, size: 2 ** 32 - 1 },
    ascii("00000101a.txt" + "1".repeat(32)),
  ],
  [{ type: "GET", name: NAME }, getHeader("a.txt")],
  [{ type: "GET", name: ascii("") }, ascii("00100000")],
  [
    { type: "CHANGE", name: NAME, newName: ascii("b") },
    changeHeader("a.txt", "b"),
  ],
  [
    { type: "CHANGE", name: NAME, newName: ascii("b".repeat(255)) },
    changeHeader("a.txt", "b".repeat(255)),
  ],
  [{ type: "HELP" }, ascii("01100000")],
] as const;

const ANSWERS: readonly (readonly [Coen366Answer, Uint8Array])[] = [
  [{ type: "DONE" }, ascii("00000000")],
  [{ type: "NOT_FOUND" }, ascii("01000000")],
  [{ type: "REFUSED" }, ascii("10100000")],
  [{ type: "NOT_KNOWN" }, ascii("01100000")],
  [{ type: "FILE", name: NAME, size: 77 }, fileHeader("a.txt", 77)],
  [
    { type: "COMMANDS", text: ascii("Cmds: get put change help bye") },
    ascii("11011101Cmds: get put change help bye"),
  ],
];

/** That a message is read under every cut, and that what follows is left alone. */
function assertRead<M>(read: Reader<M>, message: M, bytes: Uint8Array): void {
  const { length } = bytes;
  assertEquals(read(bytes), { kind: "whole", message, length });
  assertEquals(
    read(joined(bytes, ascii("more"))),
    { kind: "whole", message, length },
  );
  for (let at = 1; at < length; at++) {
    assertEquals(read(bytes.subarray(0, at)), { kind: "partial" });
  }
}

Deno.test("coen366: every request is the bytes of the document, and back", () => {
  for (const [request, bytes] of REQUESTS) {
    assertEquals(encodeRequest(request), joined(bytes));
    assertRead(readRequest, request, bytes);
  }
});

Deno.test("coen366: every answer is the bytes of the document, and back", () => {
  for (const [answer, bytes] of ANSWERS) {
    assertEquals(encodeAnswer(answer), joined(bytes));
    assertRead(readAnswer, answer, bytes);
  }
});

Deno.test("coen366: what is no request is open, up to 1024 bytes", () => {
  const unknown = { kind: "open", message: { type: "UNKNOWN" } } as const;
  for (const text of ["100", "10", "101000", "111", "01100001", "x", "0x"]) {
    const known = text === "10" ? { kind: "partial" } : unknown;
    assertEquals(readRequest(ascii(text)), known, text);
  }
  assertEquals(readRequest(ascii("x".repeat(1024))), unknown);
  assertThrows(() => readRequest(ascii("x".repeat(1025))), MalformedError);
});

Deno.test("coen366: what is no answer is refused as soon as that is known", () => {
  for (const text of ["2", "00000001", "10000000", "11100000", "0100000x"]) {
    assertThrows(() => readAnswer(ascii(text)), MalformedError);
  }
});

Deno.test("coen366: readers take any bytes for something", () => {
  const random = new SeededRandom(8);
  for (let count = 0; count < 3000; count++) {
    const bytes = random.chance(0.5)
      ? random.bytes(random.size(1, 400))
      : ascii(
        Array.from({ length: random.size(1, 400) }, () => random.below(2))
          .join(""),
      );
    for (const read of [readRequest, readAnswer]) {
      try {
        const reading = read(bytes);
        if (reading.kind !== "whole") continue;
        // One meaning only: what was read is written as it came.
        const { message, length } = reading;
        const again = read === readRequest
          ? encodeRequest(message as Parameters<typeof encodeRequest>[0])
          : encodeAnswer(message as Coen366Answer);
        assertEquals(again, joined(bytes.subarray(0, length)));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
      }
    }
  }
});

Deno.test("coen366: every walk through the table", () => {
  const bye = "client BYE";
  assertWalks(COEN366_MACHINE, [
    `client PUT, client DATA, client DATA, client WHOLE, server DONE, ${bye}`,
    `client PUT, client WHOLE, server REFUSED, ${bye}`,
    `client PUT, server REFUSED, client DATA, client WHOLE, ${bye}`,
    `client GET, server FILE, server DATA, server WHOLE, ${bye}`,
    `client GET, server NOT_FOUND, client GET, server NOT_KNOWN, ${bye}`,
    `client CHANGE, server DONE, client CHANGE, server NOT_FOUND, ${bye}`,
    `client CHANGE, server REFUSED, client CHANGE, server NOT_KNOWN, ${bye}`,
    `client HELP, server COMMANDS, client HELP, server NOT_KNOWN, ${bye}`,
    `client UNKNOWN, server NOT_KNOWN, ${bye}`,
  ]);
});
