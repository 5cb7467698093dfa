/**
 * What a client does in a recorded session: something of everything that the
 * version has, but for several streams and connections that the server dials.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Client, connect, type Receipt } from "../../lib/client/mod.ts";
import { CHUNK_SIZE } from "../../lib/protocol/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import type { Network, NetworkAddress } from "../../lib/transport/mod.ts";
import type { FakeClock } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";
import { BROKEN, FILES } from "./recording.ts";

/** Where the client is. */
export interface SessionPlace {
  readonly address: NetworkAddress;
  readonly network: Network;
  readonly clock: FakeClock;
}

async function moveSmall(
  client: Client,
  direction: "get" | "put",
  names: readonly string[],
): Promise<void> {
  const receipts: Receipt[] = [];
  await client.moveSmall({
    direction,
    files: names.map((name) => ({
      path: `d/small-${name}`,
      local: direction === "put" ? `/${name}` : `/back-small-${name}`,
      mode: undefined,
    })),
    options: {},
    settled: (_index, result) => {
      if (result.status === "rejected") throw result.reason;
      receipts.push(result.value);
    },
  });
  assertEquals(receipts.length, names.length);
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return await work.then(() => "none", (error) => error.code);
}

/** Runs the session; what comes back must be what went out. */
export async function runSession(place: SessionPlace): Promise<void> {
  const { address, network, clock } = place;
  const disk = new MemoryDisk({ clock });
  for (const [name, bytes] of Object.entries(FILES)) {
    await writeMemory(disk, `/${name}`, bytes);
  }
  const random = new SeededRandom(3);
  const client = await connect({ ...address, network, clock, disk, random });
  await client.makeDirectory("d/e", { parents: true });
  for (const name of Object.keys(FILES)) {
    await client.put(`/${name}`, `d/${name}`, { streams: 1, mode: 0o640 });
    await client.get(`d/${name}`, `/back-${name}`, { streams: 1 });
    assertEquals(await readMemory(disk, `/back-${name}`), FILES[name]);
  }
  await client.put("/large", BROKEN, { streams: 1 });
  const { resumedFrom } = await client.get(BROKEN, "/back", { streams: 1 });
  assertEquals(resumedFrom, CHUNK_SIZE);
  assertEquals(await readMemory(disk, "/back"), FILES["large"]);
  const again = client.put("/small", "d/large", { digest: "sha256" });
  assertEquals(await refusal(again), "exists");
  await client.put("/small", "d/large", {
    digest: "sha256",
    onConflict: "overwrite",
  });
  await moveSmall(client, "put", ["small", "empty"]);
  await moveSmall(client, "get", ["small", "empty"]);
  assertEquals(await readMemory(disk, "/back-small-small"), FILES["small"]);
  const names: string[] = [];
  for await (const { entries } of client.list("d", { recursive: true })) {
    for (const { path } of entries) names.push(path);
  }
  assertEquals(names.length, 7);
  const { digest, size } = await client.stat("d/small", { digest: "sha256" });
  assertEquals([size, digest?.algorithm], [FILES["small"]!.length, "sha256"]);
  await client.setAttributes("d/small", { modified: 1e12, mode: 0o600 });
  await client.rename("d/small", "d/e/moved");
  await client.freeSpace();
  assertEquals(await refusal(client.stat("d/small")), "not-found");
  assertEquals(await client.remove("d/e", { recursive: true }), 2);
  await client.close();
}
