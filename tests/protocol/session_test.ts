import { assertEquals, assertThrows } from "@std/assert";
import {
  Conversation,
  EXCHANGE_COUNT_MAX,
  ProtocolError,
  type Step,
} from "../../lib/protocol/mod.ts";
import { ready, walk } from "./machines.ts";
import { Pair } from "./pair.ts";

Deno.test("a whole control session", () => {
  const pair = new Pair("control", false);
  pair.walk(["client HELLO", "server GREETING", "client LOGIN"]);
  assertEquals(pair.states, ["checking", "checking"]);
  pair.walk(["server READY", "client PING", "server PONG", "server PING"]);
  pair.walk(["client PONG"]);
  pair.walk(["client GRANT", "server GRANTED"], 1);
  pair.walk(["client STAT", "server ERROR"], 2);
  pair.walk(["client LIST", "server PAGE", "client MORE", "server PAGE"], 3);
  assertEquals([pair.client.open, pair.server.open], [1, 1]);
  pair.walk(["server DONE"], 3);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
  pair.walk(["client SPACE", "server SPACE_LEFT"], 4);
  pair.walk(["server GOODBYE"]);
  pair.walk(["client STAT", "server ERROR"], 5);
  pair.walk(["client GOODBYE"]);
  assertEquals(pair.states, ["leaving", "leaving"]);
});

