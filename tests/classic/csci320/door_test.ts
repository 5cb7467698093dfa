import { assert, assertEquals } from "@std/assert";
import { csci320 } from "../../../lib/classic/csci320/mod.ts";
import type { ClassicDoorOptions } from "../../../lib/classic/types.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { BAD_NAMES, ESCAPING_LINKS, LONG_NAME } from "../bad_names.ts";
import { type DoorSceneOptions, openDoor } from "../door_scene.ts";
import { header, upload } from "../peers/csci320.ts";
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
  type Turn,
  WHOLE,
} from "../play.ts";

const HELLO = ascii("hello");
const GO_AHEAD = ascii("go ahead");
const REFUSED = ascii("refused");

function open(options: DoorSceneOptions & ClassicDoorOptions = {}) {
  return openDoor(csci320.door(options), options);
}

/** Announces and sends; the client closes then. */
async function send(
  scene: Awaited<ReturnType<typeof open>>,
  turns: readonly Turn[],
): Promise<void> {
  using socket = await dialDoor(scene);
  await playOn(scene, socket, turns);
  await socket.end();
  await scene.run(socket.recvToEnd());
}

const UPLOAD: readonly Turn[] = [
  { send: header("a", 5) },
  { expect: GO_AHEAD },
  { send: HELLO },
];

for (
  const [how, cut] of [
    ["whole", WHOLE],
    ["bytewise", BYTES],
    ["cut in the size", cutAt(3)],
    ["cut before the name", cutAt(8)],
  ] as const
) {
  Deno.test(`csci320, server: an upload, ${how}`, async () => {
    await using scene = await open();
    using socket = await dialDoor(scene);
    await playOn(scene, socket, UPLOAD, cut);
    assertEquals(await published(scene), []);
    socket.close();
    await scene.server.clock.advance(1000);
    assertEquals(await published(scene), ["a.temp"]);
    assertEquals(await scene.server.read("/root/a.temp"), HELLO);
    await assertNothingStaged(scene);
    const received = scene.events.find(({ type }) => type === "received");
    assert(received?.type === "received");
    assertEquals([received.path, received.size], ["a.temp", 5]);
  });
}

Deno.test("csci320, server: every cut of a long header is understood", async () => {
  await using scene = await open();
  const name = "n".repeat(200);
  const asked = header(name, 5);
  for (let at = 1; at < asked.length; at++) {
    using socket = await dialDoor(scene);
    await playOn(scene, socket, [
      { send: asked },
      { expect: GO_AHEAD },
    ], cutAt(at));
  }
  await scene.server.clock.advance(1000);
  // Every client has left, and every name was the whole one.
  const refusals = scene.events.filter((event) => event.type === "refusal");
  assertEquals(refusals.length, asked.length - 1);
  for (const { path } of refusals) assertEquals(path, name);
});

Deno.test("csci320, server: go ahead stands alone, in one send", async () => {
  await using scene = await open();
  using socket = await dialDoor(scene);
  await socket.send(header("a", 5));
  assertEquals(await scene.run(socket.recv(1024)), GO_AHEAD);
});

Deno.test("csci320, server: size 0 makes an empty file", async () => {
  await using scene = await open();
  await send(scene, [{ send: header("a", 0) }, { expect: GO_AHEAD }]);
  assertEquals((await scene.server.read("/root/a.temp")).length, 0);
});

Deno.test("csci320, server: a client that stays after the last byte is served, too", async () => {
  await using scene = await open();
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [...UPLOAD, { expect: "end" }]);
  assertEquals(await published(scene), ["a.temp"]);
});

Deno.test("csci320, server: the suffix is an option", async () => {
  for (const [suffix, name] of [["", "a"], [".new", "a.new"]] as const) {
    await using scene = await open({ suffix });
    await send(scene, UPLOAD);
    assertEquals(await published(scene), [name]);
  }
});

Deno.test("csci320, server: the conflict policy decides over a name that is taken", async () => {
  const files = { "a.temp": ascii("old") };
  for (const onConflict of [undefined, "fail", "skip"] as const) {
    await using scene = await open({ files, onConflict });
    await play(scene, [
      { send: header("a", 5) },
      { expect: REFUSED },
      { expect: "end" },
    ]);
    assertEquals(await scene.server.read("/root/a.temp"), ascii("old"));
    assertEquals(await published(scene), ["a.temp"]);
  }
  {
    await using scene = await open({ files, onConflict: "overwrite" });
    await send(scene, UPLOAD);
    assertEquals(await scene.server.read("/root/a.temp"), HELLO);
  }
  await using scene = await open({ files, onConflict: "rename" });
  await send(scene, UPLOAD);
  assertEquals(await published(scene), ["a-1.temp", "a.temp"]);
});

