import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import type { MessageBody } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import {
  readMemory,
  startServer,
  writeMemory,
} from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import {
  assertFerryError,
  clientOf,
  collector,
  FakeServer,
} from "./hostile.ts";
import type { FerryErrorCode } from "../../lib/client/mod.ts";

const CHUNK = 1_048_576;

Deno.test("Client.get() fetches a file and proves it", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  for (const size of [0, 1, CHUNK, 3 * CHUNK + 7]) {
    await server.write(`/file-${size}`, sample(size));
    for (const digest of ["crc32-chunks", "sha256"] as const) {
      const progress: number[] = [];
      const receipt = await client.get(`file-${size}`, `/${digest}-${size}`, {
        digest,
        onProgress: ({ transferred, total }) => {
          assertEquals(total, size);
          progress.push(transferred);
        },
      });
      assertEquals(receipt.path, `file-${size}`);
      assertEquals(receipt.local, `/${digest}-${size}`);
      assertEquals(receipt.size, size);
      assertEquals(receipt.digest, digestOf(sample(size), digest));
      assertEquals(receipt.durable, true);
      assert(receipt.wireBytes > size);
      assertEquals(progress.at(-1), size);
      const bytes = await readMemory(disk, `/${digest}-${size}`);
      assertEquals(bytes, sample(size));
    }
  }
  // All over one control and one data connection.
  assertEquals(server.network.dialled.length, 2);
});

Deno.test("Client.get() writes to a stream", async () => {
  await using server = await startServer();
  const { client } = await clientOf(server);
  await using _client = client;
  const bytes = sample(2 * CHUNK + 7);
  await server.write("/file", bytes);
  for (const digest of ["crc32-chunks", "sha256"] as const) {
    const target = collector();
    const receipt = await client.get("file", target.stream, { digest });
    assertEquals(receipt.local, undefined);
    assertEquals(receipt.digest, digestOf(bytes, digest));
    assertEquals(target.bytes(), bytes);
    // It was not closed, and nobody holds it.
    await target.stream.getWriter().close();
  }
});

Deno.test("Client.get() decides on a taken local name as its policy says", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await server.write("/file", sample(2 * CHUNK));
  await writeMemory(disk, "/taken", sample(3));
  const get = (onConflict: "fail" | "overwrite" | "rename" | "skip") =>
    client.get("file", "/taken", { onConflict });
  const error = await assertFerryError(get("fail"), "exists");
  assertEquals(error.side, "local");
  assertEquals((await get("skip")).publication, "skipped");
  assertEquals(await readMemory(disk, "/taken"), sample(3));
  const renamed = await get("rename");
  assertEquals(renamed.publication, "renamed");
  assertEquals(await readMemory(disk, renamed.local!), sample(2 * CHUNK));
  assertEquals((await get("overwrite")).publication, "replaced");
  assertEquals(await readMemory(disk, "/taken"), sample(2 * CHUNK));
  assertEquals(server.network.dialled.length, 2, "the connection is kept");
});

Deno.test("Client.get() says what the server says, and leaves nothing", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await server.disk.makeDirectory("/folder", 0o755);
  const missing = await assertFerryError(client.get("x", "/x"), "not-found");
  assertEquals([missing.path, missing.side], ["x", "remote"]);
  await assertFerryError(client.get("folder", "/x"), "is-directory");
  await server.write("/file", sample(3));
  await assertFerryError(client.get("file", "/no/x"), "not-found");
  assertEquals(await Array.fromAsync(disk.list("/")), []);
});

/** What a hostile server may answer to `GET`. */
interface Answer {
  readonly code: FerryErrorCode;
  /** What it is for a stream, if that is something else. */
  readonly streamCode?: FerryErrorCode;
  send(data: RawPeer, id: number): Promise<unknown>;
}

const BYTES = sample(CHUNK + 10);

function endOf(bytes: Uint8Array): MessageBody<"END"> {
  const digest = Uint8Array.fromHex(digestOf(bytes).value);
  return { size: bytes.length, digest };
}

const opened = (data: RawPeer, id: number, size?: number): Promise<void> =>
  data.send("OPENED", { size, modified: undefined }, id);

const first = (data: RawPeer, id: number): Promise<void> =>
  data.sendData(id, 0, BYTES.subarray(0, CHUNK));

const second = (data: RawPeer, id: number): Promise<void> =>
  data.sendData(id, CHUNK, BYTES.subarray(CHUNK));

