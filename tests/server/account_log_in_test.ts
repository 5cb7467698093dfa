import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  addUser,
  EMPTY_USERS_FILE,
  hashPassword,
} from "../../lib/accounts/mod.ts";
import { FerryError } from "../../lib/client/mod.ts";
import {
  keyLogInMessage,
  type MessageBody,
  NONCE_SIZE,
} from "../../lib/protocol/mod.ts";
import { serve, ServeError } from "../../lib/server/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { putBody, writeMemory } from "../helpers/test_server.ts";
import {
  accountScene,
  ALL,
  keyOf,
  stream,
  usersText,
  type UserText,
} from "./account_scene.ts";
import { sendAll } from "./scene.ts";

const USERS: Readonly<Record<string, UserText>> = {
  alice: { root: "alice" },
  bob: { root: "bob", rights: ["list", "read"] },
};
const FILES = { "alice/a.txt": "of alice", "bob/b.txt": "of bob" };
const CLIENT_NONCE = new Uint8Array(NONCE_SIZE);

/** A `LOGIN` by key, as it is right for a connection that was greeted. */
function keyLogIn(
  user: string,
  serverNonce: Uint8Array,
  change: Partial<MessageBody<"LOGIN">> & {
    readonly signedUser?: string;
    readonly certificate?: Uint8Array;
    readonly signer?: string;
  } = {},
): MessageBody<"LOGIN"> {
  const { signedUser, certificate, signer = user, ...rest } = change;
  const { publicKey, sign } = keyOf(signer);
  const signed = keyLogInMessage({
    clientNonce: CLIENT_NONCE,
    serverNonce,
    user: signedUser ?? user,
    publicKey,
    certificate,
  });
  return { method: "key", user, publicKey, signature: sign(signed), ...rest };
}

Deno.test("a server with accounts offers them, and strangers nothing", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const { peer } = await at.greeted();
  peer.close();
  assertEquals(at.server.doors[0]!.offer.rights, []);
  const error = await assertRejects(() => at.connect(undefined), FerryError);
  assertEquals([error.code, error.side], ["login-refused", "local"]);
  assert(error.message.includes("only users with an account"), error.message);
});

Deno.test("each user has the own root, and is told what may be done", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const alice = await at.connect("alice");
  assertEquals(alice.info.user, "alice");
  assertEquals(alice.info.rights, ALL as typeof alice.info.rights);
  assertEquals((await alice.stat("a.txt")).size, 8);
  await assertRejects(() => alice.stat("b.txt"), FerryError, "not found");
  await assertRejects(() => alice.stat("../bob/b.txt"), FerryError);
  const bob = await at.connect("bob");
  assertEquals(bob.info.rights, ["list", "read"]);
  assert(bob.info.refusals.write?.includes("users file"), "no reason");
  await assertRejects(() => bob.put(stream("x"), "x"), FerryError, "allow");
  assertEquals(at.told("log-in").map(({ user, method }) => [user, method]), [
    ["alice", "key"],
    ["bob", "key"],
  ]);
});

Deno.test("a user logs in by password, and is refused with a wrong one", async () => {
  const cost = { ln: 10, r: 1, p: 1 };
  const password = await hashPassword("correct horse", new SeededRandom(3), {
    cost,
  });
  const text = addUser("carol", {
    rights: ["list"],
    root: undefined,
    password,
    key: undefined,
  })(EMPTY_USERS_FILE);
  await using at = await accountScene({ users: {} });
  await at.rewrite(text);
  const carol = await at.connect(undefined, {
    user: "carol",
    password: "correct horse",
  });
  assertEquals(carol.info.rights, ["list"]);
  const wrong = await assertRejects(
    () => at.connect(undefined, { user: "carol", password: "wrong horse" }),
    FerryError,
  );
  assertEquals(wrong.code, "login-refused");
  assertEquals([wrong.side, wrong.message.includes("horse")], [
    "remote",
    false,
  ]);
  await settle();
  const [refused] = at.told("log-in-refused");
  assertEquals([refused?.user, refused?.code], ["carol", "login-refused"]);
  assert(!JSON.stringify(at.events).includes("horse"));
});

/** Log-ins that are none: what is sent for the nonce of the connection. */
const REFUSED: Readonly<
  Record<string, (nonce: Uint8Array) => MessageBody<"LOGIN">>
