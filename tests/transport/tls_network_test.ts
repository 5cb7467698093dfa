import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Identity } from "../../lib/identity/mod.ts";
import {
  type Connection,
  FrameChannel,
  type Listener,
  type Network,
  NetworkError,
  type NetworkErrorKind,
  type PeerCertificate,
  tcpNetwork,
  type TlsClient,
  tlsNetwork,
  UntrustedError,
} from "../../lib/transport/mod.ts";
import {
  makeAuthority,
  makeCertificate,
  makeTestIdentity,
} from "../helpers/certificates.ts";
import { PipeEnd } from "../helpers/pipe.ts";
import { identityFromPem } from "../../lib/identity/mod.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

/** Trusts one certificate. */
function pinned(
  { fingerprint }: Pick<Identity, "fingerprint">,
  ca?: string,
): TlsClient {
  return {
    ca,
    judge(peer) {
      if (peer.fingerprint.toHex() === fingerprint.toHex()) {
        return "certificate";
      }
      throw new UntrustedError(peer, "another one");
    },
  };
}

/** Trusts what an authority vouches for. */
function vouched(ca?: string): TlsClient {
  return {
    ca,
    judge(peer) {
      if (peer.problem === undefined) return "authority";
      throw new UntrustedError(peer, peer.problem);
    },
  };
}

/** A network that is not Deno's own: it cannot start TLS natively. */
const slowBase: Network = {
  listen: (address) => tcpNetwork.listen(address),
  async dial(address, signal) {
    const connection = await tcpNetwork.dial(address, signal);
    return {
      remote: connection.remote,
      read: (buffer) => connection.read(buffer),
      write: (bytes) => connection.write(bytes),
      endWrite: () => connection.endWrite(),
      close: () => connection.close(),
    };
  },
};

function listenWith(identity: () => Identity): Listener {
  return tlsNetwork(tcpNetwork, { identity }).listen(ANY);
}

/** Both ends of a connection, and what it was accepted by. */
async function connected(base: Network): Promise<{
  readonly client: Connection;
  readonly server: Connection;
  readonly listener: Listener;
}> {
  const identity = await makeTestIdentity();
  const listener = listenWith(() => identity);
  const accepted = listener.accept();
  const network = tlsNetwork(base, { client: pinned(identity) });
  const client = await network.dial(listener.address);
  const server = await accepted;
  assert(server !== undefined);
  return { client, server, listener };
}

/** Echoes whatever comes, until the listener is closed. */
async function echo(listener: Listener): Promise<void> {
  const serving: Promise<void>[] = [];
  for (;;) {
    const connection = await listener.accept();
    if (connection === undefined) break;
    serving.push(echoOne(connection));
  }
  await Promise.all(serving);
}

async function echoOne(connection: Connection): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === 0) break;
      await connection.write(buffer.slice(0, length));
    }
    await connection.endWrite();
  } catch {
    // The tests look at the other end.
  } finally {
    connection.close();
  }
}

