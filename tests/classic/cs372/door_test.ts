/** The cs372 door, by clients that are made by hand. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { cs372 } from "../../../lib/classic/cs372/mod.ts";
import { sleep } from "../../../lib/platform/mod.ts";
import { NetworkError } from "../../../lib/transport/mod.ts";
import { settle } from "../../helpers/fake_clock.ts";
import type { PipeEnd } from "../../helpers/pipe.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { BAD_NAMES, LONG_NAME } from "../bad_names.ts";
import {
  type DoorScene,
  type DoorSceneOptions,
  openDoor,
  without,
  withVisit,
} from "../door_scene.ts";
import { callCs372, type Cs372Call } from "../peers/cs372_client.ts";
import { recv, recvAll, send } from "../peers/recv.ts";

const UTF8 = new TextEncoder();
const FILES = { "a.txt": UTF8.encode("hello"), "b c.bin": new Uint8Array(3) };

function open(options: DoorSceneOptions = {}): Promise<DoorScene> {
  return openDoor(cs372.door(), { files: FILES, ...options });
}

/** Lets a whole client run. */
function call(
  { address, network, run, server: { clock } }: DoorScene,
  request: Pick<Cs372Call, "command"> & Partial<Cs372Call>,
): Promise<Uint8Array> {
  const all = { network, clock, server: address, dataPort: 4000, ...request };
  return run(callCs372(all));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A client that says its messages and waits for each `OK`. */
async function say(
  scene: DoorScene,
  ...messages: readonly (string | Uint8Array<ArrayBuffer>)[]
): Promise<PipeEnd> {
  const control = await scene.network.dial(scene.address);
  for (const message of messages) {
    await send(control, message);
    assertEquals(await scene.run(recv(control)), "OK");
  }
  return control;
}

/** That the server ends a connection without another word. */
async function assertClosed(scene: DoorScene, control: PipeEnd): Promise<void> {
  assertEquals(await scene.run(recv(control)), "");
  control.close();
  await settle();
}

Deno.test("-l: every name with a line feed, . and .. among them", async () => {
  await using scene = await open();
  const listing = text(await call(scene, { command: "-l" }));
  assert(listing.endsWith("\n"));
  assertEquals(
    listing.split("\n").slice(0, -1).sort(),
    [".", "..", "a.txt", "b c.bin", "escape", "folder", "way-out"],
  );
});

Deno.test("-l: what cannot be listed line by line is left out", async () => {
  await using scene = await open({
    files: { "two\nlines": new Uint8Array(0), "é": new Uint8Array(0) },
  });
  const names = text(await call(scene, { command: "-l" })).split("\n");
  assert(!names.includes("two"));
  assert(names.includes("é"));
});

Deno.test("-l: thousands of names, and none twice", async () => {
  const names = Array.from({ length: 5000 }, (_, at) => `a-longer-name-${at}`);
  await using scene = await open({
    files: Object.fromEntries(names.map((name) => [name, new Uint8Array(0)])),
  });
  const listed = text(await call(scene, { command: "-l" })).split("\n");
  assertEquals(new Set(listed).size, listed.length);
  assertEquals(listed.length, 5000 + 2 + 3 + 1);
});

for (const size of [0, 1, 1022, 1023, 1024, 4095, 4096, 4097, 5_000_000]) {
  Deno.test(`-g: the exact bytes of a file of ${size}`, async () => {
    const bytes = new SeededRandom(size).bytes(size);
    await using scene = await open({ files: { "f": bytes } });
    assertEquals(await call(scene, { command: "-g", file: "f" }), bytes);
    const sent = scene.events.find(({ type }) => type === "sent");
    assert(sent?.type === "sent");
    assertEquals([sent.user, sent.path, sent.size], ["anonymous", "f", size]);
  });
}

Deno.test("-g: 152 KB of text, and a file of NULs and nothing else", async () => {
  const lines = UTF8.encode("a line of text\n".repeat(10_134));
  const nuls = new Uint8Array(199_999);
  await using scene = await open({ files: { lines, nuls } });
  assertEquals(await call(scene, { command: "-g", file: "lines" }), lines);
  assertEquals(await call(scene, { command: "-g", file: "nuls" }), nuls);
});

Deno.test("-g: a file in a folder, with a name of several words in Unicode", async () => {
  const name = "folder/süß und 🐟.txt";
  await using scene = await open({ files: { [name]: UTF8.encode("x") } });
  assertEquals(
    text(await call(scene, { command: "-g", file: name })),
    "x",
  );
});

for (const { what, bytes } of [...BAD_NAMES, LONG_NAME]) {
  Deno.test(`-g: not found is what comes for ${what}`, async () => {
    await using scene = await open();
    const reply = await call(scene, { command: "-g", file: bytes });
    assertEquals(text(reply), "File not found.");
    assertEquals(
      scene.events.filter(({ type }) => type === "refusal").length,
      1,
    );
  });
}

Deno.test("-g: a name with control characters is not found even where it exists", async () => {
  const names = ["a.txt\n", "a\r.txt", "\u001b[2Ja.txt", "a\u009b.txt"];
  await using scene = await open({
    files: Object.fromEntries(names.map((name) => [name, UTF8.encode("x")])),
  });
  for (const file of names) {
    const reply = await call(scene, { command: "-g", file });
    assertEquals(text(reply), "File not found.");
  }
});

Deno.test("the server waits for the end of the data connection before it closes the other", async () => {
  await using scene = await open();
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  for (const isHeld of [true, false]) {
    const control = await say(scene, "-g", "4000", "127.0.0.1", "a.txt");
    const data = (await scene.run(listener.accept()))!;
    assertEquals(text(await scene.run(recvAll(data))), "hello");
    const began = scene.server.clock.monotonic();
    const isOver = () => scene.events.at(-1)!.type === "disconnected";
    await scene.server.clock.advance(1000);
    assertEquals(isOver(), false);
    if (!isHeld) data.close();
    await assertClosed(scene, control);
    const waited = scene.server.clock.monotonic() - began;
    assert(isHeld ? waited >= 4950 && waited <= 5100 : waited <= 1100);
    data.close();
  }
  listener.close();
});

Deno.test("-g: a file that changes while it is sent is told in the log", async () => {
  await using scene = await open({ files: { big: new Uint8Array(3_000_000) } });
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const control = await say(scene, "-g", "4000", "127.0.0.1", "big");
  const data = (await scene.run(listener.accept()))!;
  listener.close();
  const file = await scene.server.disk.open("/root/big", "write");
  await file.write(UTF8.encode("more"), 3_000_000);
  file.close();
  await scene.run(recvAll(data));
  data.close();
  await assertClosed(scene, control);
  const refusal = scene.events.find(({ type }) => type === "refusal");
  assert(refusal?.type === "refusal" && refusal.code === "changed");
  assert(!scene.events.some(({ type }) => type === "sent"));
});

Deno.test("-g: not found for what is not there, and for a folder", async () => {
  await using scene = await open();
  for (const file of ["missing.txt", "folder", "folder/missing"]) {
    const reply = await call(scene, { command: "-g", file });
    assertEquals(text(reply), "File not found.");
  }
});

Deno.test("an unknown command is acknowledged, and brings nothing", async () => {
  await using scene = await open();
  for (const command of ["-x", "list", "-list", "l", "-L"]) {
    assertEquals((await call(scene, { command })).length, 0);
  }
});

Deno.test("a client that listens three seconds late is served", async () => {
  await using scene = await open();
  const request = { command: "-g", file: "a.txt", listenDelay: 3000 };
  assertEquals(text(await call(scene, request)), "hello");
});

Deno.test("a client that never listens is given up, with a reason", async () => {
  await using scene = await open();
  const control = await say(scene, "-l", "4000", "127.0.0.1");
  const began = scene.server.clock.monotonic();
  await assertClosed(scene, control);
  const waited = scene.server.clock.monotonic() - began;
  assert(waited >= 9000 && waited <= 12_000, `${waited} ms`);
  assertMatch(scene.closings()[0]!, /^unavailable: .*port 4000.*refused/);
  await scene.server.assertServes();
});

Deno.test("whose address is another machine's is refused, and logged", async () => {
  for (
    const address of ["192.0.2.7", "10.0.0.1", "0.0.0.0", "255.255.255.255"]
  ) {
    await using scene = await open();
    const control = await say(scene, "-l", "4000");
    await send(control, address);
    await assertClosed(scene, control);
    assertMatch(scene.closings()[0]!, /^denied: .*another machine/);
    assert(scene.closings()[0]!.includes(address));
    await scene.server.assertServes();
  }
});

Deno.test("an address of the same machine is taken, and the peer is dialled", async () => {
  await using scene = await open();
  const reply = await call(scene, {
    command: "-g",
    file: "a.txt",
    address: "127.0.1.1",
  });
  assertEquals(text(reply), "hello");
});

for (const port of ["0", "1", "80", "1023"]) {
  Deno.test(`port ${port} is not dialled`, async () => {
    await using scene = await open();
    const control = await say(scene, "-l");
    await send(control, port);
    await assertClosed(scene, control);
    assertMatch(scene.closings()[0]!, /^denied: .*1024/);
    assertEquals(scene.network.dialled.length, 1);
  });
}

Deno.test("what is no port, no address, too long or more than one message ends it", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["-l"], "x"],
    [["-l"], "65536"],
    [["-l"], "99999"],
    [["-l"], "04000"],
    [["-l"], "-4000"],
    [["-l"], "4000 "],
    [["-l"], "4000\n"],
    [["-l"], "4000127.0.0.1"],
    [["-l", "4000"], "localhost"],
    [["-l", "4000"], "::1"],
    [["-l", "4000"], "127.0.0.256"],
    [["-l", "4000"], "127.0.0.1.1"],
    [["-l", "4000"], "127..0.1"],
    [["-l", "4000"], "127.0.0.01"],
    [["-g", "4000"], "127.0.0.1a.txt"],
    [[], "-l4000127.0.0.1"],
    [[], "-g4000"],
    [[], "x".repeat(1025)],
    [["-g", "4000", "127.0.0.1"], "x".repeat(4097)],
  ];
  for (const [before, last] of cases) {
    await using scene = await open();
    const control = await say(scene, ...before);
    await send(control, last);
    await assertClosed(scene, control);
    assertMatch(scene.closings()[0] ?? "", /^protocol: /, last);
    await scene.server.assertServes();
  }
});

