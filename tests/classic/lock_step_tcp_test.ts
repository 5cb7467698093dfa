/**
 * coen366, csci320 and nets over real sockets: Ferry's clients and independent
 * peers against Ferry's doors, through a network that stammers and breaks.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import type {
  ClassicClient,
  ClassicName,
  ClassicReceipt,
} from "../../lib/classic/types.ts";
import { tcpNetwork } from "../../lib/transport/mod.ts";
import { startChaosProxy } from "../../tools/chaos_proxy.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { until } from "../helpers/spawn_main.ts";
import { Coen366Peer, getHeader, putHeader } from "./peers/coen366.ts";
import { header, upload as csciUpload } from "./peers/csci320.ts";
import * as netsPeer from "./peers/nets.ts";
import { ascii, Socket } from "./peers/socket.ts";
import { assertSameBytes, openTcp } from "./tcp_scene.ts";

const NAMES = ["coen366", "csci320", "nets"] as const;

/** 152 KB of text and 5 MB of random bytes, as the originals were tried with. */
const SAMPLES: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  text: ascii("All work and no play makes Jack a dull boy.\n".repeat(3460)),
  random: new SeededRandom(9).bytes(5_000_000),
  empty: new Uint8Array(0),
};

/** The name under which an upload is stored. */
function stored(protocol: ClassicName, name: string): string {
  return protocol === "csci320" ? `${name}.temp` : name;
}

async function read(path: string): Promise<Uint8Array> {
  return await Deno.readFile(path);
}

Deno.test("Ferry's clients and doors move text, random bytes and nothing", async () => {
  await using scene = await openTcp(NAMES);
  for (const protocol of NAMES) {
    await using client = await scene.client(protocol);
    for (const [kind, bytes] of Object.entries(SAMPLES)) {
      const name = `${protocol}-${kind}`;
      const local = `${scene.local}/${name}`;
      await Deno.writeFile(local, bytes);
      const sent = await client.put!(local, name);
      assertEquals(sent.size, bytes.length);
      const path = `${scene.root}/${stored(protocol, name)}`;
      assertSameBytes(await read(path), bytes);
      if (client.get === undefined) continue;
      const receipt = await client.get(name, `${local}.back`);
      assertSameBytes(await read(`${local}.back`), bytes);
      assertEquals([receipt.verified, receipt.size], [false, bytes.length]);
    }
  }
});

Deno.test("independent clients move text, random bytes and nothing through the doors", async () => {
  await using scene = await openTcp(NAMES);
  for (const [kind, bytes] of Object.entries(SAMPLES)) {
    {
      using socket = await scene.dial("coen366");
      const peer = new Coen366Peer(socket);
      assertEquals(await peer.put(`c-${kind}`, bytes), "00000000");
      const back = await peer.get(`c-${kind}`);
      assert(typeof back !== "string");
      assertSameBytes(back, bytes);
    }
    {
      using up = await scene.dial("nets");
      assertEquals(await netsPeer.upload(up, `n-${kind}`, bytes), "done");
      using down = await scene.dial("nets");
      const back = await netsPeer.download(down, `n-${kind}`);
      assert(typeof back !== "string");
      assertSameBytes(back, bytes);
    }
    {
      using socket = await scene.dial("csci320");
      await csciUpload(socket, `s-${kind}`, bytes);
    }
    const path = `${scene.root}/s-${kind}.temp`;
    await until(path, async () => {
      const names = await scene.names();
      return names.includes(`s-${kind}.temp`);
    });
    assertSameBytes(await read(path), bytes);
  }
});

Deno.test("every protocol passes through a network that stammers", async () => {
  await using scene = await openTcp(NAMES);
  const bytes = new SeededRandom(3).bytes(2000);
  await Deno.writeFile(`${scene.local}/f`, bytes);
  for (const protocol of NAMES) {
    await using proxy = await startChaosProxy({
      to: scene.address(protocol),
      seed: 11,
      stammer: { sizeMax: 16, delay: 1 },
    });
    await using client = await scene.client(protocol, proxy.address);
    await client.put!(`${scene.local}/f`, `${protocol}.bin`);
    const path = `${scene.root}/${stored(protocol, `${protocol}.bin`)}`;
    assertSameBytes(await read(path), bytes);
    const local = `${scene.local}/${protocol}.back`;
    await client.get?.(`${protocol}.bin`, local);
    if (client.get) assertSameBytes(await read(local), bytes);
  }
});

