import { assert, assertEquals } from "@std/assert";
import { readMemory } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { assertFerryError, collector } from "./hostile.ts";
import { CHUNK, edited, ResumeScene } from "./resume_scene.ts";

const BYTES = sample(4 * CHUNK + 10);

/** Replaces a file of the server. */
async function remote(scene: ResumeScene, bytes: Uint8Array): Promise<void> {
  await scene.server.disk.removeFile("/f").catch(() => {});
  await scene.server.write("/f", bytes);
}

/** A process that fetches two chunks and dies. */
async function interrupted(scene: ResumeScene): Promise<void> {
  await remote(scene, BYTES);
  scene.cutAt(2);
  const client = await scene.client({ retries: 0 });
  const work = assertFerryError(client.get("f", "/x"), "connection-lost");
  await scene.run(work);
  await scene.run(client.close());
  assertEquals((await scene.names()).length, 2);
  scene.chunks.length = 0;
}

Deno.test("Client.get() goes on after a cut at every write of either end", async () => {
  for (let at = 0;; at++) {
    await using scene = await ResumeScene.make();
    await remote(scene, BYTES);
    const client = await scene.client();
    const isCut = scene.cutAtWrite(at);
    const receipt = await scene.run(client.get("f", "/x"));
    assertEquals(await readMemory(scene.disk, "/x"), BYTES);
    assertEquals(receipt.digest, digestOf(BYTES));
    assertEquals(await scene.names(), ["x"]);
    assert(receipt.wireBytes >= BYTES.length - receipt.resumedFrom);
    assert(receipt.wireBytes < BYTES.length + 2 * CHUNK + 20_000);
    assertEquals(receipt.repaired, 0);
    if (!isCut()) break;
    assert(at < 100);
  }
});

Deno.test("Client.get() goes on where another process stopped, with either digest", async () => {
  for (const digest of ["crc32-chunks", "sha256"] as const) {
    await using scene = await ResumeScene.make();
    await interrupted(scene);
    const client = await scene.client();
    const seen: number[] = [];
    const receipt = await scene.run(client.get("f", "/x", {
      digest,
      onProgress: ({ transferred }) => seen.push(transferred),
    }));
    const held = receipt.resumedFrom / CHUNK;
    assert(held >= 1 && held <= 2);
    assertEquals(scene.chunks, [0, 1, 2, 3, 4].slice(held));
    assertEquals(seen[0], receipt.resumedFrom);
    assertEquals(seen.at(-1), BYTES.length);
    assert(receipt.wireBytes < BYTES.length - receipt.resumedFrom + 2000);
    assertEquals(receipt.digest, digestOf(BYTES, digest));
    assertEquals(await readMemory(scene.disk, "/x"), BYTES);
    assertEquals(await scene.names(), ["x"]);
  }
});

/** What may become of the source while nobody looks; the chunks that must come. */
const CHANGES: Readonly<
  Record<string, { bytes: Uint8Array; chunks: readonly number[] }>
> = {
  "the same size and another content": {
    bytes: edited(BYTES, 5, 3 * CHUNK),
    chunks: [0, 2, 3, 4],
  },
  "grown": { bytes: sample(6 * CHUNK + 3), chunks: [] },
  "shrunk to less than was there": {
    bytes: BYTES.subarray(0, CHUNK + 7),
    chunks: [1],
  },
  "shrunk by a little": {
    bytes: BYTES.subarray(0, 4 * CHUNK + 3),
    chunks: [2, 3, 4],
  },
  "replaced": { bytes: sample(5 * CHUNK, 9), chunks: [0, 1, 2, 3, 4] },
  "emptied": { bytes: new Uint8Array(0), chunks: [] },
  "touched only": { bytes: BYTES, chunks: [2, 3, 4] },
};

