import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Client, FerryError } from "../../lib/client/mod.ts";
import type { Right } from "../../lib/protocol/mod.ts";
import {
  accountScene,
  ALL,
  sendSmall,
  stream,
  type UserText,
} from "./account_scene.ts";

const FILES = {
  "open/a": "a",
  "open/folder/b": "b",
  "secret/s": "s",
  "secret/deep/t": "t",
  "mixed/free": "f",
  "mixed/kept/k": "k",
  "drop/x": "x",
  "read/r": "r",
};

/** What each rule leaves of all rights. */
const ALICE: UserText = {
  rules: [
    { path: "secret", rights: [] },
    { path: "mixed/kept", rights: ["list", "read"] },
    { path: "drop", rights: ["write"] },
    { path: "read", rights: ["list", "read"] },
  ],
};

type Try = (client: Client) => Promise<unknown>;

async function listAll(client: Client, path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of client.list(path, { recursive: true })) {
    for (const { path } of page.entries) names.push(path);
    for (const { path, code } of page.problems) names.push(`${path}: ${code}`);
  }
  return names.sort();
}

const get = (path: string): Try => (client) =>
  client.get(path, new WritableStream());
const put =
  (path: string, onConflict: "fail" | "overwrite" = "fail"): Try => (client) =>
    client.put(stream("new"), path, { onConflict });
const small = (path: string): Try => (client) =>
  sendSmall(client, [path]).then(([result]) => {
    if (result?.status === "rejected") throw result.reason;
  });

/** What is denied, whatever is there or not. */
const DENIED: Readonly<Record<string, Try>> = {
  "list a secret folder": (client) => listAll(client, "secret"),
  "list below it": (client) => listAll(client, "secret/deep"),
  "stat it": (client) => client.stat("secret"),
  "stat in it": (client) => client.stat("secret/s"),
  "stat what is not in it": (client) => client.stat("secret/nothing"),
  "stat it in another spelling": (client) => client.stat("SECRET/s"),
  "stat through an open folder": (client) => client.stat("open/../secret/s"),
  "get from it": get("secret/s"),
  "get from deep in it": get("secret/deep/t"),
  "get what is not in it": get("secret/nothing"),
  "put into it": put("secret/new"),
  "put over what is in it": put("secret/s", "overwrite"),
  "put a small file into it": small("secret/new"),
  "make a folder in it": (client) => client.makeDirectory("secret/new"),
  "make it": (client) => client.makeDirectory("secret"),
  "make folders through it": (client) =>
    client.makeDirectory("secret/a/b", { parents: true }),
  "remove what is in it": (client) => client.remove("secret/s"),
  "remove it with everything": (client) =>
    client.remove("secret", { recursive: true }),
  "remove what it is in": (client) => client.remove("", { recursive: true }),
  "rename what is in it": (client) => client.rename("secret/s", "open/s"),
  "rename into it": (client) => client.rename("open/a", "secret/a"),
  "rename it": (client) => client.rename("secret", "open/secret"),
  "set attributes in it": (client) =>
    client.setAttributes("secret/s", { mode: 0o600 }),
  "have a digest of what is in it": (client) =>
    client.stat("secret/s", { digest: "sha256" }),
  "remove a folder with something that must stay": (client) =>
    client.remove("mixed", { recursive: true }),
  "rename a folder with something that must stay": (client) =>
    client.rename("mixed", "moved"),
  "rename into a folder for reading": (client) =>
    client.rename("open/a", "read/a"),
  "rename out of a folder for reading": (client) =>
    client.rename("read/r", "open/r"),
  "put into a folder for reading": put("read/new"),
  "remove from a folder for reading": (client) => client.remove("read/r"),
  "set attributes in a folder for reading": (client) =>
    client.setAttributes("read/r", { modified: 0 }),
  "list a drop box": (client) => listAll(client, "drop"),
  "stat in a drop box": (client) => client.stat("drop/x"),
  "get from a drop box": get("drop/x"),
  "remove from a drop box": (client) => client.remove("drop/x"),
  "rename in a drop box": (client) => client.rename("drop/x", "drop/y"),
};

