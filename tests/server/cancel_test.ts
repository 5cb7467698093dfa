/** A `CANCEL` that has overtaken the request that it is for. */

import { assert, assertEquals } from "@std/assert";
import type { MessageBody } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { putBody } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { scene } from "./scene.ts";

const CHUNK = 1_048_576;

function store(): MessageBody<"STORE"> {
  const { path, upload } = putBody("x");
  const more = { onConflict: "fail", durability: "full" } as const;
  return {
    path,
    upload,
    size: 5,
    modified: undefined,
    mode: undefined,
    ...more,
  };
}

Deno.test("CANCEL of a GET that waits behind another one is not lost", async () => {
  await using at = await scene();
  await at.server.write("/large", sample(3 * CHUNK));
  await at.server.write("/small", sample(5));
  const algorithm = "crc32-chunks";
  await at.data.send("GET", { path: "large", algorithm }, 2);
  await at.data.send("GET", { path: "small", algorithm }, 3);
  await settle();
  await at.login.control.send("CANCEL", {}, 3);
  await settle();
  let frame = await at.data.receive();
  while (frame?.id === 2) frame = await at.data.receive();
  assert(frame?.type === "ERROR" && frame.id === 3 && frame.body.code === 21);
  await at.data.send("ACKNOWLEDGE", {}, 2);
  await at.data.send("GET", { path: "small", algorithm }, 4);
  await at.data.expect("OPENED");
});

const REQUESTS: Readonly<Record<string, (data: RawPeer) => Promise<void>>> = {
  PUT: (data) => data.send("PUT", putBody("x"), 2),
  STORE: (data) => data.send("STORE", store(), 2),
  "STORE of nothing": (data) => data.send("STORE", { ...store(), size: 0 }, 2),
  GET: (data) => data.send("GET", { path: "f", algorithm: "sha256" }, 2),
  FETCH: (data) => data.send("FETCH", { path: "f", fingerprint: undefined }, 2),
};

for (const [name, ask] of Object.entries(REQUESTS)) {
  Deno.test(`CANCEL that comes before its ${name} ends it`, async () => {
    await using at = await scene();
    await at.server.write("/f", sample(5));
    await at.login.control.send("CANCEL", {}, 2);
    await settle();
    await ask(at.data);
    assertEquals(await at.data.refusal(2), "cancelled");
    await settle();
    const names = await at.server.names();
    assertEquals(names.filter((path) => path !== ".ferry"), ["f"]);
    assertEquals(await at.server.staged(), []);
    await at.data.send("GET", { path: "f", algorithm: "sha256" }, 3);
    await at.data.expect("OPENED");
  });
}

Deno.test("CANCEL of what is never asked for is forgotten in the end", async () => {
  await using at = await scene();
  await at.server.write("/f", sample(5));
  for (let id = 2; id < 3000; id++) {
    await at.login.control.send("CANCEL", {}, id);
    if (id % 100 === 0) await settle();
  }
  await settle();
  await at.data.send("GET", { path: "f", algorithm: "sha256" }, 2);
  await at.data.expect("OPENED");
});