const ANSWERS: Readonly<Record<string, Answer>> = {
  "DATA before OPENED": { code: "protocol", send: first },
  "OPENED twice": {
    code: "protocol",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await opened(data, id, BYTES.length);
    },
  },
  "a RECEIPT": {
    code: "protocol",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await data.send("RECEIPT", {
        path: "x",
        publication: "created",
        size: 1,
        durable: true,
        digest: undefined,
      }, id);
    },
  },
  "a frame of another exchange": {
    code: "protocol",
    send: (data, id) => opened(data, id + 1, 1),
  },
  "garbage": {
    code: "protocol",
    send: (data) => data.sendBytes(new Uint8Array(100)),
  },
  "another chunk than was asked for again": {
    code: "protocol",
    streamCode: "integrity",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      const chunk = BYTES.subarray(0, CHUNK);
      await data.sendData(id, 0, chunk, crc32(chunk) ^ 1);
      await second(data, id);
      await data.send("END", endOf(BYTES), id);
      await second(data, id);
    },
  },
  "too little": {
    code: "integrity",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await first(data, id);
      await data.send("END", endOf(BYTES), id);
    },
  },
  "a chunk at another place": {
    code: "protocol",
    async send(data, id) {
      await opened(data, id);
      await second(data, id);
      await data.send("END", endOf(BYTES.subarray(CHUNK)), id);
    },
  },
  "an END with another size": {
    code: "integrity",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await first(data, id);
      await second(data, id);
      await data.send("END", { ...endOf(BYTES), size: 7 }, id);
    },
  },
  "an END with another digest": {
    code: "integrity",
    async send(data, id) {
      await opened(data, id);
      await first(data, id);
      await second(data, id);
      const digest = new Uint8Array(32);
      await data.send("END", { size: BYTES.length, digest }, id);
    },
  },
  "the end of the connection": {
    code: "connection-lost",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await first(data, id);
      data.close();
    },
  },
  "a broken frame": {
    code: "connection-lost",
    async send(data, id) {
      await opened(data, id, BYTES.length);
      await data.sendBytes(new Uint8Array([0xfe, 0x79, 0x23]));
      data.close();
    },
  },
  "FAIL": {
    code: "limit",
    send: (data) => data.send("FAIL", { code: 19, message: "full" }),
  },
};

Deno.test("Client.get() from a hostile server ends with an error and publishes nothing", async () => {
  for (const [label, answer] of Object.entries(ANSWERS)) {
    const { code, streamCode = code, send } = answer;
    // What was interrupted stays unless that is not wanted.
    const isKept = code !== "connection-lost";
    for (const isFile of [true, false]) {
      await using server = new FakeServer();
      const { client, control } = await server.connect({ retries: 0 });
      const target = isFile ? "/target" : collector().stream;
      const fetched = assertFerryError(
        client.get("x", target, { streams: 1, resume: isKept }),
        isFile ? code : streamCode,
      );
      const data = await server.attach(control);
      const { id } = await data.expect("GET");
      await send(data, id).catch(() => {});
      await settle();
      // A client that still hopes is told that its CANCEL was heard.
      await data.send("ERROR", { code: 21, message: "cancelled" }, id)
        .catch(() => {});
      await fetched.catch((error) => {
        error.message = `${label}: ${error.message}`;
        throw error;
      });
      const names = await server.names();
      assertEquals(names, [], `${label}: ${names}`);
      const closed = client.close();
      control.close();
      await closed;
    }
  }
});

Deno.test("Client.get() refuses more bytes than were announced", async () => {
  for (const target of ["/target", collector().stream]) {
    await using server = new FakeServer();
    const { client, control } = await server.connect();
    const fetched = assertFerryError(
      client.get("x", target, { streams: 1 }),
      "protocol",
    );
    const data = await server.attach(control);
    const { id } = await data.expect("GET");
    await opened(data, id, CHUNK);
    await first(data, id);
    await second(data, id);
    await data.sendData(id, 2 * CHUNK, BYTES.subarray(CHUNK));
    await control.await("CANCEL");
    await data.send("ERROR", { code: 21, message: "cancelled" }, id);
    await fetched;
    const closed = client.close();
    control.close();
    await closed;
  }
});

