import { assert, assertEquals } from "@std/assert";
import type { ListPage } from "../../lib/client/mod.ts";
import {
  type MessageBody,
  PAGE_WINDOW,
  type WireEntry,
} from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { startServer } from "../helpers/test_server.ts";
import { assertFerryError, clientOf, FakeServer } from "./hostile.ts";

function entry(path: string, more: Partial<WireEntry> = {}): WireEntry {
  return {
    path,
    kind: "file",
    size: 1,
    modified: undefined,
    mode: 0,
    addressable: true,
    ...more,
  };
}

function page(...paths: string[]): MessageBody<"PAGE"> {
  return { entries: paths.map((path) => entry(path)), problems: [] };
}

async function collect(pages: AsyncIterable<ListPage>): Promise<string[]> {
  const paths: string[] = [];
  for await (const { entries } of pages) {
    paths.push(...entries.map(({ path }) => path));
  }
  return paths.sort();
}

/** Ends the session of a client whose server is a test. */
async function leave(
  client: { close(): Promise<void> },
  control: RawPeer,
): Promise<void> {
  const closed = client.close();
  control.close();
  await closed;
}

Deno.test("Client.list() gives every entry with its path below the root", async () => {
  await using server = await startServer();
  await server.disk.makeDirectory("/folder", 0o755);
  await server.disk.makeDirectory("/folder/deep", 0o755);
  await server.write("/folder/deep/file", new Uint8Array(3));
  for (let index = 0; index < 5000; index++) {
    await server.write(`/folder/entry-${index}`, new Uint8Array(0));
  }
  const { client } = await clientOf(server);
  await using _client = client;
  assertEquals(await collect(client.list("")), ["folder"]);
  assertEquals((await collect(client.list("folder"))).length, 5001);
  const below = await collect(client.list("folder", { recursive: true }));
  assertEquals(below.length, 5002);
  assert(below.includes("folder/deep/file"));
  const error = await assertFerryError(
    collect(client.list("none")),
    "not-found",
  );
  assertEquals(error.path, "none");
});

Deno.test("Client.list() left early cancels the listing, and the session goes on", async () => {
  await using server = await startServer();
  for (let index = 0; index < 6000; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
  const { client } = await clientOf(server);
  await using _client = client;
  for await (const _page of client.list("")) break;
  await settle();
  assertEquals((await client.stat("")).kind, "directory");
});

Deno.test("Client.list() gives one page of credit for each page that was read", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const pages = client.list("")[Symbol.asyncIterator]();
  const first = pages.next();
  const { id } = await control.expect("LIST");
  for (let count = 0; count < PAGE_WINDOW; count++) {
    await control.send("PAGE", page(`a${count}`), id);
  }
  await first;
  await settle();
  const second = pages.next();
  assertEquals((await control.expect("MORE")).body.pages, 1);
  await second;
  await control.send("DONE", {}, id);
  for (let count = 2; count < PAGE_WINDOW; count++) {
    assertEquals((await pages.next()).done, false);
  }
  assertEquals((await pages.next()).done, true);
  await leave(client, control);
});

Deno.test("Client.list() refuses pages beyond its credit, in bounded memory", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const pages = client.list("")[Symbol.asyncIterator]();
  const first = pages.next();
  const { id } = await control.expect("LIST");
  for (let count = 0; count < PAGE_WINDOW + 2; count++) {
    await control.send("PAGE", page(`a${count}`), id);
  }
  await first;
  await settle();
  const rest = (async () => {
    for (;;) {
      if ((await pages.next()).done) return;
    }
  })();
  await assertFerryError(rest, "protocol", "more than was asked for");
  await leave(client, control);
});

const IMPOSSIBLE: readonly (readonly [string, boolean])[] = [
  ["..", false],
  ["../x", true],
  ["a/../../x", true],
  ["/etc/passwd", true],
  ["a//b", true],
  ["a/", true],
  [".", false],
  ["", false],
  ["a/b", false],
  ["a\0b", false],
];

Deno.test("Client.list() refuses names that lead out of what was listed", async () => {
  for (const [path, recursive] of IMPOSSIBLE) {
    for (const isProblem of [true, false]) {
      await using server = new FakeServer();
      const { client, control } = await server.connect();
      const listed = assertFerryError(
        collect(client.list("folder", { recursive })),
        "protocol",
        "impossible name",
      );
      const { id } = await control.expect("LIST");
      await control.send(
        "PAGE",
        isProblem
          ? { entries: [], problems: [{ path, code: 4, message: "no" }] }
          : page(path),
        id,
      );
      await listed;
      await control.expect("CANCEL");
      await leave(client, control);
    }
  }
});

Deno.test("Client.list() believes nobody that a strange name can be sent back", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const listed = (async () => {
    const [first] = await Array.fromAsync(client.list(""));
    return first!;
  })();
  const { id } = await control.expect("LIST");
  await control.send("PAGE", {
    entries: [
      entry("good"),
      entry("..\\..\\evil"),
      entry("C:evil"),
      entry("\u001b[2Jevil"),
      entry("not", { addressable: false }),
    ],
    problems: [{ path: "shut", code: 4, message: "permission denied" }],
  }, id);
  await control.send("DONE", {}, id);
  const { entries, problems } = await listed;
  assertEquals(entries.map(({ addressable }) => addressable), [
    true,
    false,
    false,
    true,
    false,
  ]);
  assertEquals(problems[0]!.code, "denied");
  assertEquals(problems[0]!.path, "shut");
  await leave(client, control);
});

Deno.test("Client.stat() keeps to the path that was asked for", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const asked = client.stat("a/b");
  const { id } = await control.expect("STAT");
  await control.send("ENTRY", entry("../../evil"), id);
  const found = await asked;
  assertEquals([found.path, found.name], ["a/b", "b"]);
  await leave(client, control);
});

Deno.test("Client.list() ends when its signal fires or its session ends, at any moment", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  await assertFerryError(
    collect(client.list("", { signal: AbortSignal.abort() })),
    "cancelled",
  );
  const waiting = new AbortController();
  const first = assertFerryError(
    collect(client.list("", { signal: waiting.signal })),
    "cancelled",
  );
  await control.expect("LIST");
  waiting.abort();
  await first;
  await control.expect("CANCEL");
  // Between two pages, with more of them at hand.
  const between = new AbortController();
  const pages = client.list("", { signal: between.signal })
    [Symbol.asyncIterator]();
  const page1 = pages.next();
  const { id } = await control.expect("LIST");
  for (const name of ["a", "b", "c"]) {
    await control.send("PAGE", page(name), id);
  }
  await page1;
  await settle();
  between.abort();
  await assertFerryError(pages.next(), "cancelled");
  await control.expect("CANCEL");
  const lost = assertFerryError(collect(client.list("")), "connection-lost");
  await control.expect("LIST");
  control.close();
  await lost;
  await client.close();
});

Deno.test("an answer of the wrong kind ends the session with a typed error", async () => {
  for (const type of ["SPACE_LEFT", "GRANTED", "DONE"] as const) {
    await using server = new FakeServer();
    const { client, control } = await server.connect();
    const asked = assertFerryError(client.stat("a"), "protocol");
    const { id } = await control.expect("STAT");
    if (type === "SPACE_LEFT") await control.send(type, { bytes: 1 }, id);
    else if (type === "DONE") await control.send(type, {}, id);
    else await control.send(type, { token: new Uint8Array(32) }, id);
    await asked;
    await client.close();
  }
});
