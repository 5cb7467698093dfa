/** The chaos proxy between real sockets, and as a program. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  type ChaosOptions,
  type ChaosProxy,
  startChaosProxy,
} from "../../tools/chaos_proxy.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { until } from "../helpers/spawn_main.ts";
import { close, connect, hear, RawServer, writeAll } from "./chaos_peers.ts";

const MIB = 1024 ** 2;

/** A server, a proxy before it, and a connection through both. */
async function scene(
  options: Omit<ChaosOptions, "to">,
  play: (scene: {
    readonly proxy: ChaosProxy;
    readonly client: Deno.TcpConn;
    readonly server: Deno.TcpConn;
    readonly raw: RawServer;
  }) => Promise<void>,
): Promise<void> {
  using raw = new RawServer();
  await using proxy = await startChaosProxy({
    to: raw.address,
    seed: 1,
    ...options,
  });
  const client = await connect(proxy.address);
  try {
    const server = await raw.accept();
    await play({ proxy, client, server, raw });
  } finally {
    close(client);
  }
}

/** Sends bytes with an end and hears them on the other side. */
async function send(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const [heard] = await Promise.all([
    hear(to),
    writeAll(from, bytes).then(() => from.closeWrite()),
  ]);
  assertEquals(heard.isReset, false);
  return heard.bytes;
}

/** Compares large arrays; `assertEquals` takes seconds for them. */
function assertSameBytes(one: Uint8Array, other: Uint8Array): void {
  assertEquals(one.length, other.length);
  assert(one.every((byte, at) => byte === other[at]), "the bytes differ");
}

Deno.test("without faults every byte passes, both ways and under any split", async () => {
  const random = new SeededRandom(5);
  await scene({}, async ({ proxy, client, server }) => {
    const [up, down] = [random.bytes(3 * MIB), random.bytes(2 * MIB)];
    const write = async (conn: Deno.TcpConn, bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) {
        const size = random.size(1, 300_000);
        await writeAll(conn, bytes.subarray(at, at + size));
        at += size;
      }
      await conn.closeWrite();
    };
    const [heardUp, heardDown] = await Promise.all([
      hear(server),
      hear(client),
      write(client, up),
      write(server, down),
    ]);
    assertSameBytes(heardUp.bytes, up);
    assertSameBytes(heardDown.bytes, down);
    await until("its end", () => proxy.counters.open === 0);
    const { connections, bytesUp, bytesDown, perConnection } = proxy.counters;
    assertEquals([connections, bytesUp, bytesDown], [1, 3 * MIB, 2 * MIB]);
    const { state, flips, connection } = perConnection[0]!;
    assertEquals([state, flips, connection], ["ended", 0, 1]);
  });
});

Deno.test("an end passes while the other way stays open", async () => {
  await scene({}, async ({ client, server }) => {
    assertEquals(
      await send(client, server, Uint8Array.of(1)),
      Uint8Array.of(1),
    );
    // The server answers after it has seen the end.
    const answer = new SeededRandom(1).bytes(100_000);
    assertSameBytes(await send(server, client, answer), answer);
  });
});

Deno.test("all faults of slowness together change no byte", async () => {
  const faults = {
    stammer: { sizeMax: 5000 },
    delay: { up: 3, down: 1 },
    rate: 40 * MIB,
    totalRate: { up: 30 * MIB },
  };
  await scene(faults, async ({ client, server, proxy }) => {
    const bytes = new SeededRandom(8).bytes(MIB);
    assertSameBytes(await send(client, server, bytes), bytes);
    assertSameBytes(await send(server, client, bytes), bytes);
    assert(proxy.counters.heldMax > 0);
  });
});

Deno.test("a stammer of one byte passes whole messages in the end", async () => {
  await scene({ stammer: { sizeMax: 1 } }, async ({ client, server }) => {
    const bytes = new SeededRandom(9).bytes(2000);
    assertEquals(await send(client, server, bytes), bytes);
  });
});