> = {
  "a method that is not offered": () => ({ method: "anonymous" }),
  "a method that does not exist": () => ({ method: "kerberos", user: "alice" }),
  "an unknown user": (nonce) => keyLogIn("mallory", nonce),
  "a name in another case": (nonce) =>
    keyLogIn("Alice", nonce, { signer: "alice" }),
  "the key of somebody else": (nonce) =>
    keyLogIn("alice", nonce, { signer: "bob" }),
  "a key that is known, signed by another one": (nonce) => ({
    ...keyLogIn("alice", nonce, { signer: "bob" }),
    publicKey: keyOf("alice").publicKey,
  }),
  "a signature for another user": (nonce) =>
    keyLogIn("alice", nonce, { signedUser: "bob" }),
  "a signature for another server nonce": () =>
    keyLogIn("alice", new Uint8Array(NONCE_SIZE).fill(1)),
  "a signature for a TLS connection, relayed to plain TCP": (nonce) =>
    keyLogIn("alice", nonce, { certificate: new Uint8Array(32).fill(2) }),
  "an empty signature": (nonce) =>
    keyLogIn("alice", nonce, { signature: new Uint8Array(64) }),
  "a key of zeros": (nonce) =>
    keyLogIn("alice", nonce, { publicKey: new Uint8Array(32) }),
  "the name of those without an account": (nonce) =>
    keyLogIn("anonymous", nonce),
  "a name that objects have": (nonce) => keyLogIn("__proto__", nonce),
  "another name that objects have": (nonce) => keyLogIn("constructor", nonce),
  "an empty name": (nonce) => keyLogIn("", nonce),
  "a password for a user without one": () => ({
    method: "password",
    user: "alice",
    password: "",
  }),
};

for (const [name, make] of Object.entries(REFUSED)) {
  Deno.test(`a log-in is refused, told and harms nobody: ${name}`, async () => {
    await using at = await accountScene({ users: USERS, files: FILES });
    const { peer, nonce } = await at.greeted();
    await peer.send("LOGIN", make(nonce));
    assertEquals(await peer.farewell(), "login-refused");
    const lines = [...at.told("log-in-refused"), ...at.told("closing")];
    assert(lines.some(({ code }) => code === "login-refused"), name);
    assertEquals((await at.connect("alice")).info.user, "alice");
  });
}

/** Log-ins that break the rules of the protocol. */
const MALFORMED: Readonly<
  Record<string, (nonce: Uint8Array) => MessageBody<"LOGIN">>
> = {
  "a key without a user": (nonce) => ({
    ...keyLogIn("alice", nonce),
    user: undefined,
  }),
  "a key without a signature": (nonce) => ({
    ...keyLogIn("alice", nonce),
    signature: undefined,
  }),
  "a signature without a key": (nonce) => ({
    ...keyLogIn("alice", nonce),
    publicKey: undefined,
  }),
  "a password that is missing": () => ({ method: "password", user: "alice" }),
  "a password without a user": () => ({ method: "password", password: "x" }),
};

for (const [name, make] of Object.entries(MALFORMED)) {
  Deno.test(`a log-in breaks the rules, and harms nobody: ${name}`, async () => {
    await using at = await accountScene({ users: USERS, files: FILES });
    const { peer, nonce } = await at.greeted();
    await peer.send("LOGIN", make(nonce));
    assertEquals(await peer.farewell(), "protocol");
    assertEquals((await at.connect("alice")).info.user, "alice");
  });
}

Deno.test("a log-in that was overheard is good for nothing on another connection", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const first = await at.greeted();
  const logIn = keyLogIn("alice", first.nonce);
  await first.peer.send("LOGIN", logIn);
  await first.peer.expect("READY");
  const second = await at.greeted();
  assert(first.nonce.toHex() !== second.nonce.toHex());
  await second.peer.send("LOGIN", logIn);
  assertEquals(await second.peer.farewell(), "login-refused");
});

Deno.test("a log-in counts for the certificate of its own connection only", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const own = new Uint8Array(32).fill(7);
  const dial = at.network.dial.bind(at.network);
  /** Connections that show a certificate, each end its own. */
  const logIn = async (client: Uint8Array, server: Uint8Array) => {
    const network = {
      listen: at.network.listen.bind(at.network),
      dial: async (...args: Parameters<typeof dial>) => {
        const connection = await dial(...args);
        const end = at.network.dialled.at(-1)!.server;
        Object.defineProperty(end, "certificate", { value: server });
        Object.defineProperty(connection, "certificate", { value: client });
        return connection;
      },
    };
    return await at.connect("alice", { network });
  };
  assertEquals((await logIn(own, own)).info.user, "alice");
  // Somebody between the two shows another one, and passes everything on.
  const error = await assertRejects(
    () => logIn(new Uint8Array(32).fill(8), own),
    FerryError,
  );
  assertEquals(error.code, "login-refused");
});

