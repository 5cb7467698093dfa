import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { RIGHTS } from "../../lib/protocol/mod.ts";
import { checkServe, serve, ServeError } from "../../lib/server/mod.ts";
import { openMemoryStorage, StorageError } from "../../lib/storage/mod.ts";
import { NetworkError } from "../../lib/transport/mod.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ANY = { hostname: "127.0.0.1", port: 0 };

Deno.test("serve() listens on every address and tells the real ports", async () => {
  await using server = await serve({
    root: await openMemoryStorage(),
    listen: [ANY, ANY],
  });
  const [first, second] = server.addresses;
  assert(first!.port > 0 && second!.port > 0 && first!.port !== second!.port);
  assertEquals(server.doors.map(({ offer }) => offer.rights), [RIGHTS, RIGHTS]);
});

Deno.test("serve() serves a folder of this machine and leaves it as it was", async () => {
  await using folder = await tempDir();
  {
    await using server = await serve({ root: folder.path, listen: [ANY] });
    assertEquals(server.doors[0]!.offer.rights, RIGHTS);
  }
  assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("serve() listens beyond loopback in plain TCP only when that is meant", async () => {
  const beyond = [{ hostname: "0.0.0.0", port: 0, scheme: "tcp" as const }];
  for (const start of [serve, checkServe]) {
    const error = await assertRejects(
      async () => start({ root: await openMemoryStorage(), listen: beyond }),
      ServeError,
    );
    assert(error.message.includes("--allow-plain"), error.message);
    assert(error.message.includes("0.0.0.0:0"), error.message);
  }
  await using server = await serve({
    root: await openMemoryStorage(),
    listen: beyond,
    allowPlain: true,
  });
  assertEquals(server.doors[0]!.offer.rights, []);
});

Deno.test("serve() says which address is in use, and lets go of the others", async () => {
  await using folder = await tempDir();
  await using first = await serve({
    root: await openMemoryStorage(),
    listen: [ANY],
  });
  const error = await assertRejects(
    () => serve({ root: folder.path, listen: [ANY, first.addresses[0]!] }),
    ServeError,
    `127.0.0.1:${first.addresses[0]!.port}: address is in use`,
  );
  assert(error.cause instanceof NetworkError);
  const network = new FakeNetwork();
  const busy = network.listen({ hostname: "127.0.0.1", port: 7 });
  const storage = await openMemoryStorage();
  await assertRejects(
    () => serve({ root: storage, listen: [ANY, busy.address], network }),
    ServeError,
  );
  busy.close();
});

Deno.test("serve() passes on what is no fault of the network", async () => {
  await using folder = await tempDir();
  const network = new FakeNetwork();
  network.listen = () => {
    throw new TypeError("a bug");
  };
  await assertRejects(
    () => serve({ root: folder.path, listen: [ANY], network }),
    TypeError,
  );
});

Deno.test("serve() and checkServe() refuse a root that is missing, or no folder", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "file");
  await Deno.writeTextFile(file, "x");
  for (const start of [serve, checkServe]) {
    const missing = join(folder.path, "missing");
    const first = await assertRejects(
      () => start({ root: missing, listen: [ANY] }),
      StorageError,
    );
    assertEquals(first.kind, "not-found");
    const second = await assertRejects(
      () => start({ root: file, listen: [ANY] }),
      StorageError,
    );
    assertEquals(second.kind, "not-directory");
  }
});

Deno.test("checkServe() says what serve() would offer, and touches nothing", async () => {
  await using folder = await tempDir();
  const options = { root: folder.path, listen: [ANY] };
  const doors = await checkServe(options);
  assertEquals(doors[0]!.offer.rights, RIGHTS);
  const readOnly = await checkServe({ ...options, readOnly: true });
  assertEquals(readOnly[0]!.offer.rights, ["list", "read"]);
  assert(readOnly[0]!.offer.refusals.write?.includes("--read-only"));
  const storage = await openMemoryStorage({ readOnly: true });
  assertEquals((await checkServe({ root: storage }))[0]!.offer.rights, [
    "list",
    "read",
  ]);
  assertEquals(await Array.fromAsync(Deno.readDir(folder.path)), []);
});
