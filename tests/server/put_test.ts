import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import {
  errorCodeName,
  type FrameOf,
  type MessageBody,
} from "../../lib/protocol/mod.ts";
import {
  type CommitStep,
  MemoryDisk,
  type StorageHooks,
} from "../../lib/storage/mod.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { putBody } from "../helpers/test_server.ts";
import { endBody, type Scene, scene, sendAll } from "./scene.ts";

const CHUNK = 1_048_576;
const BYTES = sample(CHUNK + 1000);

/** A whole upload. */
async function put(
  data: RawPeer,
  id: number,
  body: MessageBody<"PUT">,
  bytes: Uint8Array,
): Promise<FrameOf<"RECEIPT">> {
  await data.send("PUT", body, id);
  await data.expect("OPENED");
  const sending = sendAll(data, id, bytes);
  const receipt = await data.await("RECEIPT");
  await sending;
  await data.send("ACKNOWLEDGE", {}, id);
  return receipt;
}

/** Says that the connection carries the next transfer, and nothing stays of the last. */
async function assertUsable(
  { data, server }: Scene,
  id: number,
): Promise<void> {
  const { body } = await put(data, id, putBody("usable"), sample(10));
  assertEquals(body.publication, "created");
  await settle();
  assertEquals(await server.staged(), []);
}

Deno.test("PUT publishes a file with a receipt for what was sent", async () => {
  await using at = await scene();
  for (const [index, size] of [0, 1, CHUNK, CHUNK + 1].entries()) {
    const bytes = sample(size);
    const name = `file-${size}`;
    const upload = sample(16, index + 5);
    const body = putBody(name, { size, upload, modified: 1_700_000_000_000 });
    const { body: receipt } = await put(at.data, 10 + index, body, bytes);
    assertEquals(receipt.path, name);
    assertEquals(receipt.size, size);
    assertEquals(receipt.publication, "created");
    assertEquals(receipt.durable, true);
    assertEquals(receipt.digest?.toHex(), digestOf(bytes).value);
    assertEquals(await at.server.read(`/${name}`), bytes);
  }
  await settle();
  assertEquals(await at.server.staged(), []);
});

Deno.test("PUT tells the progress, no faster than it should", async () => {
  await using at = await scene({ limits: { progressInterval: 100 } });
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  await at.data.sendData(2, 0, sample(CHUNK));
  assertEquals((await at.data.expect("PROGRESS")).body.verified, 0);
  await at.data.sendData(2, CHUNK, sample(CHUNK));
  await at.server.clock.advance(100);
  await at.data.sendData(2, 2 * CHUNK, sample(CHUNK));
  assertEquals((await at.data.expect("PROGRESS")).body.verified, 2 * CHUNK);
});

Deno.test("PUT tells the progress of a fast client as well", async () => {
  await using at = await scene();
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  for (let index = 0; index < 6; index++) {
    await at.data.sendData(2, index * CHUNK, sample(CHUNK));
  }
  assertEquals((await at.data.expect("PROGRESS")).body.verified, 0);
  // No time has passed.
  assertEquals((await at.data.expect("PROGRESS")).body.verified, 4 * CHUNK);
});

interface Refusal {
  readonly body: MessageBody<"PUT">;
  readonly code: string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "a bad name": { body: putBody("../x"), code: "bad-name" },
  "a folder that is missing": { body: putBody("no/x"), code: "not-found" },
  "a name that is taken": { body: putBody("taken"), code: "exists" },
  "the name of a folder": {
    body: putBody("folder", { onConflict: "overwrite" }),
    code: "is-directory",
  },
  "a file below a file": { body: putBody("taken/x"), code: "not-directory" },
  "a link that leads outside": { body: putBody("out/x"), code: "outside" },
  "more than a file may have": {
    body: putBody("huge", { size: 2 ** 44 + 1 }),
    code: "too-large",
  },
};

Deno.test("PUT is refused before the first byte, and the connection goes on", async () => {
  for (const [label, { body, code }] of Object.entries(REFUSALS)) {
    await using at = await scene();
    await at.server.write("/taken", sample(3));
    await at.server.disk.makeDirectory("/folder", 0o755);
    at.server.disk.symlink("/", "/root");
    at.server.disk.symlink("/../etc", "/out");
    await at.data.send("PUT", body, 2);
    const frame = await at.data.expect("ERROR");
    if (code !== "outside") {
      assertEquals(errorCodeName(frame.body.code), code, label);
    }
    assertEquals(frame.body.path, body.path);
    await assertUsable(at, 3);
  }
});

