import { assertEquals, assertThrows } from "@std/assert";
import { CSCI320_MACHINE } from "../../../lib/classic/csci320/machine.ts";
import {
  encodeHeader,
  readAnswer,
  readHeader,
} from "../../../lib/classic/csci320/messages.ts";
import { MalformedError } from "../../../lib/classic/reading.ts";
import { header } from "../peers/csci320.ts";
import { ascii, joined } from "../peers/socket.ts";
import { assertWalks } from "../tables.ts";

Deno.test("csci320: a header is the bytes of the document, and back", () => {
  for (const size of [0, 1, 255, 65_536, 2 ** 32, 2 ** 44]) {
    const name = ascii("a.txt");
    assertEquals(encodeHeader({ size, name }), header("a.txt", size));
    assertEquals(readHeader(header("a.txt", size)), {
      kind: "open",
      message: { size, name },
    });
  }
});

Deno.test("csci320: a header is open from its first byte of a name on", () => {
  const whole = header("name", 5);
  for (let at = 1; at <= whole.length; at++) {
    const { kind } = readHeader(whole.subarray(0, at));
    assertEquals(kind, at <= 8 ? "partial" : "open");
  }
  assertEquals(readHeader(header("x".repeat(1016), 1)).kind, "open");
  assertThrows(() => readHeader(header("x".repeat(1017), 1)), MalformedError);
});

Deno.test("csci320: only go ahead alone is go ahead", () => {
  const goAhead = ascii("go ahead");
  for (let at = 1; at < goAhead.length; at++) {
    assertEquals(readAnswer(goAhead.subarray(0, at)), { kind: "partial" });
  }
  const length = 8;
  assertEquals(
    readAnswer(goAhead),
    { kind: "whole", message: "GO_AHEAD", length },
  );
  const others = [
    joined(goAhead, ascii("!")),
    joined(goAhead, goAhead),
    ascii("no"),
    ascii("go  ahead"),
    ascii("go aheae"),
  ];
  for (const bytes of others) {
    const { length } = bytes;
    assertEquals(
      readAnswer(bytes),
      { kind: "whole", message: "REFUSAL", length },
    );
  }
});

Deno.test("csci320: every walk through the table", () => {
  assertWalks(CSCI320_MACHINE, [
    "client HEADER, server GO_AHEAD, client DATA, client DATA, client WHOLE",
    "client HEADER, server REFUSAL",
  ]);
});
