import { assertEquals, assertStringIncludes } from "@std/assert";
import type {
  OnReceived,
  ReceivedFile,
  ServerEvent,
} from "../../lib/server/mod.ts";
import { sample } from "../storage/transfer.ts";
import {
  putBody,
  startServer,
  type TestServer,
} from "../helpers/test_server.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { sendAll } from "./scene.ts";
import { crc32 } from "node:zlib";

const BYTES = sample(1_200_000);

/** A server with a hook, and a data connection to it. */
async function reviewing(onReceived: OnReceived): Promise<{
  readonly server: TestServer;
  readonly data: RawPeer;
  readonly events: ServerEvent[];
  put(path: string): Promise<string>;
  store(path: string): Promise<string>;
}> {
  const events: ServerEvent[] = [];
  const server = await startServer({
    onReceived,
    onEvent: (event) => events.push(event),
  });
  const data = await server.attach(await server.logIn(), 1);
  let id = 10;
  /** What the next answer of an exchange says. */
  const answer = async (): Promise<string> => {
    for (;;) {
      const frame = await data.receive();
      if (frame?.type === "RECEIPT") {
        await data.send("ACKNOWLEDGE", {}, frame.id);
        return frame.body.path;
      }
      if (frame?.type === "ERROR") return `refused: ${frame.body.message}`;
    }
  };
  return {
    server,
    data,
    events,
    async put(path) {
      await data.send("PUT", putBody(path, { size: BYTES.length }), ++id);
      await data.expect("OPENED");
      await sendAll(data, id, BYTES);
      return await answer();
    },
    async store(path) {
      const small = BYTES.subarray(0, 100);
      const body = { ...putBody(path), size: small.length };
      await data.send("STORE", body, ++id);
      await data.sendData(id, 0, small, crc32(small));
      return await answer();
    },
  };
}

Deno.test("the upload hook accepts, rejects and renames what is put", async () => {
  const seen: ReceivedFile[] = [];
  const { server, put } = await reviewing((file) => {
    seen.push(file);
    return Promise.resolve(
      file.path === "bad"
        ? { verdict: "reject", reason: "it has a virus" }
        : file.path === "old"
        ? { verdict: "rename", path: "new" }
        : { verdict: "accept" },
    );
  });
  await using _server = server;
  assertEquals(await put("good"), "good");
  assertEquals(
    await put("bad"),
    "refused: the server rejected the file: it has a virus",
  );
  assertEquals(await put("old"), "new");
  assertEquals(await server.names(), [".ferry", "good", "new"]);
  const [{ user, protocol, size, path }] = seen as [ReceivedFile];
  assertEquals([user, protocol, size, path], [
    "anonymous",
    "ferry",
    BYTES.length,
    "good",
  ]);
});

Deno.test("the upload hook judges small files one by one", async () => {
  const { server, store } = await reviewing(({ path }) =>
    Promise.resolve(
      path === "bad"
        ? { verdict: "reject", reason: "no" }
        : { verdict: "accept" },
    )
  );
  await using _server = server;
  assertEquals(await store("good"), "good");
  assertEquals(await store("bad"), "refused: the server rejected the file: no");
  assertEquals(await server.names(), [".ferry", "good"]);
});

Deno.test("an upload hook that crashes, or renames out of the root, publishes nothing", async () => {
  const { server, put, events } = await reviewing(({ path }) =>
    path === "crash"
      ? Promise.reject(new TypeError("secret detail"))
      : Promise.resolve({ verdict: "rename", path: "../outside" })
  );
  await using _server = server;
  assertEquals(
    await put("crash"),
    "refused: the server rejected the file: it could not be looked at",
  );
  const fault = events.find((event) =>
    event.type === "refusal" && event.request === "onReceived"
  );
  assertEquals(fault !== undefined && "error" in fault, true);
  assertStringIncludes(await put("escape"), "refused: ");
  assertEquals(await server.names(), [".ferry"]);
});

Deno.test("an upload hook that hangs rejects when its time is over", async () => {
  const signals: AbortSignal[] = [];
  const { server, put } = await reviewing((_file, signal) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  await using _server = server;
  const answer = put("slow");
  while (signals.length === 0) await server.clock.advance(10);
  await server.clock.advance(60_000);
  assertEquals(
    await answer,
    "refused: the server rejected the file: nobody has judged it within 60 s",
  );
  assertEquals(signals[0]!.aborted, true);
  assertEquals(await server.names(), [".ferry"]);
});