Deno.test("original-style clients stammer byte by byte, and pause", async () => {
  await using scene = await openTcp(NAMES);
  const bytes = new SeededRandom(4).bytes(500);
  const faults = { stammer: { sizeMax: 3, delay: 1 }, seed: 5 };
  {
    await using proxy = await startChaosProxy({
      to: scene.address("nets"),
      ...faults,
    });
    using up = new Socket(await tcpNetwork.dial(proxy.address));
    assertEquals(await netsPeer.upload(up, "n", bytes), "done");
    using down = new Socket(await tcpNetwork.dial(proxy.address));
    const back = await netsPeer.download(down, "n");
    assert(typeof back !== "string");
    assertSameBytes(back, bytes);
  }
  await using proxy = await startChaosProxy({
    to: scene.address("coen366"),
    ...faults,
  });
  using socket = new Socket(await tcpNetwork.dial(proxy.address));
  const peer = new Coen366Peer(socket);
  assertEquals(await peer.put("c", bytes), "00000000");
  const back = await peer.get("c");
  assert(typeof back !== "string");
  assertSameBytes(back, bytes);
});

for (const kind of ["reset", "close"] as const) {
  Deno.test(`a ${kind} anywhere publishes nothing partial, on either side`, async () => {
    await using scene = await openTcp(NAMES);
    const random = new SeededRandom(6);
    const bytes = random.bytes(300_000);
    await Deno.writeFile(`${scene.local}/f`, bytes);
    let failed = 0;
    await Promise.all(NAMES.map(async (protocol) => {
      const whole = `${protocol}-whole`;
      await Deno.writeFile(`${scene.root}/${whole}`, bytes);
      for (const after of [0, 1, 8, 40, 256, 260, 5000, 290_000]) {
        await using proxy = await startChaosProxy({
          to: scene.address(protocol),
          seed: 1,
          [kind]: { after },
        });
        const name = `${protocol}-${after}`;
        const attempt = async (
          work: (
            client: ClassicClient,
          ) => Promise<ClassicReceipt> | undefined,
        ) => {
          try {
            await using client = await scene.client(protocol, proxy.address);
            const receipt = await work(client);
            if (receipt === undefined) return;
            // A close looks like that of a server that has everything; only
            // an answer would tell, and the receipt says that there was none.
            assert(kind === "close" && receipt.publication === undefined);
            assertEquals(receipt.acknowledged, false);
          } catch (error) {
            assert(error instanceof FerryError, String(error));
            failed++;
          }
        };
        await attempt((client) => client.put!(`${scene.local}/f`, name));
        await attempt((client) =>
          client.get?.(whole, `${scene.local}/${name}.back`)
        );
      }
    }));
    // coen366 answers, and a download counts; csci320 has nothing to fetch.
    assert(failed >= 8 * (kind === "reset" ? 5 : 3), `${failed} failed`);
    await until("the staging to be empty", async () => {
      const names = await scene.names();
      return !names.some((name) => name.startsWith(".ferry"));
    });
    for (const name of await scene.names()) {
      assertSameBytes(await read(`${scene.root}/${name}`), bytes);
    }
    for await (const { name } of Deno.readDir(scene.local)) {
      assertSameBytes(await read(`${scene.local}/${name}`), bytes);
    }
  });
}

Deno.test("links that lead out are refused on a real disk", async () => {
  await using scene = await openTcp(NAMES, { onConflict: "overwrite" });
  const secret = `${scene.local}/secret`;
  await Deno.writeTextFile(secret, "secret");
  await Deno.symlink(secret, `${scene.root}/escape`);
  await Deno.symlink(secret, `${scene.root}/escape.temp`);
  await Deno.symlink(scene.local, `${scene.root}/out`);
  await Deno.writeTextFile(`${scene.local}/f`, "new");
  for (const name of ["escape", "out/secret", "out/fresh"]) {
    for (const protocol of NAMES) {
      await using client = await scene.client(protocol);
      await assertRejects(
        () => client.put!(`${scene.local}/f`, name),
        FerryError,
      );
      if (client.get === undefined) continue;
      await assertRejects(
        () => client.get!(name, `${scene.local}/got`),
        FerryError,
      );
    }
  }
  assertEquals(await Deno.readTextFile(secret), "secret");
  const local: string[] = [];
  for await (const { name } of Deno.readDir(scene.local)) local.push(name);
  assertEquals(local.sort(), ["f", "secret"]);
});

