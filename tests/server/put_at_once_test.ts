import { assertEquals } from "@std/assert";
import { CHUNK_SIZE } from "../../lib/protocol/mod.ts";
import { startServer } from "../helpers/test_server.ts";

Deno.test("PUT of a chunk that cannot be taken is refused without waiting for more", async () => {
  await using server = await startServer();
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  await data.send("PUT", {
    path: "a",
    upload: new Uint8Array(16),
    size: 10,
    onConflict: "fail",
    durability: "full",
    algorithm: "crc32-chunks",
  }, 2);
  await data.expect("OPENED");
  await data.sendData(2, CHUNK_SIZE, new Uint8Array(10));
  assertEquals(await data.refusal(2), "too-large");
});