Deno.test("the token of a session is good in no other one", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const [alice, bob] = [await at.greeted(), await at.greeted()];
  await alice.peer.send("LOGIN", keyLogIn("alice", alice.nonce));
  await bob.peer.send("LOGIN", keyLogIn("bob", bob.nonce));
  await alice.peer.expect("READY");
  const { body: { session } } = await bob.peer.expect("READY");
  await alice.peer.send("GRANT", {}, 1);
  const { body: { token } } = await alice.peer.expect("GRANTED");
  const stranger = new RawPeer(
    await at.network.dial(at.server.addresses[0]!),
  );
  await stranger.send("ATTACH", { version: 1, session, token });
  assertEquals(await stranger.farewell(), "login-refused");
  assertEquals((await at.connect("alice")).info.user, "alice");
});

Deno.test("a user has so many sessions and streams, and no more", async () => {
  await using at = await accountScene({
    users: { alice: { sessions: 2, streams: 3 }, bob: {} },
  });
  const first = await at.connect("alice");
  assertEquals(first.info.dataConnections, 3);
  await at.connect("alice");
  const error = await assertRejects(() => at.connect("alice"), FerryError);
  assertEquals(error.code, "limit");
  assert(error.message.includes("2 sessions"), error.message);
  await at.connect("bob");
  await at.clock.run(first.close());
  await settle();
  assertEquals((await at.connect("alice")).info.user, "alice");
});

Deno.test("what the users file says of strangers counts, unless --anonymous says it too", async () => {
  const anonymous = { root: "pub", rights: ["list", "read"] };
  const files = { "pub/p.txt": "for all" };
  await using at = await accountScene({
    users: { alice: { root: "alice" } },
    file: { anonymous },
    files,
  });
  const any = await at.connect(undefined);
  assertEquals([any.info.user, any.info.rights], ["anonymous", [
    "list",
    "read",
  ]]);
  assertEquals((await any.stat("p.txt")).size, 7);
  const error = await assertRejects(
    () =>
      accountScene({
        users: {},
        file: { anonymous },
        files,
        anonymous: "read",
      }),
    ServeError,
  );
  assert(error.message.includes("--anonymous"), error.message);
});

Deno.test("--anonymous lets strangers into the served folder besides the accounts", async () => {
  await using at = await accountScene({
    users: { alice: {} },
    files: { "a.txt": "a" },
    anonymous: "read",
  });
  const any = await at.connect(undefined);
  assertEquals(any.info.rights, ["list", "read"]);
  assertEquals((await any.stat("a.txt")).size, 1);
  assertEquals((await at.connect("alice")).info.rights.length, 5);
});

Deno.test("root folders are inside each other only where that is meant", async () => {
  const users = { alice: {}, bob: { root: "bob" } };
  const files = { "bob/b.txt": "b" };
  const error = await assertRejects(
    () => accountScene({ users, files }),
    ServeError,
  );
  assert(error.message.includes('"nestedRoots"'), error.message);
  await using at = await accountScene({
    users,
    files,
    file: { nestedRoots: true },
  });
  assertEquals((await (await at.connect("alice")).stat("bob/b.txt")).size, 1);
  assertEquals((await (await at.connect("bob")).stat("b.txt")).size, 1);
  // A file of strangers' in the root of a user is nested, too.
  await assertRejects(
    () => accountScene({ users: { bob: users.bob }, files, anonymous: "read" }),
    ServeError,
    "nestedRoots",
  );
});

Deno.test("a change of the users file counts from the next log-in on", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const early = await at.connect("alice");
  await at.rewrite(usersText({ bob: USERS.bob! }));
  const error = await assertRejects(() => at.connect("alice"), FerryError);
  assertEquals(error.code, "login-refused");
  assertEquals((await early.stat("a.txt")).size, 8);
  await at.rewrite("{ broken");
  const broken = await assertRejects(() => at.connect("bob"), FerryError);
  assertEquals(broken.code, "unavailable");
  assert(!broken.message.includes("/etc"), broken.message);
  await at.rewrite(usersText(USERS));
  assertEquals((await at.connect("alice")).info.user, "alice");
});

Deno.test("a user whose folder is not there is told so, and no other is concerned", async () => {
  await using at = await accountScene({
    users: { alice: { root: "gone" }, bob: { root: "bob" } },
    files: FILES,
  });
  const error = await assertRejects(() => at.connect("alice"), FerryError);
  assertEquals(error.code, "unavailable");
  assert(!error.message.includes("/srv"), error.message);
  assertEquals((await at.connect("bob")).info.user, "bob");
});

