/** The cs372-login door, by clients that are made by hand. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { cs372Login } from "../../../lib/classic/cs372_login/mod.ts";
import { sleep } from "../../../lib/platform/mod.ts";
import { settle } from "../../helpers/fake_clock.ts";
import type { PipeEnd } from "../../helpers/pipe.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { BAD_NAMES, LONG_NAME } from "../bad_names.ts";
import {
  type DoorScene,
  type DoorSceneOptions,
  openDoor,
  type TestAccounts,
  withAccounts,
} from "../door_scene.ts";
import {
  callLogin,
  type LoginCall,
  type LoginRun,
} from "../peers/cs372_login_client.ts";
import { recv, recvAll, send } from "../peers/recv.ts";

const UTF8 = new TextEncoder();
const FILES = { "a.txt": UTF8.encode("hello"), "b c": new Uint8Array(0) };
const PASSWORDS = { alice: "secret", al: "x", bob: "pass word" };

interface LoginScene extends DoorScene {
  readonly tries: readonly string[];
}

async function open(
  options: DoorSceneOptions & Pick<TestAccounts, "denied"> = {},
): Promise<LoginScene> {
  const tries: string[] = [];
  const accounts = { passwords: PASSWORDS, tries, ...options };
  const door = withAccounts(cs372Login.door(), accounts);
  const scene = await openDoor(door, { files: FILES, ...options });
  return {
    ...scene,
    tries,
    [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose](),
  };
}

function call(
  { address, network, run, server: { clock } }: DoorScene,
  request: Partial<LoginCall>,
): Promise<LoginRun> {
  return run(callLogin({
    network,
    clock,
    server: address,
    user: "alice",
    password: "secret",
    request: "-l 4000",
    dataPort: 4000,
    ...request,
  }));
}

/** A client that is logged in. */
async function logIn(scene: DoorScene): Promise<PipeEnd> {
  const control = await scene.network.dial(scene.address);
  const login = async () => {
    await send(control, "alice");
    await sleep(scene.server.clock, 1000);
    await send(control, "secret");
    return await recv(control);
  };
  assertEquals(await scene.run(login()), "Match");
  return control;
}

async function assertClosed(scene: DoorScene, control: PipeEnd): Promise<void> {
  assertEquals(await scene.run(recv(control)), "");
  control.close();
  await settle();
}

Deno.test("-l: each name in a send of its own, then the mark alone", async () => {
  await using scene = await open();
  const { answers, isMarked, pieces } = await call(scene, {});
  assertEquals(answers, ["Match", "Command recognized"]);
  assert(isMarked);
  assertEquals(
    pieces.toSorted(),
    [".", "..", "a.txt", "b c", "escape", "folder", "way-out"],
  );
});

Deno.test("-l: a long listing ends some day", async () => {
  const names = Array.from({ length: 100 }, (_, at) => `name-${at}`);
  await using scene = await open({
    files: Object.fromEntries(names.map((name) => [name, new Uint8Array(0)])),
  });
  const began = scene.server.clock.monotonic();
  const { isMarked, pieces } = await call(scene, {});
  assert(isMarked);
  assertEquals(pieces.length, 100 + 2 + 3);
  const seconds = (scene.server.clock.monotonic() - began) / 1000;
  assert(seconds > 45 && seconds < 60, `${seconds} s`);
});

for (const size of [0, 1, 1022, 1023, 1024, 4096]) {
  Deno.test(`-g: the exact bytes of a file of ${size}, then the mark alone`, async () => {
    const bytes = new SeededRandom(size).bytes(size).map((byte) => byte & 127);
    await using scene = await open({ files: { f: bytes } });
    const run = await call(scene, { request: "-g f 4000" });
    assertEquals(run.answers, ["Match", "Command recognized", "FILE CORRECT"]);
    assert(run.isMarked);
    assertEquals(UTF8.encode(run.pieces.join("")), bytes);
    const sent = scene.events.find(({ type }) => type === "sent");
    assert(sent?.type === "sent");
    assertEquals([sent.user, sent.path, sent.size], ["alice", "f", size]);
  });
}

Deno.test("-g: 5 MB of random bytes", async () => {
  const bytes = new SeededRandom(5).bytes(5_000_000);
  await using scene = await open({ files: { f: bytes } });
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const control = await logIn(scene);
  await send(control, "-g f 4000");
  assertEquals(await scene.run(recv(control)), "Command recognized");
  const data = (await scene.run(listener.accept()))!;
  listener.close();
  const all = await scene.run(recvAll(data));
  assertEquals(all.subarray(0, -10), bytes);
  assertEquals(new TextDecoder().decode(all.subarray(-10)), "endOfInput");
  assertEquals(await scene.run(recv(control)), "FILE CORRECT");
  data.close();
  await assertClosed(scene, control);
});

