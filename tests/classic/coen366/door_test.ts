import { assert, assertEquals } from "@std/assert";
import { coen366 } from "../../../lib/classic/coen366/mod.ts";
import type { ClassicDoorOptions } from "../../../lib/classic/types.ts";
import { StorageError } from "../../../lib/storage/mod.ts";
import { patched } from "../../helpers/patched.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { BAD_NAMES, LONG_NAME } from "../bad_names.ts";
import {
  type DoorScene,
  type DoorSceneOptions,
  openDoor,
} from "../door_scene.ts";
import {
  changeHeader,
  Coen366Peer,
  fileHeader,
  getHeader,
  putHeader,
  putHeaderBytes,
} from "../peers/coen366.ts";
import { ascii, joined } from "../peers/socket.ts";
import {
  assertNothingStaged,
  BYTES,
  type Cut,
  cutAt,
  dialDoor,
  play,
  playOn,
  published,
  type Turn,
  WHOLE,
} from "../play.ts";

const HELLO = ascii("hello");
const DONE = ascii("00000000");
const NOT_FOUND = ascii("01000000");
const REFUSED = ascii("10100000");
const UNKNOWN = ascii("01100000");
const HELP = ascii("01100000");
const COMMANDS = ascii("11011101Cmds: get put change help bye");

function open(
  options: DoorSceneOptions & ClassicDoorOptions = {},
): Promise<DoorScene> {
  return openDoor(coen366.door(options), {
    files: { "a.txt": HELLO, empty: new Uint8Array(0) },
    ...options,
  });
}

/** Every row of the document's table. */
const ROWS: Readonly<Record<string, readonly Turn[]>> = {
  "put": [{ send: joined(putHeader("new", 5), HELLO) }, { expect: DONE }],
  "put with the data by itself": [
    { send: putHeader("new", 5) },
    { send: HELLO },
    { expect: DONE },
  ],
  "put of an empty file": [{ send: putHeader("new", 0) }, { expect: DONE }],
  "get": [
    { send: getHeader("a.txt") },
    { expect: joined(fileHeader("a.txt", 5), HELLO) },
  ],
  "get of an empty file": [
    { send: getHeader("empty") },
    { expect: fileHeader("empty", 0) },
  ],
  "get of a missing file": [
    { send: getHeader("missing") },
    { expect: NOT_FOUND },
  ],
  "get of a folder": [{ send: getHeader("folder") }, { expect: NOT_FOUND }],
  "change": [{ send: changeHeader("a.txt", "b.txt") }, { expect: DONE }],
  "change of a missing file": [
    { send: changeHeader("missing", "b.txt") },
    { expect: NOT_FOUND },
  ],
  "change onto an existing name": [
    { send: changeHeader("a.txt", "empty") },
    { expect: REFUSED },
  ],
  "help": [{ send: HELP }, { expect: COMMANDS }],
  "a code that is none": [{ send: ascii("10000000") }, { expect: UNKNOWN }],
  "help with a bit set": [{ send: ascii("01100001") }, { expect: UNKNOWN }],
  "text": [{ send: ascii("list the files") }, { expect: UNKNOWN }],
};

const AFTER: Readonly<Record<string, readonly string[]>> = {
  "put": ["a.txt", "empty", "new"],
  "put with the data by itself": ["a.txt", "empty", "new"],
  "put of an empty file": ["a.txt", "empty", "new"],
  "change": ["b.txt", "empty"],
};

for (const [name, turns] of Object.entries(ROWS)) {
  for (const [how, cut] of [["whole", WHOLE], ["bytewise", BYTES]] as const) {
    Deno.test(`coen366, server: ${name}, ${how}`, async () => {
      await using scene = await open();
      // The next request is understood, whatever the answer was.
      await play(
        scene,
        [...turns, { send: HELP }, { expect: COMMANDS }],
        cut,
      );
      assertEquals(await published(scene), AFTER[name] ?? ["a.txt", "empty"]);
      await assertNothingStaged(scene);
    });
  }
}

Deno.test("coen366, server: every cut of every header is understood", async () => {
  const requests: readonly (readonly [Uint8Array, Uint8Array])[] = [
    [putHeader("empty", 0), REFUSED],
    [getHeader("a.txt"), joined(fileHeader("a.txt", 5), HELLO)],
    [changeHeader("a.txt", "empty"), REFUSED],
    [HELP, COMMANDS],
  ];
  await using scene = await open();
  using socket = await dialDoor(scene);
  for (const [send, expect] of requests) {
    for (let at = 1; at < send.length; at++) {
      await playOn(scene, socket, [{ send }, { expect }], cutAt(at));
    }
  }
});

