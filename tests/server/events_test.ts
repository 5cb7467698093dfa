import { assert, assertEquals, assertObjectMatch } from "@std/assert";
import type { EventOrigin, ServerEvent } from "../../lib/server/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import {
  HELLO,
  putBody,
  startServer,
  type TestServerOptions,
} from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { sendAll } from "./scene.ts";

/** An event of any kind, to be looked at field by field. */
type AnyEvent = Record<string, unknown>;

interface Told {
  readonly event: ServerEvent;
  readonly origin: EventOrigin;
}

async function observed(options: TestServerOptions = {}) {
  const told: Told[] = [];
  const server = await startServer({
    ...options,
    onEvent: (event, origin) => told.push({ event, origin }),
  });
  /** The events since the last call, connections left out. */
  const take = async (): Promise<AnyEvent[]> => {
    await settle();
    return told.splice(0).map(({ event }) => ({ ...event }))
      .filter(({ type }) => type !== "connected" && type !== "disconnected");
  };
  return { server, told, take };
}

Deno.test("a server tells of log-ins, changes, refusals and the end of a session", async () => {
  const { server, told, take } = await observed();
  await using _server = server;
  const { control, ready } = await server.logIn();
  const session = ready.session.toHex();
  const user = "anonymous";
  await settle();
  assertEquals(told[0]!.event, { type: "connected" });
  assertObjectMatch({ ...told[0]!.origin }, {
    protocol: "ferry",
    connection: 1,
  });
  assertEquals(await take(), [
    { type: "log-in", user, session, method: "anonymous" },
  ]);

  await control.send("MAKE_DIRECTORY", { path: "new", parents: false }, 1);
  await control.expect("DONE");
  const [change] = await take();
  assertObjectMatch(change!, {
    type: "change",
    request: "MAKE_DIRECTORY",
    id: 1,
    user,
    session,
    details: { path: "new" },
  });

  await control.send("REMOVE", { path: "missing", recursive: false }, 2);
  await control.expect("ERROR");
  const [refusal] = await take();
  assertObjectMatch(refusal!, {
    type: "refusal",
    request: "REMOVE",
    path: "missing",
    code: "not-found",
    id: 2,
  });
  assert(!("error" in refusal!));

  control.close();
  await settle();
  assertEquals(told.at(-1)!.event, { type: "disconnected" });
  assertObjectMatch((await take()).at(-1)!, { type: "log-out", session });
});

Deno.test("a server tells of files received, and of those sent when the client has them", async () => {
  const { server, take } = await observed();
  await using _server = server;
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  await take();
  const bytes = sample(1_500_000);
  await data.send("PUT", putBody("a.bin", { size: bytes.length }), 2);
  await data.expect("OPENED");
  await sendAll(data, 2, bytes);
  await data.await("RECEIPT");
  assertObjectMatch((await take())[0]!, {
    type: "received",
    request: "PUT",
    id: 2,
    path: "a.bin",
    size: bytes.length,
    resumedFrom: 0,
    publication: "created",
    durable: true,
  });
  await data.send("ACKNOWLEDGE", {}, 2);

  await data.send("GET", { path: "a.bin", algorithm: "crc32-chunks" }, 3);
  for (const type of ["OPENED", "DATA", "DATA", "END"] as const) {
    await data.expect(type);
  }
  assertEquals(await take(), []);
  await data.send("ACKNOWLEDGE", {}, 3);
  assertObjectMatch((await take())[0]!, {
    type: "sent",
    request: "GET",
    path: "a.bin",
    size: bytes.length,
    bytes: bytes.length,
  });

  await data.send("FETCH", { path: "a.bin", fingerprint: undefined }, 4);
  await data.expect("OPENED");
  await data.send("WANT", { runs: [{ first: 1, count: 1 }] }, 4);
  await data.expect("DATA");
  await data.expect("SENT");
  await data.send("ACKNOWLEDGE", {}, 4);
  assertObjectMatch((await take())[0]!, {
    type: "sent",
    request: "FETCH",
    size: bytes.length,
    bytes: bytes.length - 1_048_576,
  });
});

Deno.test("a server tells why it refused a log-in or ended a connection", async () => {
  const { server, take } = await observed({ anonymous: "none" });
  await using _server = server;
  const peer = await server.dial();
  await peer.send("HELLO", HELLO);
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  await peer.expect("FAIL");
  const [refused, closing] = await take();
  assertObjectMatch(refused!, {
    type: "log-in-refused",
    code: "login-refused",
  });
  assertObjectMatch(closing!, { type: "closing", code: "login-refused" });
});