Deno.test("a whole data session", () => {
  const pair = new Pair("data", false);
  pair.walk(["client ATTACH", "server ATTACHED"]);
  pair.walk([
    "client PUT",
    "server OPENED",
    "client DATA",
    "server PROGRESS",
    "client DATA",
    "client END",
    "server PROGRESS",
    "server RECEIPT",
    "client ACKNOWLEDGE",
  ], 3);
  assertEquals(pair.exchange(3), [undefined, undefined]);
  pair.walk([
    "client GET",
    "server OPENED",
    "server DATA",
    "server END",
    "client ACKNOWLEDGE",
  ], 9);
  pair.walk(["client PUT", "server RECEIPT", "client ACKNOWLEDGE"], 10);
  pair.walk(["client GET", "server ERROR"], 11);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("requests of one connection may overlap, and be answered in any order", () => {
  const pair = new Pair("control");
  pair.walk(["client STAT"], 1);
  pair.walk(["client LIST", "server PAGE"], 2);
  pair.walk(["client REMOVE"], 5);
  assertEquals(pair.server.open, 3);
  pair.walk(["server DONE"], 5);
  pair.walk(["server PAGE", "server DONE"], 2);
  pair.walk(["server ENTRY"], 1);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("chunks and END that cross a refusal do no harm", () => {
  const pair = new Pair("data");
  pair.walk(["client PUT", "server OPENED"], 1);
  pair.send("server ERROR", 1);
  pair.send("client DATA", 1);
  pair.send("client DATA", 1);
  pair.send("client END", 1);
  pair.arrive("client");
  pair.arrive("server");
  assertEquals(pair.exchange(1), ["refused", "refused"]);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
  pair.walk(["client PUT"], 2);
});

Deno.test("progress that crosses END does no harm", () => {
  const pair = new Pair("data");
  pair.walk(["client PUT", "server OPENED", "client DATA"], 1);
  pair.send("server PROGRESS", 1);
  pair.send("client END", 1);
  pair.arrive("client");
  pair.arrive("server");
  pair.walk(["server RECEIPT"], 1);
  assertEquals(pair.exchange(1), ["settled", "settled"]);
});

Deno.test("credit that crosses the end of a listing does no harm, whatever else begins", () => {
  const pair = new Pair("control");
  pair.walk(["client LIST", "server PAGE"], 1);
  pair.send("server DONE", 1);
  // As many as the client may have open beside the listing.
  for (let id = 2; id <= EXCHANGE_COUNT_MAX; id++) pair.send("client STAT", id);
  pair.send("client MORE", 1);
  pair.arrive("client");
  pair.arrive("server");
  for (let id = 2; id <= EXCHANGE_COUNT_MAX; id++) {
    pair.walk(["server ENTRY"], id);
  }
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("an exchange that ended long ago is forgotten", () => {
  const server = ready("control", "server");
  walk(server, ["client LIST", "server DONE"], 1);
  for (let id = 2; id <= EXCHANGE_COUNT_MAX + 1; id++) {
    walk(server, ["client STAT", "server ENTRY"], id);
  }
  assertEquals(server.exchangeState(1), "listed");
  walk(server, ["client STAT", "server ENTRY"], EXCHANGE_COUNT_MAX + 2);
  assertEquals(server.exchangeState(1), undefined);
  assertThrows(() => walk(server, ["client MORE"], 1), ProtocolError);
});

Deno.test("cancelling any exchange, at any time, does no harm", () => {
  const pair = new Pair("control");
  pair.walk(["client CANCEL"], 99);
  pair.walk(["client LIST", "client CANCEL", "server ERROR"], 100);
  pair.walk(["client CANCEL"], 100);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
  const data = ready("data", "server");
  const error = assertThrows(() => walk(data, ["client CANCEL"], 1));
  assertEquals((error as ProtocolError).fault, "remote");
});

Deno.test("a server does not cancel", () => {
  const client = ready("control", "client");
  assertThrows(() => walk(client, ["server CANCEL"], 1), ProtocolError);
});

Deno.test("goodbyes may cross, and answers that are under way are let through", () => {
  const pair = new Pair("control");
  pair.walk(["client LIST"], 1);
  pair.send("server PAGE", 1);
  pair.send("server GOODBYE");
  pair.send("server PING");
  pair.send("client GOODBYE");
  pair.arrive("client");
  pair.arrive("server");
  pair.send("server DONE", 1);
  pair.arrive("server");
  assertEquals(pair.states, ["leaving", "leaving"]);
});

Deno.test("nothing begins after the client's goodbye", () => {
  const server = ready("control", "server");
  walk(server, ["client GOODBYE"]);
  assertThrows(() => walk(server, ["client STAT"], 1), ProtocolError);
});

for (const id of [5, 4, 1]) {
  Deno.test(`exchange id ${id} after 5 is refused`, () => {
    const server = ready("control", "server");
    walk(server, ["client STAT", "server ENTRY"], 5);
    const error = assertThrows(
      () => walk(server, ["client STAT"], id),
      ProtocolError,
      "was used before",
    );
    assertEquals([error.fault, error.code], ["remote", "protocol"]);
  });
}

Deno.test("more exchanges at once than the limit are refused", () => {
  for (const role of ["client", "server"] as const) {
    const conversation = ready("control", role);
    for (let id = 1; id <= EXCHANGE_COUNT_MAX; id++) {
      walk(conversation, ["client STAT"], id);
    }
    assertEquals(conversation.open, EXCHANGE_COUNT_MAX);
    const error = assertThrows(
      () => walk(conversation, ["client STAT"], EXCHANGE_COUNT_MAX + 1),
      ProtocolError,
    );
    assertEquals(error.code, "limit");
    assertEquals(error.fault, role === "client" ? "local" : "remote");
  }
});

const ALONE: readonly (readonly Step[])[] = [
  ["client PUT"],
  ["client PUT", "server OPENED"],
  ["client PUT", "server OPENED", "client END"],
  ["client PUT", "server OPENED", "client END", "server AGAIN"],
  ["client PUT", "server RECEIPT"],
  ["client FETCH"],
  ["client FETCH", "server OPENED"],
  ["client FETCH", "server OPENED", "client WANT"],
  ["client JOIN"],
  ["client JOIN", "server OPENED"],
  ["client JOIN", "server OPENED", "client DATA"],
];

const PIPELINED: readonly (readonly Step[])[] = [
  ["client GET"],
  ["client GET", "server OPENED"],
  ["client GET", "server OPENED", "server END"],
  ["client GET", "server OPENED", "server END", "client WANT"],
  ["client STORE"],
  ["client STORE", "client DATA"],
  ["client STORE", "client DATA", "server RECEIPT"],
];

function assertNotBegun(steps: readonly Step[], request: Step): void {
  const server = ready("data", "server");
  walk(server, steps, 1);
  const error = assertThrows(() => walk(server, [request], 2), ProtocolError);
  assertEquals(error.code, "limit", request);
}

for (const steps of ALONE) {
  Deno.test(`nothing else begins after ${steps.join(", ")}`, () => {
    for (const request of ["PUT", "FETCH", "JOIN", "GET", "STORE"] as const) {
      assertNotBegun(steps, `client ${request}`);
    }
  });
}

for (const steps of PIPELINED) {
  Deno.test(`only what is pipelined begins after ${steps.join(", ")}`, () => {
    for (const request of ["PUT", "FETCH", "JOIN"] as const) {
      assertNotBegun(steps, `client ${request}`);
    }
    for (const request of ["GET", "STORE"] as const) {
      const pair = new Pair("data");
      pair.walk(steps, 1);
      pair.walk([`client ${request}`], 2);
      assertEquals([pair.client.open, pair.server.open], [2, 2]);
    }
  });
}

Deno.test("nothing of a refused upload may come after the next has begun", () => {
  const server = ready("data", "server");
  walk(server, ["client PUT", "server ERROR", "client DATA"], 1);
  walk(server, ["client PUT", "server OPENED"], 2);
  assertThrows(() => walk(server, ["client DATA"], 1), ProtocolError);
});

Deno.test("the next transfer may begin right behind the acknowledgement", () => {
  const pair = new Pair("data");
  pair.walk(["client PUT", "server OPENED", "client END", "server RECEIPT"], 1);
  pair.send("client ACKNOWLEDGE", 1);
  pair.send("client GET", 2);
  pair.arrive("client");
  assertEquals(pair.exchange(2), ["asked", "asked"]);
});

Deno.test("an end that was wronged may say so, once", () => {
  const server = ready("control", "server");
  const error = assertThrows(() => walk(server, ["client LOGIN"]));
  walk(server, ["server FAIL"]);
  assertEquals(server.state, "closed");
  assertEquals(assertThrows(() => walk(server, ["server FAIL"])), error);
  assertEquals(assertThrows(() => walk(server, ["client FAIL"])), error);
});

Deno.test("a wronged client says so only to what has shown to be a server", () => {
  const early = new Conversation("control", "client");
  walk(early, ["client HELLO"]);
  const error = assertThrows(() => walk(early, ["server READY"]));
  assertEquals(assertThrows(() => walk(early, ["client FAIL"])), error);
  const late = ready("control", "client");
  assertThrows(() => walk(late, ["server READY"]));
  walk(late, ["client FAIL"]);
  assertEquals(late.state, "closed");
});
