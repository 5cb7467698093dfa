import { assert, assertEquals } from "@std/assert";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import type { MessageBody, MessageType } from "../../lib/protocol/mod.ts";
import type { Storage } from "../../lib/storage/mod.ts";
import { patched } from "../helpers/patched.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { startServer, type TestServer } from "../helpers/test_server.ts";

/** Asks, and says what comes back: the body, or the code of the refusal. */
async function ask<T extends MessageType, A extends MessageType>(
  control: RawPeer,
  [type, answer]: readonly [T, A],
  body: MessageBody<T>,
  id: number,
): Promise<MessageBody<A> | string> {
  await control.send(type, body, id);
  const frame = await control.receive();
  assertEquals(frame?.id, id);
  if (frame?.type === "ERROR") return `${frame.body.code}`;
  assertEquals<string | undefined>(frame?.type, answer);
  return (frame as unknown as { body: MessageBody<A> }).body;
}

const STAT = ["STAT", "ENTRY"] as const;
const MAKE = ["MAKE_DIRECTORY", "DONE"] as const;
const REMOVE = ["REMOVE", "DONE"] as const;
const RENAME = ["RENAME", "DONE"] as const;

const DENIED = "4";
const NOT_FOUND = "7";
const EXISTS = "8";
const IS_DIRECTORY = "9";
const NOT_EMPTY = "11";

async function withTree(server: TestServer): Promise<void> {
  await server.disk.makeDirectory("/folder", 0o755);
  await server.write("/folder/inner", sample(5));
  await server.write("/file", sample(2_000_000));
}

Deno.test("STAT shows an entry, and its digest where that is asked for", async () => {
  await using server = await startServer();
  await withTree(server);
  const { control } = await server.logIn();
  const plain = await ask(control, STAT, { path: "file" }, 1);
  assert(typeof plain !== "string");
  assertEquals([plain.kind, plain.size, plain.path], [
    "file",
    2_000_000,
    "file",
  ]);
  assertEquals(plain.digest, undefined);
  for (
    const [at, algorithm] of (["sha256", "crc32-chunks"] as const).entries()
  ) {
    const summed = await ask(
      control,
      STAT,
      { path: "file", algorithm },
      2 + at,
    );
    assert(typeof summed !== "string");
    const digest = digestOf(sample(2_000_000), algorithm);
    assertEquals(summed.digest?.toHex(), digest.value);
    assertEquals(summed.algorithm, algorithm);
  }
  const folder = { path: "folder", algorithm: "sha256" } as const;
  assertEquals(await ask(control, STAT, folder, 5), IS_DIRECTORY);
  assertEquals(await ask(control, STAT, { path: "none" }, 6), NOT_FOUND);
  const root = await ask(control, STAT, { path: "" }, 7);
  assert(typeof root !== "string" && root.kind === "directory");
  server.disk.symlink("file", "/link");
  const link = await ask(control, STAT, { path: "link" }, 8);
  assert(typeof link !== "string" && link.kind === "link");
});

Deno.test("MAKE_DIRECTORY, RENAME and REMOVE change the tree and say what became of it", async () => {
  await using server = await startServer();
  await withTree(server);
  const { control } = await server.logIn();
  const make = (path: string, parents: boolean, id: number) =>
    ask(control, MAKE, { path, parents }, id);
  assertEquals(await make("a", false, 1), { path: "a" });
  assertEquals(await make("a", false, 2), EXISTS);
  assertEquals(await make("b/c", false, 3), NOT_FOUND);
  assertEquals(await make("b/c", true, 4), { path: "b/c" });
  assertEquals(await make("b/c", true, 5), { path: "b/c" });
  const rename = (from: string, to: string, id: number) =>
    ask(control, RENAME, { from, to, onConflict: "fail" }, id);
  assertEquals(await rename("file", "a/moved", 6), {
    path: "a/moved",
    publication: "created",
  });
  assertEquals(await rename("none", "x", 7), NOT_FOUND);
  assertEquals(await rename("folder/inner", "a/moved", 8), EXISTS);
  const remove = (path: string, recursive: boolean, id: number) =>
    ask(control, REMOVE, { path, recursive }, id);
  assertEquals(await remove("folder", false, 9), NOT_EMPTY);
  const removed = await remove("folder", true, 10);
  assert(typeof removed !== "string" && removed.count === 2);
  assertEquals(await remove("folder", true, 11), NOT_FOUND);
  assertEquals((await server.names()).filter((name) => name !== ".ferry"), [
    "a",
    "b",
  ]);
});