Deno.test("every message may come in pieces, cut anywhere", async () => {
  const messages = ["-g", "4000", "127.0.0.1", "a.txt"];
  for (const [step, message] of messages.entries()) {
    for (let at = 1; at < message.length; at++) {
      await using scene = await open();
      const { clock } = scene.server;
      const control = await scene.network.dial(scene.address);
      const conversation = async () => {
        for (const [each, whole] of messages.entries()) {
          if (each === step) {
            await send(control, whole.slice(0, at));
            await sleep(clock, 200);
            await send(control, whole.slice(at));
          } else await send(control, whole);
          assertEquals(await recv(control), "OK");
        }
        const listener = scene.network.listen({
          hostname: "127.0.0.1",
          port: 4000,
        });
        const data = (await listener.accept())!;
        listener.close();
        assertEquals(text(await recvAll(data)), "hello");
        data.close();
        control.close();
      };
      await scene.run(conversation());
    }
  }
});

Deno.test("single bytes with long gaps are understood once the gaps are known", async () => {
  await using scene = await open();
  const { clock } = scene.server;
  const control = await scene.network.dial(scene.address);
  const conversation = async () => {
    for (const message of ["-g", "4000", "127.0.0.1", "a.txt"]) {
      for (const byte of message) {
        await send(control, byte);
        await sleep(clock, 550);
      }
      assertEquals(await recv(control), "OK");
    }
    const listener = scene.network.listen({
      hostname: "127.0.0.1",
      port: 4000,
    });
    const data = (await listener.accept())!;
    listener.close();
    assertEquals(text(await recvAll(data)), "hello");
    data.close();
  };
  await scene.run(conversation());
  control.close();
});