/** Which bits differ. */
function wrongBits(one: Uint8Array, other: Uint8Array): [number, number][] {
  assertEquals(one.length, other.length);
  const wrong: [number, number][] = [];
  for (const [at, byte] of one.entries()) {
    const mask = byte ^ other[at]!;
    if (mask !== 0) wrong.push([at, mask]);
  }
  return wrong;
}

Deno.test("flips are exactly those counted, one bit each, the same for a seed", async () => {
  const bytes = new SeededRandom(2).bytes(2 * MIB);
  const seen: [number, number][][] = [];
  for (const [seed, size] of [[3, 1000], [3, 70_000], [4, 70_000]] as const) {
    const flip = { every: 100_000, from: 50_000, direction: "up" } as const;
    await scene({ seed, flip }, async ({ client, server, proxy }) => {
      const write = async () => {
        for (let at = 0; at < bytes.length; at += size) {
          await writeAll(client, bytes.subarray(at, at + size));
        }
        await client.closeWrite();
      };
      const [{ bytes: heard }] = await Promise.all([hear(server), write()]);
      const wrong = wrongBits(bytes, heard);
      assertEquals(wrong.length, proxy.counters.flips);
      assertEquals(wrong.length, proxy.counters.perConnection[0]?.flips);
      assert(wrong.every(([at, mask]) => at >= 50_000 && isOneBit(mask)));
      seen.push(wrong);
      assertSameBytes(await send(server, client, bytes), bytes);
    });
  }
  const [first = [], again, other] = seen;
  assert(first.length === 20 || first.length === 21, `${first.length} flips`);
  assertEquals(first, again);
  assert(JSON.stringify(first) !== JSON.stringify(other));
});

function isOneBit(mask: number): boolean {
  return mask > 0 && (mask & (mask - 1)) === 0;
}

Deno.test("a flip of one byte of one connection hits that alone", async () => {
  const flip = { every: 1, from: 7, times: 1, connection: 2 };
  await scene(
    { flip: { ...flip, direction: "up" } },
    async ({ client, server, raw, proxy }) => {
      const bytes = new Uint8Array(20);
      assertEquals(await send(client, server, bytes), bytes);
      const second = await connect(proxy.address);
      const heard = await send(second, await raw.accept(), bytes);
      close(second);
      assertEquals(wrongBits(bytes, heard).map(([at]) => at), [7]);
      assertEquals(proxy.counters.flips, 1);
    },
  );
});

Deno.test("a reset is a reset to both ends, after exactly so many bytes", async () => {
  const reset = { after: 100_000, direction: "up" } as const;
  await scene({ reset }, async ({ client, server, proxy }) => {
    const [atServer, atClient] = await Promise.all([
      hear(server),
      hear(client),
      writeAll(client, new Uint8Array(MIB)).catch(() => {
        // The reset may come while it still writes.
      }),
    ]);
    assertEquals(atServer.isReset, true);
    assert(atServer.bytes.length <= 100_000);
    // A pending write may take the error instead of the read.
    assertEquals(atClient.bytes.length, 0);
    const { resets, bytesUp, perConnection } = proxy.counters;
    assertEquals([resets, bytesUp], [1, 100_000]);
    assertEquals(perConnection[0]?.state, "reset");
  });
});

Deno.test("resetAll() resets idle connections; later ones pass", async () => {
  await scene({}, async ({ client, server, proxy, raw }) => {
    proxy.resetAll();
    assertEquals((await hear(client)).isReset, true);
    assertEquals((await hear(server)).isReset, true);
    const second = await connect(proxy.address);
    assertEquals(
      (await send(second, await raw.accept(), new Uint8Array(9))).length,
      9,
    );
    close(second);
    assertEquals(proxy.counters.resets, 1);
  });
});

Deno.test("the reset of one end reaches the other as a reset", async () => {
  using raw = new RawServer();
  await using inner = await startChaosProxy({ to: raw.address });
  await using outer = await startChaosProxy({ to: inner.address });
  const client = await connect(outer.address);
  const server = await raw.accept();
  inner.resetAll();
  assertEquals((await hear(client)).isReset, true);
  assertEquals((await hear(server)).isReset, true);
  close(client);
  assertEquals(outer.counters.resets, 0);
  assertEquals(outer.counters.perConnection[0]?.state, "broken");
});

