import { assert, assertEquals } from "@std/assert";
import { PAGE_WINDOW, type WireEntry } from "../../lib/protocol/mod.ts";
import { StorageError } from "../../lib/storage/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { startServer, type TestServer } from "../helpers/test_server.ts";

const COUNT = 9000;

async function fill(server: TestServer): Promise<void> {
  for (let index = 0; index < COUNT; index++) {
    await server.write(`/entry-${index}`, new Uint8Array(0));
  }
}

/** Reads a listing to its end, giving credit for each page. */
async function readAll(
  control: RawPeer,
  id: number,
): Promise<{ entries: WireEntry[]; problems: string[]; end: string }> {
  const entries: WireEntry[] = [];
  const problems: string[] = [];
  for (;;) {
    const frame = await control.receive();
    assertEquals(frame?.id, id);
    if (frame?.type !== "PAGE") {
      const code = frame?.type === "ERROR" ? ` ${frame.body.code}` : "";
      return { entries, problems, end: `${frame?.type}${code}` };
    }
    entries.push(...frame.body.entries);
    problems.push(
      ...frame.body.problems.map(({ path, code }) => `${path} ${code}`),
    );
    await control.send("MORE", { pages: 1 }, id);
  }
}

Deno.test("LIST sends every entry once", async () => {
  await using server = await startServer();
  await fill(server);
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: false }, 1);
  const { entries, end } = await readAll(control, 1);
  assertEquals(end, "DONE");
  assertEquals(new Set(entries.map(({ path }) => path)).size, COUNT);
  assertEquals(entries.length, COUNT);
});

Deno.test("LIST sends no more pages than there is credit for", async () => {
  await using server = await startServer();
  await fill(server);
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: false }, 1);
  const pages = async (count: number) => {
    for (let page = 0; page < count; page++) await control.expect("PAGE");
    await settle();
    const probe = 1000 + count;
    await control.send("PING", { cookie: probe });
    // What comes next is no page: the server waits.
    assertEquals((await control.expect("PONG")).body.cookie, probe);
  };
  await pages(PAGE_WINDOW);
  await control.send("MORE", { pages: 0 }, 1);
  await pages(0);
  await control.send("MORE", { pages: 3 }, 1);
  await pages(3);
  await control.send("CANCEL", {}, 1);
  assertEquals(await control.refusal(1), "cancelled");
  await control.send("LIST", { path: "entry-1", recursive: false }, 2);
  assertEquals(await control.refusal(2), "not-directory");
});

Deno.test("LIST goes below and reports the folders that it cannot read", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/open", 0o755);
  await disk.makeDirectory("/open/deep", 0o755);
  await disk.makeDirectory("/shut", 0o755);
  const list = disk.list.bind(disk);
  disk.list = (path) => {
    if (path === "/shut") throw new StorageError("denied", "permission denied");
    return list(path);
  };
  await using server = await startServer({ disk });
  await server.write("/open/deep/file", new Uint8Array(3));
  server.disk.symlink("open", "/link");
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: true }, 1);
  const { entries, problems, end } = await readAll(control, 1);
  assertEquals(end, "DONE");
  assertEquals(entries.map(({ path }) => path).sort(), [
    "link",
    "open",
    "open/deep",
    "open/deep/file",
    "shut",
  ]);
  assertEquals(problems, ["shut 4"]);
  await control.send("LIST", { path: "open", recursive: true }, 2);
  const below = await readAll(control, 2);
  assertEquals(below.entries.map(({ path }) => path), ["deep", "deep/file"]);
  await control.send("LIST", { path: "shut", recursive: true }, 3);
  assertEquals((await readAll(control, 3)).end, "ERROR 4");
});

Deno.test("LIST gets past names that no frame can carry", async () => {
  await using server = await startServer();
  const segment = "d".repeat(250);
  let path = "";
  for (let depth = 0; depth < 17; depth++) {
    path += `/${segment}`;
    await server.disk.makeDirectory(path, 0o755);
  }
  await server.write("/after", new Uint8Array(0));
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: true }, 1);
  const { entries, problems, end } = await readAll(control, 1);
  assertEquals(end, "DONE");
  assertEquals(entries.length, 17);
  assertEquals(problems.length, 1);
  assert(entries.some(({ path }) => path === "after"));
});

Deno.test("LIST says nothing of the staging folder", async () => {
  await using server = await startServer();
  await server.disk.makeDirectory("/.ferry", 0o700).catch(() => {});
  const { control } = await server.logIn();
  await control.send("LIST", { path: "", recursive: true }, 1);
  await control.expect("DONE");
});
