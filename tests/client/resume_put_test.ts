import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { readMemory } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { assertFerryError, streamOf } from "./hostile.ts";
import { CHUNK, edited, ResumeScene, STATE } from "./resume_scene.ts";

const BYTES = sample(4 * CHUNK + 10);

Deno.test("Client.put() goes on after a cut at every write of either end", async () => {
  for (let at = 0;; at++) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    const client = await scene.client();
    const isCut = scene.cutAtWrite(at);
    const receipt = await scene.run(client.put("/local", "x"));
    assertEquals(await scene.server.read("/x"), BYTES);
    assertEquals(receipt.publication, "created");
    assertEquals(await scene.names(STATE), []);
    assert(receipt.wireBytes >= BYTES.length - receipt.resumedFrom);
    assert(receipt.wireBytes < BYTES.length + 2 * CHUNK + 20_000);
    assertEquals(receipt.repaired, 0);
    if (!isCut()) break;
    assert(at < 100);
  }
});

/** A process that sends two chunks and dies. */
async function interrupted(scene: ResumeScene): Promise<void> {
  scene.cutAt(2);
  const client = await scene.client({ retries: 0 });
  const work = assertFerryError(client.put("/local", "x"), "connection-lost");
  await scene.run(work);
  await scene.run(client.close());
  scene.chunks.length = 0;
}

Deno.test("Client.put() goes on where another process stopped", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  await interrupted(scene);
  const [record] = await scene.names(STATE);
  const folder = await scene.disk.stat(STATE);
  const file = await scene.disk.stat(`${STATE}/${record}`);
  assertEquals([folder.mode & 0o777, file.mode & 0o777], [0o700, 0o600]);
  const client = await scene.client();
  const seen: number[] = [];
  const receipt = await scene.run(client.put("/local", "x", {
    onProgress: ({ transferred }) => seen.push(transferred),
  }));
  assertEquals(scene.chunks, [2, 3, 4]);
  assertEquals(receipt.resumedFrom, 2 * CHUNK);
  // What is there counts from the beginning.
  assertEquals(seen[0], 2 * CHUNK);
  assert(receipt.wireBytes < BYTES.length - 2 * CHUNK + 2000);
  assertEquals(await scene.server.read("/x"), BYTES);
  assertEquals(await scene.names(STATE), []);
  assertEquals(await scene.server.staged(), []);
});

Deno.test("Client.put() keeps the record apart for each file, name and digest", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  await interrupted(scene);
  const client = await scene.client();
  await scene.run(client.put("/local", "y"));
  await scene.run(client.put("/local", "z", { digest: "sha256" }));
  assertEquals(scene.chunks, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
  await scene.run(client.put("/local", "x"));
  assertEquals(scene.chunks.slice(10), [2, 3, 4]);
});

Deno.test("Client.put() begins anew with a record that is not one", async () => {
  const records: ((text: string) => string)[] = [
    () => "",
    () => "garbage",
    () => "null",
    (text) => text.slice(0, 50),
    (text) => text.replace('"version":1', '"version":2'),
    (text) => text.replace(/"token":"../, '"token":"'),
    (text) => text.replace(/"upload":"../, '"upload":"zz'),
    (text) => text.replace(/"isSourceSame":true/, '"isSourceSame":1'),
  ];
  for (const change of records) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    await interrupted(scene);
    const [name] = await scene.names(STATE);
    const path = `${STATE}/${name}`;
    const text = new TextDecoder().decode(await readMemory(scene.disk, path));
    assertEquals(JSON.parse(text).version, 1);
    await scene.local(path, new TextEncoder().encode(change(text)));
    const client = await scene.client();
    const receipt = await scene.run(client.put("/local", "x"));
    assertEquals([receipt.resumedFrom, scene.chunks.length], [0, 5]);
  }
});

Deno.test("Client.put() works where no record can be kept", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  await scene.local(STATE, BYTES);
  const client = await scene.client();
  await scene.run(client.put("/local", "x"));
  assertEquals(await scene.names(), ["local", "state"]);
});

