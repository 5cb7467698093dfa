import { assertEquals, assertRejects } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import { CHUNK_SIZE } from "../../lib/protocol/mod.ts";
import { checkServe, serve, ServeError } from "../../lib/server/mod.ts";
import { MemoryDisk, openMemoryStorage } from "../../lib/storage/mod.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { accountScene, sendSmall, stream } from "./account_scene.ts";

const RESERVE = 3 * CHUNK_SIZE;

Deno.test("a reserve is no user's, whatever the quota and whichever the root", async () => {
  const disk = new MemoryDisk({ capacity: 4 * CHUNK_SIZE });
  for (const folder of ["/srv", "/etc", "/srv/alice"]) {
    await disk.makeDirectory(folder, 0o755);
  }
  await using at = await accountScene({
    disk,
    users: {
      alice: { root: "alice", quota: { bytes: 100 * CHUNK_SIZE } },
      bob: { root: "bob" },
    },
    anonymous: "write",
    file: { nestedRoots: true },
    serve: { reserve: RESERVE },
  });
  await disk.makeDirectory("/srv/bob", 0o755);
  for (const name of ["alice", "bob", undefined]) {
    const client = await at.connect(name);
    const free = (await client.freeSpace())!;
    assertEquals(free < CHUNK_SIZE, true, `${free} bytes`);
    const error = await assertRejects(
      () => client.put(stream("x".repeat(2 * CHUNK_SIZE)), "large"),
      FerryError,
    );
    assertEquals(error.code, "no-space", error.message);
    const [small] = await sendSmall(client, ["small"]);
    assertEquals(small?.status, "fulfilled");
  }
  assertEquals((await disk.freeSpace("/srv"))! >= RESERVE, true);
});

Deno.test("a server that cannot keep a reserve does not start", async () => {
  const network = new FakeNetwork();
  const access = { read: true, write: true, freeSpace: false };
  const disk = new MemoryDisk({ access });
  await disk.makeDirectory("/srv", 0o755);
  for (const start of [serve, checkServe]) {
    const blind = { root: "/srv", disk, network, reserve: 5 };
    await assertRejects(() => start(blind), ServeError, "--allow-sys=statfs");
    const root = await openMemoryStorage();
    await assertRejects(
      () => start({ root, network, reserve: 5 }),
      ServeError,
      "a folder to serve",
    );
  }
  // Where nothing may be changed there is nothing to keep.
  await using server = await serve({
    root: "/srv",
    disk,
    network,
    reserve: 5,
    readOnly: true,
  });
  assertEquals(server.doors.length, 1);
});
