import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Client,
  connect,
  type ConnectOptions,
  FerryError,
  type FerryErrorCode,
  type TlsOptions,
  type UnknownServer,
} from "../../lib/client/mod.ts";
import { type Identity, identityFromPem } from "../../lib/identity/mod.ts";
import { serve, ServeError, type Server } from "../../lib/server/mod.ts";
import { openMemoryStorage } from "../../lib/storage/mod.ts";
import {
  type Connection,
  type Network,
  type NetworkAddress,
  tcpNetwork,
} from "../../lib/transport/mod.ts";
import {
  makeAuthority,
  makeCertificate,
  makeTestIdentity,
} from "../helpers/certificates.ts";
import { keyOf, usersText } from "../server/account_scene.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { ManInTheMiddle } from "../helpers/man_in_the_middle.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

async function serveTls(
  identity?: () => Promise<Identity>,
  root?: string,
): Promise<Server> {
  return await serve({
    root: root ?? await openMemoryStorage(),
    listen: [{ ...ANY, scheme: "tls" }],
    ...identity === undefined ? {} : { identity },
  });
}

function dial(
  { hostname, port }: NetworkAddress,
  tls: TlsOptions | undefined,
  more: Partial<ConnectOptions> = {},
): Promise<Client> {
  return connect({
    hostname,
    port,
    scheme: "tls",
    retries: 0,
    ...tls === undefined ? {} : { tls },
    ...more,
  });
}

async function assertFails(
  work: () => Promise<unknown>,
  code: FerryErrorCode,
  text: string,
): Promise<void> {
  const error = await assertRejects(work, FerryError, text);
  assertEquals(error.code, code);
}