Deno.test("coen366, server: a bit that is none is no request, wherever it stands", async () => {
  const whole = [putHeader("new", 5), changeHeader("a", "b"), getHeader("a")];
  const isBit: readonly ((at: number) => boolean)[] = [
    (at) => at < 8 || at >= 11,
    (at) => at < 8 || at >= 9 && at < 17,
    (at) => at < 8,
  ];
  await using scene = await open();
  using socket = await dialDoor(scene);
  for (const [index, header] of whole.entries()) {
    for (let at = 0; at < header.length; at++) {
      if (!isBit[index]!(at)) continue;
      const send = header.slice();
      send[at] = 0x32;
      await playOn(scene, socket, [{ send }, { expect: UNKNOWN }]);
    }
  }
  assertEquals(await published(scene), ["a.txt", "empty"]);
});

Deno.test("coen366, server: what never stops to be no request is not read for ever", async () => {
  await using scene = await open();
  await play(scene, [
    { send: ascii("x".repeat(1025)) },
    { expect: "end" },
  ]);
  assertEquals(scene.closings().length, 1);
});

Deno.test("coen366, server: requests that do not wait for the answer end the connection, and change nothing", async () => {
  const pairs = [
    joined(HELP, HELP),
    joined(getHeader("a.txt"), getHeader("a.txt")),
    joined(changeHeader("a.txt", "b.txt"), HELP),
    joined(putHeader("new", 5), HELLO, HELP),
  ];
  for (const send of pairs) {
    await using scene = await open();
    await play(scene, [{ send }, { expect: "end" }]);
    assertEquals(scene.closings().length, 1);
    assert(scene.closings()[0]!.startsWith("protocol: "));
    assertEquals(await published(scene), ["a.txt", "empty"]);
    await assertNothingStaged(scene);
  }
});

Deno.test("coen366, server: the conflict policy decides over a put onto an existing name", async () => {
  for (const onConflict of [undefined, "fail", "skip"] as const) {
    await using scene = await open({ onConflict });
    await play(scene, [
      { send: putHeader("a.txt", 3) },
      { send: ascii("new") },
      { expect: REFUSED },
      // The bytes were dropped, not taken for a request.
      { send: HELP },
      { expect: COMMANDS },
    ]);
    assertEquals(await scene.server.read("/root/a.txt"), HELLO);
  }
  {
    await using scene = await open({ onConflict: "overwrite" });
    await play(scene, [
      { send: joined(putHeader("a.txt", 3), ascii("new")) },
      { expect: DONE },
    ]);
    assertEquals(await scene.server.read("/root/a.txt"), ascii("new"));
  }
  await using scene = await open({ onConflict: "rename" });
  await play(scene, [
    { send: joined(putHeader("a.txt", 3), ascii("new")) },
    { expect: DONE },
  ]);
  assertEquals(await published(scene), ["a-1.txt", "a.txt", "empty"]);
});

Deno.test("coen366, server: a refused put is told before its last byte", async () => {
  await using scene = await open();
  using socket = await dialDoor(scene);
  await playOn(scene, socket, [
    { send: putHeader("a.txt", 200_000) },
    { expect: REFUSED },
    { send: new Uint8Array(200_000) },
    { send: HELP },
    { expect: COMMANDS },
  ]);
});

/** Bad names as far as 5 bits can tell their length, and an empty one. */
const NAMES = [
  ...BAD_NAMES,
  { what: "an empty name", bytes: new Uint8Array(0) },
].filter(({ bytes }) => bytes.length <= 31);

const BY_NAME: Readonly<
  Record<string, (name: Uint8Array) => readonly [Uint8Array, Uint8Array]>
> = {
  get: (name) => [getHeader(name), NOT_FOUND],
  put: (name) => [joined(putHeaderBytes(name, 5), HELLO), REFUSED],
  "change from": (name) => [changeHeader(name, "b"), NOT_FOUND],
  "change to": (name) => [changeHeader("a.txt", name), REFUSED],
};

