/** The cs372 kinds over real sockets, slow networks, and by a client in Python. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { cs372 } from "../../lib/classic/cs372/mod.ts";
import { cs372Login } from "../../lib/classic/cs372_login/mod.ts";
import { systemClock } from "../../lib/platform/mod.ts";
import { type DoorProtocol, serve } from "../../lib/server/mod.ts";
import { type NetworkAddress, tcpNetwork } from "../../lib/transport/mod.ts";
import { startChaosProxy } from "../../tools/chaos_proxy.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { withAccounts } from "./door_scene.ts";
import { recv, send } from "./peers/recv.ts";

/** A served folder with files, over real sockets. */
async function served(
  protocol: DoorProtocol,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<AsyncDisposable & { address: NetworkAddress; local: string }> {
  const folder = await tempDir();
  const root = join(folder.path, "root");
  await Deno.mkdir(root);
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.writeFile(join(root, name), bytes);
  }
  const server = await serve({
    root,
    listen: [],
    // Far beyond what a loaded machine needs.
    limits: { loginTimeout: 120_000 },
    doors: [{ protocol, address: { hostname: "127.0.0.1", port: 0 } }],
  });
  return {
    address: server.doors[0]!.address,
    local: folder.path,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A port that was free a moment ago, for those who cannot choose any. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.test("cs372: Ferry's client and door, files of all sizes at once", async () => {
  const random = new SeededRandom(372);
  const sizes = [0, 1, 1023, 1024, 4096, 199_998, 1_048_576, 5_000_000];
  const files = Object.fromEntries(
    sizes.map((size) => [`f${size}`, random.bytes(size)]),
  );
  await using at = await served(cs372.door(), files);
  await using client = await cs372.connect(at.address);
  const { names } = await client.list!();
  assertEquals(names.toSorted(), [".", "..", ...Object.keys(files)].toSorted());
  await Promise.all(
    Object.entries(files).map(async ([name, bytes]) => {
      const local = join(at.local, `got-${name}`);
      const receipt = await client.get!(name, local);
      assertEquals([receipt.local, receipt.size], [local, bytes.length]);
      const got = await Deno.readFile(local);
      assert(got.every((byte, each) => byte === bytes[each]), name);
      assertEquals(got.length, bytes.length);
    }),
  );
});

Deno.test("cs372: both connections through a network that stammers", async () => {
  const bytes = new SeededRandom(1).bytes(100_000);
  await using at = await served(cs372.door(), { f: bytes });
  const stammer = { sizeMax: 2, delay: 20 };
  await using near = await startChaosProxy({
    to: at.address,
    seed: 1,
    stammer,
    delay: 15,
  });
  // The client itself, and a client by hand whose data comes through a proxy too.
  const port = freePort();
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  await using far = await startChaosProxy({
    to: { hostname: "127.0.0.1", port },
    seed: 2,
    stammer: { sizeMax: 5000, delay: 1 },
  });
  const byClient = async () => {
    await using client = await cs372.connect(near.address);
    const local = join(at.local, "got");
    await client.get!("f", local);
    return await Deno.readFile(local);
  };
  const byHand = async () => {
    const control = await tcpNetwork.dial(near.address);
    const messages = ["-g", String(far.address.port), "127.0.0.1", "f"];
    for (const message of messages) {
      await send(control, message);
      let answer = await recv(control);
      if (answer === "O") answer += await recv(control);
      assertEquals(answer, "OK");
    }
    const data = await listener.accept();
    const got = await new Response(data.readable).bytes();
    control.close();
    return got;
  };
  for (const got of await Promise.all([byClient(), byHand()])) {
    assertEquals(got.length, bytes.length);
    assert(got.every((byte, each) => byte === bytes[each]));
  }
});

Deno.test("cs372: a reset of the control connection ends the transfer, and harms nobody", async () => {
  const bytes = new Uint8Array(20_000_000);
  await using at = await served(cs372.door(), { f: bytes });
  await using proxy = await startChaosProxy({ to: at.address, seed: 3 });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const control = await tcpNetwork.dial(proxy.address);
  for (const message of ["-g", String(listener.addr.port), "127.0.0.1", "f"]) {
    await send(control, message);
    assertEquals(await recv(control), "OK");
  }
  const data = await listener.accept();
  proxy.resetAll();
  const got = await new Response(data.readable).bytes().catch(() =>
    new Uint8Array(0)
  );
  assert(got.length < bytes.length);
  control.close();
  await using client = await cs372.connect(at.address);
  assertEquals((await client.list!()).names.length, 3);
});

Deno.test("cs372-login: the control connection through a network that stammers", async () => {
  const bytes = new SeededRandom(2).bytes(100_000);
  const passwords = { alice: "pw" };
  const door = withAccounts(cs372Login.door(), { passwords, tries: [] });
  await using at = await served(door, { "a file": bytes });
  await using proxy = await startChaosProxy({
    to: at.address,
    seed: 4,
    stammer: { sizeMax: 2, delay: 20 },
    delay: 15,
  });
  const login = { user: "alice", password: "pw" };
  await using client = await cs372Login.connect({ ...proxy.address, ...login });
  const local = join(at.local, "got");
  const receipt = await client.get!("a file", local);
  const got = await Deno.readFile(local);
  assertEquals([receipt.size, got.length], [bytes.length, bytes.length]);
  assert(got.every((byte, each) => byte === bytes[each]));
});

/** Whether there is a Python to run the other client with. */
async function hasPython(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-c", "import socket"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

const PYTHON = await hasPython();
const SCRIPT = fromFileUrl(
  new URL("./peers/original_client.py", import.meta.url),
);

async function python(...args: readonly string[]): Promise<Uint8Array> {
  const { code, stderr, stdout } = await new Deno.Command("python3", {
    args: [SCRIPT, ...args],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return stdout;
}

Deno.test({
  name: "clients in Python, as the originals are",
  // Skipped where there is no python3: the other peers are written in TypeScript.
  ignore: !PYTHON,
  async fn() {
    const bytes = new SeededRandom(9).bytes(152_000).map((byte) =>
      byte & 127 | 1
    );
    const files = { "a file.txt": bytes, empty: new Uint8Array(0) };
    const passwords = { alice: "secret" };
    const tries: string[] = [];
    await using plain = await served(cs372.door(), files);
    await using login = await served(
      withAccounts(cs372Login.door(), { passwords, tries }),
      files,
    );
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const ask = (kind: string, to: NetworkAddress, ...args: string[]) =>
      python(kind, to.hostname, String(to.port), ...args, String(freePort()));
    const askLogin = (...args: string[]) =>
      ask("cs372-login", login.address, "alice", ...args);
    const [list, file, missing, loginList, loginFile, loginMissing, wrong] =
      await Promise.all([
        ask("cs372", plain.address, "-l"),
        ask("cs372", plain.address, "-g", "a file.txt"),
        ask("cs372", plain.address, "-g", "nothing"),
        askLogin("secret", "-l"),
        askLogin("secret", "-g", "a file.txt"),
        askLogin("secret", "-g", "nothing"),
        askLogin("wrong", "-l"),
      ]);
    const all = [".", "..", "a file.txt", "empty"];
    assertEquals(text(list).trimEnd().split("\n").toSorted(), all);
    assertEquals(file, bytes);
    assertEquals(text(missing), "File not found.");
    assertEquals(text(loginList).trimEnd().split("\n").toSorted(), all);
    assertEquals(loginFile, bytes);
    assertEquals(text(loginMissing), "NO FILE WITH THAT NAME\n");
    assertEquals(text(wrong), "No match\n");
  },
});

/** Bytes of a file that no 32-bit number counts. */
const LARGE_SIZE = 5 * 1024 ** 3;

Deno.test({
  name: "5 GiB, byte by byte",
  // 10 GiB of disk and a minute or more: for FERRY_LARGE_TESTS=1.
  ignore: Deno.env.get("FERRY_LARGE_TESTS") !== "1",
  async fn() {
    const passwords = { alice: "secret" };
    const doors = [
      [cs372, cs372.door()],
      [cs372Login, withAccounts(cs372Login.door(), { passwords, tries: [] })],
    ] as const;
    for (const [protocol, door] of doors) {
      await using at = await served(door, {});
      const source = join(at.local, "root", "large");
      await makeLarge(source);
      await using client = await protocol.connect({
        ...at.address,
        user: "alice",
        password: "secret",
      });
      const local = join(at.local, "got");
      const began = systemClock.monotonic();
      const receipt = await client.get!("large", local, { durability: "none" });
      const seconds = (systemClock.monotonic() - began) / 1000;
      assertEquals(receipt.size, LARGE_SIZE);
      await assertSame(source, local);
      const rate = Math.round(LARGE_SIZE / 1024 ** 2 / seconds);
      const memory = Math.round(Deno.memoryUsage().rss / 1024 ** 2);
      // deno-lint-ignore no-console -- what a run by hand is for
      console.log(`${protocol.name}: ${rate} MiB/s, ${memory} MiB resident`);
    }
  },
});

/** A file with bytes of its own in every megabyte. */
async function makeLarge(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new SeededRandom(5).bytes(1024 ** 2);
  for (let at = 0; at < LARGE_SIZE; at += block.length) {
    new DataView(block.buffer).setFloat64(0, at);
    let written = 0;
    while (written < block.length) {
      written += await file.write(block.subarray(written));
    }
  }
}

async function assertSame(one: string, other: string): Promise<void> {
  using left = await Deno.open(one);
  using right = await Deno.open(other);
  const buffers = [
    new Uint8Array(1024 ** 2),
    new Uint8Array(1024 ** 2),
  ] as const;
  for (let at = 0; at < LARGE_SIZE; at += buffers[0].length) {
    for (
      const [file, buffer] of [[left, buffers[0]], [right, buffers[1]]] as const
    ) {
      for (let filled = 0; filled < buffer.length;) {
        const length = await file.read(buffer.subarray(filled));
        assert(length !== null, `${at}`);
        filled += length;
      }
    }
    const views = buffers.map(({ buffer }) => new BigUint64Array(buffer));
    assert(views[0]!.every((word, each) => word === views[1]![each]), `${at}`);
  }
  assertEquals(await right.read(buffers[1]), null);
}
