import { assert, assertEquals } from "@std/assert";
import { nets } from "../../../lib/classic/nets/mod.ts";
import { StorageError } from "../../../lib/storage/mod.ts";
import { patched } from "../../helpers/patched.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { BAD_NAMES } from "../bad_names.ts";
import { type DoorSceneOptions, openDoor } from "../door_scene.ts";
import { download, offer, request, u64, upload } from "../peers/nets.ts";
import { ascii, joined } from "../peers/socket.ts";
import {
  assertNothingStaged,
  assertSilenceEnds,
  BYTES,
  cutAt,
  dialDoor,
  play,
  playOn,
  published,
  sendCut,
  type Turn,
  WHOLE,
} from "../play.ts";

const HELLO = ascii("hello");
const [T, F, E] = [ascii("T"), ascii("F"), ascii("E")];

function open(options: DoorSceneOptions = {}) {
  return openDoor(nets.door(), {
    files: { "a.txt": HELLO, empty: new Uint8Array(0) },
    ...options,
  });
}

/** Every row of the document's table, and what the server then has. */
const ROWS: Readonly<Record<string, readonly Turn[]>> = {
  "a download": [
    { send: request("D", "a.txt") },
    { expect: offer("T", 5) },
    { send: T },
    { expect: HELLO },
    { expect: "end" },
  ],
  "a download of an empty file": [
    { send: request("D", "empty") },
    { expect: offer("T", 0) },
    { send: T },
    { expect: "end" },
  ],
  "a download that the client has no space for": [
    { send: request("D", "a.txt") },
    { expect: offer("T", 5) },
    { send: F },
    { expect: "end" },
  ],
  "a download of a missing file": [
    { send: request("D", "missing") },
    { expect: offer("F", 0) },
    { expect: "end" },
  ],
  "a download of a folder": [
    { send: request("D", "folder") },
    { expect: offer("E", 0) },
    { expect: "end" },
  ],
  "an upload onto an existing name": [
    { send: request("U", "a.txt") },
    { expect: F },
    { expect: "end" },
  ],
  "an upload into a folder that is not there": [
    { send: request("U", "nowhere/b") },
    { expect: E },
    { expect: "end" },
  ],
};

const UPLOAD: readonly Turn[] = [
  { send: request("U", "new") },
  { expect: T },
  { send: u64(5) },
  { expect: T },
  { send: HELLO },
  { expect: "end" },
];

for (const [name, turns] of Object.entries(ROWS)) {
  for (const [how, cut] of [["whole", WHOLE], ["bytewise", BYTES]] as const) {
    Deno.test(`nets, server: ${name}, ${how}`, async () => {
      await using scene = await open();
      await play(scene, turns, cut);
      assertEquals(await published(scene), ["a.txt", "empty"]);
      await assertNothingStaged(scene);
    });
  }
}

for (const [how, cut] of [["whole", WHOLE], ["bytewise", BYTES]] as const) {
  Deno.test(`nets, server: an upload, ${how}`, async () => {
    await using scene = await open();
    await play(scene, UPLOAD, cut);
    assertEquals(await scene.server.read("/root/new"), HELLO);
    await assertNothingStaged(scene);
    const received = scene.events.find(({ type }) => type === "received");
    assert(received?.type === "received");
    assertEquals([received.path, received.size], ["new", 5]);
  });
}

Deno.test("nets, server: an upload of an empty file makes one", async () => {
  await using scene = await open();
  await play(scene, [
    { send: request("U", "new") },
    { expect: T },
    { send: u64(0) },
    { expect: T },
    { expect: "end" },
  ]);
  assertEquals((await scene.server.read("/root/new")).length, 0);
});

Deno.test("nets, server: the request is understood under every cut", async () => {
  await using scene = await open();
  for (let at = 1; at < 256; at++) {
    await play(scene, [
      { send: request("D", "a.txt") },
      { expect: offer("T", 5) },
    ], cutAt(at));
  }
});

Deno.test("nets, server: a name of 255 bytes has no padding", async () => {
  await using scene = await open();
  const name = "n".repeat(255);
  await play(scene, [
    { send: request("U", name) },
    { expect: T },
    { send: u64(1) },
    { expect: T },
    { send: ascii("x") },
    { expect: "end" },
  ]);
  assertEquals(await published(scene), ["a.txt", "empty", name]);
});

for (const letter of ["D", "U"] as const) {
  Deno.test(`nets, server: no bad name passes by ${letter}`, async () => {
    await using scene = await open();
    for (const { what, bytes } of BAD_NAMES) {
      // At the end of a name, NUL is padding.
      if (what === "a NUL") continue;
      const expect = letter === "D" ? offer("E", 0) : E;
      await play(scene, [
        { send: request(letter, bytes) },
        { expect },
        { expect: "end" },
      ]).catch((error) => {
        throw new Error(what, { cause: error });
      });
    }
    await play(scene, [
      { send: request(letter, "") },
      { expect: letter === "D" ? offer("E", 0) : E },
      { expect: "end" },
    ]);
    assertEquals(await published(scene), ["a.txt", "empty"]);
    assertEquals(await scene.server.read("/secret"), ascii("secret"));
    const refusals = scene.events.filter(({ type }) => type === "refusal");
    assertEquals(refusals.length, BAD_NAMES.length);
  });
}