Deno.test("requests refuse names that nobody may say", async () => {
  await using server = await startServer();
  const { control } = await server.logIn();
  let id = 0;
  for (const path of ["..", "a/../b", "/etc", "a//b", "a\\b", ".ferry", "C:"]) {
    const found = await ask(control, STAT, { path }, ++id);
    assertEquals(found, "5", path);
    const made = await ask(control, MAKE, { path, parents: true }, ++id);
    assertEquals(made, "5", path);
  }
});

Deno.test("requests need the right that they use", async () => {
  await using server = await startServer({ anonymous: "read" });
  await withTree(server);
  const { control } = await server.logIn();
  assert(typeof await ask(control, STAT, { path: "file" }, 1) !== "string");
  const make = { path: "x", parents: false };
  assertEquals(await ask(control, MAKE, make, 2), DENIED);
  const rename = { from: "file", to: "x", onConflict: "fail" } as const;
  assertEquals(await ask(control, RENAME, rename, 3), DENIED);
  const remove = { path: "file", recursive: false };
  assertEquals(await ask(control, REMOVE, remove, 4), DENIED);
  const space = await ask(control, ["SPACE", "SPACE_LEFT"], {}, 5);
  assert(typeof space !== "string" && space.bytes! > 0);
});

Deno.test("an exception that nobody expects costs one request, and is logged", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { memory: (record) => records.push(record) },
    loggers: [
      { category: ["ferry"], sinks: ["memory"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [] },
    ],
    reset: true,
  });
  try {
    const bug = new TypeError("secret detail");
    await using server = await startServer({
      wrap: (storage) => patched(storage, { stat: () => Promise.reject(bug) }),
    });
    const { control } = await server.logIn();
    await control.send("STAT", { path: "" }, 1);
    const { body } = await control.expect("ERROR");
    assertEquals(body.code, 23);
    assert(!body.message.includes("secret"));
    await settle();
    const logged = records.find(({ level }) => level === "error");
    assertEquals(logged?.properties.error, bug);
    await control.send("SPACE", {}, 2);
    await control.expect("SPACE_LEFT");
    await control.send("MAKE_DIRECTORY", { path: "a", parents: false }, 3);
    await control.expect("DONE");
    assert(
      records.some(({ properties }) =>
        properties.request === "MAKE_DIRECTORY" && properties.path === "a"
      ),
    );
  } finally {
    await reset();
  }
});

Deno.test("a change that was made is told and logged even if it was cancelled meanwhile", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await startServer({
    wrap: (storage) =>
      patched(storage, {
        async rename(...args): Promise<
          Awaited<ReturnType<Storage["rename"]>>
        > {
          const outcome = await storage.rename(...args);
          await gate.promise;
          return outcome;
        },
      }),
  });
  await server.write("/a", sample(1));
  const { control } = await server.logIn();
  const body = { from: "a", to: "b", onConflict: "fail" } as const;
  await control.send("RENAME", body, 1);
  await settle();
  await control.send("CANCEL", {}, 1);
  await settle();
  gate.resolve();
  assertEquals((await control.expect("DONE")).body.path, "b");
});

Deno.test("CANCEL ends a digest and a recursive removal on the way", async () => {
  await using server = await startServer();
  await server.write("/big", sample(8 * 1_048_576));
  const { control } = await server.logIn();
  await control.send("STAT", { path: "big", algorithm: "sha256" }, 1);
  await control.send("CANCEL", {}, 1);
  assertEquals(await control.refusal(1), "cancelled");
});
