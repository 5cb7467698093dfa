/** The cs372-login client, against servers that are made by hand. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { cs372Login } from "../../../lib/classic/cs372_login/mod.ts";
import type { ClassicConnectOptions } from "../../../lib/classic/types.ts";
import { FerryError } from "../../../lib/client/mod.ts";
import { sleep } from "../../../lib/platform/mod.ts";
import type { PipeEnd } from "../../helpers/pipe.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { ClientScene, collector } from "../client_scene.ts";
import {
  type LoginBehaviour,
  serveLogin,
} from "../peers/cs372_login_server.ts";
import { recv, send } from "../peers/recv.ts";

const UTF8 = new TextEncoder();
const FILES = { "a.txt": UTF8.encode("hello"), "b": new Uint8Array(0) };

function open(
  options: Partial<ClassicConnectOptions> = {},
): Promise<ClientScene> {
  const login = { user: "alice", password: "secret" };
  return ClientScene.open(cs372Login, { ...login, ...options });
}

function serve(
  scene: ClientScene,
  behaviour: LoginBehaviour = {},
): Promise<readonly string[]> {
  return serveLogin(scene.listener, scene, { files: FILES, ...behaviour });
}

Deno.test("list: one name for each send, told apart by the pauses", async () => {
  for (const spacing of [1000, 250, 50]) {
    await using scene = await open();
    const server = serve(scene, { spacing });
    const { names, warnings } = await scene.against(
      scene.client.list!(),
      server,
    );
    assertEquals(names, [".", "..", "a.txt", "b"]);
    assertEquals(warnings.length, 1);
    const [user, password, request] = await server;
    assertEquals([user, password], ["alice", "secret"]);
    assertMatch(request!, /^-l [0-9]{4,5}$/);
  }
});

Deno.test("the password comes a second after the user name", async () => {
  await using scene = await open();
  const pauses: number[] = [];
  const server = serve(scene, { onPause: (pause) => void pauses.push(pause) });
  await scene.against(scene.client.list!(), server);
  assertEquals(pauses, [1000]);
});

Deno.test("list: a server that leaves the connection open after the mark", async () => {
  await using scene = await open();
  const server = serve(scene, { lingers: 60_000 });
  const { names } = await scene.against(scene.client.list!(), server);
  assertEquals(names.length, 4);
});

Deno.test("list: without the mark it is not whole", async () => {
  await using scene = await open({ timeout: 5000 });
  const cut = serve(scene, { onData: (data) => send(data, ".") });
  await scene.fails("connection-lost", scene.client.list!(), cut);
  const silent = serve(scene, {
    onData: async (data) => {
      await send(data, "endOf");
      while (await recv(data) !== "") { /* says nothing more */ }
    },
  });
  await scene.fails("connection-lost", scene.client.list!(), silent);
});

for (
  const size of [0, 1, 1022, 1023, 1024, 4095, 4096, 4097, 152_010, 5_000_000]
) {
  Deno.test(`get: the exact bytes of a file of ${size}`, async () => {
    await using scene = await open();
    const bytes = new SeededRandom(size + 1).bytes(size);
    const receipt = await scene.against(
      scene.client.get!("f", "/local"),
      serve(scene, { files: { f: bytes } }),
    );
    assertEquals(await scene.read("/local"), bytes);
    const { acknowledged, path, verified, warnings, wireBytes } = receipt;
    assertEquals([path, receipt.size], ["f", size]);
    assertEquals([verified, acknowledged, warnings], [false, true, []]);
    assert(wireBytes > size + 60 && wireBytes < size + 100, `${wireBytes}`);
  });
}

for (const size of [0, 1, 1022, 1023, 1024, 152_010]) {
  Deno.test(`get: ${size} bytes from a server that pads: kept, with a warning`, async () => {
    await using scene = await open();
    const bytes = UTF8.encode("a line of text\n".repeat(11_000)).slice(0, size);
    const { warnings } = await scene.against(
      scene.client.get!("f", "/local"),
      serve(scene, { files: { f: bytes }, pads: true }),
    );
    const got = await scene.read("/local");
    const padding = 1023 - size % 1023;
    assertEquals(got.subarray(0, size), bytes);
    assertEquals(got.subarray(size), new Uint8Array(padding));
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0]!, new RegExp(`ends with ${padding} NUL bytes`));
  });
}