Deno.test("PUT needs the right to write", async () => {
  await using at = await scene({ anonymous: "read" });
  await at.data.send("PUT", putBody("x"), 2);
  assertEquals(await at.data.refusal(2), "denied");
  await at.data.send("PUT", putBody("x"), 3);
  assertEquals(await at.data.refusal(3), "denied");
});

/** What a client may send after OPENED that ends in a refusal. */
const FAULTS: Readonly<
  Record<string, { code: string; send(data: RawPeer): Promise<void> }>
> = {
  "a chunk beyond the size": {
    code: "too-large",
    async send(data) {
      await sendAll(data, 2, sample(3 * CHUNK));
    },
  },
  "an END with another size": {
    code: "integrity",
    async send(data) {
      await data.sendData(2, 0, BYTES.subarray(0, CHUNK));
      await data.sendData(2, CHUNK, BYTES.subarray(CHUNK));
      await data.send("END", { ...endBody(BYTES), size: 5 }, 2);
    },
  },
  "an END with another digest": {
    code: "integrity",
    async send(data) {
      await data.sendData(2, 0, BYTES.subarray(0, CHUNK));
      await data.sendData(2, CHUNK, BYTES.subarray(CHUNK));
      const digest = new Uint8Array(32);
      await data.send("END", { size: BYTES.length, digest }, 2);
    },
  },
};

Deno.test("PUT of what does not verify publishes nothing, and the connection goes on", async () => {
  for (const [label, { code, send }] of Object.entries(FAULTS)) {
    await using at = await scene();
    await at.data.send("PUT", putBody("a", { size: BYTES.length }), 2);
    await at.data.expect("OPENED");
    const sending = send(at.data);
    assertEquals(await at.data.refusal(2), code, label);
    await sending;
    await settle();
    assertEquals(await at.server.names(), [".ferry"], label);
    await assertUsable(at, 3);
  }
});

Deno.test("PUT that is cut off publishes nothing and leaves nothing", async () => {
  for (const isSession of [true, false]) {
    await using at = await scene();
    await at.data.send("PUT", putBody("a", { size: BYTES.length }), 2);
    await at.data.expect("OPENED");
    await at.data.sendData(2, 0, BYTES.subarray(0, CHUNK));
    await settle();
    assert((await at.server.staged()).length > 0);
    (isSession ? at.login.control : at.data).close();
    await settle();
    assertEquals(await at.server.staged(), []);
    assertEquals(await at.server.names(), [".ferry"]);
    await at.server.assertServes();
  }
});

Deno.test("PUT whose receipt was lost gets the same receipt again, and no file twice", async () => {
  await using at = await scene();
  const body = putBody("a", { size: BYTES.length });
  at.server.network.dialled[1]!.server.tap = (bytes) =>
    bytes[2] === 0x26 ? "reset" : undefined;
  await at.data.send("PUT", body, 2);
  await at.data.expect("OPENED");
  await sendAll(at.data, 2, BYTES);
  await settle();
  assertEquals(await at.server.read("/a"), BYTES);
  const again = await at.server.attach(at.login, 3);
  await again.send("PUT", body, 4);
  const { body: receipt } = await again.expect("RECEIPT");
  assertEquals(receipt.publication, "created");
  assertEquals(receipt.digest?.toHex(), digestOf(BYTES).value);
  await again.send("ACKNOWLEDGE", {}, 4);
  await settle();
  // Acknowledged, it is forgotten: now it is a conflict.
  await again.send("PUT", body, 5);
  assertEquals(await again.refusal(5), "exists");
});

Deno.test("PUT of an upload that is running elsewhere is busy", async () => {
  await using at = await scene();
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  const other = await at.server.attach(at.login, 3);
  await other.send("PUT", putBody("a"), 4);
  assertEquals(await other.refusal(4), "busy");
});

Deno.test("CANCEL ends a PUT at once, and the connection goes on", async () => {
  await using at = await scene();
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  await at.data.sendData(2, 0, BYTES.subarray(0, CHUNK));
  await at.login.control.send("CANCEL", {}, 2);
  assertEquals(await at.data.refusal(2), "cancelled");
  // What was on its way is dropped.
  await at.data.sendData(2, CHUNK, BYTES.subarray(CHUNK));
  await at.data.send("END", endBody(BYTES), 2);
  await settle();
  assertEquals(await at.server.names(), [".ferry"]);
  await assertUsable(at, 3);
});