Deno.test("Client.get() of a source that has changed fetches what differs, never a splice", async () => {
  for (const [label, { bytes, chunks }] of Object.entries(CHANGES)) {
    for (const digest of ["crc32-chunks", "sha256"] as const) {
      await using scene = await ResumeScene.make();
      await interrupted(scene);
      await remote(scene, bytes);
      const client = await scene.client();
      let changes = 0;
      const onSourceChanged = (): void => void changes++;
      const options = { digest, onSourceChanged };
      const work = client.get("f", "/x", options).catch((error) => {
        error.message = `${label}: ${error.message}`;
        throw error;
      });
      const receipt = await scene.run(work);
      assertEquals(await readMemory(scene.disk, "/x"), bytes, label);
      assertEquals(receipt.digest, digestOf(bytes, digest));
      // The second chunk may have died with the connection.
      const rest = scene.chunks.filter((index) => index !== 1);
      const wanted = chunks.filter((index) => index !== 1);
      if (label !== "grown") assertEquals(rest, wanted, label);
      assertEquals(await scene.names(), ["x"]);
      assertEquals(changes, 1, label);
    }
  }
});

Deno.test("Client.get() with checksum finds an edit that restored size and times", async () => {
  for (const checksum of [true, false]) {
    await using scene = await ResumeScene.make();
    await interrupted(scene);
    const { server } = scene;
    await scene.editUnseen(server.disk, "/f");
    const client = await scene.client();
    let changes = 0;
    const onSourceChanged = (): void => void changes++;
    const options = { checksum, onSourceChanged };
    await scene.run(client.get("f", "/x", options));
    const now = await server.read("/f");
    // Without it this is what the documentation warns of.
    const expected = checksum ? now : BYTES;
    assertEquals(await readMemory(scene.disk, "/x"), expected);
    assertEquals(changes, checksum ? 1 : 0);
  }
});

Deno.test("Client.get() with checksum fetches nothing twice of a source that is the same", async () => {
  await using scene = await ResumeScene.make();
  await interrupted(scene);
  const client = await scene.client();
  let changes = 0;
  const receipt = await scene.run(client.get("f", "/x", {
    checksum: true,
    onSourceChanged: () => void changes++,
  }));
  const held = receipt.resumedFrom / CHUNK;
  assertEquals(scene.chunks, [0, 1, 2, 3, 4].slice(held));
  assertEquals(changes, 0);
});

Deno.test("Client.get() of a source that has changed is no splice wherever the comparison is cut", async () => {
  for (const [label, { bytes }] of Object.entries(CHANGES)) {
    for (let at = 0;; at++) {
      await using scene = await ResumeScene.make();
      await interrupted(scene);
      await remote(scene, bytes);
      const client = await scene.client();
      const isCut = scene.cutAtWrite(at);
      const receipt = await scene.run(client.get("f", "/x"));
      const message = `${label}, cut at write ${at}`;
      assertEquals(receipt.digest, digestOf(bytes), message);
      assertEquals(await readMemory(scene.disk, "/x"), bytes, message);
      if (!isCut()) break;
      assert(at < 100);
    }
  }
});

Deno.test("Client.get() of a source that is gone, or is a folder now, keeps what is there", async () => {
  for (const isFolder of [true, false]) {
    await using scene = await ResumeScene.make();
    await interrupted(scene);
    await scene.server.disk.removeFile("/f");
    if (isFolder) await scene.server.disk.makeDirectory("/f", 0o755);
    const client = await scene.client();
    const code = isFolder ? "is-directory" : "not-found";
    await scene.run(assertFerryError(client.get("f", "/x"), code));
    assertEquals((await scene.names()).length, 2);
  }
});

Deno.test("Client.get() of a source that changes while it is fetched publishes nothing", async () => {
  for (const isContinued of [true, false]) {
    await using scene = await ResumeScene.make();
    if (isContinued) await interrupted(scene);
    else await remote(scene, BYTES);
    scene.judge = ({ chunk }) => {
      if (chunk !== 3) return;
      scene.judge = () => {};
      scene.server.disk.open("/f", "write").then(async (file) => {
        await file.write(new Uint8Array([1, 2, 3, 4]), CHUNK * 3 + 5);
        await file.setModified(5);
        file.close();
      });
    };
    const client = await scene.client();
    await scene.run(assertFerryError(client.get("f", "/x"), "changed"));
    assertEquals(await scene.names(), []);
  }
});