/** What may become of the source while nobody looks. */
const CHANGES: Readonly<
  Record<string, { bytes: Uint8Array; chunks: readonly number[] }>
> = {
  "the same size and another content": {
    bytes: edited(BYTES, 5, 3 * CHUNK),
    chunks: [0, 2, 3, 4],
  },
  "grown": { bytes: sample(6 * CHUNK + 3), chunks: [] },
  "shrunk to less than was sent": {
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

Deno.test("Client.put() of a source that has changed sends what differs, never a splice", async () => {
  for (const [label, { bytes, chunks }] of Object.entries(CHANGES)) {
    for (const isOther of [true, false]) {
      await using scene = await ResumeScene.make();
      await scene.local("/local", BYTES);
      let changes = 0;
      const onSourceChanged = (): void => void changes++;
      let work;
      if (isOther) {
        await interrupted(scene);
        await scene.local("/local", bytes);
        const client = await scene.client();
        work = client.put("/local", "x", { onSourceChanged });
      } else {
        scene.cutAt(2);
        const client = await scene.client({
          onReconnect: () => {
            scene.chunks.length = 0;
            changed = scene.local("/local", bytes);
          },
        });
        let changed = Promise.resolve();
        work = client.put("/local", "x", { onSourceChanged });
        await changed;
      }
      const receipt = await scene.run(work);
      assertEquals(await scene.server.read("/x"), bytes, label);
      assertEquals(receipt.size, bytes.length);
      if (label !== "grown") assertEquals(scene.chunks, chunks, label);
      assertEquals(changes, 1, label);
      assertEquals(await scene.server.staged(), []);
    }
  }
});

Deno.test("Client.put() does not believe a source that is back to what it was", async () => {
  for (const isOther of [true, false]) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    const before = await scene.disk.stat("/local");
    await interrupted(scene);
    // Time stands still: neither times nor inode tell, only the content does.
    const write = async (bytes: Uint8Array): Promise<void> => {
      const file = await scene.disk.open("/local", "write");
      await file.write(bytes, 0);
      file.close();
    };
    await write(edited(BYTES, 0));
    let isBack = false;
    scene.cutAt(3);
    const first = await scene.client({
      retries: isOther ? 0 : 3,
      onReconnect: () => {
        isBack = true;
        back = write(BYTES);
      },
    });
    let back = Promise.resolve();
    const work = first.put("/local", "x");
    if (isOther) {
      await scene.run(assertFerryError(work, "connection-lost"));
      await write(BYTES);
      const client = await scene.client();
      await scene.run(client.put("/local", "x"));
    } else {
      await scene.run(work);
      await back;
      assert(isBack);
    }
    assertEquals((await scene.disk.stat("/local")).inode, before.inode);
    assertEquals(await scene.server.read("/x"), BYTES);
  }
});

Deno.test("Client.put() with checksum finds an edit that restored size and times", async () => {
  for (const checksum of [true, false]) {
    for (const isOther of [true, false]) {
      await using scene = await ResumeScene.make();
      await scene.local("/local", BYTES);
      let changes = 0;
      const onSourceChanged = (): void => void changes++;
      const edit = (): Promise<void> => scene.editUnseen(scene.disk, "/local");
      let meanwhile = Promise.resolve();
      if (isOther) {
        await interrupted(scene);
        await edit();
      } else scene.cutAt(2);
      const client = await scene.client({
        onReconnect: () => {
          meanwhile = edit();
        },
      });
      const options = { checksum, onSourceChanged };
      await scene.run(client.put("/local", "x", options));
      await meanwhile;
      const now = await readMemory(scene.disk, "/local");
      // Without it this is what the documentation warns of.
      const expected = checksum ? now : BYTES;
      assertEquals(await scene.server.read("/x"), expected);
      assertEquals(changes, checksum ? 1 : 0);
    }
  }
});

Deno.test("Client.put() with checksum sends nothing twice of a source that is the same", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  await interrupted(scene);
  const client = await scene.client();
  let changes = 0;
  const receipt = await scene.run(client.put("/local", "x", {
    checksum: true,
    onSourceChanged: () => void changes++,
  }));
  assertEquals(scene.chunks, [2, 3, 4]);
  assertEquals([receipt.resumedFrom, changes], [2 * CHUNK, 0]);
});