Deno.test("Client.get() gives up on a server that does not stop", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const fetched = assertFerryError(
    client.get("x", "/no/folder", { streams: 1 }),
    "not-found",
  );
  const data = await server.attach(control);
  const { id } = await data.expect("GET");
  await opened(data, id);
  const chunk = new Uint8Array(CHUNK);
  const flood = (async () => {
    for (let index = 0; index < 200; index++) {
      await data.sendData(id, index * CHUNK, chunk, 0);
    }
    return "all";
  })().catch(() => "stopped");
  await fetched;
  assertEquals(await flood, "stopped");
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.get() acknowledges what it took meanwhile from a server that was done", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect();
  const fetched = assertFerryError(
    client.get("x", "/no/folder", { streams: 1 }),
    "not-found",
  );
  const data = await server.attach(control);
  const { id } = await data.expect("GET");
  await opened(data, id, 10);
  await data.sendData(id, 0, sample(10));
  await data.send("END", endOf(sample(10)), id);
  await fetched;
  await data.expect("ACKNOWLEDGE");
  const next = client.get("y", collector().stream);
  const { id: nextId } = await data.expect("GET");
  await data.send("ERROR", { code: 7, message: "not found" }, nextId);
  await assertFerryError(next, "not-found");
  const closed = client.close();
  control.close();
  await closed;
});

Deno.test("Client.get() ends when its signal fires, in every phase", async () => {
  const phases = [
    "before",
    "granting",
    "attaching",
    "asked",
    "opened",
    "sending",
  ] as const;
  for (const phase of phases) {
    await using server = new FakeServer();
    const { client, control } = await server.connect();
    const controller = new AbortController();
    if (phase === "before") controller.abort();
    const fetched = assertFerryError(
      client.get("x", "/target", { signal: controller.signal, streams: 1 }),
      "cancelled",
    );
    const at = phases.indexOf(phase);
    if (at >= 1) {
      const { id } = await control.expect("GRANT");
      if (at >= 2) {
        await control.send("GRANTED", { token: new Uint8Array(32) }, id);
        const data = await server.accept();
        await data.expect("ATTACH");
        if (at >= 3) {
          await data.send("ATTACHED", {});
          const get = await data.expect("GET");
          if (at >= 4) await opened(data, get.id, BYTES.length);
          if (at >= 5) await first(data, get.id);
        }
      }
    }
    await settle();
    controller.abort();
    await fetched;
    const names = await server.names();
    // What has arrived stays, to be continued.
    assertEquals(names.length, phase === "sending" ? 2 : 0, phase);
    const closed = client.close();
    control.close();
    await closed;
  }
});

Deno.test("Client.get() ends when its signal fires while its stream takes nothing", async () => {
  await using server = await startServer();
  await server.write("/file", sample(4 * CHUNK));
  const { client } = await clientOf(server);
  await using _client = client;
  const stuck = new WritableStream<Uint8Array>({
    write: () => new Promise(() => {}),
  });
  const controller = new AbortController();
  const fetched = assertFerryError(
    client.get("file", stuck, { signal: controller.signal }),
    "cancelled",
  );
  await settle();
  controller.abort();
  await fetched;
});

Deno.test("Client.get() says that it was its stream that broke", async () => {
  await using server = await startServer();
  await server.write("/file", sample(4 * CHUNK));
  const { client } = await clientOf(server);
  await using _client = client;
  const broken = new WritableStream<Uint8Array>({
    write() {
      throw new Deno.errors.BrokenPipe("EPIPE");
    },
  });
  const error = await assertFerryError(client.get("file", broken), "io");
  assertEquals(error.side, "local");
  assert(error.cause instanceof Deno.errors.BrokenPipe);
});

Deno.test("Client.close() ends a get with `cancelled`", async () => {
  await using server = await startServer();
  await server.write("/file", sample(4 * CHUNK));
  const { client, disk } = await clientOf(server);
  let isClosed: Promise<void> | undefined;
  const fetched = assertFerryError(
    client.get("file", "/target", {
      onProgress({ transferred }) {
        if (transferred > 0) isClosed ??= client.close();
      },
    }),
    "cancelled",
  );
  await fetched;
  await isClosed;
  const names = await Array.fromAsync(disk.list("/"), ({ name }) => name);
  assertEquals(names.map((name) => name.replace(/.*[.]/, "")).sort(), [
    "map",
    "part",
  ]);
});

Deno.test("Client.get() is lost with its session", async () => {
  await using server = new FakeServer();
  const { client, control } = await server.connect({ retries: 0 });
  const fetched = assertFerryError(
    client.get("x", "/target", { streams: 1 }),
    "connection-lost",
    "silent",
  );
  const data = await server.attach(control);
  const { id } = await data.expect("GET");
  await opened(data, id, BYTES.length);
  await first(data, id);
  await server.clock.advance(60_000);
  await fetched;
  assertEquals((await server.names()).length, 2);
  await client.close();
});