Deno.test("200 clients at once, a third of them cut off: nothing partial, nothing left", async () => {
  await using scene = await openTcp(NAMES);
  const random = new SeededRandom(12);
  const bytes = random.bytes(100_000);
  const sound: string[] = [];
  const all = Array.from({ length: 200 }, async (_, index) => {
    const protocol = NAMES[index % 3]!;
    const name = `${protocol}-${index}`;
    const isCut = random.below(3) === 0;
    const cutAfter = random.integer(1, 99_000);
    using socket = await scene.dial(protocol);
    if (isCut) {
      const beginnings = {
        coen366: putHeader(name, bytes.length),
        csci320: header(name, bytes.length),
        nets: netsPeer.request("U", name),
      };
      await socket.send(beginnings[protocol]);
      if (protocol !== "coen366") await socket.recv(8);
      if (protocol === "nets") {
        await socket.send(netsPeer.u64(bytes.length));
        await socket.recv(1);
      }
      await socket.send(bytes.subarray(0, cutAfter));
      return;
    }
    sound.push(stored(protocol, name));
    if (protocol === "csci320") await csciUpload(socket, name, bytes);
    else if (protocol === "nets") {
      assertEquals(await netsPeer.upload(socket, name, bytes), "done");
    } else {
      const peer = new Coen366Peer(socket);
      assertEquals(await peer.put(name, bytes), "00000000");
    }
  });
  await Promise.all(all);
  let names: string[] = [];
  await until("everything to be settled", async () => {
    names = await scene.names();
    return names.length === sound.length &&
      !names.some((name) => name.startsWith(".ferry"));
  });
  assertEquals(names, sound.toSorted());
  for (const name of names) {
    assertSameBytes(await read(`${scene.root}/${name}`), bytes);
  }
});

Deno.test("where nobody listens there is no connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using scene = await openTcp([]);
  await Deno.writeTextFile(`${scene.local}/f`, "f");
  for (const protocol of NAMES) {
    const error = await assertRejects(async () => {
      await using client = await scene.client(protocol, {
        hostname: "127.0.0.1",
        port,
      });
      await client.put!(`${scene.local}/f`, "f");
    }, FerryError);
    assertEquals([error.code, error.message], [
      "connect-failed",
      "connection refused",
    ]);
  }
});

/** Milliseconds of processor time that a process has had so far, on Linux. */
async function cpuTime(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("cat", {
    args: [`/proc/${pid}/stat`],
  }).output();
  // After the name in parentheses, which may have spaces; in hundredths.
  const fields = new TextDecoder().decode(stdout).split(") ").at(-1)!
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const IDLE_SERVER = `
import { CLASSIC } from "./lib/classic/mod.ts";
import { serve } from "./lib/server/mod.ts";
const any = { hostname: "127.0.0.1", port: 0 };
const server = await serve({
  root: Deno.args[0],
  listen: [],
  doors: ["coen366", "csci320", "nets"].map((name) => ({
    protocol: CLASSIC.get(name).door(),
    address: any,
  })),
});
console.log(JSON.stringify(server.doors.map(({ address }) => address.port)));
`;

Deno.test({
  name: "clients that leave early do not keep the server busy",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using scene = await openTcp([]);
    const repository = new URL("../../", import.meta.url);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-q", "--frozen", "--no-prompt", "--ext=ts", "--no-check"],
        ...["--allow-net=127.0.0.1", "--allow-read", "--allow-write", "-"],
        scene.root,
      ],
      cwd: repository,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const stdin = child.stdin.getWriter();
    await stdin.write(new TextEncoder().encode(IDLE_SERVER));
    await stdin.close();
    const lines = child.stdout.getReader();
    const { value } = await lines.read();
    const ports: number[] = JSON.parse(new TextDecoder().decode(value));
    const dial = async (index: number) =>
      new Socket(
        await tcpNetwork.dial({ hostname: "127.0.0.1", port: ports[index]! }),
      );
    const halves: Socket[] = [];
    try {
      const beginnings: readonly (readonly [number, Uint8Array])[] = [
        [0, putHeader("c", 5_000_000)],
        [0, getHeader("c").subarray(0, 5)],
        [1, header("s", 5_000_000)],
        [1, header("s", 5_000_000).subarray(0, 4)],
        [2, netsPeer.request("U", "n")],
        [2, netsPeer.request("U", "n").subarray(0, 10)],
      ];
      for (const [door, bytes] of beginnings) {
        // One leaves at once, one in the middle, one ends its side and stays.
        for (const how of ["at once", "later", "half"]) {
          const socket = await dial(door);
          await socket.send(bytes);
          if (how !== "at once" && bytes.length > 12 && door !== 0) {
            await socket.recv(8);
          }
          if (how === "half") {
            await socket.end();
            halves.push(socket);
          } else socket.close();
        }
      }
      // What is still to be done is done when nothing is spent any more.
      let before = await cpuTime(child.pid);
      await until("the server to be idle", async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const now = await cpuTime(child.pid);
        const spent = now - before;
        before = now;
        // The clock of the kernel has steps of 10 ms.
        return spent <= 10;
      });
      const names: string[] = [];
      for await (const { name } of Deno.readDir(scene.root)) names.push(name);
      assertEquals(names.filter((name) => name !== ".ferry"), []);
    } finally {
      for (const socket of halves) socket.close();
      child.kill("SIGKILL");
      await child.status;
      await lines.cancel();
    }
  },
});