Deno.test("-g: the mark comes two seconds after the last byte, and never for a file that changed", async () => {
  for (const isChanged of [false, true]) {
    await using scene = await open({ files: { f: new Uint8Array(3_000_000) } });
    const listener = scene.network.listen({
      hostname: "127.0.0.1",
      port: 4000,
    });
    const control = await logIn(scene);
    await send(control, "-g f 4000");
    const data = (await scene.run(listener.accept()))!;
    listener.close();
    if (isChanged) {
      const file = await scene.server.disk.open("/root/f", "write");
      await file.write(UTF8.encode("more"), 3_000_000);
      file.close();
    }
    const reads: (readonly [number, string])[] = [];
    const { clock } = scene.server;
    const readAll = async () => {
      for (;;) {
        const piece = await recv(data);
        if (piece === "") return;
        reads.push([clock.monotonic(), piece]);
      }
    };
    await scene.run(readAll());
    const [last, mark] = reads.slice(-2);
    assertEquals(mark![1] === "endOfInput", !isChanged);
    if (!isChanged) assert(mark![0] - last![0] >= 2000);
    data.close();
    control.close();
    await settle();
  }
});

Deno.test("-g: a name of two words is understood, since the port comes last", async () => {
  await using scene = await open();
  const { answers, isMarked } = await call(scene, { request: "-g b c 4000" });
  assertEquals(answers[2], "FILE CORRECT");
  assert(isMarked);
});

for (const { what, bytes } of [...BAD_NAMES, LONG_NAME]) {
  Deno.test(`-g: there is no file for ${what}`, async () => {
    await using scene = await open();
    const request = await new Blob(["-g ", bytes, " 4000"]).bytes();
    const control = await logIn(scene);
    await send(control, request);
    assertEquals(await scene.run(recv(control)), "Command recognized");
    const listener = scene.network.listen({
      hostname: "127.0.0.1",
      port: 4000,
    });
    const data = (await scene.run(listener.accept()))!;
    listener.close();
    assertEquals(await scene.run(recv(control)), "NO FILE WITH THAT NAME");
    assertEquals(await scene.run(recv(data)), "");
    data.close();
    await assertClosed(scene, control);
  });
}

Deno.test("-g: there is no file for what is not there, and for a folder", async () => {
  await using scene = await open();
  for (const name of ["missing", "folder", "folder/missing"]) {
    const { answers } = await call(scene, { request: `-g ${name} 4000` });
    assertEquals(answers[2], "NO FILE WITH THAT NAME");
  }
});

Deno.test("what is no request, or names a port that is not dialled, is told so", async () => {
  await using scene = await open();
  const requests = [
    "-x 4000",
    "-l",
    "-g a.txt",
    "-l 80",
    "-l 1023",
    "-l 65536",
    "-l  4000",
    "bye",
  ];
  for (const request of requests) {
    const { answers } = await call(scene, { request });
    assertEquals(answers, ["Match", "There is no command like that"], request);
  }
  assertEquals(scene.network.dialled.length, requests.length);
  assertEquals(
    scene.events.filter(({ type }) => type === "refusal").length,
    requests.length,
  );
});

Deno.test("a request that the user has no right to is told so", async () => {
  for (const denied of ["list", "read"] as const) {
    await using scene = await open({ denied });
    const request = denied === "list" ? "-l 4000" : "-g a.txt 4000";
    const { answers } = await call(scene, { request });
    assertEquals(answers, ["Match", "There is no command like that"]);
    const refusal = scene.events.find(({ type }) => type === "refusal");
    assert(refusal?.type === "refusal" && refusal.code === "denied");
  }
});

Deno.test("wrong user or password: No match, one try, and nothing of it in a log", async () => {
  const wrong = [
    ["alice", "Secret"],
    ["Alice", "secret"],
    ["nobody", "secret"],
    ["bob", "pass"],
    ["alice", "secret "],
  ] as const;
  for (const [user, password] of wrong) {
    await using scene = await open();
    const { answers } = await call(scene, { user, password });
    assertEquals(answers, ["No match"]);
    assertEquals(scene.tries, [`${user}:${password}`]);
    const told = JSON.stringify(scene.events);
    assert(!told.includes(password) && !told.includes('log-in"'), told);
  }
});

Deno.test("user and password in one go: parted where only one account can be meant", async () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ["bob", "pass word", "Match", "bob:pass word"],
    ["bob", "wrong", "No match", "bob:wrong"],
    // "al" and "alice" are both accounts.
    ["alice", "secret", "No match", ":alicesecret"],
    ["al", "x", "Match", "al:x"],
    ["nobody", "secret", "No match", ":nobodysecret"],
    ["bob", "", "No match", ":bob"],
  ];
  for (const [user, password, answer, tried] of cases) {
    await using scene = await open();
    const run = await call(scene, { user, password, pause: "none" });
    assertEquals(run.answers[0], answer, user);
    assertEquals(scene.tries, [tried]);
    if (answer === "Match") assert(run.isMarked);
  }
});

