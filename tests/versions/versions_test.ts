/** Programs of one version talk to those of another, or say why they cannot. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect, FerryError } from "../../lib/client/mod.ts";
import { ERROR_CODES, errorCodeName } from "../../lib/protocol/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { HELLO, startServer } from "../helpers/test_server.ts";
import version1 from "../testdata/sessions/version_1.json" with {
  type: "json",
};
import { PinnedServer } from "./pinned_server.ts";
import {
  assertSays,
  BROKEN,
  bytesOf,
  decode,
  FILES,
  PASSING,
  type Recorded,
  rewritten,
} from "./recording.ts";
import { runSession } from "./session.ts";

/** Sessions of all versions that were ever released. */
const RECORDINGS: Readonly<Record<string, readonly Recorded[]>> = {
  "version 1": version1 as readonly Recorded[],
};

const ADDRESS = { hostname: "127.0.0.1", port: 65_430 };

for (const [version, recording] of Object.entries(RECORDINGS)) {
  Deno.test(`a client of ${version}, as it was recorded, is served by this server`, async () => {
    await using server = await startServer();
    const peers = new Map<number, RawPeer>();
    const echoes = new Map<string, Uint8Array>();
    const replay = async (): Promise<void> => {
      for (const entry of recording) {
        const { connection, sender, type } = entry;
        const peer = peers.get(connection) ?? await server.dial();
        peers.set(connection, peer);
        if (PASSING.has(type)) continue;
        if (type === "BREAK") peer.close();
        else if (sender === "server") {
          let frame = await peer.receive();
          while (PASSING.has(frame?.type ?? "")) frame = await peer.receive();
          assertSays(frame!, decode(bytesOf(entry)), echoes);
        } else {
          const bytes = bytesOf(entry);
          await peer.sendBytes(rewritten(bytes, decode(bytes).id, echoes));
        }
      }
    };
    await server.clock.run(replay(), 100);
    assertEquals(await server.read(`/${BROKEN}`), FILES["large"]);
    assertEquals(await server.read("/d/large"), FILES["small"]);
    assertEquals(await server.read("/d/small-empty"), FILES["empty"]);
    assertEquals(await server.staged(), []);
  });

  Deno.test(`this client is served by a server of ${version}, as it was recorded`, async () => {
    const [clock, network] = [new FakeClock(), new FakeNetwork()];
    const server = new PinnedServer(recording, network.listen(ADDRESS));
    await clock.run(runSession({ address: ADDRESS, network, clock }), 100);
    await server.end();
    assertEquals([network.openCount, clock.pending], [0, 0]);
  });
}

Deno.test("FerryServer picks the version that a newer client speaks as well", async () => {
  await using server = await startServer();
  const peer = await server.dial();
  await peer.send("HELLO", { ...HELLO, versions: [2, 1] });
  assertEquals((await peer.expect("GREETING")).body.version, 1);
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  await peer.expect("READY");
});

Deno.test("FerryServer refuses a client of another version in a clear sentence", async () => {
  for (const [versions, spoken] of [[[3, 2], "3, 2"], [[], "none"]] as const) {
    await using server = await startServer();
    const peer = await server.dial();
    await peer.send("HELLO", { ...HELLO, versions });
    const { body } = await peer.expect("FAIL");
    assertEquals(errorCodeName(body.code), "unsupported");
    assertEquals(
      body.message,
      `this server speaks protocol version 1, the client ${spoken}`,
    );
    await peer.expectEnd();
    await server.assertServes();
  }
});

/** Connects to a server that is made up; says why that fails. */
async function refusal(
  act: (peer: RawPeer) => Promise<void>,
): Promise<FerryError> {
  const [clock, network] = [new FakeClock(), new FakeNetwork()];
  const listener = network.listen(ADDRESS);
  const serving = listener.accept().then(async (connection) => {
    const peer = new RawPeer(connection!);
    await peer.expect("HELLO");
    await act(peer);
    await peer.receive().catch(() => {});
    peer.close();
  });
  const error = await assertRejects(
    () => clock.run(connect({ ...ADDRESS, network, clock })),
    FerryError,
  );
  await serving;
  listener.close();
  assertEquals([network.openCount, clock.pending], [0, 0]);
  return error;
}

Deno.test("connect() says so where a server needs another version", async () => {
  const error = await refusal((peer) =>
    peer.send("FAIL", {
      code: ERROR_CODES.unsupported,
      message: "this server speaks protocol version 2, the client 1",
    })
  );
  assertEquals(error.code, "unsupported");
  assertEquals(
    error.message,
    "this server speaks protocol version 2, the client 1",
  );
});

Deno.test("connect() takes no version that it has not offered", async () => {
  const error = await refusal((peer) =>
    peer.send("GREETING", {
      version: 2,
      agent: "new/2",
      nonce: new Uint8Array(32),
      methods: ["anonymous"],
    })
  );
  assertEquals(error.code, "unsupported");
  assertMatch(error.message, /chose protocol version 2, this client speaks 1$/);
});
