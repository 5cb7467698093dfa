/** Several data connections for one file, some of which die. */

import { assert, assertEquals } from "@std/assert";
import { share, until } from "../../lib/client/chunk_order.ts";
import {
  connect,
  type TransferOptions,
  type TransferProgress,
} from "../../lib/client/mod.ts";
import { type FrameType, MESSAGES } from "../../lib/protocol/mod.ts";
import { readMemory } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { assertFerryError, FakeServer, GREETING, READY } from "./hostile.ts";
import { CHUNK, ResumeScene } from "./resume_scene.ts";

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

/** The client's requests for files, as they go out. */
function requests(scene: ResumeScene): FrameType[] {
  const names = new Map<number, string>(
    Object.entries(MESSAGES).map(([name, { code }]) => [code, name]),
  );
  const seen: FrameType[] = [];
  scene.judge = ({ from, bytes }) => {
    const name = names.get(bytes[2] ?? 0);
    const isAsked = from === "client" && /^(GET|STAT|FETCH)$/.test(name ?? "");
    if (isAsked) seen.push(name as FrameType);
  };
  return seen;
}

Deno.test("Client.get() asks for no more than it has to: large or small, known or not", async () => {
  await using scene = await ResumeScene.make();
  const small = sample(3 * CHUNK);
  await scene.server.write("/small", small);
  await scene.server.write("/large", BYTES);
  const client = await scene.client();
  const seen = requests(scene);
  const cases: readonly [string, TransferOptions, readonly FrameType[]][] = [
    // On a link without a delay there is nothing to choose.
    ["small", {}, ["GET"]],
    ["large", {}, ["GET"]],
    ["large", { streams: 1 }, ["GET"]],
    // Its connection is there: asking first would cost a round trip.
    ["small", { streams: 3 }, ["FETCH"]],
    ["small", { streams: 3, size: small.length }, ["GET"]],
    ["large", { streams: 3, size: BYTES.length }, ["FETCH", "FETCH", "FETCH"]],
    ["large", { streams: 3 }, ["FETCH", "FETCH", "FETCH"]],
    // A listing that is out of date does no harm.
    ["large", { streams: 3, size: 5 }, ["GET"]],
    ["small", { streams: 3, size: BYTES.length }, ["FETCH"]],
  ];
  for (const [name, options, asked] of cases) {
    const work = client.get(name, "/x", {
      onConflict: "overwrite",
      ...options,
    });
    await scene.run(work);
    const bytes = await readMemory(scene.disk, "/x");
    assertEquals(bytes, name === "small" ? small : BYTES);
    assertEquals(seen.splice(0), asked, `${name} ${JSON.stringify(options)}`);
  }
  // Where the connection has to be made, asking takes no time.
  for (const [name, last] of [["small", "GET"], ["large", "FETCH"]] as const) {
    const other = await scene.client();
    const options = { onConflict: "overwrite", streams: 2 } as const;
    await scene.run(other.get(name, "/x", options));
    const bytes = await readMemory(scene.disk, "/x");
    assertEquals(bytes, name === "small" ? small : BYTES);
    assertEquals(seen.splice(0).slice(0, 2), ["STAT", last]);
  }
});

Deno.test("Client.get() does not wait for a server that does not say how large a file is", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const work = client.get("x", "/target", { streams: 2 });
  const data = await server.attach(control);
  await control.expect("STAT");
  const { id } = await data.expect("FETCH");
  const bytes = sample(100);
  const fingerprint = new Uint8Array(32);
  await data.send("OPENED", { size: bytes.length, fingerprint }, id);
  const { body: { runs } } = await data.expect("WANT");
  assertEquals(runs, [{ first: 0, count: 1 }]);
  await data.sendData(id, 0, bytes);
  await data.send("SENT", {}, id);
  await data.expect("ACKNOWLEDGE");
  const receipt = await work;
  assertEquals(receipt.digest, digestOf(bytes));
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.put() has further connections made while the server opens the upload", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({ retries: 0 });
  await server.write("/local", BYTES);
  const work = assertFerryError(
    client.put("/local", "x", { streams: 3 }),
    "exists",
  );
  const data = await server.attach(control);
  const { id } = await data.expect("PUT");
  const others = [await server.attach(control), await server.attach(control)];
  await data.send("ERROR", { code: 8, message: "exists" }, id);
  await work;
  // They stand between two transfers, and are used again.
  const again = assertFerryError(client.get("x", "/y"), "not-found");
  const other = others.at(-1)!;
  const get = await other.expect("GET");
  await other.send("ERROR", { code: 7, message: "not found" }, get.id);
  await again;
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.put() begins with four connections where no answer came soon", async () => {
  for (const [hello, logIn, count] of [[50, 30, 4], [50, 10, 1], [3, 50, 1]]) {
    await using server = new FakeServer();
    await server.write("/local", BYTES);
    const connecting = connect(server.options({ retries: 0 }));
    const control = await server.accept();
    await control.expect("HELLO");
    await server.clock.advance(hello!);
    await control.send("GREETING", GREETING);
    await control.expect("LOGIN");
    await server.clock.advance(logIn!);
    await control.send("READY", { ...READY, dataConnections: 8 });
    const client = await connecting;
    const work = assertFerryError(client.put("/local", "x"), "exists");
    const data = await server.attach(control);
    const { id } = await data.expect("PUT");
    for (let more = 1; more < count!; more++) await server.attach(control);
    await data.send("ERROR", { code: 8, message: "exists" }, id);
    await work;
    const closed = client.close();
    // Nobody has asked for more.
    await control.expect("GOODBYE");
    control.close();
    await closed;
  }
});

Deno.test("Client.get() over several connections without `resume` leaves nothing", async () => {
  await using scene = await ResumeScene.make();
  await scene.server.write("/x", BYTES);
  const client = await scene.client({ retries: 0 });
  scene.cutAt(20);
  const options = { streams: 3, resume: false, size: BYTES.length };
  const work = client.get("x", "/back", options);
  await scene.run(assertFerryError(work, "connection-lost"));
  assertEquals(await scene.names(), []);
});

Deno.test("progress says how many connections are at work", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  const client = await scene.client();
  for (const [streams, most] of [[3, 3], ["auto", 1]] as const) {
    const seen: (number | undefined)[] = [];
    const options = {
      streams,
      onConflict: "overwrite",
      onProgress: (progress: TransferProgress) => seen.push(progress.streams),
    } as const;
    await scene.run(client.put("/local", "x", options));
    assertEquals(Math.max(...seen.map(Number)), most);
    seen.length = 0;
    await scene.run(client.get("x", "/back", options));
    assertEquals(Math.max(...seen.map(Number)), most);
  }
});