/** Bytes that come before they are due, and after which turns. */
const EARLY: Readonly<Record<string, readonly Turn[]>> = {
  "with the request": [{ send: joined(request("D", "a.txt"), T) }],
  "after the offer": [
    { send: request("D", "a.txt") },
    { expect: offer("T", 5) },
    { send: ascii("TT") },
  ],
  "with the request to upload": [{
    send: joined(request("U", "early"), u64(5)),
  }],
  "with the size": [
    { send: request("U", "early") },
    { expect: T },
    { send: joined(u64(5), HELLO) },
  ],
};

for (const [name, turns] of Object.entries(EARLY)) {
  Deno.test(`nets, server: a byte too early ${name} loses only its own connection`, async () => {
    await using scene = await open();
    using other = await dialDoor(scene);
    await playOn(scene, other, UPLOAD.slice(0, 4));
    await play(scene, [...turns, { expect: "end" }]);
    assertEquals(
      scene.closings(),
      ["protocol: bytes came before they were due"],
    );
    await playOn(scene, other, UPLOAD.slice(4));
    assertEquals(await published(scene), ["a.txt", "empty", "new"]);
    await assertNothingStaged(scene);
  });
}

Deno.test("nets, server: a byte that comes while the answer is made is too early", async () => {
  const gate = Promise.withResolvers<void>();
  await using scene = await open({
    wrap: (storage) =>
      patched(storage, {
        async locate(...asked) {
          await gate.promise;
          return await storage.locate(...asked);
        },
      }),
  });
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [{ send: request("D", "a.txt") }, { send: T }]);
  gate.resolve();
  await playOn(scene, socket, [{ expect: "end" }]);
  assertEquals(
    scene.closings(),
    ["protocol: bytes came before they were due"],
  );
});

Deno.test("nets, server: a client that talks while it is served is let go", async () => {
  await using scene = await open({
    files: { large: new Uint8Array(3_000_000) },
  });
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [
    { send: request("D", "large") },
    { expect: offer("T", 3_000_000) },
    { send: T },
    { expect: new Uint8Array(1000) },
    { send: T },
  ]);
  const data = await scene.run(socket.recvToEnd());
  assert(data.length < 2_999_000, `${data.length} bytes came`);
  assertEquals(
    scene.closings(),
    ["protocol: bytes came before they were due"],
  );
});

Deno.test("nets, server: more bytes than announced publish nothing", async () => {
  for (const extra of [ascii("hello!"), joined(HELLO, new Uint8Array(9000))]) {
    await using scene = await open();
    await play(scene, [
      ...UPLOAD.slice(0, 4),
      { send: extra },
      { expect: "end" },
    ]);
    assertEquals(await published(scene), ["a.txt", "empty"]);
    await assertNothingStaged(scene);
    assertEquals(
      scene.closings(),
      ["protocol: more bytes came than were announced"],
    );
  }
});

Deno.test("nets, server: what is no message ends the connection with its first byte", async () => {
  const before: readonly (readonly Turn[])[] = [
    [],
    [{ send: request("D", "a.txt") }, { expect: offer("T", 5) }],
  ];
  for (const turns of before) {
    await using scene = await open();
    await play(scene, [...turns, { send: ascii("X") }, { expect: "end" }]);
    assertEquals(scene.closings().length, 1);
    assert(scene.closings()[0]!.startsWith("protocol: byte 88 came in state"));
  }
});

/** The client leaves after each part of the conversations, in every way. */
for (const how of ["close", "reset", "half-close"] as const) {
  Deno.test(`nets, server: a ${how} in every state leaves nothing behind`, async () => {
    const ways: readonly (readonly Turn[])[] = [
      ROWS["a download"]!,
      [...UPLOAD.slice(0, 4), { send: ascii("hell") }],
    ];
    for (const way of ways) {
      for (let count = 0; count <= way.length; count++) {
        await using scene = await open();
        const connection = await scene.network.dial(scene.address);
        const socket = await dialDoor(scene);
        connection.close();
        const turns = way.slice(0, count).filter((turn) =>
          !("expect" in turn && turn.expect === "end")
        );
        await playOn(scene, socket, turns);
        const { client } = scene.network.dialled.at(-1)!;
        if (how === "close") client.close();
        else if (how === "reset") client.reset();
        else await client.endWrite();
        await scene.run(socket.recvToEnd());
        await scene.server.clock.advance(2000);
        socket.close();
        assertEquals(await published(scene), ["a.txt", "empty"]);
        await assertNothingStaged(scene);
      }
    }
  });
}

