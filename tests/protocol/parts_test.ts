/**
 * Resume, repair, parts of files, streams and active connections, as both ends
 * of a connection walk them.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import {
  Conversation,
  ProtocolError,
  REPAIR_COUNT_MAX,
  type Step,
  WANT_COUNT_MAX,
} from "../../lib/protocol/mod.ts";
import { ready, walk } from "./machines.ts";
import { Pair } from "./pair.ts";

Deno.test("an upload that is continued, and repaired twice", () => {
  const pair = new Pair("data");
  pair.walk(["client PUT", "server HAVE", "server HAVE", "server OPENED"], 1);
  pair.walk(["client DATA", "client END", "server PROGRESS"], 1);
  pair.walk(["server AGAIN", "client DATA", "client END"], 1);
  pair.walk(["server AGAIN", "client DATA", "client DATA", "client END"], 1);
  pair.walk(["server RECEIPT", "client ACKNOWLEDGE"], 1);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("what is held may turn out to be no use", () => {
  for (const answer of ["server RECEIPT", "server ERROR"] as const) {
    const pair = new Pair("data");
    pair.walk(["client PUT", "server HAVE", answer], 1);
  }
});

Deno.test("HAVE comes before OPENED only", () => {
  const client = ready("data", "client");
  walk(client, ["client PUT", "server OPENED"], 1);
  assertThrows(() => walk(client, ["server HAVE"], 1), ProtocolError);
});

Deno.test("chunks that are sent again cross a refusal: cancelled after AGAIN", () => {
  const pair = new Pair("data");
  pair.walk(["client PUT", "server OPENED", "client DATA", "client END"], 1);
  pair.send("server AGAIN", 1);
  // CANCEL has come on the control connection meanwhile.
  pair.send("server ERROR", 1);
  pair.arrive("server", 1);
  pair.send("client DATA", 1);
  pair.send("client END", 1);
  pair.arrive("server");
  pair.arrive("client");
  assertEquals(pair.exchange(1), ["refused", "refused"]);
  pair.walk(["client PUT"], 2);
});

Deno.test("nothing is sent between END and AGAIN", () => {
  for (const type of ["DATA", "END", "ACKNOWLEDGE"] as const) {
    const server = ready("data", "server");
    walk(server, ["client PUT", "server OPENED", "client END"], 1);
    assertThrows(() => walk(server, [`client ${type}`], 1), ProtocolError);
  }
});

Deno.test("a download is repaired after END, while the next one arrives", () => {
  const pair = new Pair("data");
  pair.walk(["client GET"], 1);
  pair.walk(["client GET"], 2);
  pair.walk(["server OPENED", "server DATA", "server END"], 1);
  pair.send("server OPENED", 2);
  pair.send("server DATA", 2);
  pair.send("client WANT", 1);
  pair.arrive("server");
  pair.arrive("client");
  pair.walk(["server DATA"], 1);
  pair.walk(["server END"], 2);
  pair.walk(["server SENT", "client WANT", "server SENT"], 1);
  assertEquals(pair.exchange(1), ["delivered", "delivered"]);
  pair.walk(["client ACKNOWLEDGE"], 2);
  pair.walk(["client WANT", "server ERROR"], 1);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("a download asks again for one thing at a time", () => {
  const server = ready("data", "server");
  walk(server, ["client GET", "server OPENED", "server END"], 1);
  walk(server, ["client WANT"], 1);
  assertThrows(() => walk(server, ["client WANT"], 1), ProtocolError);
});

Deno.test("as many questions of a FETCH are under way as may be, and no more", () => {
  const pair = new Pair("data");
  pair.walk(["client FETCH", "server OPENED"], 1);
  const ask = (count: number): Step =>
    count % 2 === 0 ? "client WANT" : "client SUMS";
  for (let count = 0; count < WANT_COUNT_MAX; count++) pair.send(ask(count), 1);
  pair.arrive("client");
  pair.walk(["server DATA", "server SENT", "client WANT"], 1);
  for (let count = 0; count < WANT_COUNT_MAX; count++) {
    pair.walk(["server HAVE", "server DATA", "server SENT"], 1);
  }
  assertEquals(pair.exchange(1), ["open", "open"]);
  for (let count = 0; count < WANT_COUNT_MAX; count++) pair.send(ask(count), 1);
  const error = assertThrows(() => pair.send("client SUMS", 1), ProtocolError);
  assertEquals(error.fault, "local");
});

Deno.test("a FETCH is not ended while it is owed something", () => {
  const server = ready("data", "server");
  walk(server, ["client FETCH", "server OPENED", "client WANT"], 1);
  assertThrows(() => walk(server, ["client ACKNOWLEDGE"], 1), ProtocolError);
});

Deno.test("a server that owes nothing to a FETCH is silent", () => {
  for (const type of ["DATA", "HAVE", "SENT", "ERROR"] as const) {
    const client = ready("data", "client");
    walk(client, ["client FETCH", "server OPENED"], 1);
    assertThrows(() => walk(client, [`server ${type}`], 1), ProtocolError);
  }
});

Deno.test("questions that cross the refusal of one before do no harm", () => {
  const pair = new Pair("data");
  pair.walk(["client FETCH", "server OPENED", "client WANT"], 1);
  pair.send("server DATA", 1);
  pair.send("server ERROR", 1);
  pair.send("client WANT", 1);
  pair.send("client SUMS", 1);
  pair.arrive("client");
  pair.arrive("server");
  assertEquals(pair.exchange(1), ["refused", "refused"]);
  pair.walk(["client FETCH", "server ERROR"], 2);
  pair.walk(["client GET"], 3);
});

Deno.test("the next request may stand right behind the end of a FETCH", () => {
  const pair = new Pair("data");
  pair.walk(["client FETCH", "server OPENED", "client WANT"], 1);
  pair.walk(["server DATA", "server SENT"], 1);
  pair.send("client ACKNOWLEDGE", 1);
  pair.send("client PUT", 2);
  pair.arrive("client");
  assertEquals(pair.exchange(2), ["asked", "asked"]);
});

Deno.test("a stream: chunks, flushed and again, and its end", () => {
  const pair = new Pair("data");
  pair.walk(["client JOIN", "server OPENED", "client DATA", "client DATA"], 1);
  pair.walk(["client FLUSH", "server FLUSHED", "client DATA"], 1);
  pair.walk(["client FLUSH", "server FLUSHED", "client ACKNOWLEDGE"], 1);
  pair.walk(["client JOIN", "server ERROR"], 2);
  pair.walk(["client JOIN", "server OPENED", "client ACKNOWLEDGE"], 3);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("FLUSH that crosses the refusal of a stream does no harm", () => {
  const pair = new Pair("data");
  pair.walk(["client JOIN", "server OPENED", "client DATA"], 1);
  pair.send("server ERROR", 1);
  pair.send("client DATA", 1);
  pair.send("client FLUSH", 1);
  pair.arrive("client");
  pair.arrive("server");
  assertEquals(pair.exchange(1), ["refused", "refused"]);
});

Deno.test("a stream that has been flushed is refused nothing", () => {
  const client = ready("data", "client");
  walk(client, ["client JOIN", "server OPENED"], 1);
  assertThrows(() => walk(client, ["server ERROR"], 1), ProtocolError);
});

Deno.test("a stream is not ended before it is flushed", () => {
  for (const last of ["client DATA", "client FLUSH"] as const) {
    const server = ready("data", "server");
    walk(server, ["client JOIN", "server OPENED", last], 1);
    assertThrows(() => walk(server, ["client ACKNOWLEDGE"], 1), ProtocolError);
  }
});

Deno.test("a connection that the server has dialled", () => {
  const pair = new Pair("data", false);
  pair.walk(["server DIALLED", "client ATTACH", "server ATTACHED"]);
  assertEquals(pair.states, ["ready", "ready"]);
  pair.walk(["client GET", "server ERROR"], 1);
});

Deno.test("a client that has attached takes no DIALLED", () => {
  const client = new Conversation("data", "client");
  walk(client, ["client ATTACH"]);
  const error = assertThrows(
    () => walk(client, ["server DIALLED"]),
    ProtocolError,
  );
  assertEquals(error.fault, "remote");
});

Deno.test("there are rounds enough to repair a bad line", () => {
  // One frame in a hundred is damaged, of a file of 16 TiB.
  const left = 2 ** 24 * 0.01 ** REPAIR_COUNT_MAX;
  assertEquals(left < 0.001, true);
});
