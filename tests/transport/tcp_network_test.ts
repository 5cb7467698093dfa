import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Connection,
  type Listener,
  NetworkError,
  type NetworkErrorKind,
  tcpNetwork,
} from "../../lib/transport/mod.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

/** Two ends of a TCP connection. */
async function pair(): Promise<
  { client: Connection; server: Connection; listener: Listener } & Disposable
> {
  const listener = tcpNetwork.listen(ANY);
  const accepted = listener.accept();
  const client = await tcpNetwork.dial(listener.address);
  const server = await accepted;
  assert(server !== undefined);
  return {
    client,
    server,
    listener,
    [Symbol.dispose](): void {
      client.close();
      server.close();
      listener.close();
    },
  };
}

async function assertFails(
  work: Promise<unknown>,
  kind: NetworkErrorKind,
): Promise<void> {
  const error = await assertRejects(() => work, NetworkError);
  assertEquals(error.kind, kind);
  assert(error.message.length > 0 && error.cause instanceof Error);
}

Deno.test("tcpNetwork carries bytes both ways, and tells who the peer is", async () => {
  using ends = await pair();
  const { client, server, listener } = ends;
  assertEquals(client.remote, listener.address);
  assertEquals(server.remote.hostname, "127.0.0.1");
  const buffer = new Uint8Array(8);
  await client.write(new Uint8Array([1, 2, 3]));
  assertEquals(await server.read(buffer), 3);
  await server.write(new Uint8Array([4]));
  assertEquals(await client.read(buffer), 1);
  assertEquals(buffer[0], 4);
});

Deno.test("TcpConnection.write() says how much of it the kernel took", async () => {
  using ends = await pair();
  const bytes = new Uint8Array(8 * 1024 * 1024).fill(7);
  const written = await ends.client.write(bytes);
  assert(written > 0 && written <= bytes.length);
  const buffer = new Uint8Array(1024 * 1024);
  let received = 0;
  while (received < written) received += await ends.server.read(buffer);
  assertEquals(received, written);
});

Deno.test("TcpConnection.endWrite() ends one direction", async () => {
  using ends = await pair();
  const buffer = new Uint8Array(4);
  await ends.client.endWrite();
  assertEquals(await ends.server.read(buffer), 0);
  await ends.server.write(new Uint8Array([9]));
  assertEquals(await ends.client.read(buffer), 1);
  ends.client.close();
  await ends.client.endWrite();
});

Deno.test("TcpConnection.close() makes pending and later calls throw `closed`", async () => {
  using ends = await pair();
  const pending = ends.client.read(new Uint8Array(1));
  ends.client.close();
  ends.client.close();
  await assertFails(pending, "closed");
  await assertFails(ends.client.read(new Uint8Array(1)), "closed");
  await assertFails(ends.client.write(new Uint8Array(1)), "closed");
  assertEquals(await ends.server.read(new Uint8Array(1)), 0);
});

// Deno 2.9.6 turns ECONNRESET into the end of the stream: a caller cannot tell
// a reset from a close, and may conclude nothing from an end.
Deno.test("TcpConnection.read() takes a reset for the end, write() does not", async () => {
  using ends = await pair();
  await ends.client.write(new Uint8Array(10));
  await ends.server.read(new Uint8Array(1));
  ends.server.close();
  assertEquals(await ends.client.read(new Uint8Array(1)), 0);
  const work = async () => {
    for (;;) await ends.client.write(new Uint8Array(65_536));
  };
  await assertFails(work(), "reset");
});

Deno.test("TcpConnection.write() says `reset` when the peer is gone", async () => {
  using ends = await pair();
  ends.server.close();
  const work = async () => {
    for (;;) await ends.client.write(new Uint8Array(65_536));
  };
  await assertFails(work(), "reset");
});

Deno.test("tcpNetwork.dial() says `refused` where nobody listens", async () => {
  const listener = tcpNetwork.listen(ANY);
  const { address } = listener;
  listener.close();
  listener.close();
  await assertFails(tcpNetwork.dial(address), "refused");
});

Deno.test("tcpNetwork.dial() says `denied` beyond the program's permissions", async () => {
  await assertFails(
    tcpNetwork.dial({ hostname: "192.0.2.1", port: 1 }),
    "denied",
  );
});

Deno.test("tcpNetwork.dial() throws the reason of a signal that fired", async () => {
  const reason = new Error("enough");
  const error = await assertRejects(() =>
    tcpNetwork.dial(
      { hostname: "127.0.0.1", port: 1 },
      AbortSignal.abort(reason),
    )
  );
  assertEquals(error, reason);
});

Deno.test("tcpNetwork.listen() says `in-use` for a port that is taken", () => {
  const listener = tcpNetwork.listen(ANY);
  try {
    const error = assertThrows(
      () => tcpNetwork.listen(listener.address),
      NetworkError,
    );
    assertEquals(error.kind, "in-use");
  } finally {
    listener.close();
  }
});

Deno.test("tcpNetwork.listen() says `denied` beyond the program's permissions", () => {
  const error = assertThrows(
    () => tcpNetwork.listen({ hostname: "192.0.2.1", port: 0 }),
    NetworkError,
  );
  assertEquals(error.kind, "denied");
});

Deno.test("Listener.accept() returns nothing after close()", async () => {
  const listener = tcpNetwork.listen(ANY);
  const pending = listener.accept();
  listener.close();
  assertEquals(await pending, undefined);
  assertEquals(await listener.accept(), undefined);
});

/** What Deno may throw on other days, and what becomes of it. */
const HOST_ERRORS: readonly (readonly [unknown, NetworkErrorKind])[] = [
  [Object.assign(new Error("x"), { code: "EMFILE" }), "exhausted"],
  [Object.assign(new Error("x"), { code: "ENFILE" }), "exhausted"],
  [Object.assign(new Error("x"), { code: "EHOSTUNREACH" }), "unreachable"],
  [new Deno.errors.TimedOut("x"), "unreachable"],
  [new Deno.errors.AddrNotAvailable("x"), "unreachable"],
  [new Error("failed to lookup address information: x"), "unknown-host"],
  [new NetworkError("refused", "x"), "refused"],
  [new Error("something else"), "reset"],
  ["no error at all", "reset"],
];

Deno.test("tcpNetwork turns every error of the host into a NetworkError", async () => {
  const { connect } = Deno;
  for (const [thrown, kind] of HOST_ERRORS) {
    Object.assign(Deno, { connect: () => Promise.reject(thrown) });
    try {
      const error = await assertRejects(
        () => tcpNetwork.dial({ hostname: "127.0.0.1", port: 1 }),
        NetworkError,
      );
      assertEquals(error.kind, kind);
    } finally {
      Object.assign(Deno, { connect });
    }
  }
});