function stream(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

/** A connection of which every byte is counted. */
function watched(
  connection: Connection,
  count: (length: number) => void,
): Connection {
  return {
    remote: connection.remote,
    async read(buffer) {
      const length = await connection.read(buffer);
      count(length);
      return length;
    },
    async write(chunk) {
      const length = await connection.write(chunk);
      count(length);
      return length;
    },
    endWrite: () => connection.endWrite(),
    close: () => connection.close(),
  };
}

const HELLO = new TextEncoder().encode("hello");

Deno.test("serve() and connect() speak TLS, with a pinned identity made for the run", async () => {
  await using server = await serveTls();
  const { identity, addresses: [address] } = server;
  assert(identity !== undefined && address !== undefined);
  assertEquals(address.scheme, "tls");
  const { fingerprint } = identity;
  await using client = await connect({ ...address, tls: { fingerprint } });
  assertEquals(client.info.scheme, "tls");
  assertEquals(client.info.fingerprint, fingerprint);
  await client.put(stream(HELLO), "a.txt");
  assertEquals((await client.stat("a.txt")).size, 5);
  // Without a word from its source there is nothing to reload.
  await server.reload();
  assertEquals(server.identity?.fingerprint, fingerprint);
});

Deno.test("connect() asks about an unknown server, and trusts it for the session only", async () => {
  await using server = await serveTls();
  const asked: UnknownServer[] = [];
  const trusting = {
    trust: (unknown: UnknownServer) => {
      asked.push(unknown);
      return Promise.resolve(true);
    },
  };
  const [address] = server.addresses;
  for (let time = 0; time < 2; time++) {
    await using client = await dial(address!, trusting);
    await client.put(stream(HELLO), `${time}.txt`);
  }
  assertEquals(asked.length, 2);
  assertEquals(asked[0]?.fingerprint, server.identity?.fingerprint);
  assertEquals(asked[0]?.shortForm, server.identity?.shortForm);
  assertEquals(asked[0]?.problem, "it vouches for itself only");
  const refusing = { trust: () => Promise.resolve(false) };
  for (const tls of [undefined, {}, refusing]) {
    await assertFails(
      () => dial(address!, tls),
      "untrusted",
      "the server is not known",
    );
  }
});

Deno.test("connect() gives people all the time that they need to answer", async () => {
  await using server = await serveTls();
  const clock = new FakeClock();
  const client = await dial(server.addresses[0]!, {
    async trust(): Promise<boolean> {
      await clock.advance(86_400_000);
      return true;
    },
  }, { clock });
  assertEquals(client.info.user, "anonymous");
  await client.close();
});

Deno.test("connect() refuses what TLS does not have, and what plain TCP cannot keep", async () => {
  const other = await makeTestIdentity();
  const { fingerprintText: fingerprint } = other;
  const plain = { ...ANY, port: 1, scheme: "tcp" as const };
  await assertFails(
    () => connect({ ...plain, tls: { fingerprint } }),
    "unsupported",
    "plain TCP cannot",
  );
  await assertFails(
    () => dial({ ...ANY, port: 1 }, {}, { active: { port: 0 } }),
    "unsupported",
    "cannot dial back inside TLS",
  );
  await assertFails(
    () => dial({ ...ANY, port: 1 }, { fingerprint: "SHA256:x" }),
    "untrusted",
    "43 letters",
  );
  await using server = await serveTls();
  await assertFails(
    () => dial(server.addresses[0]!, { fingerprint }),
    "untrusted",
    "another identity",
  );
});

Deno.test("a server that is full says so inside TLS, and to silent peers nothing for long", async () => {
  const clock = new FakeClock();
  const server = await serve({
    root: await openMemoryStorage(),
    listen: [{ ...ANY, scheme: "tls" }],
    limits: { connectionCountMax: 1 },
    clock,
  });
  const [address] = server.addresses;
  const tls = { fingerprint: server.identity?.fingerprint };
  const first = await dial(address!, tls);
  await assertFails(() => dial(address!, tls), "limit", "try again later");
  const silent = await tcpNetwork.dial(address!);
  const ended = silent.read(new Uint8Array(1));
  let isOver = false;
  ended.finally(() => isOver = true);
  while (!isOver) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(await ended, 0);
  silent.close();
  await first.close();
  await clock.run(server.shutdown({ drain: 0 }));
});

Deno.test("connect() never takes plain TCP for TLS, nor the reverse", async () => {
  await using plain = await serve({
    root: await openMemoryStorage(),
    listen: [ANY],
  });
  await assertFails(
    () => dial(plain.addresses[0]!, {}),
    "connect-failed",
    "tcp://",
  );
  await using secure = await serveTls();
  await assertFails(
    () => connect({ ...secure.addresses[0]!, scheme: "tcp" }),
    "connect-failed",
    "use tls://",
  );
});

Deno.test("connect() means TLS beyond this machine unless told otherwise", async () => {
  const dialled: NetworkAddress[] = [];
  await using server = await serveTls();
  const [real] = server.addresses;
  // Somewhere else is here, for this test.
  const elsewhere: Network = {
    listen: tcpNetwork.listen,
    dial(address, signal, purpose) {
      dialled.push(address);
      return tcpNetwork.dial(
        { hostname: real!.hostname, port: real!.port },
        signal,
        purpose,
      );
    },
  };
  await using client = await connect({
    hostname: "files.example",
    port: 7,
    network: elsewhere,
    tls: { fingerprint: server.identity?.fingerprint },
  });
  assertEquals(client.info.scheme, "tls");
  assertEquals(dialled, [{ hostname: "files.example", port: 7 }]);
});

Deno.test("connect() trusts what an authority vouches for, and no other authority", async () => {
  const [authority, stranger] = [await makeAuthority(), await makeAuthority()];
  const leaf = await makeCertificate({
    names: ["127.0.0.1"],
    issuer: authority,
  });
  const identity = identityFromPem(leaf, Date.now());
  await using server = await serveTls(() => Promise.resolve(identity));
  const [address] = server.addresses;
  {
    const ca = authority.certificate;
    await using client = await dial(address!, { ca });
    await client.put(stream(HELLO), "a.txt");
  }
  await assertFails(
    () => dial(address!, { ca: stranger.certificate }),
    "untrusted",
    "authority is not known",
  );
  const wrong = await makeCertificate({ names: ["b.c"], issuer: authority });
  const other = identityFromPem(wrong, Date.now());
  await using misnamed = await serveTls(() => Promise.resolve(other));
  await assertFails(
    () => dial(misnamed.addresses[0]!, { ca: authority.certificate }),
    "untrusted",
    "for another name",
  );
});

/** Certificates that cannot be pinned natively, and pass the exact comparison. */
for (
  const [what, options] of [
    ["is an authority itself", { isAuthority: true }],
    ["has another name", { names: ["files.example"] }],
  ] as const
) {
  Deno.test(`connect() pins a certificate that ${what}`, async () => {
    const identity = await makeTestIdentity(options);
    await using server = await serveTls(() => Promise.resolve(identity));
    const { fingerprintText: fingerprint } = identity;
    await using client = await dial(server.addresses[0]!, { fingerprint });
    await client.put(stream(HELLO), "a.txt");
    const impostor = await makeTestIdentity(options);
    await using attacker = new ManInTheMiddle(
      server.addresses[0]!,
      impostor,
      (index) => index > 0,
    );
    await using attacked = await dial(attacker.address, { fingerprint });
    await assertFails(
      () => attacked.put(stream(HELLO), "b.txt"),
      "untrusted",
      "another certificate",
    );
    assertEquals(attacker.read, 0);
  });
}

Deno.test("a man in the middle is refused on the control connection", async () => {
  await using server = await serveTls();
  const impostor = await makeTestIdentity();
  await using attacker = new ManInTheMiddle(server.addresses[0]!, impostor);
  const { fingerprint } = server.identity!;
  await assertFails(
    () => dial(attacker.address, { fingerprint }),
    "untrusted",
    "another identity",
  );
  assertEquals(attacker.read, 0);
});

Deno.test("a man in the middle is refused on data connections", async () => {
  await using server = await serveTls();
  const impostor = await makeTestIdentity();
  await using attacker = new ManInTheMiddle(
    server.addresses[0]!,
    impostor,
    (index) => index > 0,
  );
  const { fingerprint } = server.identity!;
  await using client = await dial(attacker.address, { fingerprint });
  await assertFails(
    () => client.put(stream(HELLO), "a.txt"),
    "untrusted",
    "not its own",
  );
  assertEquals(attacker.read, 0);
  assertEquals((await client.stat("")).kind, "directory", "the session lives");
});

Deno.test("a man in the middle who comes when the connection was lost is refused", async () => {
  await using server = await serveTls();
  const impostor = await makeTestIdentity();
  let isThere = false;
  const dialled: Connection[] = [];
  await using attacker = new ManInTheMiddle(
    server.addresses[0]!,
    impostor,
    () => isThere,
  );
  const cutting: Network = {
    listen: tcpNetwork.listen,
    async dial(address, signal, purpose) {
      const connection = await tcpNetwork.dial(address, signal, purpose);
      dialled.push(connection);
      return watched(connection, () => {});
    },
  };
  const trust = () => Promise.resolve(true);
  await using client = await dial(attacker.address, { trust }, {
    network: cutting,
    retries: 2,
  });
  await client.put(stream(HELLO), "a.txt");
  isThere = true;
  for (const connection of dialled) connection.close();
  await assertFails(() => client.stat("a.txt"), "connection-lost", "");
  await assertFails(
    () => client.get("a.txt", new WritableStream()),
    "untrusted",
    "another identity",
  );
  assertEquals(attacker.read, 0);
});

Deno.test("Server.reload() shows a renewed certificate, and ends no session", async () => {
  const authority = await makeAuthority();
  const renew = () =>
    makeCertificate({ names: ["127.0.0.1"], issuer: authority });
  let current = await renew();
  await using server = await serveTls(() =>
    Promise.resolve().then(() => identityFromPem(current, Date.now()))
  );
  const ca = authority.certificate;
  const [address] = server.addresses;
  await using before = await dial(address!, { ca });
  await before.put(stream(HELLO), "before.txt");
  const old = server.identity?.fingerprint;
  current = await renew();
  // Whoever dials all the time is never refused.
  const dialling = (async () => {
    for (let count = 0; count < 12; count++) {
      await using _client = await dial(address!, { ca });
    }
  })();
  await server.reload();
  const renewed = server.identity?.fingerprint;
  assert(renewed !== old);
  await dialling;
  await using after = await dial(address!, { ca });
  assertEquals(after.info.fingerprint, renewed);
  assertEquals(before.info.fingerprint, old);
  await before.put(stream(HELLO), "still.txt", { streams: 2 });
  assertEquals((await after.stat("still.txt")).size, 5);
  current = { ...current, key: "" };
  await assertRejects(() => server.reload(), ServeError, "private key");
  assertEquals(server.identity?.fingerprint, renewed, "the old one stays");
  await using still = await dial(address!, { ca });
  assertEquals(still.info.fingerprint, renewed);
});

Deno.test("serve() says why an identity cannot be used, and leaves nothing open", async () => {
  const good = await makeCertificate();
  const other = await makeCertificate();
  const bad = () =>
    Promise.resolve().then(() =>
      identityFromPem({ ...good, key: other.key }, Date.now())
    );
  await assertRejects(() => serveTls(bad), ServeError, "not the key of");
});

Deno.test("a large file goes over several streams inside TLS, and on after a cut", async () => {
  await using folder = await tempDir();
  await Deno.mkdir(`${folder.path}/root`);
  await using server = await serveTls(undefined, `${folder.path}/root`);
  const { fingerprint } = server.identity!;
  const bytes = new SeededRandom(3).bytes(5_000_000);
  const large = new Uint8Array(40_000_000);
  for (let at = 0; at < large.length; at += bytes.length) {
    large.set(bytes, at);
    large[at] = at / bytes.length;
  }
  await Deno.writeFile(`${folder.path}/large`, large);
  const open: Connection[] = [];
  let cutAt = Infinity;
  let cuts = 0;
  /** Cuts every connection when one has moved so much. */
  const cutting: Network = {
    listen: tcpNetwork.listen,
    async dial(address, signal, purpose) {
      const connection = await tcpNetwork.dial(address, signal, purpose);
      open.push(connection);
      let moved = 0;
      return watched(connection, (length) => {
        moved += length;
        if (moved < cutAt) return;
        cutAt = Infinity;
        cuts++;
        for (const each of open) each.close();
      });
    },
  };
  await using client = await dial(server.addresses[0]!, { fingerprint }, {
    network: cutting,
    retries: 5,
  });
  cutAt = 6_000_000;
  const put = await client.put(`${folder.path}/large`, "large", { streams: 3 });
  assertEquals([put.size, cuts], [large.length, 1]);
  cutAt = 6_000_000;
  const got = await client.get("large", `${folder.path}/back`, { streams: 3 });
  assertEquals([got.size, cuts], [large.length, 2]);
  assertEquals(got.digest, put.digest);
  const back = await Deno.readFile(`${folder.path}/back`);
  assertEquals(back.length, large.length);
  assert(back.every((byte, at) => byte === large[at]));
});

Deno.test("serve() keeps its identity in the state folder", async () => {
  await using folder = await tempDir();
  const seen: (string | undefined)[] = [];
  for (let run = 0; run < 2; run++) {
    await using server = await serve({
      root: await openMemoryStorage(),
      listen: [{ ...ANY, scheme: "tls" }],
      state: `${folder.path}/state`,
    });
    seen.push(server.identity?.fingerprint);
  }
  assert(seen[0] !== undefined && seen[0] === seen[1]);
});

Deno.test("a log-in by key that a man in the middle passes on fails, whomever the user trusts", async () => {
  await using folder = await tempDir();
  const { path } = folder;
  await Deno.mkdir(`${path}/root`);
  await Deno.writeTextFile(`${path}/users.json`, usersText({ ann: {} }));
  if (Deno.build.os !== "windows") {
    await Deno.chmod(`${path}/users.json`, 0o600);
  }
  await using server = await serve({
    root: `${path}/root`,
    listen: [{ ...ANY, scheme: "tls" }],
    users: `${path}/users.json`,
  });
  const who = { user: "ann", identity: keyOf("ann") };
  const trust = () => Promise.resolve(true);
  {
    await using client = await dial(server.addresses[0]!, { trust }, who);
    assertEquals(client.info.user, "ann");
    await client.put(stream(HELLO), "a.txt");
  }
  const impostor = await makeTestIdentity();
  await using attacker = new ManInTheMiddle(server.addresses[0]!, impostor);
  await assertFails(
    () => dial(attacker.address, { trust }, who),
    "login-refused",
    "",
  );
  assert(attacker.read > 0, "it was in between");
});