for (const [request, make] of Object.entries(BY_NAME)) {
  Deno.test(`coen366, server: no bad name passes by ${request}`, async () => {
    await using scene = await open({ onConflict: "overwrite" });
    using socket = await dialDoor(scene);
    const names = request === "change to" ? [...NAMES, LONG_NAME] : NAMES;
    assert(names.length > 20);
    for (const { what, bytes } of names) {
      // A link is an entry like any other, and may be renamed where it is.
      if (request === "change from" && what === "a link to a file outside") {
        continue;
      }
      if (bytes.length > 255) continue;
      const [send, expect] = make(bytes);
      await playOn(scene, socket, [{ send }, { expect }]).catch((error) => {
        throw new Error(what, { cause: error });
      });
    }
    assertEquals(await published(scene), ["a.txt", "empty"]);
    assertEquals(await scene.server.read("/secret"), ascii("secret"));
    assertEquals(await scene.server.read("/outside/secret"), ascii("secret"));
  });
}

Deno.test("coen366, server: more bytes than announced publish nothing", async () => {
  await using scene = await open();
  await play(scene, [
    { send: joined(putHeader("new", 5), ascii("hello!")) },
    { expect: "end" },
  ]);
  assertEquals(await published(scene), ["a.txt", "empty"]);
  await assertNothingStaged(scene);
});

for (const how of ["close", "reset", "half-close"] as const) {
  Deno.test(`coen366, server: a ${how} in every state leaves nothing behind`, async () => {
    const ways: readonly (readonly Turn[])[] = [
      [],
      [{ send: putHeader("new", 5).subarray(0, 20) }],
      [{ send: putHeader("new", 5) }],
      [{ send: joined(putHeader("new", 5), ascii("hell")) }],
      [{ send: joined(putHeader("a.txt", 5), ascii("hell")) }],
      [{ send: getHeader("a.txt").subarray(0, 4) }],
      ROWS["get"]!,
      ROWS["help"]!,
    ];
    for (const way of ways) {
      await using scene = await open();
      using socket = await dialDoor(scene);
      await playOn(scene, socket, way);
      const { client } = scene.network.dialled.at(-1)!;
      if (how === "close") client.close();
      else if (how === "reset") client.reset();
      else await client.endWrite();
      await scene.server.clock.advance(2000);
      assertEquals(await published(scene), ["a.txt", "empty"]);
      await assertNothingStaged(scene);
    }
  });
}

Deno.test("coen366, server: silence inside a request ends the connection; at the prompt minutes may pass", async () => {
  const ways: readonly (readonly Turn[])[] = [
    [{ send: HELP.subarray(0, 7) }],
    [{ send: putHeader("new", 5) }],
    [{ send: joined(putHeader("new", 5), ascii("hell")) }],
  ];
  for (const turns of ways) {
    await using scene = await open();
    using socket = await dialDoor(scene);
    await scene.server.clock.advance(300_000);
    await playOn(scene, socket, turns);
    await scene.server.clock.advance(5000);
    assertEquals(scene.closings(), []);
    await scene.server.clock.advance(60_000);
    await scene.run(socket.recvToEnd());
    assert(scene.closings()[0]!.startsWith("timeout: "), scene.closings()[0]);
    await assertNothingStaged(scene);
  }
  await using scene = await open();
  using socket = await dialDoor(scene);
  await scene.server.clock.advance(601_000);
  assertEquals(scene.closings(), ["timeout: no request in 10 min"]);
  await scene.run(socket.recvToEnd());
});

Deno.test("coen366, server: prompts never take more than half of all connections", async () => {
  await using scene = await open({ limits: { connectionCountMax: 4 } });
  using one = await dialDoor(scene);
  using two = await dialDoor(scene);
  await scene.server.clock.advance(10);
  await play(scene, [{ expect: "end" }]);
  await playOn(scene, one, ROWS["help"]!);
  two.close();
  await scene.server.clock.advance(10);
  await play(scene, ROWS["help"]!);
});

Deno.test("coen366, server: 200 clients are served at once", async () => {
  await using scene = await open();
  const random = new SeededRandom(5);
  const sockets = await Promise.all(
    Array.from({ length: 200 }, () => dialDoor(scene)),
  );
  // All are in the middle of a put at the same time.
  const data = sockets.map(() => random.bytes(random.size(1, 3000)));
  for (const [index, socket] of sockets.entries()) {
    const bytes = data[index]!;
    await socket.send(putHeader(`f${index}`, bytes.length));
    await socket.send(bytes.subarray(0, bytes.length >> 1));
  }
  for (const [index, socket] of sockets.entries()) {
    const bytes = data[index]!;
    await socket.send(bytes.subarray(bytes.length >> 1));
  }
  await scene.run(Promise.all(sockets.map(async (socket, index) => {
    assertEquals(await socket.recvAll(8), DONE);
    assertEquals(await new Coen366Peer(socket).get(`f${index}`), data[index]);
    socket.close();
  })));
});