Deno.test("csci320, server: no bad name passes", async () => {
  // With its suffix a link's name is another name, and free.
  const isLink = (bytes: Uint8Array) =>
    new TextDecoder().decode(bytes) === ESCAPING_LINKS.file;
  for (const suffix of ["", ".temp"]) {
    await using scene = await open({ suffix });
    for (const { what, bytes } of [...BAD_NAMES, LONG_NAME]) {
      if (suffix !== "") {
        const name = new TextDecoder().decode(bytes);
        if (isLink(bytes) || [".", "..", ".ferry"].includes(name)) continue;
      }
      await play(scene, [
        { send: header(bytes, 5) },
        { expect: REFUSED },
        { expect: "end" },
      ]).catch((error) => {
        throw new Error(`${what}, suffix "${suffix}"`, { cause: error });
      });
    }
    assertEquals(await published(scene), []);
    assertEquals(await scene.server.read("/secret"), ascii("secret"));
  }
});

Deno.test("csci320, server: more bytes than announced publish nothing", async () => {
  for (const size of [5, 0]) {
    await using scene = await open();
    await send(scene, [
      { send: header("a", size) },
      { expect: GO_AHEAD },
      { send: ascii("hello!") },
    ]);
    assertEquals(await published(scene), []);
    await assertNothingStaged(scene);
    assertEquals(
      scene.closings(),
      ["protocol: more bytes came than were announced"],
    );
  }
});

Deno.test("csci320, server: a name that was cut by a long pause publishes nothing", async () => {
  await using scene = await open();
  using socket = await dialDoor(scene);
  const asked = header("name.txt", 5);
  await playOn(scene, socket, [
    { send: asked.subarray(0, 11) },
    { expect: GO_AHEAD },
    { send: asked.subarray(11) },
    { send: HELLO },
  ]);
  await scene.run(socket.recvToEnd());
  assertEquals(await published(scene), []);
  assertEquals(scene.closings().length, 1);
});

Deno.test("csci320, server: what comes seconds after the announced bytes still counts", async () => {
  await using scene = await open();
  using socket = await dialDoor(scene);
  const asked = header("name.txt", 5);
  await playOn(scene, socket, [
    { send: asked.subarray(0, 11) },
    { expect: GO_AHEAD },
    // As many bytes as announced, of them five of the name.
    { send: asked.subarray(11) },
  ]);
  await scene.server.clock.advance(2500);
  assertEquals(await published(scene), []);
  await socket.send(HELLO);
  await scene.run(socket.recvToEnd());
  assertEquals(await published(scene), []);
});

Deno.test("csci320, server: a header of more than 1024 bytes is none", async () => {
  await using scene = await open();
  await play(scene, [
    { send: header("n".repeat(1017), 5) },
    { expect: "end" },
  ]);
  assertEquals(
    scene.closings(),
    ["protocol: the header has more than 1024 bytes"],
  );
  // The longest one is read, and its name is too long for the disk.
  await play(scene, [
    { send: header("n".repeat(1016), 5) },
    { expect: REFUSED },
    { expect: "end" },
  ]);
});

Deno.test("csci320, server: sizes that nobody has are refused, those beyond 4 GiB are not", async () => {
  await using scene = await open();
  for (const size of [2n ** 64n - 1n, 2n ** 63n, 2n ** 44n + 1n]) {
    await play(scene, [
      { send: header("a", size) },
      { expect: REFUSED },
      { expect: "end" },
    ]);
  }
  await send(scene, [
    { send: header("a", 5n * 2n ** 30n) },
    { expect: GO_AHEAD },
    { send: HELLO },
  ]);
  assertEquals(await published(scene), []);
  await assertNothingStaged(scene);
});

for (const how of ["close", "reset", "half-close"] as const) {
  Deno.test(`csci320, server: a ${how} in every state leaves nothing behind`, async () => {
    const way: readonly Turn[] = [
      { send: header("a", 5).subarray(0, 4) },
      { send: header("a", 5).subarray(4) },
      { expect: GO_AHEAD },
      { send: ascii("hell") },
    ];
    for (let count = 0; count <= way.length; count++) {
      await using scene = await open();
      using socket = await dialDoor(scene);
      await playOn(scene, socket, way.slice(0, count));
      const { client } = scene.network.dialled.at(-1)!;
      if (how === "close") client.close();
      else if (how === "reset") client.reset();
      else await client.endWrite();
      await scene.server.clock.advance(5000);
      assertEquals(await published(scene), []);
      await assertNothingStaged(scene);
    }
  });
}

Deno.test("csci320, server: silence in every state ends the connection, in bounded time", async () => {
  const ways: readonly (readonly Turn[])[] = [
    [],
    [{ send: header("a", 5).subarray(0, 8) }],
    UPLOAD.slice(0, 2),
    [...UPLOAD.slice(0, 2), { send: ascii("hell") }],
  ];
  for (const turns of ways) {
    await using scene = await open();
    await assertSilenceEnds(scene, turns);
  }
});

Deno.test("csci320, server: a read-only server refuses", async () => {
  await using scene = await open({ readOnly: true });
  await play(scene, [{ send: header("a", 5) }, { expect: REFUSED }]);
});

Deno.test("csci320, server: independent peers upload files of every size", async () => {
  const random = new SeededRandom(1);
  for (
    const size of [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 155_648, 1_048_577]
  ) {
    await using scene = await open();
    const data = random.bytes(size);
    using socket = await dialDoor(scene);
    await scene.run(upload(socket, "f", data));
    socket.close();
    await scene.server.clock.advance(1000);
    assertEquals(
      joined(await scene.server.read("/root/f.temp")),
      joined(data),
    );
  }
});