Deno.test("who goes on talking instead of listening is ended", async () => {
  await using scene = await open();
  const control = await say(scene, "-l", "4000", "127.0.0.1");
  await send(control, "more");
  await assertClosed(scene, control);
  assertMatch(scene.closings()[0]!, /^protocol: .*before it had its answer/);
  await scene.server.assertServes();
});

const PREFIXES: readonly (readonly string[])[] = [
  [],
  ["-g"],
  ["-g", "4000"],
  ["-g", "4000", "127.0.0.1"],
  ["-g", "4000", "127.0.0.1", "a.txt"],
];

for (const ending of ["close", "reset"] as const) {
  for (const prefix of PREFIXES) {
    Deno.test(`a client that ends by ${ending} after ${prefix.length} messages leaves nothing`, async () => {
      await using scene = await open();
      const control = await say(scene, ...prefix);
      control[ending]();
      control.close();
      await settle();
      await scene.server.clock.advance(500);
      // Nobody dials for it any more: only what was dialled before is there.
      const before = scene.network.dialled.length;
      await scene.server.clock.advance(20_000);
      assertEquals(scene.network.dialled.length, before);
      assertEquals(scene.network.openCount, 0);
      await scene.server.assertServes();
    });
  }
}

Deno.test("a message that is never finished ends by time, at every step", async () => {
  for (const [step, prefix] of PREFIXES.slice(0, -1).entries()) {
    await using scene = await open();
    const control = await say(scene, ...prefix);
    if (step === 2) await send(control, "127.");
    await assertClosed(scene, control);
    // The first one is the time to say anything at all.
    const reason = step === 0 ? /^timeout: / : /^timeout: .*within 15 s/;
    assertMatch(scene.closings()[0]!, reason);
  }
});

