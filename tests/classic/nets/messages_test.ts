import { assertEquals, assertThrows } from "@std/assert";
import {
  NETS_MACHINE,
  type NetsTurn,
} from "../../../lib/classic/nets/machine.ts";
import {
  encodeNets,
  type NetsMessage,
  netsReader,
} from "../../../lib/classic/nets/messages.ts";
import { MalformedError } from "../../../lib/classic/reading.ts";
import { offer, request, u64 } from "../peers/nets.ts";
import { ascii, joined } from "../peers/socket.ts";
import { assertWalks } from "../tables.ts";

const NAME = ascii("a.txt");

/** Every message, where it may come, and its bytes from the document alone. */
const ROWS: readonly (readonly [NetsTurn, NetsMessage, Uint8Array])[] = [
  ["start", { type: "DOWNLOAD", name: NAME }, request("D", "a.txt")],
  ["start", { type: "UPLOAD", name: NAME }, request("U", "a.txt")],
  ["download asked", { type: "OFFER", size: 258 }, offer("T", 258)],
  [
    "download asked",
    { type: "OFFER", size: 2 ** 40 + 1 },
    offer("T", 2 ** 40 + 1),
  ],
  ["download asked", { type: "MISSING" }, offer("F", 0)],
  ["download asked", { type: "DOWNLOAD_ERROR" }, offer("E", 0)],
  ["download offered", { type: "START" }, ascii("T")],
  ["download offered", { type: "NO_SPACE" }, ascii("F")],
  ["upload asked", { type: "ACCEPT" }, ascii("T")],
  ["upload asked", { type: "IN_USE" }, ascii("F")],
  ["upload asked", { type: "UPLOAD_ERROR" }, ascii("E")],
  ["upload accepted", { type: "SIZE", size: 5 }, u64(5)],
  ["upload accepted", { type: "SIZE", size: 2 ** 33 }, u64(2 ** 33)],
  ["upload sized", { type: "SEND" }, ascii("T")],
  ["upload sized", { type: "TOO_BIG" }, ascii("F")],
];

Deno.test("nets: every message is the bytes of the document, and back", () => {
  for (const [turn, message, bytes] of ROWS) {
    assertEquals(encodeNets(message), joined(bytes));
    const { length } = bytes;
    const read = netsReader(turn);
    const whole = { kind: "whole", message, length } as const;
    assertEquals(read(bytes), whole);
    // What follows is left alone.
    assertEquals(read(joined(bytes, ascii("T"))), whole);
    for (let at = 1; at < length; at++) {
      assertEquals(read(bytes.subarray(0, at)), { kind: "partial" });
    }
  }
});

Deno.test("nets: the first byte decides, where it is a letter", () => {
  for (const turn of new Set(ROWS.map(([turn]) => turn))) {
    const letters = ROWS.filter(([at]) => at === turn)
      .map(([, , bytes]) => bytes[0]!);
    const read = netsReader(turn);
    for (let byte = 0; byte < 256; byte++) {
      if (turn === "upload accepted" || letters.includes(byte)) {
        read(Uint8Array.of(byte));
      } else assertThrows(() => read(Uint8Array.of(byte)), MalformedError);
    }
  }
});

Deno.test("nets: names lose their padding, and nothing else", () => {
  const read = netsReader("start");
  for (const name of ["", "a\0b", "x".repeat(255), "\0a"]) {
    const reading = read(request("D", name));
    assertEquals(reading.kind === "whole" && reading.message, {
      type: "DOWNLOAD",
      name: ascii(name),
    });
  }
});

Deno.test("nets: every walk through the table", () => {
  const down = "client DOWNLOAD";
  const up = "client UPLOAD";
  assertWalks(NETS_MACHINE, [
    `${down}, server OFFER, client START, server DATA, server DATA, server WHOLE`,
    `${down}, server OFFER, client NO_SPACE`,
    `${down}, server MISSING`,
    `${down}, server DOWNLOAD_ERROR`,
    `${up}, server ACCEPT, client SIZE, server SEND, client DATA, client DATA, client WHOLE`,
    `${up}, server ACCEPT, client SIZE, server TOO_BIG`,
    `${up}, server IN_USE`,
    `${up}, server UPLOAD_ERROR`,
  ]);
});