Deno.test("a server does not start with a users file that cannot be used", async () => {
  for (const text of ["", "{", '{"users": 1}', '{"users": {}, "x": 1}']) {
    const disk = new MemoryDisk();
    await disk.makeDirectory("/srv", 0o755);
    await disk.makeDirectory("/etc", 0o755);
    await writeMemory(
      disk,
      "/etc/users.jsonc",
      new TextEncoder().encode(text),
    );
    const error = await assertRejects(
      () => serve({ root: "/srv", disk, users: "/etc/users.jsonc" }),
      ServeError,
    );
    assert(error.message.includes("/etc/users.jsonc, line"), error.message);
    await assertRejects(
      () => serve({ root: "/srv", disk, users: "/etc/missing" }),
      ServeError,
      "there is no such file",
    );
  }
});

Deno.test("the sessions of a user share the user's rate, and no other user's", async () => {
  await using at = await accountScene({
    users: { alice: { rate: 100_000 }, bob: {} },
  });
  const [one, two] = [await at.connect("alice"), await at.connect("alice")];
  const bob = await at.connect("bob");
  const began = at.clock.monotonic();
  const file = () => stream("x".repeat(100_000));
  await bob.put(file(), "b");
  assertEquals(at.clock.monotonic(), began);
  await at.clock.run(
    Promise.all(
      [one, two].map((client, n) =>
        client.put(file(), `a${n}`).then(() => client.put(file(), `b${n}`))
      ),
    ),
    100,
  );
  const seconds = (at.clock.monotonic() - began) / 1000;
  // 400 kB at 100 kB/s, the first of them in advance.
  assert(seconds >= 2.8 && seconds <= 4.5, `${seconds} s`);
});

Deno.test("who fails too often is locked out with a right key, too, and no other user is", async () => {
  await using at = await accountScene({ users: USERS, files: FILES });
  const reasons: string[] = [];
  for (let count = 0; count < 7; count++) {
    const { peer, nonce } = await at.greeted();
    await peer.send("LOGIN", keyLogIn("alice", nonce, { signer: "bob" }));
    reasons.push((await peer.expect("FAIL")).body.message);
    peer.close();
  }
  assert(reasons[5]?.includes("not one of theirs"), reasons[5]);
  assert(reasons[6]?.includes("try again in 1 s"), reasons[6]);
  // Once for the failure that brought it about, not for each try that waits.
  assertEquals(at.told("locked-out"), [
    { type: "locked-out", user: "alice", wait: 1000 },
  ]);
  const error = await assertRejects(() => at.connect("alice"), FerryError);
  assertEquals(error.code, "login-refused");
  assertEquals((await at.connect("bob")).info.user, "bob");
  await at.clock.advance(1000);
  assertEquals((await at.connect("alice")).info.user, "alice");
});

Deno.test("an upload goes on for its own user only, whoever has its id and its token", async () => {
  await using at = await accountScene({
    users: { alice: { root: "both" }, bob: { root: "both" }, carol: {} },
    file: { nestedRoots: true },
    files: { "both/": "" },
  });
  const begin = async (user: string) => {
    const { peer, nonce } = await at.greeted();
    await peer.send("LOGIN", keyLogIn(user, nonce));
    const { body: { session } } = await peer.expect("READY");
    await peer.send("GRANT", {}, 1);
    const { body: { token } } = await peer.expect("GRANTED");
    const data = new RawPeer(
      await at.network.dial(at.server.addresses[0]!),
    );
    await data.send("ATTACH", { version: 1, session, token });
    await data.expect("ATTACHED");
    await data.send(
      "PUT",
      putBody("f", { size: 5, resume: new Uint8Array(32).fill(3) }),
      2,
    );
    return data;
  };
  const alice = await begin("alice");
  await alice.expect("OPENED");
  // The same folder: it is somebody else's. Another folder: it is another upload.
  const bob = await begin("bob");
  assertEquals(await bob.refusal(2), "busy");
  const carol = await begin("carol");
  await carol.expect("OPENED");
  for (const [peer, path] of [[alice, "both/f"], [carol, "f"]] as const) {
    await sendAll(peer, 2, new TextEncoder().encode("hello"));
    await peer.await("RECEIPT");
    assertEquals(await at.read(path), "hello");
    peer.close();
  }
  bob.close();
});
