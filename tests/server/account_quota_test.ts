import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Client, FerryError } from "../../lib/client/mod.ts";
import { CHUNK_SIZE } from "../../lib/protocol/mod.ts";
import { QuotaLedger } from "../../lib/accounts/mod.ts";
import { countUsage } from "../../lib/accounts/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  type AccountScene,
  accountScene,
  sendSmall,
  stream,
  type UserText,
} from "./account_scene.ts";

const QUOTA: UserText = { root: "alice", quota: { bytes: 1000, files: 10 } };

async function scene(
  files: Readonly<Record<string, string>> = { "alice/": "" },
  alice: UserText = QUOTA,
) {
  return await accountScene({ users: { alice }, files });
}

function bytes(size: number): ReadableStream<Uint8Array> {
  return stream("x".repeat(size));
}

async function refusedWith(work: () => Promise<unknown>): Promise<string> {
  const error = await assertRejects(work, FerryError);
  assertEquals(error.code, "quota", error.message);
  return error.message;
}

/** Bytes left, as `ferry info` shows them, and as they are on the disk. */
async function assertLeft(
  at: AccountScene,
  client: Client,
  left: number,
): Promise<void> {
  assertEquals(await client.freeSpace(), left);
  const { used, staged } = await countUsage(at.disk, "/srv/alice");
  const kept = [...staged.values()].reduce((sum, size) => sum + size, 0);
  assertEquals(1000 - used.bytes - kept, left, "counted wrong");
}

Deno.test("a quota counts what is there, and each change of it", async () => {
  await using at = await scene({ "alice/old": "x".repeat(100) });
  const alice = await at.connect("alice");
  await assertLeft(at, alice, 900);
  await alice.put(bytes(300), "a");
  await assertLeft(at, alice, 600);
  await alice.put(bytes(100), "a", { onConflict: "overwrite" });
  await assertLeft(at, alice, 800);
  await alice.put(bytes(50), "a", { onConflict: "rename" });
  await assertLeft(at, alice, 750);
  await alice.put(bytes(50), "a", { onConflict: "skip" });
  await assertLeft(at, alice, 750);
  await assertRejects(() => alice.put(bytes(50), "a"), FerryError, "exists");
  await assertLeft(at, alice, 750);
  await sendSmall(alice, ["s", "a"], "overwrite");
  await assertLeft(at, alice, 840);
  await alice.rename("old", "older");
  await assertLeft(at, alice, 840);
  await alice.rename("older", "s", { onConflict: "overwrite" });
  await assertLeft(at, alice, 845);
  await alice.makeDirectory("d/e", { parents: true });
  await alice.rename("a", "d/e/a");
  await assertLeft(at, alice, 845);
  assertEquals(await alice.remove("d", { recursive: true }), 3);
  await assertLeft(at, alice, 850);
  await alice.remove("s");
  await assertLeft(at, alice, 950);
});

Deno.test("what does not fit is refused before it is sent, and nothing stays of it", async () => {
  await using at = await scene();
  const alice = await at.connect("alice");
  await alice.put(bytes(600), "a");
  const message = await refusedWith(() => alice.put(bytes(401), "b"));
  assert(message.includes("400 B left"), message);
  assert(!message.includes("/srv"), message);
  // Both would be there at the same time.
  await refusedWith(() =>
    alice.put(bytes(600), "a", { onConflict: "overwrite" })
  );
  await assertLeft(at, alice, 400);
  assertEquals(at.told("refusal").map(({ code }) => code), ["quota", "quota"]);
  await alice.put(bytes(400), "b");
  await assertLeft(at, alice, 0);
  await refusedWith(() => alice.put(bytes(1), "c"));
  await alice.put(bytes(0), "empty");
  await assertLeft(at, alice, 0);
});

Deno.test("of small files in one group, those are taken for which there is room", async () => {
  await using at = await scene({ "alice/old": "x".repeat(988) });
  const alice = await at.connect("alice");
  const results = await sendSmall(alice, ["1", "2", "3", "4"]);
  assertEquals(
    results.map((result) =>
      result.status === "fulfilled" ? "taken" : result.reason.code
    ),
    ["taken", "taken", "quota", "quota"],
  );
  await assertLeft(at, alice, 2);
});