async function ask(connection: Connection, text: string): Promise<string> {
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(64);
  const length = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function assertFails(
  work: () => Promise<unknown>,
  kind: NetworkErrorKind,
  text: string,
): Promise<NetworkError> {
  const error = await assertRejects(work, NetworkError, text);
  assertEquals(error.kind, kind);
  return error;
}

for (
  const [what, base] of [["Deno's TCP", tcpNetwork], [
    "any network",
    slowBase,
  ]] as const
) {
  Deno.test(`tlsNetwork carries bytes over ${what}, and both ends know the certificate`, async () => {
    const identity = await makeTestIdentity();
    const listener = listenWith(() => identity);
    const echoing = echo(listener);
    const network = tlsNetwork(base, { client: pinned(identity) });
    const control = await network.dial(listener.address);
    assertEquals(control.certificate, identity.fingerprint);
    assertEquals(control.remote, listener.address);
    assertEquals(await ask(control, "control"), "control");
    const data = await network.dial(listener.address, undefined, "data");
    assertEquals(await ask(data, "data"), "data");
    await control.endWrite();
    assertEquals(await control.read(new Uint8Array(9)), 0);
    control.close();
    control.close();
    data.close();
    await assertFails(
      () => control.read(new Uint8Array(9)),
      "closed",
      "closed",
    );
    await assertFails(
      () => control.write(new Uint8Array(9)),
      "closed",
      "closed",
    );
    listener.close();
    await echoing;
  });

  Deno.test(`TlsConnection moves megabytes in order over ${what}`, async () => {
    const { client, listener, server } = await connected(base);
    const bytes = new Uint8Array(1_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 % 251;
    const COUNT = 24;
    const writing = (async () => {
      for (let i = 0; i < COUNT; i++) await server.write(bytes);
      await server.endWrite();
    })();
    const buffer = new Uint8Array(100_000);
    let received = 0;
    for (;;) {
      const length = await client.read(buffer);
      if (length === 0) break;
      assertEquals(buffer[0], received % bytes.length * 7 % 251);
      received += length;
    }
    assertEquals(received, COUNT * bytes.length);
    await writing;
    client.close();
    server.close();
    listener.close();
  });
}

Deno.test("TlsConnection takes no more from a fast peer than its reader does", async () => {
  const identity = await makeTestIdentity();
  const [near, far] = PipeEnd.pair();
  const base: Network = {
    listen: () => ({
      address: ANY,
      accept: () => Promise.resolve(far),
      close: () => {},
    }),
    dial: () => Promise.resolve(near),
  };
  const network = tlsNetwork(base, {
    identity: () => identity,
    client: pinned(identity),
  });
  const server = await network.listen(ANY).accept();
  const client = await network.dial(ANY);
  assert(server !== undefined);
  const SIZE = 32_000_000;
  const writing = (async () => {
    const bytes = new Uint8Array(1_000_000).fill(7);
    for (let at = 0; at < SIZE; at += bytes.length) await client.write(bytes);
    await client.endWrite();
  })();
  await settled(() => near.bytesWritten);
  assert(near.bytesWritten < 4_000_000, `${near.bytesWritten} bytes`);
  const buffer = new Uint8Array(300_000);
  let received = 0;
  for (;;) {
    const length = await server.read(buffer);
    if (length === 0) break;
    received += length;
  }
  assertEquals(received, SIZE);
  await writing;
  client.close();
  server.close();
});

Deno.test("TlsConnection writes on when the peer has ended its side", async () => {
  const { client, listener, server } = await connected(slowBase);
  // More than the buffers on the way hold, so that the write has to wait.
  const bytes = new Uint8Array(24_000_000).fill(5);
  const writing = server.write(bytes);
  await client.endWrite();
  assertEquals(await server.read(new Uint8Array(1)), 0);
  let received = 0;
  const buffer = new Uint8Array(500_000);
  while (received < bytes.length) received += await client.read(buffer);
  assertEquals(await writing, bytes.length);
  await server.endWrite();
  assertEquals(await client.read(buffer), 0);
  client.close();
  server.close();
  listener.close();
});

/** Waits until a number does not change any more. */
async function settled(number: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 50; same++) {
    await new Promise((resolve) => setTimeout(resolve));
    if (number() !== last) same = 0;
    last = number();
  }
}

Deno.test("TlsConnection.close() ends pending reads and writes", async () => {
  const { client, listener, server } = await connected(tcpNetwork);
  const reading = server.read(new Uint8Array(1));
  const writing = (async () => {
    for (;;) await server.write(new Uint8Array(1_000_000));
  })();
  writing.catch(() => {});
  reading.catch(() => {});
  server.close();
  await assertFails(() => reading, "closed", "closed");
  await assertFails(() => writing, "closed", "closed");
  await server.endWrite();
  // The other end may see the end or a reset, and never hangs.
  await client.read(new Uint8Array(1)).catch(() => {});
  client.close();
  listener.close();
});

Deno.test("a TLS listener tells a plain client so, and goes on", async () => {
  const identity = await makeTestIdentity();
  const listener = listenWith(() => identity);
  const accepted = listener.accept();
  const plain = await tcpNetwork.dial(listener.address);
  const server = await accepted;
  assert(server !== undefined);
  const channel = new FrameChannel(plain, "control", "client");
  await plain.write(new Uint8Array([0xfe, 0x79, 1, 2, 3, 4]));
  await assertFails(
    () => server.read(new Uint8Array(9)),
    "tls",
    "does not speak TLS",
  );
  await assertFails(() => channel.receive(), "tls", "use tls://");
  server.close();
  channel.close();
  listener.close();
});

Deno.test("a plain listener tells a TLS client so, and the client its user", async () => {
  const listener = tcpNetwork.listen(ANY);
  const network = tlsNetwork(tcpNetwork, { client: vouched() });
  const accepted = listener.accept();
  const dialled = network.dial(listener.address);
  dialled.catch(() => {});
  const server = await accepted;
  assert(server !== undefined);
  const channel = new FrameChannel(server, "control", "server");
  await assertFails(() => channel.receiveFirst(), "tls", "needs tcp://");
  channel.close();
  await assertFails(() => dialled, "tls", "plain TCP");
  listener.close();
});

Deno.test("tlsNetwork.dial() says that a server without TLS answers something else", async () => {
  const listener = tcpNetwork.listen(ANY);
  const network = tlsNetwork(tcpNetwork, { client: vouched() });
  const accepted = listener.accept();
  const dialled = network.dial(listener.address);
  dialled.catch(() => {});
  const server = await accepted;
  assert(server !== undefined);
  await server.write(new TextEncoder().encode("220 ready\r\n"));
  await assertFails(() => dialled, "tls", "say tcp://");
  server.close();
  listener.close();
});

Deno.test("a silent TLS client holds up nobody, and close() gets rid of it", async () => {
  const identity = await makeTestIdentity();
  const listener = listenWith(() => identity);
  const network = tlsNetwork(tcpNetwork, {
    client: pinned(identity),
  });
  const firstAccepted = listener.accept();
  const silent = await tcpNetwork.dial(listener.address);
  const held = await firstAccepted;
  assert(held !== undefined);
  const reading = held.read(new Uint8Array(1));
  reading.catch(() => {});
  const echoing = echo(listener);
  const client = await network.dial(listener.address);
  assertEquals(await ask(client, "x"), "x");
  held.close();
  await assertFails(() => reading, "closed", "closed");
  assertEquals(await silent.read(new Uint8Array(1)), 0);
  client.close();
  silent.close();
  listener.close();
  await echoing;
});

Deno.test("tlsNetwork.dial() ends with its signal, whatever the server does", async () => {
  const listener = tcpNetwork.listen(ANY);
  const network = tlsNetwork(tcpNetwork, { client: vouched() });
  const accepted = listener.accept();
  const ending = new AbortController();
  const dialled = network.dial(listener.address, ending.signal);
  dialled.catch(() => {});
  const server = await accepted;
  const reason = new Error("enough");
  ending.abort(reason);
  assertEquals(await assertRejects(() => dialled), reason);
  server?.close();
  listener.close();
});

Deno.test("tlsNetwork shows a new identity to new connections, and old ones go on", async () => {
  const identities = [await makeTestIdentity(), await makeTestIdentity()];
  let shown = 0;
  const listener = listenWith(() => identities[shown]!);
  const echoing = echo(listener);
  const open: Connection[] = [];
  for (let round = 0; round < 20; round++) {
    shown = round % 2;
    const { fingerprint } = identities[shown]!;
    const network = tlsNetwork(tcpNetwork, { client: pinned({ fingerprint }) });
    const connection = await network.dial(listener.address);
    assertEquals(connection.certificate, fingerprint);
    open.push(connection);
  }
  for (const [index, connection] of open.entries()) {
    assertEquals(await ask(connection, `still ${index}`), `still ${index}`);
    connection.close();
  }
  listener.close();
  await echoing;
});

/** A certificate of an authority, and what becomes of it under its rules. */
Deno.test("tlsNetwork tells what is wrong with a certificate", async () => {
  const authority = await makeAuthority();
  const other = await makeAuthority();
  const past = new Date(Date.UTC(2001, 0, 1));
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ["127.0.0.1", authority.certificate, undefined],
    ["files.example", authority.certificate, "for another name"],
    ["127.0.0.1", other.certificate, "not known here"],
  ];
  for (const [name, ca, problem] of cases) {
    const made = await makeCertificate({ names: [name], issuer: authority });
    const identity = identityFromPem(made, Date.now());
    await assertPeer(identity, ca, problem);
  }
  const expired = await makeCertificate({
    names: ["127.0.0.1"],
    issuer: authority,
    notAfter: past,
  });
  const identity = identityFromPem(expired, 0);
  await assertPeer(identity, authority.certificate, "has expired");
  await assertPeer(await makeTestIdentity(), undefined, "vouches for itself");
});

async function assertPeer(
  identity: Identity,
  ca: string | undefined,
  problem: string | undefined,
): Promise<void> {
  const listener = listenWith(() => identity);
  const echoing = echo(listener);
  const seen: PeerCertificate[] = [];
  const client: TlsClient = {
    ca,
    judge(peer) {
      seen.push(peer);
      return vouched().judge(peer);
    },
  };
  const network = tlsNetwork(tcpNetwork, { client });
  if (problem === undefined) {
    for (const purpose of ["control", "data"] as const) {
      const connection = await network.dial(
        listener.address,
        undefined,
        purpose,
      );
      assertEquals(await ask(connection, purpose), purpose);
      connection.close();
    }
  } else {
    const dial = () => network.dial(listener.address);
    await assertFails(dial, "untrusted", problem);
  }
  assertEquals(seen[0]?.fingerprint, identity.fingerprint);
  listener.close();
  await echoing;
}
