import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/client/mod.ts";
import {
  encodeMessage,
  message,
  type MessageBody,
} from "../../lib/protocol/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { startServer } from "../helpers/test_server.ts";
import { assertFerryError, FakeServer, GREETING, READY } from "./hostile.ts";
import type { FerryErrorCode } from "../../lib/client/mod.ts";

const UTF8 = new TextEncoder();

Deno.test("connect() tells who and what the session is", async () => {
  await using server = await startServer({ anonymous: "read" });
  await using client = await connect({
    ...server.address,
    network: server.network,
    clock: server.clock,
  });
  const { info } = client;
  assertEquals(info.hostname, "127.0.0.1");
  assertEquals(info.port, server.address.port);
  assertEquals(info.user, "anonymous");
  assertEquals(info.protocolVersion, 1);
  assertEquals(info.rights, ["list", "read"]);
  assert(info.refusals.write?.includes("--anonymous"));
  assert(info.server.startsWith("ferryd/"));
});

Deno.test("connect() says why no connection could be made", async () => {
  const failures = [
    ["refused", "connect-failed"],
    ["unknown-host", "connect-failed"],
    ["unreachable", "connect-failed"],
    ["denied", "denied"],
  ] as const;
  for (const [kind, code] of failures) {
    await using server = new FakeServer();
    server.network.dialFailures.push(new NetworkError(kind, `it is ${kind}`));
    const error = await assertFerryError(
      connect(server.options()),
      code,
      `it is ${kind}`,
    );
    assert(error.cause instanceof NetworkError);
    assertEquals(error.side, kind === "denied" ? "local" : "remote");
  }
});

interface Greeter {
  readonly code: FerryErrorCode;
  readonly includes?: string;
  act(peer: RawPeer): Promise<void>;
}

const GREETERS: Readonly<Record<string, Greeter>> = {
  "closes at once": {
    code: "connect-failed",
    includes: "closed the connection",
    act: (peer) => Promise.resolve(peer.close()),
  },
  "closes after HELLO": {
    code: "connect-failed",
    includes: "closed the connection",
    async act(peer) {
      await peer.expect("HELLO");
      peer.close();
    },
  },
  "closes in the middle of a frame": {
    code: "connect-failed",
    async act(peer) {
      const bytes = encodeMessage(message("GREETING", GREETING));
      await peer.sendBytes(bytes.slice(0, 40));
      peer.close();
    },
  },
  "closes after the log-in": {
    code: "connect-failed",
    async act(peer) {
      await peer.expect("HELLO");
      await peer.send("GREETING", GREETING);
      await peer.expect("LOGIN");
      peer.close();
    },
  },
  "speaks HTTP": {
    code: "wrong-protocol",
    act: (peer) =>
      peer.sendBytes(
        UTF8.encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
      ),
  },
  "is an SSH server": {
    code: "wrong-protocol",
    act: (peer) =>
      peer.sendBytes(
        UTF8.encode("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5\r\n"),
      ),
  },
  "sends the frame of another moment": {
    code: "wrong-protocol",
    act: (peer) => peer.send("READY", READY),
  },
  "sends a client's frame": {
    code: "wrong-protocol",
    act: (peer) => peer.send("LOGIN", { method: "x", user: undefined }),
  },
  "chooses a version that was not offered": {
    code: "unsupported",
    includes: "version 7",
    async act(peer) {
      await peer.expect("HELLO");
      await peer.send("GREETING", { ...GREETING, version: 7 });
    },
  },
  "refuses the version": {
    code: "unsupported",
    includes: "too old",
    async act(peer) {
      await peer.expect("HELLO");
      await peer.send("FAIL", { code: 2, message: "too old" });
    },
  },
  "refuses the log-in": {
    code: "login-refused",
    includes: "not you",
    async act(peer) {
      await peer.expect("HELLO");
      await peer.send("GREETING", GREETING);
      await peer.expect("LOGIN");
      await peer.send("FAIL", { code: 3, message: "not you" });
    },
  },
  "is full": {
    code: "limit",
    includes: "full",
    act: (peer) => peer.send("FAIL", { code: 19, message: "full" }),
  },
  "fails with a code of the future": {
    code: "internal",
    act: (peer) => peer.send("FAIL", { code: 999, message: "new" }),
  },
};