Deno.test("get: the mark may come together with bytes of the file, and be in it", async () => {
  for (const content of ["", "x", "endOfInput", "aendOfInputb"]) {
    await using scene = await open();
    const server = serve(scene, {
      onData: (data) => send(data, `${content}endOfInput`),
    });
    await scene.against(scene.client.get!("a.txt", "/local"), server);
    assertEquals(new TextDecoder().decode(await scene.read("/local")), content);
  }
});

Deno.test("get: without the mark, or cut in it, nothing is stored", async () => {
  for (const content of ["", "hello", "helloendOfInpu", "helloendOfInput\n"]) {
    await using scene = await open();
    const server = serve(scene, { onData: (data) => send(data, content) });
    await scene.fails(
      "connection-lost",
      scene.client.get!("a.txt", "/local"),
      server,
    );
    assertEquals(await scene.names(), []);
  }
});

Deno.test("get: down a stream", async () => {
  await using scene = await open();
  const { bytes, stream } = collector();
  await scene.against(scene.client.get!("a.txt", stream), serve(scene));
  assertEquals(await bytes(), FILES["a.txt"]);
});

Deno.test("get: a file that the server has not, said before or after it dials", async () => {
  for (const answersEarly of [false, true]) {
    await using scene = await open();
    const server = serve(scene, { answersEarly });
    await scene.fails("not-found", scene.client.get!("no", "/local"), server);
    assertEquals(await scene.names(), []);
  }
});

Deno.test("get: the answer about the file may overtake the data connection", async () => {
  await using scene = await open();
  const server = serve(scene, { answersEarly: true });
  const operation = scene.client.get!("a.txt", "/local");
  assertEquals((await scene.against(operation, server)).size, 5);
});

Deno.test("a wrong password is refused, and a request that the server does not know", async () => {
  await using scene = await open({ password: "wrong" });
  await scene.fails("login-refused", scene.client.list!(), serve(scene));
  await using other = await open();
  await other.fails(
    "denied",
    other.client.list!(),
    serve(other, { requestAnswer: "There is no command like that" }),
  );
});

Deno.test("without user or password nothing is dialled", async () => {
  for (const login of [{ user: "" }, { password: "" }]) {
    const error = await assertRejects(() => open(login), FerryError);
    assertEquals(error.code, "login-refused");
  }
});

Deno.test("answers that this protocol does not have", async () => {
  await using scene = await open();
  await scene.fails(
    "wrong-protocol",
    scene.client.list!(),
    serve(scene, { loginAnswer: "530 Login incorrect" }),
  );
  await scene.fails(
    "protocol",
    scene.client.list!(),
    serve(scene, { requestAnswer: "Command" + "s recognized" }),
  );
  const ended = async () => {
    const control = (await scene.listener.accept())!;
    await recv(control);
    control.close();
  };
  await scene.fails("connect-failed", scene.client.list!(), ended());
});

Deno.test("a reply that is reset or falls silent leaves no file", async () => {
  const breaks: readonly NonNullable<LoginBehaviour["onData"]>[] = [
    async (data) => {
      await send(data, new Uint8Array(100));
      (data as PipeEnd).reset();
    },
    async (data) => {
      await send(data, new Uint8Array(1_500_000));
      while (await recv(data) !== "") { /* keeps it open */ }
    },
  ];
  for (const onData of breaks) {
    await using scene = await open({ timeout: 5000 });
    const server = serve(scene, { onData });
    await scene.fails(
      "connection-lost",
      scene.client.get!("a.txt", "/local"),
      server,
    );
    assertEquals(await scene.names(), []);
  }
});

Deno.test("a signal ends what runs, also in the pause before the password", async () => {
  for (const moment of [500, 1500, 2500]) {
    await using scene = await open();
    const controller = new AbortController();
    const server = serve(scene, {
      onData: async (data) => {
        await sleep(scene.clock, 1000);
        while (await recv(data) !== "") { /* never ends */ }
      },
    });
    const { signal } = controller;
    const operation = scene.client.get!("a.txt", "/local", { signal });
    operation.catch(() => {});
    await scene.clock.advance(moment);
    controller.abort();
    const began = scene.clock.monotonic();
    await scene.fails("cancelled", operation, server);
    assert(scene.clock.monotonic() - began <= 1100);
    assertEquals(await scene.names(), []);
  }
});
