import { assert, assertEquals } from "@std/assert";
import type { FerryErrorCode, Receipt } from "../../lib/client/mod.ts";
import type { MessageBody } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { startServer, writeMemory } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { assertFerryError, clientOf, FakeServer, streamOf } from "./hostile.ts";

const CHUNK = 1_048_576;
const BYTES = sample(CHUNK + 10);

Deno.test("Client.put() sends files and streams, and proves them", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  for (const size of [0, 1, CHUNK, 2 * CHUNK + 7]) {
    await writeMemory(disk, `/local-${size}`, sample(size));
    for (const digest of ["crc32-chunks", "sha256"] as const) {
      const name = `${digest}-${size}`;
      const file = await client.put(`/local-${size}`, `file-${name}`, {
        digest,
      });
      const stream = await client.put(streamOf(sample(size)), name, { digest });
      assertEquals(file.local, `/local-${size}`);
      assertEquals(stream.local, undefined);
      for (const receipt of [file, stream]) {
        assertEquals(receipt.size, size);
        assertEquals(receipt.digest, digestOf(sample(size), digest));
        assertEquals(receipt.publication, "created");
        assert(receipt.durable && receipt.wireBytes > size);
        assertEquals(await server.read(`/${receipt.path}`), sample(size));
      }
    }
  }
  assertEquals(server.network.dialled.length, 2);
  await settle();
  assertEquals(await server.staged(), []);
});

Deno.test("Client.put() tells what the server has verified", async () => {
  await using server = await startServer({ limits: { progressInterval: 0 } });
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await writeMemory(disk, "/local", sample(3 * CHUNK));
  const seen: number[] = [];
  await client.put("/local", "file", {
    onProgress({ transferred, total }) {
      assertEquals(total, 3 * CHUNK);
      seen.push(transferred);
    },
  });
  assert(seen.length >= 3);
  assertEquals(seen, seen.toSorted((a, b) => a - b));
});

Deno.test("Client.put() decides on a taken name as its policy says", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await server.write("/taken", sample(3));
  await writeMemory(disk, "/local", BYTES);
  const put = (onConflict: "fail" | "overwrite" | "rename" | "skip") =>
    client.put("/local", "taken", { onConflict });
  const error = await assertFerryError(put("fail"), "exists");
  assertEquals([error.side, error.path], ["remote", "taken"]);
  const skipped = await put("skip");
  assertEquals([skipped.publication, skipped.digest], ["skipped", undefined]);
  assertEquals(await server.read("/taken"), sample(3));
  const renamed = await put("rename");
  assertEquals(renamed.publication, "renamed");
  assertEquals(await server.read(`/${renamed.path}`), BYTES);
  assertEquals((await put("overwrite")).publication, "replaced");
  assertEquals(await server.read("/taken"), BYTES);
  assertEquals(server.network.dialled.length, 2, "the connection is kept");
});

Deno.test("Client.put() of what cannot be read says so before it asks", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await disk.makeDirectory("/folder", 0o755);
  const missing = await assertFerryError(client.put("/x", "x"), "not-found");
  assertEquals(missing.side, "local");
  await assertFerryError(client.put("/folder", "x"), "is-directory");
  assertEquals(server.network.dialled.length, 1);
});

Deno.test("Client.put() of a source that changes or breaks publishes nothing", async () => {
  await using server = await startServer();
  const { client, disk } = await clientOf(server);
  await using _client = client;
  await writeMemory(disk, "/local", sample(4 * CHUNK));
  let isCut = false;
  const changed = await assertFerryError(
    client.put("/local", "file", {
      onProgress() {
        if (isCut) return;
        isCut = true;
        disk.open("/local", "write").then(async (file) => {
          await file.truncate(5);
          file.close();
        });
      },
    }),
    "changed",
  );
  assertEquals(changed.side, "local");
  const reason = new Error("the pipe broke");
  let part = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (part++ < 20) controller.enqueue(sample(100_000));
      else controller.error(reason);
    },
  });
  const broken = await assertFerryError(client.put(stream, "file"), "io");
  assertEquals([broken.side, broken.cause], ["local", reason]);
  await settle();
  assertEquals(await server.staged(), []);
  assertEquals(await server.names(), [".ferry"]);
  // And the connection is good for the next one.
  await client.put(streamOf(BYTES), "next");
  assertEquals(server.network.dialled.length, 2);
});

Deno.test("Client.put() of a stream that waits hears a refusal and its signal at once", async () => {
  await using server = await startServer();
  const { client } = await clientOf(server);
  await using _client = client;
  const reasons: unknown[] = [];
  const waiting = () =>
    new ReadableStream<Uint8Array>({
      pull: () => new Promise(() => {}),
      cancel(reason) {
        reasons.push(reason);
      },
    });
  const controller = new AbortController();
  const aborted = assertFerryError(
    client.put(waiting(), "a", { signal: controller.signal }),
    "cancelled",
  );
  await settle();
  controller.abort();
  await aborted;
  assertEquals(reasons.length, 1);
  const refused = assertFerryError(client.put(waiting(), "b"), "cancelled");
  await settle();
  const closed = client.close();
  await refused;
  await closed;
  assertEquals(reasons.length, 2);
});

