import { assertEquals } from "@std/assert";
import type { Storage } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import { patched } from "../helpers/patched.ts";
import { startServer } from "../helpers/test_server.ts";

Deno.test("FerryServer clears expired leftovers at intervals, as long as it runs", async () => {
  let count = 0;
  const wrap = (storage: Storage): Storage =>
    patched(storage, {
      sweep() {
        count++;
        return storage.sweep();
      },
    });
  const server = await startServer({ wrap, limits: { sweepInterval: 5000 } });
  await server.clock.advance(16_000);
  assertEquals(count, 3);
  // That no timer is left is what disposing of it asserts.
  await server[Symbol.asyncDispose]();
  await server.clock.advance(60_000);
  assertEquals(count, 3);
});

Deno.test("FerryServer ends at once though a limit on its rate would make it wait", async () => {
  await using server = await startServer({ limits: { rateMax: 10 } });
  await server.write("/f", new Uint8Array(3 * 1_048_576));
  const login = await server.logIn();
  const data = await server.attach(login);
  await data.send("GET", { path: "f", algorithm: "crc32-chunks" }, 2);
  await data.expect("OPENED");
  await settle();
  const start = server.clock.monotonic();
  await server.clock.run(server.server.shutdown({ drain: 1000 }));
  assertEquals(server.clock.monotonic() - start <= 2000, true);
});
