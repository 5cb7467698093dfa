import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Connection } from "../../lib/transport/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { SimClock } from "../helpers/sim_clock.ts";
import { shippingLibrary } from "../helpers/sim_library.ts";
import {
  type NetworkFaults,
  NO_NETWORK_FAULTS,
  SimNetwork,
} from "../helpers/sim_network.ts";
import { SimProcess } from "../helpers/sim_process.ts";
import { SimTrace } from "../helpers/sim_trace.ts";
import { keyOf } from "../helpers/sim_tree.ts";

const ADDRESS = { hostname: "127.0.0.1", port: 1 };

interface Pair {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly client: SimProcess;
  readonly server: SimProcess;
  readonly near: Connection;
  readonly far: Connection;
}

/** Runs `work` with both ends of one connection. */
async function withPair(
  seed: number,
  faults: Partial<NetworkFaults>,
  work: (pair: Pair) => Promise<void>,
): Promise<void> {
  const random = new SeededRandom(seed);
  const clock = new SimClock();
  const trace = new SimTrace(() => clock.monotonic());
  const library = await shippingLibrary();
  const network = new SimNetwork({ clock, random, trace, library });
  network.faults = { ...NO_NETWORK_FAULTS, ...faults };
  const client = new SimProcess("client", clock, random);
  const server = new SimProcess("server", clock, random);
  const listener = network.for(server).listen(ADDRESS);
  const tell = async () => {
    const accepted = listener.accept();
    const near = await network.for(client).dial(ADDRESS);
    const far = await accepted;
    assert(far !== undefined);
    await work({ clock, network, client, server, near, far });
    listener.close();
  };
  await clock.run(tell());
}

async function readToEnd(connection: Connection): Promise<Uint8Array> {
  const parts: number[] = [];
  const buffer = new Uint8Array(5000);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === 0) return new Uint8Array(parts);
    parts.push(...buffer.subarray(0, length));
  }
}

Deno.test("SimNetwork carries every byte in order, both ways, to the end", async () => {
  for (let seed = 0; seed < 10; seed++) {
    await withPair(seed, {}, async ({ network, client, server, near, far }) => {
      const bytes = new SeededRandom(seed).bytes(200_000);
      const back = bytes.subarray(0, 1000);
      const [there, here] = await Promise.all([
        readToEnd(far),
        readToEnd(near),
        near.write(bytes).then(() => near.endWrite()),
        far.write(back).then(() => far.endWrite()),
      ]);
      assertEquals(keyOf(there), keyOf(bytes));
      assertEquals(keyOf(here), keyOf(back));
      near.close();
      far.close();
      assertEquals(network.openOf(client), []);
      assertEquals(network.openOf(server), []);
    });
  }
});

Deno.test("SimNetwork makes a writer wait for a reader that takes nothing", async () => {
  await withPair(1, {}, async ({ clock, near, far }) => {
    let written = false;
    const writing = near.write(new Uint8Array(100_000))
      .then(() => written = true);
    await clock.sleep(60_000);
    assertEquals(written, false);
    for (let left = 100_000; left > 0;) {
      left -= await far.read(new Uint8Array(50_000));
    }
    await writing;
    near.close();
    far.close();
  });
});

Deno.test("SimNetwork flips exactly one bit", async () => {
  let flipped = 0;
  for (let seed = 0; seed < 40; seed++) {
    await withPair(seed, { flip: 1 }, async ({ near, far }) => {
      const bytes = new Uint8Array(100_000);
      const [there] = await Promise.all([
        readToEnd(far),
        near.write(bytes).then(() => near.endWrite()),
      ]);
      const changed = there.filter((byte) => byte !== 0);
      assert(changed.length <= 1);
      if (changed.length === 0) return;
      flipped++;
      assertEquals(Math.log2(changed[0]!) % 1, 0);
    });
  }
  assert(flipped > 5);
});

Deno.test("SimNetwork tells the peer of a killed process, and not of one without power", async () => {
  await withPair(1, {}, async ({ server, near }) => {
    server.kill("killed");
    assertEquals(await near.read(new Uint8Array(10)), 0);
    near.close();
  });
  await withPair(1, {}, async ({ clock, network, server, near }) => {
    server.kill("power");
    const reading = near.read(new Uint8Array(10));
    let ended = false;
    reading.catch(() => ended = true);
    await near.write(new Uint8Array(10));
    await clock.sleep(600_000);
    assertEquals(ended, false);
    network.powerOn(server);
    const error = await assertRejects(() => reading, NetworkError);
    assertEquals(error.kind, "reset");
    near.close();
  });
});

Deno.test("SimNetwork lets a killed process see and do nothing more", async () => {
  await withPair(1, {}, async ({ clock, client, near, far }) => {
    let returned = false;
    near.read(new Uint8Array(10)).finally(() => returned = true);
    await far.write(new Uint8Array(10));
    client.kill("killed");
    near.write(new Uint8Array(10)).finally(() => returned = true);
    client.clock.after(1, () => returned = true);
    await clock.sleep(60_000);
    assertEquals(returned, false);
    assertEquals(client.timerCount, 0);
    far.close();
  });
});
