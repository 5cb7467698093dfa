import { assert, assertEquals } from "@std/assert";
import { DiskStorage, MemoryDisk } from "../../lib/storage/mod.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import {
  type Login,
  startServer,
  type TestServer,
  type TestServerOptions,
  writeMemory,
} from "../helpers/test_server.ts";

const CHUNK = 1_048_576;

interface Scene extends AsyncDisposable {
  readonly server: TestServer;
  readonly login: Login;
  readonly data: RawPeer;
}

async function scene(options: TestServerOptions = {}): Promise<Scene> {
  const server = await startServer(options);
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  return {
    server,
    login,
    data,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const get = (data: RawPeer, path: string, id: number): Promise<void> =>
  data.send("GET", { path, algorithm: "crc32-chunks" }, id);

/** Takes a whole file after its `GET`. */
async function takeFile(
  data: RawPeer,
  id: number,
): Promise<{ bytes: Uint8Array; digest: string }> {
  const { body: { size = 0 } } = await data.expect("OPENED");
  const bytes = new Uint8Array(size);
  for (;;) {
    const frame = await data.receive();
    if (frame?.type === "DATA") {
      bytes.set(frame.payload, frame.offset);
      continue;
    }
    assert(frame?.type === "END");
    assertEquals(frame.body.size, size);
    await data.send("ACKNOWLEDGE", {}, id);
    return { bytes, digest: frame.body.digest.toHex() };
  }
}

Deno.test("GET sends a file whole, with its digest, one after the other", async () => {
  await using at = await scene();
  for (const [index, size] of [0, 1, CHUNK, 3 * CHUNK + 5].entries()) {
    await at.server.write(`/file-${size}`, sample(size));
    await get(at.data, `file-${size}`, 2 + index);
    const { bytes, digest } = await takeFile(at.data, 2 + index);
    assertEquals(bytes, sample(size));
    assertEquals(digest, digestOf(sample(size)).value);
  }
});

Deno.test("GET refuses what is no file, and the connection goes on", async () => {
  await using at = await scene();
  const { disk } = at.server;
  await disk.makeDirectory("/folder", 0o755);
  disk.symlink("missing", "/dangling");
  disk.special("/pipe");
  const cases: readonly (readonly [string, string])[] = [
    ["missing", "not-found"],
    ["folder", "is-directory"],
    ["dangling", "outside"],
    ["pipe", "not-file"],
    ["../etc/passwd", "bad-name"],
    ["folder/../x", "bad-name"],
    [".ferry/x", "bad-name"],
  ];
  for (const [index, [path, code]] of cases.entries()) {
    await get(at.data, path, 2 + index);
    assertEquals(await at.data.refusal(2 + index), code, path);
  }
  await at.server.write("/file", sample(5));
  await get(at.data, "file", 50);
  assertEquals((await takeFile(at.data, 50)).bytes, sample(5));
});

Deno.test("GET never follows a link that leaves the root", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/root", 0o755);
  await disk.makeDirectory("/outside", 0o755);
  disk.symlink("/outside", "/root/out");
  await writeMemory(disk, "/outside/file", sample(5));
  const inner = await DiskStorage.open(disk, "/root");
  await using at = await scene({ wrap: () => inner });
  await get(at.data, "out/file", 2);
  assertEquals(await at.data.refusal(2), "outside");
  await inner[Symbol.asyncDispose]();
});

Deno.test("GET needs the right to read", async () => {
  const access = { read: false, write: false, freeSpace: false };
  const disk = new MemoryDisk({ access });
  await using at = await startServer({ disk });
  const peer = await at.dial();
  await peer.send("HELLO", {
    versions: [1],
    agent: "",
    nonce: new Uint8Array(32),
  });
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "anonymous", user: undefined });
  assertEquals(await peer.farewell(), "login-refused");
});

Deno.test("GET of a file that changes on the way ends with `changed`", async () => {
  await using at = await scene();
  await at.server.write("/file", sample(3 * CHUNK));
  await get(at.data, "file", 2);
  await at.data.expect("OPENED");
  await at.data.expect("DATA");
  const file = await at.server.disk.open("/file", "write");
  await file.truncate(10);
  file.close();
  let frame = await at.data.receive();
  while (frame?.type === "DATA") frame = await at.data.receive();
  assert(frame?.type === "ERROR");
  assertEquals(frame.body.code, 17);
  assertEquals(frame.body.path, "file");
  await get(at.data, "file", 3);
  assertEquals((await takeFile(at.data, 3)).bytes, sample(10).slice(0, 10));
});

Deno.test("CANCEL ends a GET, and the connection goes on", async () => {
  await using at = await scene();
  await at.server.write("/file", sample(8 * CHUNK));
  await get(at.data, "file", 2);
  await at.data.expect("OPENED");
  await at.data.expect("DATA");
  await at.login.control.send("CANCEL", {}, 2);
  let count = 1;
  let frame = await at.data.receive();
  for (; frame?.type === "DATA"; count++) frame = await at.data.receive();
  assert(frame?.type === "ERROR" && frame.body.code === 21);
  assert(count < 8);
  await at.server.write("/small", sample(5));
  await get(at.data, "small", 3);
  await takeFile(at.data, 3);
});

Deno.test("GET waits for a client that does not read, as long as its control connection answers", async () => {
  await using at = await scene({
    limits: { checkInterval: 15_000, silentCheckCountMax: 3 },
  });
  await at.server.write("/file", sample(4 * CHUNK));
  await get(at.data, "file", 2);
  for (let count = 0; count < 40; count++) {
    await at.login.control.send("PONG", { cookie: 1 });
    await at.server.clock.advance(15_000);
  }
  assertEquals(at.server.network.dialled[1]!.server.closed, false);
  assertEquals((await takeFile(at.data, 2)).bytes, sample(4 * CHUNK));
  await get(at.data, "file", 3);
  await settle();
  assertEquals(at.server.disk.openHandles, 1);
  at.login.control.close();
  await settle();
  assertEquals(at.server.disk.openHandles, 0);
  assertEquals(at.server.network.dialled[1]!.server.closed, true);
});

Deno.test("GET ends with the connection that it runs on", async () => {
  await using at = await scene();
  await at.server.write("/file", sample(4 * CHUNK));
  await get(at.data, "file", 2);
  await at.data.expect("OPENED");
  at.data.close();
  await settle();
  assertEquals(at.server.disk.openHandles, 0);
  await at.login.control.send("SPACE", {}, 3);
  await at.login.control.expect("SPACE_LEFT");
});

Deno.test("DataHandler takes FAIL and leaves", async () => {
  await using at = await scene();
  await at.data.send("FAIL", { code: 1, message: "enough" });
  at.data.close();
  await settle();
  assertEquals(at.server.network.dialled[1]!.server.closed, true);
});