Deno.test("a shorter or longer pause before the password is no matter", async () => {
  for (const pause of [600, 1000, 2000, 3500]) {
    await using scene = await open();
    const { answers } = await call(scene, { pause });
    assertEquals(answers[0], "Match", String(pause));
  }
  await using scene = await open();
  // Too short to be seen: parted by the accounts.
  const request = { user: "bob", password: "pass word", pause: 100 };
  assertEquals((await call(scene, request)).answers[0], "Match");
});

Deno.test("every message may come in pieces, cut anywhere", async () => {
  const messages = ["alice", "secret", "-g a.txt 4000"];
  for (const [step, message] of messages.entries()) {
    for (let at = 1; at < message.length; at++) {
      await using scene = await open();
      const { clock } = scene.server;
      const control = await scene.network.dial(scene.address);
      const say = async (each: number) => {
        const whole = messages[each]!;
        if (each !== step) return await send(control, whole);
        await send(control, whole.slice(0, at));
        await sleep(clock, 200);
        await send(control, whole.slice(at));
      };
      const conversation = async () => {
        await say(0);
        await sleep(clock, 1000);
        await say(1);
        assertEquals(await recv(control), "Match");
        await say(2);
        assertEquals(await recv(control), "Command recognized");
        const listener = scene.network.listen({
          hostname: "127.0.0.1",
          port: 4000,
        });
        const data = (await listener.accept())!;
        listener.close();
        assertEquals(
          new TextDecoder().decode(await recvAll(data)),
          "helloendOfInput",
        );
        data.close();
      };
      await scene.run(conversation());
      control.close();
    }
  }
});

Deno.test("a client that listens three seconds late is served", async () => {
  await using scene = await open();
  const request = { request: "-g a.txt 4000", listenDelay: 3000 };
  assertEquals((await call(scene, request)).pieces, ["hello"]);
});

Deno.test("a client that never listens is given up, with a reason", async () => {
  await using scene = await open();
  const control = await logIn(scene);
  await send(control, "-l 4000");
  assertEquals(await scene.run(recv(control)), "Command recognized");
  await assertClosed(scene, control);
  assertMatch(scene.closings()[0]!, /^unavailable: .*port 4000/);
  await scene.server.assertServes();
});

Deno.test("what comes too early or is too long ends the connection", async () => {
  await using scene = await open();
  const early = await logIn(scene);
  await send(early, "-l 4000");
  assertEquals(await scene.run(recv(early)), "Command recognized");
  await send(early, "-l 4001");
  await assertClosed(scene, early);
  const long = await scene.network.dial(scene.address);
  await send(long, "x".repeat(1025));
  await assertClosed(scene, long);
  assertMatch(scene.closings()[0]!, /^protocol: .*before it had its answer/);
  assertMatch(scene.closings()[1]!, /^protocol: .*1024 bytes/);
  await scene.server.assertServes();
});

for (const ending of ["close", "reset"] as const) {
  Deno.test(`a client that ends by ${ending} at any step leaves nothing`, async () => {
    const listens: readonly (readonly string[])[] = [
      [],
      ["alice"],
      ["alice", "secret"],
      ["alice", "secret", "-l 4000"],
    ];
    for (const messages of listens) {
      await using scene = await open();
      const { clock } = scene.server;
      const control = await scene.network.dial(scene.address);
      for (const [step, message] of messages.entries()) {
        await send(control, message);
        await clock.advance(1000);
        if (step > 0) await recv(control);
      }
      control[ending]();
      control.close();
      await settle();
      await clock.advance(500);
      const before = scene.network.dialled.length;
      await clock.advance(20_000);
      assertEquals(scene.network.dialled.length, before);
      assertEquals(scene.network.openCount, 0);
      await scene.server.assertServes();
    }
  });
}

Deno.test("a listing ends when the control connection does", async () => {
  await using scene = await open();
  const listener = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const control = await logIn(scene);
  await send(control, "-l 4000");
  const data = (await scene.run(listener.accept()))!;
  listener.close();
  assertEquals(await scene.run(recv(data)), ".");
  control.close();
  await settle();
  assertEquals(await scene.run(recv(data)), "");
  data.close();
});

Deno.test("who says nothing is not waited for for ever", async () => {
  await using scene = await open();
  const mute = await scene.network.dial(scene.address);
  await assertClosed(scene, mute);
  const idle = await logIn(scene);
  await assertClosed(scene, idle);
  assertMatch(scene.closings()[0]!, /^timeout/);
  assertMatch(scene.closings()[1]!, /^timeout: the request .*60 s/);
});
