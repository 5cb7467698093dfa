import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  checkServe,
  type DoorProtocol,
  RefusalError,
  serve,
  ServeError,
  type Visit,
} from "../../lib/server/mod.ts";
import { openMemoryStorage } from "../../lib/storage/mod.ts";
import type { Connection } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { PipeEnd } from "../helpers/pipe.ts";
import { startServer } from "../helpers/test_server.ts";

/** A protocol of one line, given as a function. */
function door(
  work: (connection: Connection, visit: Visit) => Promise<void>,
  hasLogin = false,
): DoorProtocol {
  return { name: "line", hasLogin, serve: work };
}

async function readAll(connection: Connection): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64);
  let text = "";
  for (;;) {
    const length = await connection.read(buffer);
    if (length === 0) return text;
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
}

async function say(connection: Connection, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

/** What the server's end of a connection says, until it closes. */
async function answer(connection: PipeEnd): Promise<string> {
  try {
    return await readAll(connection);
  } finally {
    connection.close();
  }
}

Deno.test("a door speaks another protocol, lets in as anonymous, and closes behind it", async () => {
  await using server = await startServer({
    doors: [door(async (connection, visit) => {
      const { user, offer } = await visit.admit({ method: "anonymous" });
      visit.arrived();
      await say(connection, `${user}: ${offer.rights.join(" ")}`);
    })],
  });
  assertEquals(
    server.server.doors.map(({ protocol }) => protocol),
    ["ferry", "line"],
  );
  assertEquals(server.server.addresses.length, 1);
  assertEquals(
    await answer(await server.dialDoor("line")),
    "anonymous: list read write rename delete",
  );
  await server.assertServes();
});

Deno.test("whatever a door throws costs its own connection only", async () => {
  await using server = await startServer({
    doors: [door(() => Promise.reject(new TypeError("a bug")))],
  });
  assertEquals(await answer(await server.dialDoor("line")), "");
  await server.assertServes();
});

Deno.test("a door without a log-in needs somebody who may come in without one", async () => {
  const protocol = door(() => Promise.resolve());
  const options = {
    root: await openMemoryStorage(),
    listen: [],
    doors: [{ protocol, address: { hostname: "127.0.0.1", port: 0 } }],
    anonymous: "none" as const,
  };
  for (const start of [serve, checkServe]) {
    const error = await assertRejects(
      async () => start({ ...options, root: await openMemoryStorage() }),
      ServeError,
    );
    assert(error.message.includes("--anonymous"), error.message);
    assert(error.message.includes("line"), error.message);
  }
  const doors = [{
    protocol: door(() => Promise.resolve(), true),
    address: { hostname: "127.0.0.1", port: 0 },
  }];
  await using server = await serve({ ...options, doors });
  assertEquals(server.doors[0]!.offer.rights, []);
});

Deno.test("a door beyond loopback is plain TCP, and must be meant", async () => {
  const protocol = door(() => Promise.resolve());
  await assertRejects(
    async () =>
      serve({
        root: await openMemoryStorage(),
        listen: [],
        doors: [{ protocol, address: { hostname: "0.0.0.0", port: 0 } }],
      }),
    ServeError,
    "--allow-plain",
  );
});

Deno.test("a door is told when a peer takes too long to say what it wants", async () => {
  const seen: boolean[] = [];
  await using server = await startServer({
    limits: { loginTimeout: 1000 },
    doors: [door(async (connection, visit) => {
      await readAll(connection).catch(() => {});
      seen.push(visit.late.aborted);
    })],
  });
  const connection = await server.dialDoor("line");
  await settle();
  // It has a moment to say so before the connection is closed.
  await server.clock.advance(2000);
  assertEquals(await answer(connection), "");
  assertEquals(seen, [true]);
});

Deno.test("a door counts with all others, and refuses one too many", async () => {
  await using server = await startServer({
    limits: { connectionCountMax: 2 },
    doors: [door(async (connection, visit) => {
      try {
        visit.assertRoom();
        await readAll(connection);
      } catch (error) {
        assert(error instanceof RefusalError);
        await say(connection, error.code);
      }
    })],
  });
  const held = [await server.dialDoor("line"), await server.dialDoor("line")];
  assertEquals(await answer(await server.dialDoor("line")), "limit");
  for (const connection of held) connection.close();
  await settle();
  await server.assertServes();
});

Deno.test("a door dials the peer's own machine, and no port of the system", async () => {
  const refused: string[] = [];
  await using server = await startServer({
    doors: [door(async (_connection, visit) => {
      for (const port of [1023, 3000, 2000]) {
        try {
          const back = await visit.dial(port, visit.signal);
          await say(back, `${visit.remote.hostname}`);
          back.close();
        } catch (error) {
          assert(error instanceof RefusalError);
          refused.push(error.code);
        }
      }
    })],
  });
  const listener = server.network.listen({ hostname: "127.0.0.1", port: 2000 });
  const accepted = listener.accept();
  const connection = await server.dialDoor("line");
  const dialled = (await accepted)!;
  assertEquals(await readAll(dialled), "127.0.0.1");
  dialled.close();
  listener.close();
  assertEquals(await answer(connection), "");
  assertEquals(refused, ["denied", "unavailable"]);
});

Deno.test("a shutdown waits for a door that is busy, and then closes it", async () => {
  const ends: string[] = [];
  const gate = Promise.withResolvers<void>();
  await using server = await startServer({
    doors: [door(async (connection, visit) => {
      visit.arrived();
      await visit.whileBusy(() => gate.promise);
      ends.push(`drained ${visit.isDraining}`);
      await readAll(connection).catch(() => {});
      ends.push(`closed ${visit.signal.aborted}`);
    })],
  });
  const connection = await server.dialDoor("line");
  await settle();
  const shutdown = server.server.shutdown({ drain: 5000 });
  await server.clock.advance(1000);
  assertEquals(ends, []);
  gate.resolve();
  await server.clock.run(shutdown);
  assertEquals(ends, ["drained true", "closed true"]);
  connection.close();
});