Deno.test("connect() says what is wrong with a server", async () => {
  for (const [name, { code, includes, act }] of Object.entries(GREETERS)) {
    await using server = new FakeServer();
    const connecting = connect(server.options());
    const checked = assertFerryError(connecting, code, includes);
    const peer = await server.accept();
    await act(peer).catch(() => {});
    const error = await checked;
    assert(error.message.length > 0, name);
  }
});

Deno.test("connect() waits no longer than its time-out, whatever is silent", async () => {
  const steps: readonly ((server: FakeServer) => Promise<void>)[] = [
    // The network itself.
    (server) => {
      server.network.dialFailures.push("hang");
      return Promise.resolve();
    },
    // A dial that does not heed its signal.
    (server) => {
      server.network.dialFailures.push("late");
      return Promise.resolve();
    },
    // A server that accepts and says nothing.
    () => Promise.resolve(),
  ];
  for (const step of steps) {
    await using server = new FakeServer();
    await step(server);
    const connecting = assertFerryError(
      connect(server.options({ timeout: 5000 })),
      "connect-failed",
      "no answer within 5 s",
    );
    await server.clock.advance(5000);
    await connecting;
  }
  await using server = new FakeServer();
  const connecting = assertFerryError(
    connect(server.options({ timeout: 5000 })),
    "connect-failed",
    "no answer within 5 s",
  );
  const peer = await server.accept();
  await peer.expect("HELLO");
  await server.clock.advance(4000);
  await peer.send("GREETING", GREETING);
  await peer.expect("LOGIN");
  await server.clock.advance(1000);
  await connecting;
});

Deno.test("connect() ends when its signal fires, at any moment", async () => {
  await using server = new FakeServer();
  await assertFerryError(
    connect(server.options({ signal: AbortSignal.abort() })),
    "cancelled",
  );
  const dialling = new AbortController();
  server.network.dialFailures.push("hang");
  const first = connect(server.options({ signal: dialling.signal }));
  await settle();
  dialling.abort();
  await assertFerryError(first, "cancelled");
  const greeting = new AbortController();
  const second = connect(server.options({ signal: greeting.signal }));
  const checked = assertFerryError(second, "cancelled");
  await (await server.accept()).expect("HELLO");
  greeting.abort(new Error("no patience"));
  assert((await checked).cause instanceof Error);
});

Deno.test("connect() hands its signal to the session", async () => {
  await using server = new FakeServer();
  const controller = new AbortController();
  const { client, control } = await server.connect({
    signal: controller.signal,
  });
  const asked = assertFerryError(client.freeSpace(), "cancelled");
  await control.expect("SPACE");
  controller.abort();
  await asked;
  await control.expect("GOODBYE");
  control.close();
  await assertFerryError(client.freeSpace(), "cancelled");
});

Deno.test("a READY with nonsense harms nobody", async () => {
  const nonsense: Partial<MessageBody<"READY">>[] = [
    { dataConnections: 0, rights: [], digests: [] },
    { dataConnections: 65_535, user: "\u001b[31m\u202eevil" },
  ];
  for (const fields of nonsense) {
    await using server = new FakeServer();
    const { client, control } = await server.connect({}, {
      ...READY,
      ...fields,
    });
    const asked = client.freeSpace();
    const { id } = await control.expect("SPACE");
    await control.send("SPACE_LEFT", { bytes: 5 }, id);
    assertEquals(await asked, 5);
    const closed = client.close();
    await control.expect("GOODBYE");
    control.close();
    await closed;
  }
});