Deno.test("a quota of files counts files and folders", async () => {
  await using at = await scene({ "alice/": "" }, {
    root: "alice",
    quota: { files: 3 },
  });
  const alice = await at.connect("alice");
  await alice.makeDirectory("d");
  await alice.put(bytes(1), "d/1");
  await refusedWith(() => alice.makeDirectory("e/f", { parents: true }));
  await alice.put(bytes(1), "d/2");
  await refusedWith(() => alice.put(bytes(1), "d/3"));
  await refusedWith(() => alice.makeDirectory("e"));
  const [small] = await sendSmall(alice, ["d/3"]);
  assertEquals(small!.status, "rejected");
  // What replaces is not one more.
  await alice.put(bytes(9), "d/2", { onConflict: "overwrite" });
  await alice.remove("d/1");
  await alice.makeDirectory("e");
  assertEquals(await at.read("alice/d/2"), "x".repeat(9));
});

Deno.test("two uploads at once do not both get the last room", async () => {
  await using at = await scene();
  const [one, two] = [await at.connect("alice"), await at.connect("alice")];
  const results = await Promise.allSettled([
    one.put(bytes(600), "one"),
    two.put(bytes(600), "two"),
    one.put(bytes(600), "three"),
  ]);
  const done = results.filter(({ status }) => status === "fulfilled");
  assertEquals(done.length, 1);
  await assertLeft(at, one, 400);
});

Deno.test("those who replace the same file at once count it once", async () => {
  await using at = await scene({ "alice/a": "x".repeat(100) });
  const clients = [await at.connect("alice"), await at.connect("alice")];
  for (let round = 0; round < 5; round++) {
    await Promise.all(clients.flatMap((client, n) => [
      client.put(bytes(1 + n), "a", { onConflict: "overwrite" }),
      client.put(bytes(7 + n), "a", { onConflict: "overwrite" }),
      sendSmall(client, ["a"], "overwrite"),
    ]));
  }
  const { size } = await clients[0]!.stat("a");
  await assertLeft(at, clients[0]!, 1000 - size);
});

Deno.test("those who remove the same folder at once count it once", async () => {
  const files = Object.fromEntries(
    Array.from(
      { length: 8 },
      (_, n) => [`alice/d/${n % 2}/${n}`, "x".repeat(50)],
    ),
  );
  await using at = await scene(files, {
    root: "alice",
    quota: { bytes: 1000 },
  });
  const [one, two] = [await at.connect("alice"), await at.connect("alice")];
  await Promise.allSettled([
    one.remove("d", { recursive: true }),
    two.remove("d", { recursive: true }),
    two.remove("d/1", { recursive: true }),
    one.remove("d/0/0"),
  ]);
  await one.remove("d", { recursive: true }).catch(() => {});
  await assertLeft(at, one, 1000);
});

const BIG = 3 * CHUNK_SIZE;
const BIG_QUOTA: UserText = {
  root: "alice",
  quota: { bytes: 4 * CHUNK_SIZE },
};

/** Sends a local file of three chunks, and breaks the line after one. */
async function interrupted(at: AccountScene, path: string): Promise<void> {
  let count = 0;
  const network = {
    listen: at.network.listen.bind(at.network),
    dial: async (...args: Parameters<typeof at.network.dial>) => {
      const end = await at.network.dial(...args);
      let sent = 0;
      // The first one is the control connection.
      if (++count === 2) {
        end.tap = (bytes) => {
          sent += bytes.length;
          return sent > 1.5 * CHUNK_SIZE ? "reset" : undefined;
        };
      }
      return end;
    },
  };
  const client = await at.connect("alice", { stateFolder: "/state", network });
  await assertRejects(() => client.put("/big", path, { streams: 1 }));
  await settle();
}

async function bigScene(at: AccountScene): Promise<void> {
  const file = await at.local.open("/big", "create");
  await file.write(new SeededRandom(4).bytes(BIG), 0);
  file.close();
  await at.local.makeDirectory("/state", 0o700);
}

Deno.test("what was interrupted counts, and is not counted twice when it goes on", async () => {
  await using at = await scene({ "alice/": "" }, BIG_QUOTA);
  await bigScene(at);
  await interrupted(at, "big");
  const alice = await at.connect("alice", { stateFolder: "/state" });
  const left = (await alice.freeSpace())!;
  assert(left < 4 * CHUNK_SIZE && left >= CHUNK_SIZE, `${left}`);
  const receipt = await alice.put("/big", "big", { streams: 1 });
  assert(receipt.resumedFrom > 0);
  assertEquals(await alice.freeSpace(), CHUNK_SIZE);
});

Deno.test("what was interrupted counts over a restart of the server, too", async () => {
  const first = await scene({ "alice/": "" }, BIG_QUOTA);
  await bigScene(first);
  await interrupted(first, "big");
  await first.stop();
  await using at = await accountScene({
    users: { alice: BIG_QUOTA },
    disk: first.disk,
  });
  const alice = await at.connect("alice", {
    stateFolder: "/state",
    disk: first.local,
    ...first.server.addresses[0]!,
    hostname: "127.0.0.1",
    port: at.server.addresses[0]!.port,
  });
  const left = (await alice.freeSpace())!;
  assert(left < 4 * CHUNK_SIZE, `${left}`);
  await alice.put("/big", "big", { streams: 1 });
  assertEquals(await alice.freeSpace(), CHUNK_SIZE);
});

