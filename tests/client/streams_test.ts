/** Several data connections for one file, some of which die. */

import { assert, assertEquals } from "@std/assert";
import { StreamController } from "../../lib/client/stream_controller.ts";
import { share, until } from "../../lib/client/chunk_order.ts";
import { readMemory } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { ResumeScene } from "./resume_scene.ts";

/** Just large enough for several connections. */
const BYTES = sample(33 * 1_048_576 + 17);

/** Cuts each further data connection at its n-th write of either end. */
function cutHelpers(scene: ResumeScene, at: number): () => number {
  const { network } = scene.server;
  const before = network.onDial;
  let cuts = 0;
  network.onDial = (dialled, index) => {
    before(dialled, index);
    // The first is the control connection, the second the transfer's own.
    if (index < 2) return;
    let writes = 0;
    for (const end of [dialled.client, dialled.server]) {
      const tap = end.tap;
      end.tap = (bytes) => {
        if (writes++ !== at) return tap(bytes);
        cuts++;
        return "reset";
      };
    }
  };
  return () => cuts;
}

Deno.test("Client.put() over several connections is whole, wherever further ones die", async () => {
  for (const at of [0, 1, 2, 3, 4, 6, 9]) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    const client = await scene.client();
    const cuts = cutHelpers(scene, at);
    const receipt = await scene.run(client.put("/local", "x", { streams: 4 }));
    assert(cuts() > 0 || at > 4);
    assertEquals(receipt.size, BYTES.length);
    assertEquals(await scene.server.read("/x"), BYTES);
    assertEquals(await scene.server.staged(), []);
  }
});

Deno.test("Client.get() over several connections is whole, wherever further ones die", async () => {
  for (const at of [0, 1, 2, 3, 4, 6, 9]) {
    await using scene = await ResumeScene.make();
    await scene.server.write("/x", BYTES);
    const client = await scene.client();
    const cuts = cutHelpers(scene, at);
    const receipt = await scene.run(client.get("x", "/back", { streams: 4 }));
    assert(cuts() > 0 || at > 4);
    assertEquals(receipt.size, BYTES.length);
    assertEquals(await readMemory(scene.disk, "/back"), BYTES);
  }
});

Deno.test("until() takes nothing from a shared sequence once it is over", () => {
  const shared = share([1, 2, 3]);
  let isOver = false;
  const first: number[] = [];
  for (const item of until(shared[Symbol.iterator](), () => isOver)) {
    first.push(item);
    isOver = true;
  }
  assertEquals(first, [1]);
  assertEquals([...shared], [2, 3]);
});

/** What a link gives to `count` connections, in MB/s. */
const LINKS = {
  // One connection has all of it.
  loopback: (_count: number) => 2000,
  // A cap on each: 20 MB/s.
  long: (count: number) => 20 * count,
  // A cap on each, and the link's own.
  bounded: (count: number) => Math.min(20 * count, 70),
  // One disk arm.
  disk: (count: number) => 120 / count,
} as const;

for (
  const [name, best] of [
    ["loopback", [1]],
    ["long", [8]],
    ["bounded", [4]],
    ["disk", [1]],
  ] as const
) {
  Deno.test(`StreamController settles where it pays: ${name}`, () => {
    const controller = new StreamController({ countMax: 8 });
    const link = LINKS[name];
    let moved = 0;
    const intervals = 200;
    const uses = new Map<number, number>();
    for (let interval = 0; interval < intervals; interval++) {
      const rate = link(controller.count);
      uses.set(controller.count, (uses.get(controller.count) ?? 0) + 1);
      moved += rate;
      controller.measured(rate);
    }
    const [most] = [...uses].sort(([, a], [, b]) => b - a)[0]!;
    assert((best as readonly number[]).includes(most));
    const bestRate = Math.max(...[1, 2, 4, 8].map((count) => link(count)));
    assert(moved >= 0.9 * bestRate * intervals);
  });
}