Deno.test("Client.put() whose source is gone, or is a folder now, says so", async () => {
  for (const isFolder of [true, false]) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    await interrupted(scene);
    await scene.disk.removeFile("/local");
    if (isFolder) await scene.disk.makeDirectory("/local", 0o755);
    const client = await scene.client();
    const code = isFolder ? "is-directory" : "not-found";
    await scene.run(assertFerryError(client.put("/local", "x"), code));
  }
});

Deno.test("Client.put() of another process learns that it was published long ago", async () => {
  for (const isChanged of [true, false]) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    let isCut = false;
    scene.judge = ({ from, bytes }) => {
      if (isCut || from !== "server" || bytes[2] !== 0x26) return;
      isCut = true;
      return "cut";
    };
    const first = await scene.client({ retries: 0 });
    const work = assertFerryError(first.put("/local", "x"), "connection-lost");
    await scene.run(work);
    scene.chunks.length = 0;
    const bytes = isChanged ? sample(10, 3) : BYTES;
    await scene.local("/local", bytes);
    const client = await scene.client();
    const again = client.put("/local", "x", { onConflict: "overwrite" });
    const receipt = await scene.run(again);
    assertEquals(receipt.publication, isChanged ? "replaced" : "created");
    assertEquals(scene.chunks.length, isChanged ? 1 : 0);
    assertEquals(await scene.server.read("/x"), bytes);
    assertEquals(await scene.names(STATE), []);
  }
});

Deno.test("Client.put() without `resume` leaves nothing and continues nothing", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  await interrupted(scene);
  const client = await scene.client();
  const receipt = await scene.run(
    client.put("/local", "x", { resume: false }),
  );
  assertEquals([receipt.resumedFrom, scene.chunks.length], [0, 5]);
  assertEquals(await scene.names(STATE), []);
  const staged = await scene.server.staged();
  scene.cutAt(2);
  const last = await scene.client({ retries: 0 });
  await scene.run(assertFerryError(
    last.put("/local", "y", { resume: false }),
    "connection-lost",
  ));
  assertEquals(await scene.names(STATE), []);
  assertEquals(await scene.server.staged(), staged);
});

Deno.test("Client.put() aborted goes on later; a stream leaves nothing", async () => {
  for (const isFile of [true, false]) {
    await using scene = await ResumeScene.make();
    await scene.local("/local", BYTES);
    const controller = new AbortController();
    scene.judge = ({ chunk }) => chunk === 3 ? controller.abort() : undefined;
    const client = await scene.client();
    const { signal } = controller;
    const source = isFile ? "/local" : streamOf(BYTES);
    await scene.run(
      assertFerryError(client.put(source, "x", { signal }), "cancelled"),
    );
    scene.judge = () => {};
    scene.chunks.length = 0;
    await scene.run(client.stat(""));
    assertEquals((await scene.server.staged()).length > 0, isFile);
    if (!isFile) continue;
    const receipt = await scene.run(client.put("/local", "x"));
    assertNotEquals(receipt.resumedFrom, 0);
    assertEquals(await scene.server.read("/x"), BYTES);
  }
});

Deno.test("Client.put() counts only tries that got nowhere, and gives up on those", async () => {
  await using scene = await ResumeScene.make({
    limits: { progressInterval: 0 },
  });
  await scene.local("/local", sample(9 * CHUNK));
  // Each try gets a little further.
  let next = 2;
  scene.judge = ({ chunk }) => {
    if (chunk !== next) return;
    next += 2;
    return "cut";
  };
  const client = await scene.client({ retries: 2 });
  await scene.run(client.put("/local", "x"));
  assertEquals(scene.events.length, 4);
  assert(scene.events.every(({ attempt }) => attempt <= 2));
  scene.events.length = 0;
  scene.judge = ({ chunk }) => chunk === undefined ? undefined : "cut";
  const work = client.put("/local", "y");
  await scene.run(assertFerryError(work, "connection-lost"));
  assertEquals(scene.events.map(({ attempt, delay }) => [attempt, delay]), [
    [1, 250],
    [2, 500],
  ]);
});