/** Hooks that stop at a step until the gate is opened. */
function gated(at: CommitStep): {
  hooks: StorageHooks;
  reached: Promise<void>;
  open(): void;
} {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  return {
    hooks: {
      async step(step): Promise<void> {
        if (step !== at) return;
        reached.resolve();
        await gate.promise;
      },
    },
    reached: reached.promise,
    open: gate.resolve,
  };
}

Deno.test("CANCEL while a PUT is being opened takes it back", async () => {
  const gate = gated("opened");
  await using at = await scene({ hooks: gate.hooks });
  await at.data.send("PUT", putBody("a"), 2);
  await gate.reached;
  await at.login.control.send("CANCEL", {}, 2);
  await settle();
  gate.open();
  assertEquals(await at.data.refusal(2), "cancelled");
  await settle();
  assertEquals(await at.server.staged(), []);
  assertEquals(at.server.disk.openHandles, 0);
  await assertUsable(at, 3);
});

Deno.test("CANCEL while a PUT is being published changes nothing", async () => {
  const steps: readonly CommitStep[] = [
    "written",
    "synced",
    "intended",
    "published",
    "settled",
    "recorded",
  ];
  for (const step of steps) {
    const gate = gated(step);
    await using at = await scene({ hooks: gate.hooks });
    await at.data.send("PUT", putBody("a"), 2);
    await at.data.expect("OPENED");
    await sendAll(at.data, 2, sample(9));
    await gate.reached;
    await at.login.control.send("CANCEL", {}, 2);
    await settle();
    gate.open();
    await at.data.await("RECEIPT");
    await at.login.control.send("CANCEL", {}, 2);
    await at.data.send("ACKNOWLEDGE", {}, 2);
    assertEquals(await at.server.read("/a"), sample(9));
  }
});

Deno.test("PUT on a connection that is lost while it is published is published", async () => {
  const gate = gated("synced");
  await using at = await scene({ hooks: gate.hooks });
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  await sendAll(at.data, 2, sample(9));
  await gate.reached;
  at.login.control.close();
  at.data.close();
  await settle();
  gate.open();
  await settle();
  assertEquals(await at.server.read("/a"), sample(9));
});

Deno.test("PUT while another one is open breaks the connection, and the rules", async () => {
  await using at = await scene();
  await at.data.send("PUT", putBody("a"), 2);
  await at.data.expect("OPENED");
  await at.data.send("PUT", putBody("b"), 3);
  const { body } = await at.data.await("FAIL");
  assert(body.code === 1 || body.code === 19);
  await at.data.expectEnd();
  await settle();
  assertEquals(await at.server.staged(), []);
  // The session is not touched.
  await at.login.control.send("SPACE", {}, 4);
  await at.login.control.expect("SPACE_LEFT");
});

Deno.test("PUT decides on a taken name as its policy says", async () => {
  await using at = await scene();
  await at.server.write("/a", sample(1));
  const policies = [
    ["skip", "skipped", "a"],
    ["rename", "renamed", undefined],
    ["overwrite", "replaced", "a"],
  ] as const;
  for (const [index, [onConflict, publication, path]] of policies.entries()) {
    const id = 2 + index;
    const upload = sample(16, id);
    await at.data.send("PUT", putBody("a", { onConflict, upload }), id);
    const first = await at.data.receive();
    if (first?.type === "OPENED") await sendAll(at.data, id, sample(9));
    const receipt = first?.type === "RECEIPT"
      ? first
      : await at.data.await("RECEIPT");
    assertEquals(receipt.body.publication, publication);
    if (path !== undefined) assertEquals(receipt.body.path, path);
    await at.data.send("ACKNOWLEDGE", {}, id);
  }
});

Deno.test("PUT drops DATA after its ERROR without looking at it", async () => {
  await using at = await scene();
  await at.server.write("/taken", sample(3));
  await at.data.send("PUT", putBody("taken"), 2);
  await at.data.sendData(2, 0, sample(10), crc32(sample(10)) ^ 1)
    .catch(() => {});
  await at.data.await("ERROR");
});

Deno.test("the full disk costs one PUT", async () => {
  const disk = new MemoryDisk({ capacity: 3 * CHUNK });
  await using at = await scene({ disk });
  await at.data.send("PUT", putBody("known", { size: 9 * CHUNK }), 2);
  assertEquals(await at.data.refusal(2), "no-space");
  await at.data.send("PUT", putBody("unknown"), 3);
  await at.data.expect("OPENED");
  const sending = sendAll(at.data, 3, sample(5 * CHUNK));
  assertEquals(await at.data.refusal(3), "no-space");
  await sending;
  await assertUsable(at, 4);
});