Deno.test("Client.get() without `resume` starts over, and leaves nothing", async () => {
  await using scene = await ResumeScene.make();
  await interrupted(scene);
  const client = await scene.client({ retries: 0 });
  scene.cutAt(3);
  const options = { resume: false };
  await scene.run(
    assertFerryError(client.get("f", "/x", options), "connection-lost"),
  );
  assertEquals(await scene.names(), []);
  scene.chunks.length = 0;
  const receipt = await scene.run(client.get("f", "/x", options));
  assertEquals([receipt.resumedFrom, scene.chunks.length], [0, 5]);
});

Deno.test("Client.get() to a stream is not continued", async () => {
  await using scene = await ResumeScene.make();
  await remote(scene, BYTES);
  scene.cutAt(2);
  const client = await scene.client();
  const work = client.get("f", collector().stream);
  await scene.run(assertFerryError(work, "connection-lost"));
  assertEquals(scene.events, []);
});

Deno.test("Client.get() repairs what is damaged on the way, first or continued", async () => {
  for (const isContinued of [true, false]) {
    await using scene = await ResumeScene.make();
    if (isContinued) await interrupted(scene);
    else await remote(scene, BYTES);
    let left = 3;
    scene.judge = ({ chunk }) =>
      chunk === 3 && left-- > 0 ? "damage" : undefined;
    const client = await scene.client();
    const receipt = await scene.run(client.get("f", "/x"));
    assertEquals(receipt.repaired, 3);
    assertEquals(scene.chunks.slice(-3), [3, 3, 3]);
    assertEquals(await readMemory(scene.disk, "/x"), BYTES);
    assertEquals(scene.events, []);
  }
});

Deno.test("Client.get() gives up on what is damaged again and again", async () => {
  for (const isContinued of [true, false]) {
    await using scene = await ResumeScene.make();
    if (isContinued) await interrupted(scene);
    else await remote(scene, BYTES);
    scene.judge = ({ chunk }) => chunk === 3 ? "damage" : undefined;
    const client = await scene.client();
    await scene.run(assertFerryError(client.get("f", "/x"), "integrity"));
    assertEquals(scene.chunks.filter((index) => index === 3).length, 9);
    assertEquals(await scene.names(), []);
  }
});

Deno.test("Client.get() to a stream cannot be repaired, and says so", async () => {
  await using scene = await ResumeScene.make();
  await remote(scene, BYTES);
  scene.judge = ({ chunk }) => chunk === 1 ? "damage" : undefined;
  const client = await scene.client();
  const work = client.get("f", collector().stream);
  await scene.run(assertFerryError(work, "integrity", "damaged"));
  scene.judge = () => {};
  const target = collector();
  await scene.run(client.get("f", target.stream));
  assertEquals(target.bytes().length, BYTES.length);
});

Deno.test("Client goes on when a header or a message arrives damaged, on any connection", async () => {
  // Bytes of the header, and of a field.
  for (const place of [5, 20, 30]) {
    for (const from of ["client", "server"] as const) {
      for (const type of [0x22, 0x21, 0x23, 0x24, 0x20, 0x26]) {
        await using scene = await ResumeScene.make();
        await remote(scene, BYTES);
        await scene.local("/local", BYTES);
        let isDone = false;
        scene.damage = (write) => {
          if (isDone || write.from !== from || write.bytes[2] !== type) return;
          if (place >= write.bytes.length || type === 0x23 && place > 28) {
            return;
          }
          isDone = true;
          return place;
        };
        const client = await scene.client();
        const work = Promise.all([
          client.get("f", "/x"),
          client.put("/local", "y"),
        ]);
        await scene.run(work);
        assertEquals(await readMemory(scene.disk, "/x"), BYTES);
        assertEquals(await scene.server.read("/y"), BYTES);
      }
    }
  }
});