Deno.test("nets, server: sizes that nobody has are refused, those beyond 4 GiB are announced", async () => {
  await using scene = await open();
  for (const size of [2n ** 64n - 1n, 2n ** 63n, 2n ** 44n + 1n]) {
    await play(scene, [
      ...UPLOAD.slice(0, 2),
      { send: u64(size) },
      { expect: F },
      { expect: "end" },
    ]);
  }
  for (const size of [2n ** 32n, 5n * 2n ** 30n]) {
    await play(scene, [
      ...UPLOAD.slice(0, 2),
      { send: u64(size) },
      { expect: T },
      { send: HELLO },
    ]);
    await scene.server.clock.advance(100);
  }
  assertEquals(await published(scene), ["a.txt", "empty"]);
  await assertNothingStaged(scene);
});

Deno.test("nets, server: what does not fit is refused before it is sent", async () => {
  await using scene = await open({
    wrap: (storage) =>
      patched(storage, {
        receive(path, asked) {
          // As on a disk with as much free space as one chunk.
          if ((asked.size ?? 0) > 1_048_576) {
            throw new StorageError("no-space", "it needs more than is free");
          }
          return storage.receive(path, asked);
        },
      }),
  });
  await play(scene, [
    ...UPLOAD.slice(0, 2),
    { send: u64(1_048_577) },
    { expect: F },
    { expect: "end" },
  ]);
  await play(scene, UPLOAD);
});

Deno.test("nets, server: a name that is being uploaded is in use, and missing for readers", async () => {
  await using scene = await open();
  using first = await dialDoor(scene);
  await playOn(scene, first, UPLOAD.slice(0, 2));
  await play(scene, [
    { send: request("U", "new") },
    { expect: F },
    { expect: "end" },
  ]);
  await playOn(scene, first, UPLOAD.slice(2, 4));
  await play(scene, [
    { send: request("D", "new") },
    { expect: offer("F", 0) },
    { expect: "end" },
  ]);
  first.close();
  await scene.server.clock.advance(2000);
  // Nobody holds it any more.
  await play(scene, UPLOAD);
  await play(scene, [{ send: request("U", "new") }, { expect: F }]);
});

Deno.test("nets, server: a read-only server refuses uploads and serves downloads", async () => {
  await using scene = await open({ readOnly: true });
  await play(scene, [{ send: request("U", "new") }, { expect: E }]);
  await play(scene, ROWS["a download"]!);
});

Deno.test("nets, server: silence in every state ends the connection, in bounded time", async () => {
  const ways: readonly (readonly Turn[])[] = [
    [],
    [{ send: request("D", "a.txt").subarray(0, 100) }],
    [{ send: request("D", "a.txt") }, { expect: offer("T", 5) }],
    UPLOAD.slice(0, 2),
    [...UPLOAD.slice(0, 2), { send: u64(5).subarray(0, 4) }],
    [...UPLOAD.slice(0, 4), { send: ascii("hell") }],
  ];
  for (const turns of ways) {
    await using scene = await open();
    await assertSilenceEnds(scene, turns);
  }
});

Deno.test("nets, server: who takes no bytes of a download is let go", async () => {
  await using scene = await open({
    files: { large: new Uint8Array(1_000_000) },
  });
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [
    { send: request("D", "large") },
    { expect: offer("T", 1_000_000) },
    { send: T },
  ]);
  await scene.server.clock.advance(120_000);
  assertEquals(scene.closings().length, 1);
  assert(scene.closings()[0]!.startsWith("timeout: "));
});

Deno.test("nets, server: a file that changes while it is sent never arrives whole", async () => {
  const random = new SeededRandom(3);
  await using scene = await open({
    files: { large: random.bytes(1_500_000) },
  });
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [
    { send: request("D", "large") },
    { expect: offer("T", 1_500_000) },
  ]);
  const file = await scene.server.disk.open("/root/large", "write");
  await file.write(ascii("more"), 1_500_000);
  file.close();
  await playOn(scene, socket, [{ send: T }]);
  const data = await scene.run(socket.recvToEnd());
  assert(data.length < 1_500_000, `${data.length} bytes came`);
});

Deno.test("nets, server: independent peers move files of every size", async () => {
  const random = new SeededRandom(1);
  for (const size of [0, 1, 1022, 1023, 1024, 1025, 4095, 4096, 4097]) {
    await using scene = await open();
    const data = random.bytes(size);
    using up = await dialDoor(scene);
    assertEquals(await scene.run(upload(up, "f", data)), "done");
    using down = await dialDoor(scene);
    assertEquals(await scene.run(download(down, "f")), data);
    using again = await dialDoor(scene);
    assertEquals(await scene.run(upload(again, "f", data)), "F");
  }
});

Deno.test("nets, server: a shutdown lets a transfer end, and begins none", async () => {
  await using scene = await open();
  using busy = await dialDoor(scene);
  await playOn(scene, busy, UPLOAD.slice(0, 4));
  using late = await dialDoor(scene);
  const stopped = scene.server.server.shutdown({ drain: 60_000 });
  await sendCut(scene, late, request("D", "a.txt"), WHOLE);
  assertEquals(await scene.run(late.recvAll(9)), offer("E", 0));
  await sendCut(scene, busy, HELLO, WHOLE);
  await scene.run(stopped);
  assertEquals(await scene.server.read("/root/new"), HELLO);
});