/** What a hostile server may answer to `PUT`. */
interface Answer {
  readonly code: FerryErrorCode;
  send(data: RawPeer, id: number): Promise<unknown>;
}

const RECEIPT: MessageBody<"RECEIPT"> = {
  path: "x",
  publication: "created",
  size: BYTES.length,
  durable: true,
  digest: Uint8Array.fromHex(digestOf(BYTES).value),
};

/** Reads an upload to its `END`, and sends a receipt. */
async function takeAll(
  data: RawPeer,
  id: number,
  receipt: Partial<MessageBody<"RECEIPT">>,
): Promise<void> {
  await data.send("OPENED", {}, id);
  let frame = await data.receive();
  while (frame?.type === "DATA") frame = await data.receive();
  assertEquals(frame?.type, "END");
  await data.send("RECEIPT", { ...RECEIPT, ...receipt }, id);
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "a RECEIPT for nothing": {
    code: "integrity",
    send: (data, id) => data.send("RECEIPT", RECEIPT, id),
  },
  "a RECEIPT that says it skipped": {
    code: "integrity",
    send: (data, id) =>
      data.send("RECEIPT", { ...RECEIPT, publication: "skipped" }, id),
  },
  "a RECEIPT for another size": {
    code: "integrity",
    send: (data, id) => takeAll(data, id, { size: 5 }),
  },
  "a RECEIPT for another digest": {
    code: "integrity",
    send: (data, id) => takeAll(data, id, { digest: new Uint8Array(32) }),
  },
  "a RECEIPT without a digest": {
    code: "integrity",
    send: (data, id) => takeAll(data, id, { digest: undefined }),
  },
  "a RECEIPT before END": {
    code: "protocol",
    async send(data, id) {
      await data.send("OPENED", {}, id);
      await data.send("RECEIPT", RECEIPT, id);
    },
  },
  "OPENED twice": {
    code: "protocol",
    async send(data, id) {
      await data.send("OPENED", {}, id);
      await data.send("OPENED", {}, id);
    },
  },
  "DATA": {
    code: "protocol",
    send: (data, id) => data.sendData(id, 0, sample(5)),
  },
  "the end before OPENED": {
    code: "connection-lost",
    send: (data) => Promise.resolve(data.close()),
  },
  "the end after OPENED": {
    code: "connection-lost",
    async send(data, id) {
      await data.send("OPENED", {}, id);
      await data.expect("DATA");
      data.close();
    },
  },
  "FAIL in the middle": {
    code: "limit",
    async send(data, id) {
      await data.send("OPENED", {}, id);
      await data.expect("DATA");
      await data.send("FAIL", { code: 19, message: "enough" });
      data.close();
    },
  },
  "ERROR in the middle": {
    code: "no-space",
    async send(data, id) {
      await data.send("OPENED", {}, id);
      await data.expect("DATA");
      await data.send("ERROR", { code: 14, message: "full" }, id);
    },
  },
};

Deno.test("Client.put() to a hostile server ends with an error and no receipt", async () => {
  for (const [label, { code, send }] of Object.entries(ANSWERS)) {
    for (const isFile of [true, false]) {
      await using server = new FakeServer();
      await server.write("/local", BYTES);
      const { client, control } = await server.connect({ retries: 0 });
      const work = client.put(isFile ? "/local" : streamOf(BYTES), "x");
      const checked = assertFerryError(work, code).catch((error) => {
        error.message = `${label}: ${error.message}`;
        throw error;
      });
      const data = await server.attach(control);
      const { id } = await data.expect("PUT");
      await send(data, id).catch(() => {});
      await checked;
      const closed = client.close();
      control.close();
      await closed;
    }
  }
});

Deno.test("Client.put() ends when its signal fires, in every phase", async () => {
  const phases = ["before", "granting", "asked", "opened", "ended"] as const;
  for (const phase of phases) {
    await using server = new FakeServer();
    await server.write("/local", BYTES);
    const { client, control } = await server.connect();
    const controller = new AbortController();
    if (phase === "before") controller.abort();
    const work = assertFerryError(
      client.put("/local", "x", { signal: controller.signal }),
      "cancelled",
    );
    const at = phases.indexOf(phase);
    if (at === 1) await control.expect("GRANT");
    if (at >= 2) {
      const data = await server.attach(control);
      const { id } = await data.expect("PUT");
      if (at >= 3) await data.send("OPENED", {}, id);
      if (at >= 4) {
        await data.expect("DATA");
        await data.expect("DATA");
        await data.expect("END");
      }
    }
    await settle();
    controller.abort();
    await work;
    const closed = client.close();
    control.close();
    await closed;
  }
});

Deno.test("Client.put() goes on after a receipt whose acknowledgement was lost", async () => {
  await using server = new FakeServer();
  await server.write("/local", BYTES);
  const { client, control } = await server.connect();
  const work: Promise<Receipt> = client.put("/local", "x");
  const data = await server.attach(control);
  const { id } = await data.expect("PUT");
  server.network.dialled[1]!.client.tap = (bytes) =>
    bytes[2] === 0x27 ? "reset" : undefined;
  await takeAll(data, id, {});
  assertEquals((await work).publication, "created");
  const closed = client.close();
  control.close();
  await closed;
});