for (const [name, attempt] of Object.entries(DENIED)) {
  Deno.test(`a user may not ${name}`, async () => {
    await using at = await accountScene({
      users: { alice: ALICE },
      files: FILES,
    });
    const alice = await at.connect("alice");
    const error = await assertRejects(() => attempt(alice), FerryError);
    const isText = error.code === "bad-name" && name.includes("through an");
    assert(
      error.code === "denied" || isText,
      `${error.code}: ${error.message}`,
    );
    assert(!error.message.includes("/srv"), error.message);
    if (!isText) {
      const told = at.told("refusal");
      assertEquals(told.map(({ code, user }) => [code, user]), [
        ["denied", "alice"],
      ]);
    }
    for (const [path, content] of Object.entries(FILES)) {
      assertEquals(await at.read(path), content);
    }
    assertEquals((await alice.stat("open/a")).size, 1);
  });
}

Deno.test("a user may do the rest", async () => {
  await using at = await accountScene({
    users: { alice: ALICE },
    files: FILES,
  });
  const alice = await at.connect("alice");
  assertEquals(await listAll(alice, ""), [
    "mixed",
    "mixed/free",
    "mixed/kept",
    "mixed/kept/k",
    "open",
    "open/a",
    "open/folder",
    "open/folder/b",
    "read",
    "read/r",
  ]);
  await get("read/r")(alice);
  await get("mixed/kept/k")(alice);
  await put("drop/new")(alice);
  await put("drop/x", "overwrite")(alice);
  await alice.rename("open/folder", "open/other");
  await alice.rename("open/a", "mixed/a");
  assertEquals(await alice.remove("open", { recursive: true }), 3);
  await alice.makeDirectory("new/er", { parents: true });
  assertEquals(await at.read("drop/x"), "new");
  assertEquals(await at.read("mixed/a"), "a");
});

Deno.test("a link is no way around a rule", async () => {
  await using at = await accountScene({
    users: { alice: ALICE },
    files: FILES,
  });
  at.disk.symlink("/srv/secret", "/srv/open/door");
  at.disk.symlink("/srv/secret/s", "/srv/open/window");
  const alice = await at.connect("alice");
  const attempts: Try[] = [
    get("open/door/s"),
    get("open/window"),
    (client) => client.stat("open/door/s"),
    (client) => listAll(client, "open/door"),
    put("open/door/new"),
    put("open/window", "overwrite"),
    (client) => client.remove("open/door/s"),
    (client) => client.rename("open/door/s", "open/s"),
    (client) => client.rename("open/a", "open/door/a"),
    (client) => client.makeDirectory("open/door/new"),
  ];
  for (const attempt of attempts) {
    const error = await assertRejects(() => attempt(alice), FerryError);
    assertEquals(error.code, "denied", error.message);
  }
  assertEquals(await at.read("secret/s"), "s");
  // The links themselves are in a place where all is allowed.
  assertEquals(await alice.remove("open", { recursive: true }), 6);
  assertEquals(await at.read("secret/s"), "s");
});

Deno.test("replacing by a rename takes the right to delete, too", async () => {
  await using at = await accountScene({
    users: {
      alice: { rules: [{ path: "in", rights: ["list", "rename"] }] },
    },
    files: { "a": "new", "in/a": "old" },
  });
  const alice = await at.connect("alice");
  const error = await assertRejects(
    () => alice.rename("a", "in/a", { onConflict: "overwrite" }),
    FerryError,
  );
  assertEquals(error.code, "denied");
  assertEquals(await at.read("in/a"), "old");
  await alice.rename("a", "in/b");
  assertEquals(await at.read("in/b"), "new");
});

Deno.test("removing a folder leaves nothing of it when all of it may be removed, rules or not", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`t/${n % 5}/${n % 3}/${n}`, "x"]),
  );
  await using at = await accountScene({
    users: { alice: { rules: [{ path: "other", rights: [] }] } },
    files,
  });
  const alice = await at.connect("alice");
  const entries = (await listAll(alice, "t")).length;
  assertEquals(await alice.remove("t", { recursive: true }), entries + 1);
  assertEquals(await listAll(alice, ""), []);
});

for (const right of ALL as readonly Right[]) {
  Deno.test(`a user without the right to ${right} is not offered it, and hears why`, async () => {
    const rights = ALL.filter((each) => each !== right);
    await using at = await accountScene({ users: { alice: { rights } } });
    const { info } = await at.connect("alice");
    assertEquals(info.rights, rights as Right[]);
    assertEquals(Object.keys(info.refusals), [right]);
  });
}

Deno.test("a user who may do nothing is not let in", async () => {
  await using at = await accountScene({
    users: { alice: { rights: [] }, bob: {} },
  });
  const error = await assertRejects(() => at.connect("alice"), FerryError);
  assertEquals(error.code, "login-refused");
  assertEquals((await at.connect("bob")).info.user, "bob");
});
