/** What changes while a server runs: all of it at once, or nothing. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, FerryError } from "../../lib/client/mod.ts";
import { makeIdentity } from "../../lib/identity/mod.ts";
import { RIGHTS } from "../../lib/protocol/mod.ts";
import { serve, ServeError, type Verdict } from "../../lib/server/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { startServer } from "../helpers/test_server.ts";
import { accountScene, stream, usersText } from "./account_scene.ts";

const USERS = { alice: { root: "alice" } };
const FILES = { "alice/": "", "old": "old" };

Deno.test("Server.reload() changes what strangers may do from the next log-in on", async () => {
  await using at = await accountScene({
    users: USERS,
    files: FILES,
    file: { nestedRoots: true },
  });
  await assertRejects(() => at.connect(undefined), FerryError, "account");
  const alice = await at.connect("alice");
  await at.server.reload({ anonymous: "read" });
  assertEquals(at.server.doors[0]!.offer.rights, ["list", "read"]);
  const stranger = await at.connect(undefined);
  assertEquals(stranger.info.rights, ["list", "read"]);
  await alice.put(stream("x"), "still");
  // Left out of what is said it is as at the beginning.
  await at.server.reload({});
  await assertRejects(() => at.connect(undefined), FerryError, "account");
  assertEquals((await stranger.stat("old")).size, 3, "the session goes on");
});

Deno.test("Server.reload() lets changes in, and refuses them, for those who come", async () => {
  await using at = await accountScene({
    users: { ...USERS, bob: { root: "bob" } },
    files: { ...FILES, "bob/": "" },
    serve: { readOnly: true },
  });
  const before = await at.connect("alice");
  assertEquals(before.info.rights, ["list", "read"]);
  await at.server.reload({ readOnly: false });
  for (const name of ["alice", "bob"]) {
    const after = await at.connect(name);
    assertEquals(after.info.rights, RIGHTS);
    await after.put(stream("new"), "new");
  }
  const open = await at.connect("bob");
  await at.server.reload({ readOnly: true });
  await open.put(stream("more"), "more");
  const { rights, refusals } = (await at.connect("bob")).info;
  assertEquals(rights, ["list", "read"]);
  assert(refusals.write?.includes("--read-only"));
});

Deno.test("Server.reload() works without accounts, too", async () => {
  const clock = new FakeClock();
  const disk = new MemoryDisk({ clock });
  await disk.makeDirectory("/srv", 0o755);
  const network = new FakeNetwork();
  await using server = await serve({
    ...{ root: "/srv", disk, clock, network, random: new SeededRandom(3) },
    readOnly: true,
  });
  const logIn = () =>
    connect({
      ...{ ...server.addresses[0]!, clock, network, retries: 0 },
      random: new SeededRandom(4),
    });
  {
    await using client = await logIn();
    assertEquals(client.info.rights, ["list", "read"]);
    await server.reload({});
    await using other = await logIn();
    await other.put(stream("new"), "new");
    await server.reload({ anonymous: "none" });
    await assertRejects(logIn, FerryError, "--anonymous");
    assertEquals((await client.stat("new")).size, 3);
  }
});

Deno.test("Server.reload() opens no storage that was brought and is read-only", async () => {
  await using at = await startServer({ readOnly: true });
  await at.server.reload({});
  assertEquals(at.server.doors[0]!.offer.rights, ["list", "read"]);
});

Deno.test("Server.reload() has limits count, and the upload hook", async () => {
  const judged: string[] = [];
  await using at = await accountScene({ users: USERS, files: FILES });
  const onReceived = (): Promise<Verdict> => {
    judged.push("a file");
    return Promise.resolve({ verdict: "accept" });
  };
  await at.server.reload({ limits: { addressConnectionCountMax: 0 } });
  await assertRejects(() => at.connect("alice"), FerryError, "connections");
  await at.server.reload({ onReceived });
  await (await at.connect("alice")).put(stream("a"), "a");
  assertEquals(judged.length, 1);
  await at.server.reload();
  await (await at.connect("alice")).put(stream("b"), "b");
  assertEquals(judged.length, 2, "without options all stays");
  await at.server.reload({});
  await (await at.connect("alice")).put(stream("c"), "c");
  assertEquals(judged.length, 2);
});

const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  ["half a users file", '{ "users": {\n "alice": {', /line 2/],
  ["a key that is none", '{ "users": {},\n "anonymus": {} }', /line 2.*anon/s],
  ["no users file", "", /users\.jsonc/],
];

for (const [name, text, message] of BROKEN) {
  Deno.test(`Server.reload() changes nothing with ${name}`, async () => {
    await using at = await accountScene({ users: USERS, files: FILES });
    const alice = await at.connect("alice");
    const good = usersText(USERS);
    await at.rewrite(text);
    const error = await assertRejects(
      () => at.server.reload({ anonymous: "read", readOnly: true }),
      ServeError,
    );
    assert(message.test(error.message), error.message);
    await alice.put(stream("x"), "still");
    await at.rewrite(good);
    assertEquals((await at.connect("alice")).info.rights, RIGHTS);
    await assertRejects(() => at.connect(undefined), FerryError, "account");
  });
}

Deno.test("Server.reload() changes nothing where options and users file contradict each other", async () => {
  await using at = await accountScene({
    users: USERS,
    files: FILES,
    file: { nestedRoots: true, anonymous: { rights: ["list"] } },
  });
  await assertRejects(
    () => at.server.reload({ anonymous: "write", readOnly: true }),
    ServeError,
    "--anonymous",
  );
  assertEquals((await at.connect(undefined)).info.rights, ["list"]);
  assertEquals((await at.connect("alice")).info.rights, RIGHTS);
});

Deno.test("Server.reload() changes nothing where the certificate cannot be used", async () => {
  const first = await makeIdentity(new SeededRandom(1));
  const second = await makeIdentity(new SeededRandom(2));
  await using at = await accountScene({
    users: USERS,
    files: FILES,
    serve: {
      listen: [
        { hostname: "127.0.0.1", port: 0 },
        { hostname: "127.0.0.1", port: 0, scheme: "tls" },
      ],
      identity: () => Promise.resolve(first),
    },
  });
  const { fingerprintText: own } = first;
  await assertRejects(
    () =>
      at.server.reload({
        identity: () => Promise.reject(new Error("the key is damaged")),
        readOnly: true,
      }),
    ServeError,
    "the key is damaged",
  );
  assertEquals(at.server.identity?.fingerprint, own);
  assertEquals((await at.connect("alice")).info.rights, RIGHTS);
  // The other way round: a good certificate does not count without the rest.
  await at.rewrite("{");
  const identity = () => Promise.resolve(second);
  await assertRejects(() => at.server.reload({ identity }), ServeError);
  assertEquals(at.server.identity?.fingerprint, own);
  await at.rewrite(usersText(USERS));
  await at.server.reload({ identity });
  assertEquals(at.server.identity?.fingerprint, second.fingerprintText);
  await at.server.reload();
  assertEquals(at.server.identity?.fingerprint, second.fingerprintText);
});

Deno.test("Server.reload() changes nothing where a door without a log-in would be of no use", async () => {
  await using at = await startServer({
    doors: [{ name: "old", hasLogin: false, serve: () => Promise.resolve() }],
  });
  const before = at.server.doors;
  await assertRejects(
    () => at.server.reload({ anonymous: "none" }),
    ServeError,
    "Cannot speak old",
  );
  assertEquals(at.server.doors, before);
});