Deno.test("a close lets arrive what was written, and is an end", async () => {
  await scene({ close: { after: 1000 } }, async ({ client, server, proxy }) => {
    await writeAll(client, new Uint8Array(1000));
    const heard = await hear(server);
    assertEquals([heard.bytes.length, heard.isReset], [1000, false]);
    assertEquals((await hear(client)).isReset, false);
    assertEquals(proxy.counters.closes, 1);
    assertEquals(proxy.counters.perConnection[0]?.state, "closed");
  });
});

Deno.test("silence one way passes nothing, and keeps the other and both ends open", async () => {
  const silence = { after: 1000, direction: "up" } as const;
  await scene({ silence }, async ({ client, server, proxy }) => {
    await writeAll(client, new Uint8Array(3000));
    assertEquals((await hear(server, 1000)).bytes.length, 1000);
    const rest = hear(server);
    await writeAll(server, new Uint8Array(500));
    assertEquals((await hear(client, 500)).bytes.length, 500);
    await client.closeWrite();
    assertEquals(proxy.counters.bytesUp, 1000);
    const { isSilent, state } = proxy.counters.perConnection[0]!;
    assertEquals([isSilent, state], [true, "open"]);
    await proxy.set({ silence: undefined });
    assertEquals((await rest).bytes.length, 2000);
  });
});

Deno.test("silence keeps the server's end open when the client is gone", async () => {
  await scene({}, async ({ client, server, proxy }) => {
    await writeAll(client, new Uint8Array(10));
    assertEquals((await hear(server, 10)).bytes.length, 10);
    await proxy.set({ silence: { after: 0 } });
    client.close();
    await writeAll(server, new Uint8Array(100));
    assertEquals(proxy.counters.open, 1);
    assertEquals(proxy.counters.bytesDown, 0);
    proxy.resetAll();
    assertEquals((await hear(server)).isReset, true);
  });
});

Deno.test("refuse shuts the port, and opens it again in the same place", async () => {
  await scene({}, async ({ client, server, proxy }) => {
    await proxy.set({ refuse: true });
    await assertRejects(
      () => connect(proxy.address),
      Deno.errors.ConnectionRefused,
    );
    // Whoever is inside stays.
    assertEquals((await send(client, server, new Uint8Array(5))).length, 5);
    await proxy.set({ refuse: false });
    close(await connect(proxy.address));
    await until(
      "the second connection",
      () => proxy.counters.connections === 2,
    );
  });
});

async function isOpen(proxy: ChaosProxy): Promise<boolean> {
  try {
    close(await connect(proxy.address));
    return true;
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionRefused);
    return false;
  }
}

Deno.test("refuse begins and ends when it is time", async () => {
  using raw = new RawServer();
  const clock = new FakeClock();
  const refuse = { after: 1000, lasting: 500 };
  const options = { to: raw.address, clock, refuse };
  await using proxy = await startChaosProxy(options);
  await clock.advance(999);
  assertEquals(await isOpen(proxy), true);
  await clock.advance(1);
  await until("the refusal", async () => !await isOpen(proxy));
  await clock.advance(499);
  assertEquals(await isOpen(proxy), false);
  await clock.advance(1);
  await until("the end of the refusal", () => isOpen(proxy));
  assertEquals(clock.pending, 0);
});