Deno.test("a trickle that never pauses is no message either", async () => {
  for (const pause of [100, 10]) {
    await using scene = await open();
    const { clock } = scene.server;
    const control = await say(scene, "-g", "4000", "127.0.0.1");
    const began = clock.monotonic();
    const trickle = async () => {
      try {
        for (;;) {
          await send(control, "x");
          await sleep(clock, pause);
        }
      } catch (error) {
        assert(error instanceof NetworkError);
      }
    };
    await scene.run(trickle());
    control.close();
    assertMatch(scene.closings()[0]!, /^timeout: the file name/);
    assert(clock.monotonic() - began < 16_000);
  }
});

Deno.test("a transfer ends when the control connection does", async () => {
  const bytes = new Uint8Array(5_000_000);
  await using scene = await open({ files: { big: bytes } });
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const control = await say(scene, "-g", "4000", "127.0.0.1", "big");
  const data = (await listener.accept())!;
  listener.close();
  await scene.run(recv(data));
  control.close();
  await settle();
  const rest = await scene.run(recvAll(data).catch(() => new Uint8Array(0)));
  assert(rest.length < bytes.length - 1024);
  data.close();
  await settle();
  assertEquals(scene.server.disk.openHandles, 0);
  const refusal = scene.events.find(({ type }) => type === "refusal");
  assert(refusal?.type === "refusal" && refusal.path !== undefined);
});

Deno.test("a transfer ends when its own connection is reset, and when nobody reads", async () => {
  await using scene = await open({ files: { big: new Uint8Array(5_000_000) } });
  for (const kind of ["reset", "stall"]) {
    const listener = scene.network.listen({
      hostname: "127.0.0.1",
      port: 4000,
    });
    const control = await say(scene, "-g", "4000", "127.0.0.1", "big");
    const data = (await scene.run(listener.accept()))!;
    listener.close();
    if (kind === "reset") (data as PipeEnd).reset();
    assertEquals(await scene.run(recv(control)), "");
    data.close();
    control.close();
    await settle();
    assertEquals(scene.server.disk.openHandles, 0);
  }
  await scene.server.assertServes();
});

Deno.test("a user without the right sees an empty folder and no files", async () => {
  for (const right of ["list", "read"] as const) {
    const door = withVisit(cs372.door(), (visit) => ({
      admit: async (shown) => without(await visit.admit(shown), right),
    }));
    await using scene = await openDoor(door, { files: FILES });
    const request = right === "list"
      ? { command: "-l" }
      : { command: "-g", file: "a.txt" };
    assertEquals(
      text(await call(scene, request)),
      right === "list" ? "" : "File not found.",
    );
    const refusal = scene.events.find(({ type }) => type === "refusal");
    assert(refusal?.type === "refusal");
    assertEquals([refusal.code, refusal.reason], ["denied", "not for you"]);
  }
});

Deno.test("many clients are served at once", async () => {
  await using scene = await open();
  const replies = await scene.run(Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      callCs372({
        network: scene.network,
        clock: scene.server.clock,
        server: scene.address,
        command: at % 2 === 0 ? "-l" : "-g",
        ...at % 2 === 0 ? {} : { file: "a.txt" },
        dataPort: 4000 + at,
      })),
  ));
  for (const [at, reply] of replies.entries()) {
    if (at % 2 === 1) assertEquals(text(reply), "hello");
    else assert(text(reply).includes("a.txt\n"));
  }
});

Deno.test("a shutdown that does not wait ends a transfer, and that is nobody's fault", async () => {
  for (const isListening of [true, false]) {
    await using scene = await open({
      files: { big: new Uint8Array(3_000_000) },
    });
    const listener = scene.network.listen({
      hostname: "127.0.0.1",
      port: isListening ? 4000 : 5000,
    });
    const control = await say(scene, "-g", "4000", "127.0.0.1", "big");
    const data = isListening ? await scene.run(listener.accept()) : undefined;
    await settle();
    await scene.run(scene.server.server.shutdown({ drain: 0 }));
    listener.close();
    control.close();
    data?.close();
    assertMatch(scene.closings()[0]!, /^connection-lost: the server closes/);
  }
});

Deno.test("a shutdown waits for a transfer that runs", async () => {
  const bytes = new SeededRandom(1).bytes(3_000_000);
  await using scene = await open({ files: { big: bytes } });
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const control = await say(scene, "-g", "4000", "127.0.0.1", "big");
  const data = (await scene.run(listener.accept()))!;
  listener.close();
  await settle();
  const shutdown = scene.server.server.shutdown({ drain: 5000 });
  const reply = await scene.run(recvAll(data));
  assertEquals(reply, bytes);
  data.close();
  control.close();
  await scene.run(shutdown);
});