Deno.test("an upload that is given up gives its room back", async () => {
  await using at = await scene({ "alice/": "" }, BIG_QUOTA);
  await bigScene(at);
  const alice = await at.connect("alice");
  const ending = new AbortController();
  await assertRejects(() =>
    alice.put("/big", "big", {
      streams: 1,
      resume: false,
      signal: ending.signal,
      onProgress: () => ending.abort(),
    })
  );
  await settle();
  assertEquals(await alice.freeSpace(), 4 * CHUNK_SIZE);
});

Deno.test("counts outlive a clean end, and are made anew after any other", async () => {
  const state = { serve: { state: "/state" } };
  const first = await accountScene({
    users: { alice: QUOTA },
    files: { "alice/a": "x".repeat(100) },
    ...state,
  });
  const { disk } = first;
  const alice = await first.connect("alice");
  await alice.put(bytes(200), "b");
  await first.stop();
  // What others do meanwhile is not seen before the next walk: the count was kept.
  await disk.removeFile("/srv/alice/a");
  const options = { users: { alice: QUOTA }, disk, ...state };
  const second = await accountScene(options);
  const again = await second.connect("alice");
  assertEquals(await again.freeSpace(), 700);
  assertEquals((await disk.stat("/state/quotas.json")).mode & 0o777, 0o600);
  // A day later a walk corrects it.
  await second.clock.advance(86_400_000);
  await second.stop();
  const third = await accountScene(options);
  await third.clock.advance(86_400_001);
  const later = await third.connect("alice");
  await later.freeSpace();
  await settle();
  assertEquals(await later.freeSpace(), 800);
  // The power goes: nothing is written down.
  await disk.removeFile("/srv/alice/b");
  const ledger = await QuotaLedger.open({
    disk,
    clock: third.clock,
    random: new SeededRandom(1),
    path: "/state/quotas.json",
  }, ["/srv/alice"]);
  assertEquals(await ledger.usage("/srv/alice"), { bytes: 0, files: 0 });
  await ledger.close();
  await third.stop();
});

Deno.test("users of nested folders count for those around them", async () => {
  await using at = await accountScene({
    users: {
      alice: { root: "alice", quota: { bytes: 1000 } },
      bob: { root: "alice/bob", quota: { bytes: 500 } },
      carol: { root: "alice" },
    },
    file: { nestedRoots: true },
    files: { "alice/bob/": "" },
  });
  const [alice, bob, carol] = [
    await at.connect("alice"),
    await at.connect("bob"),
    await at.connect("carol"),
  ];
  await bob.put(bytes(300), "b");
  assertEquals([await alice.freeSpace(), await bob.freeSpace()], [700, 200]);
  await alice.put(bytes(100), "bob/a");
  assertEquals([await alice.freeSpace(), await bob.freeSpace()], [600, 100]);
  await carol.put(bytes(500), "c");
  assertEquals(await alice.freeSpace(), 100);
  await alice.rename("bob/a", "a");
  assertEquals([await alice.freeSpace(), await bob.freeSpace()], [100, 200]);
  await carol.remove("bob/b");
  assertEquals([await alice.freeSpace(), await bob.freeSpace()], [400, 500]);
  await refusedWith(() => alice.put(bytes(401), "x"));
});

Deno.test("what a hook gives another name is counted, and written only where the user may write", async () => {
  let path = "";
  await using at = await accountScene({
    users: {
      alice: { ...QUOTA, rules: [{ path: "secret", rights: [] }] },
    },
    files: { "alice/a": "x".repeat(100), "alice/secret/s": "s" },
    serve: {
      onReceived: () => Promise.resolve({ verdict: "rename", path }),
    },
  });
  at.disk.symlink("/srv/alice/secret", "/srv/alice/door");
  const alice = await at.connect("alice");
  for (path of ["secret/new", "door/new"]) {
    const error = await assertRejects(
      () => alice.put(bytes(10), "b"),
      FerryError,
    );
    assertEquals(error.code, "denied");
  }
  const before = (await alice.freeSpace())!;
  path = "other";
  const receipt = await alice.put(bytes(10), "a", { onConflict: "overwrite" });
  assertEquals(receipt.path, "other");
  assertEquals(await alice.freeSpace(), before - 10);
});