Deno.test("coen366, server: a file beyond 32 bits of size cannot be told, and is not found", async () => {
  await using scene = await open({
    wrap: (storage) =>
      patched(storage, {
        async openSource(...asked) {
          const source = await storage.openSource(...asked);
          const fingerprint = { ...source.fingerprint, size: 2 ** 32 };
          return patched(source, { fingerprint });
        },
      }),
  });
  await play(scene, [{ send: getHeader("a.txt") }, { expect: NOT_FOUND }]);
  const refusal = scene.events.find((event) => event.type === "refusal");
  assertEquals(refusal?.code, "too-large");
});

/** A server whose disk takes nothing. */
function openFull(): Promise<DoorScene> {
  return open({
    wrap: (storage) =>
      patched(storage, {
        async receive(...asked) {
          const start = await storage.receive(...asked);
          if (start.kind === "settled") return start;
          const receiving = patched(start.receiving, {
            writeChunk: () =>
              Promise.reject(new StorageError("no-space", "full")),
          });
          return { kind: "receiving", receiving };
        },
      }),
  });
}

Deno.test("coen366, server: a put that fails after its last byte is refused", async () => {
  await using scene = await openFull();
  await play(scene, [
    { send: joined(putHeader("new", 5), HELLO) },
    { expect: REFUSED },
    { send: HELP },
    { expect: COMMANDS },
  ]);
  assertEquals(await published(scene), ["a.txt", "empty"]);
  await assertNothingStaged(scene);
});

Deno.test("coen366, server: a put that fails in the middle is refused, and the connection ends", async () => {
  await using scene = await openFull();
  using socket = await dialDoor(scene);
  await socket.send(putHeader("new", 3_000_000));
  const sending = socket.send(new Uint8Array(1_100_000)).catch(() => {});
  assertEquals(await scene.run(socket.recvAll(8)), REFUSED);
  assertEquals((await scene.run(socket.recvToEnd())).length, 0);
  await sending;
  socket.close();
  await scene.server.clock.advance(2000);
  assertEquals(await published(scene), ["a.txt", "empty"]);
  await assertNothingStaged(scene);
});

Deno.test("coen366, server: a read-only server refuses changes and serves reads", async () => {
  await using scene = await open({ readOnly: true });
  await play(scene, [
    { send: joined(putHeader("new", 5), HELLO) },
    { expect: REFUSED },
    { send: changeHeader("a.txt", "b.txt") },
    { expect: REFUSED },
    ...ROWS["get"]!,
  ]);
});

Deno.test("coen366, server: changes and transfers are reported", async () => {
  await using scene = await open();
  await play(scene, [
    ...ROWS["put"]!,
    ...ROWS["get"]!,
    ...ROWS["change"]!,
    ...ROWS["get of a missing file"]!,
  ]);
  await scene.server.clock.advance(10);
  const told = scene.events.map((event) =>
    event.type === "change"
      ? [event.type, event.request, event.details]
      : "request" in event
      ? [event.type, event.request, event.path]
      : [event.type]
  );
  assertEquals(told, [
    ["connected"],
    ["log-in"],
    ["received", "PUT", "new"],
    ["sent", "GET", "a.txt"],
    ["change", "CHANGE", { from: "a.txt", path: "b.txt" }],
    ["refusal", "GET", "missing"],
    ["log-out"],
    ["disconnected"],
  ]);
});

Deno.test("coen366, server: an independent peer moves files of every size, on one connection", async () => {
  const random = new SeededRandom(1);
  await using scene = await open();
  using socket = await dialDoor(scene);
  const peer = new Coen366Peer(socket);
  for (
    const size of [0, 1, 1023, 1024, 1025, 4095, 4096, 4097, 155_648, 1_048_577]
  ) {
    const data = random.bytes(size);
    assertEquals(await scene.run(peer.put(`${size}`, data)), "00000000");
    const back = await scene.run(peer.get(`${size}`));
    assert(typeof back !== "string");
    assertEquals(joined(back), joined(data));
  }
  assertEquals(await scene.run(peer.change("1", "one")), "00000000");
  assertEquals(
    await scene.run(peer.help()),
    "110Cmds: get put change help bye",
  );
});

Deno.test("coen366, server: a file of the root's size in every cut of its data", async () => {
  const cuts: readonly Cut[] = [cutAt(44), cutAt(50), cutAt(45)];
  for (const cut of cuts) {
    await using scene = await open();
    await play(scene, ROWS["put"]!, cut);
    assertEquals(await scene.server.read("/root/new"), HELLO);
  }
});