/** The reset may come as early as while the client connects. */
async function assertTurnedAway(proxy: ChaosProxy): Promise<void> {
  try {
    const conn = await connect(proxy.address);
    const { isReset } = await hear(conn);
    close(conn);
    assertEquals(isReset, true);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

Deno.test("one connection too many is reset", async () => {
  await scene({ connectionsMax: 1 }, async ({ client, server, proxy, raw }) => {
    await assertTurnedAway(proxy);
    await send(client, server, new Uint8Array(1));
    await send(server, client, new Uint8Array(1));
    await until("the end of the first", () => proxy.counters.open === 0);
    const third = await connect(proxy.address);
    await send(third, await raw.accept(), new Uint8Array(1));
    close(third);
    assertEquals(proxy.counters.turnedAway, 1);
  });
});

Deno.test("a target that is not there resets, and can be changed", async () => {
  using raw = new RawServer();
  using gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const to = { hostname: "127.0.0.1", port: gone.addr.port };
  gone.close();
  await using proxy = await startChaosProxy({ to });
  await assertTurnedAway(proxy);
  assertEquals(proxy.counters.unreachable, 1);
  await proxy.set({ to: raw.address });
  const client = await connect(proxy.address);
  await send(client, await raw.accept(), new Uint8Array(1));
  close(client);
});

Deno.test("thousands of connections leave nothing behind", async () => {
  const raw = new RawServer();
  const echoing = raw.echo();
  const proxy = await startChaosProxy({ to: raw.address });
  const bytes = new SeededRandom(1).bytes(1000);
  const visit = async () => {
    for (let turn = 0; turn < 60; turn++) {
      const conn = await connect(proxy.address);
      assertEquals((await send(conn, conn, bytes)).length, bytes.length);
      close(conn);
    }
  };
  await Promise.all(Array.from({ length: 40 }, visit));
  await until("the last to end", () => proxy.counters.open === 0);
  const { connections, bytesUp, bytesDown, perConnection } = proxy.counters;
  assertEquals([connections, bytesUp], [2400, 2_400_000]);
  assertEquals([bytesDown, perConnection.length], [2_400_000, 2400]);
  await proxy.close();
  raw[Symbol.dispose]();
  await echoing;
});

Deno.test("close() ends open connections, and a second call waits too", async () => {
  await scene({ delay: 60_000 }, async ({ client, server, proxy }) => {
    await writeAll(client, new Uint8Array(100_000));
    await Promise.all([proxy.close(), proxy.close()]);
    assertEquals((await hear(server)).bytes.length, 0);
    await assertRejects(
      () => connect(proxy.address),
      Deno.errors.ConnectionRefused,
    );
  });
});

Deno.test("startChaosProxy() refuses faults that make no sense", async () => {
  const to = { hostname: "127.0.0.1", port: 1 };
  await assertRejects(() => startChaosProxy({ to, rate: 0 }), RangeError);
  await assertRejects(() => startChaosProxy({ to, seed: 0.5 }), RangeError);
});

const PROGRAM = fromFileUrl(
  new URL("../../tools/chaos_proxy.ts", import.meta.url),
);

function program(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--frozen", "--no-prompt", "--no-check", "--allow-net"]
      .concat(PROGRAM, args),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test({
  name: "the program says where it listens, and at the end what it has done",
  // Windows has no signal that a program could answer here.
  ignore: Deno.build.os === "windows",
  async fn() {
    using raw = new RawServer();
    const { hostname, port } = raw.address;
    await using child = program(
      ...["--to", `${hostname}:${port}`, "--seed", "7", "--flip-every", "1K"],
      ...["--flip-direction=up", "--rate-down", "1M"],
    );
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: first = "" } = await lines.read();
    const match = /^listening 127\.0\.0\.1:(\d+)\n$/.exec(first);
    const client = await connect({ hostname, port: Number(match?.[1]) });
    const sent = new Uint8Array(10_240);
    const heard = await send(client, await raw.accept(), sent);
    assertEquals(wrongBits(sent, heard).length, 10);
    close(client);
    child.kill("SIGTERM");
    const { value: last = "" } = await lines.read();
    const { event, seed, flips, bytesUp } = JSON.parse(last);
    assertEquals([event, seed, flips, bytesUp], ["counters", 7, 10, 10_240]);
    assertEquals((await lines.read()).done, true);
    assertEquals(await child.stderr.text(), "seed 7\n");
    assertEquals((await child.status).code, 0);
  },
});

Deno.test("the program refuses a wrong command line with exit code 2", async () => {
  await using child = program("--to", "127.0.0.1:1", "--rate", "fast");
  const [{ code }, stdout, stderr] = await Promise.all([
    child.status,
    child.stdout.text(),
    child.stderr.text(),
  ]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    'chaos_proxy: Cannot use "fast" for --rate: give a size such as 4096, 100M or 1.5GiB\n',
  );
});