Deno.test("Client.put() tries for ever if it is told to, half a minute apart at most", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  scene.judge = ({ chunk }) =>
    chunk === undefined || scene.events.length >= 40 ? undefined : "cut";
  const client = await scene.client({ retries: Infinity });
  const work = client.put("/local", "x");
  for (let count = 0; count < 50 && scene.events.length < 40; count++) {
    await scene.server.clock.advance(30_000);
  }
  assertEquals(scene.events.length, 40);
  assertEquals(scene.events.at(-1)?.delay, 30_000);
  await scene.run(work);
  assertEquals(await scene.server.read("/x"), BYTES);
});

Deno.test("Client.put() repairs what is damaged on the way, and says how much", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  let left = 3;
  scene.judge = ({ chunk }) => chunk === 1 && left-- > 0 ? "damage" : undefined;
  const client = await scene.client();
  const receipt = await scene.run(client.put("/local", "x"));
  assertEquals(receipt.repaired, 3);
  assertEquals(scene.chunks, [0, 1, 2, 3, 4, 1, 1, 1]);
  assertEquals(await scene.server.read("/x"), BYTES);
  assertEquals(scene.events, []);
});

Deno.test("Client.put() gives up on what is damaged again and again", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  scene.judge = ({ chunk }) => chunk === 1 ? "damage" : undefined;
  const client = await scene.client();
  await scene.run(assertFerryError(client.put("/local", "x"), "integrity"));
  assertEquals(scene.chunks.length, 5 + 8);
  assertEquals(await scene.names(STATE), []);
  assertEquals(await scene.server.staged(), []);
});

Deno.test("Client.put() of a stream cannot be repaired, and says so", async () => {
  await using scene = await ResumeScene.make();
  scene.judge = ({ chunk }) => chunk === 1 ? "damage" : undefined;
  const client = await scene.client();
  const work = client.put(streamOf(BYTES), "x");
  await scene.run(assertFerryError(work, "integrity", "a stream cannot"));
  assertEquals(await scene.server.staged(), []);
  scene.judge = () => {};
  await scene.run(client.put(streamOf(BYTES), "x"));
});

Deno.test("Client.put() takes over from its own predecessor, whom the server still waits for", async () => {
  await using scene = await ResumeScene.make();
  await scene.local("/local", BYTES);
  let isSilent = false;
  const swallow = ({ chunk }: { chunk: number | undefined }) => {
    if (chunk === 2) isSilent = true;
  };
  scene.judge = swallow;
  const client = await scene.client({ retries: 0, timeout: 3000 });
  const ends = scene.server.network.dialled;
  const { onDial } = scene.server.network;
  scene.server.network.onDial = (dialled, index) => {
    onDial(dialled, index);
    for (const end of [dialled.client, dialled.server]) {
      const { tap } = end;
      end.tap = (bytes) => isSilent ? "swallow" : tap(bytes);
    }
  };
  // The control connection was there before, and dies as silently.
  for (const { client, server } of ends) {
    for (const end of [client, server]) {
      const { tap } = end;
      end.tap = (bytes) => isSilent ? "swallow" : tap(bytes);
    }
  }
  const work = assertFerryError(client.put("/local", "x"), "connection-lost");
  await scene.run(work);
  isSilent = false;
  scene.judge = () => {};
  scene.chunks.length = 0;
  const next = await scene.client({ retries: 0 });
  const start = scene.server.clock.monotonic();
  const receipt = await scene.run(next.put("/local", "x"));
  assert(scene.server.clock.monotonic() - start <= 200);
  assertEquals(receipt.resumedFrom, 3 * CHUNK);
  assertEquals(scene.chunks, [3, 4]);
});
