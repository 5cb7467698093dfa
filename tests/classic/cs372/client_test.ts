/** The cs372 client, against servers that are made by hand. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { cs372 } from "../../../lib/classic/cs372/mod.ts";
import type { ClassicConnectOptions } from "../../../lib/classic/types.ts";
import { sleep } from "../../../lib/platform/mod.ts";
import { settle } from "../../helpers/fake_clock.ts";
import type { PipeEnd } from "../../helpers/pipe.ts";
import { SeededRandom } from "../../helpers/seeded_random.ts";
import { writeMemory } from "../../helpers/test_server.ts";
import { ClientScene, collector } from "../client_scene.ts";
import { type Cs372Behaviour, serveCs372 } from "../peers/cs372_server.ts";
import { recv, send } from "../peers/recv.ts";

const UTF8 = new TextEncoder();
const FILES = { "a.txt": UTF8.encode("hello") };

function open(
  options: Partial<ClassicConnectOptions> = {},
): Promise<ClientScene> {
  return ClientScene.open(cs372, options);
}

function serve(
  scene: ClientScene,
  behaviour: Cs372Behaviour = {},
): Promise<readonly string[]> {
  return serveCs372(scene.listener, scene, { files: FILES, ...behaviour });
}

Deno.test("list: the names as they come", async () => {
  await using scene = await open();
  const server = serve(scene);
  const { names, warnings } = await scene.against(scene.client.list!(), server);
  assertEquals(names, [".", "..", "a.txt"]);
  assertEquals(warnings, []);
  const [command, port, address] = await server;
  assertEquals([command, address], ["-l", "127.0.0.1"]);
  assert(Number(port) >= 1024);
});

Deno.test("list: without the padding of the original server, and an empty one", async () => {
  const listing = new Uint8Array(199_999);
  listing.set(UTF8.encode(".\n..\n"));
  for (const bytes of [listing, new Uint8Array(0)]) {
    await using scene = await open();
    const server = serve(scene, { onData: (data) => send(data, bytes) });
    const { names, warnings } = await scene.against(
      scene.client.list!(),
      server,
    );
    assertEquals(names, bytes.length > 0 ? [".", ".."] : []);
    assertEquals(warnings.length, bytes.length > 0 ? 1 : 0);
  }
});

Deno.test("list: one that is cut, or never ends, is none", async () => {
  await using scene = await open();
  const cut = serve(scene, { onData: (data) => send(data, ".\n..\na.t") });
  await scene.fails("connection-lost", scene.client.list!(), cut);
  const endless = serve(scene, {
    async onData(data) {
      const names = UTF8.encode("name\n".repeat(10_000));
      for (;;) await send(data, names);
    },
  });
  await scene.fails("limit", scene.client.list!(), endless);
});

for (const size of [0, 1, 1022, 1023, 1024, 4095, 4096, 4097, 5_000_000]) {
  Deno.test(`get: the exact bytes of a file of ${size}`, async () => {
    await using scene = await open();
    const bytes = new SeededRandom(size).bytes(size);
    const receipt = await scene.against(
      scene.client.get!("f", "/local"),
      serve(scene, { files: { f: bytes } }),
    );
    assertEquals(await scene.read("/local"), bytes);
    const { path, local, verified, acknowledged, durable, wireBytes } = receipt;
    assertEquals([path, local, receipt.size], ["f", "/local", size]);
    assertEquals([verified, acknowledged, durable], [false, false, true]);
    assert(wireBytes > size + 20 && wireBytes < size + 40, `${wireBytes}`);
    assertEquals(receipt.warnings.length, 1);
    assertMatch(receipt.warnings[0]!, /only sign that the file is whole/);
  });
}

for (const size of [0, 1, 1023, 1024, 4096, 152_010]) {
  Deno.test(`get: ${size} bytes of text from a server that pads`, async () => {
    await using scene = await open();
    const bytes = UTF8.encode("a line of text\n".repeat(11_000)).slice(0, size);
    const receipt = await scene.against(
      scene.client.get!("f", "/local"),
      serve(scene, { files: { f: bytes }, pads: true }),
    );
    assertEquals(await scene.read("/local"), bytes);
    assertEquals(receipt.size, size);
    assertMatch(
      receipt.warnings[1]!,
      new RegExp(`${199_999 - size} NUL bytes`),
    );
  });
}

Deno.test("get: what has NULs at its end in any other size is kept", async () => {
  for (const size of [199_998, 200_000, 1023]) {
    await using scene = await open();
    const bytes = new Uint8Array(size);
    bytes[0] = 1;
    const { warnings } = await scene.against(
      scene.client.get!("f", "/local"),
      serve(scene, { files: { f: bytes } }),
    );
    assertEquals(await scene.read("/local"), bytes);
    assertEquals(warnings.length, 1);
  }
});

Deno.test("get: down a stream, which is not closed", async () => {
  await using scene = await open();
  const { bytes, stream } = collector();
  const file = new SeededRandom(2).bytes(300_000);
  const seen: number[] = [];
  const receipt = await scene.against(
    scene.client.get!("f", stream, {
      onProgress: ({ transferred, total }) => {
        assertEquals(total, undefined);
        seen.push(transferred);
      },
    }),
    serve(scene, { files: { f: file } }),
  );
  assertEquals(await bytes(), file);
  assertEquals([receipt.local, receipt.durable], [undefined, false]);
  assertEquals(seen.at(-1), 300_000);
  await stream.close();
});

Deno.test("get: a file that the server has not", async () => {
  for (const pads of [false, true]) {
    await using scene = await open();
    const server = serve(scene, {
      onData: async (data) => {
        const reply = new Uint8Array(pads ? 199_999 : 15);
        reply.set(UTF8.encode("File not found."));
        await send(data, reply);
      },
    });
    await scene.fails("not-found", scene.client.get!("b", "/local"), server);
    assertEquals(await scene.names(), []);
  }
});

Deno.test("get: the conflict policies decide on the local name", async () => {
  const cases = [
    ["overwrite", "hello", "replaced"],
    ["rename", "old", "renamed"],
    ["skip", "old", "skipped"],
  ] as const;
  for (const [onConflict, content, publication] of cases) {
    await using scene = await open();
    await writeMemory(scene.disk, "/a.txt", UTF8.encode("old"));
    const server = serve(scene);
    const operation = scene.client.get!("a.txt", "/a.txt", { onConflict });
    const receipt = await scene.against(operation, server);
    assertEquals(receipt.publication, publication);
    assertEquals(new TextDecoder().decode(await scene.read("/a.txt")), content);
    if (publication === "renamed") {
      assertEquals(receipt.local, "/a-1.txt");
      assertEquals(await scene.read("/a-1.txt"), FILES["a.txt"]);
    }
  }
});

Deno.test("get: an existing local name, or a missing local folder, is told before anything is fetched", async () => {
  await using scene = await open();
  await writeMemory(scene.disk, "/a.txt", UTF8.encode("old"));
  const heard = serve(scene);
  await scene.fails("exists", scene.client.get!("a.txt", "/a.txt"), heard);
  assertEquals(await heard, [""]);
  const again = serve(scene);
  await scene.fails("not-found", scene.client.get!("a.txt", "/no/a"), again);
  assertEquals(await again, [""]);
});

Deno.test("names that this wire cannot carry are refused here", async () => {
  await using scene = await open();
  for (const name of ["", "a\nb", "a\0", "\ud800", "x".repeat(1025)]) {
    const heard = serve(scene);
    await scene.fails("bad-name", scene.client.get!(name, "/local"), heard);
    assertEquals(await heard, [""]);
  }
});

Deno.test("a server that pauses before it dials is waited for", async () => {
  await using scene = await open();
  const server = serve(scene, { dialDelay: 5000 });
  const operation = scene.client.get!("a.txt", "/local");
  assertEquals((await scene.against(operation, server)).size, 5);
});

Deno.test("a reply in small pieces with pauses is taken as a whole", async () => {
  await using scene = await open();
  const server = serve(scene, {
    async onData(data) {
      for (const byte of "hello, world") {
        await send(data, byte);
        await sleep(scene.clock, 3000);
      }
    },
  });
  await scene.against(scene.client.get!("a.txt", "/local"), server);
  assertEquals(
    new TextDecoder().decode(await scene.read("/local")),
    "hello, world",
  );
});

Deno.test("an answer that is not OK ends the operation", async () => {
  const cases = [
    ["220 ready\r\n", "wrong-protocol", "protocol"],
    ["ok", "wrong-protocol", "protocol"],
    [null, "connect-failed", "connection-lost"],
  ] as const;
  for (const [answer, first, later] of cases) {
    for (let step = 0; step < 4; step++) {
      await using scene = await open();
      const answers = [...Array(step).fill(undefined), answer];
      await scene.fails(
        step === 0 ? first : later,
        scene.client.get!("a.txt", "/local"),
        serve(scene, { answers }),
      );
      assertEquals(await scene.names(), []);
    }
  }
});

Deno.test("an answer in two pieces is one, and a second one too many is the end", async () => {
  await using scene = await open();
  const halves = async () => {
    const control = (await scene.listener.accept())!;
    for (let step = 0; step < 3; step++) {
      await recv(control);
      await send(control, "O");
      await sleep(scene.clock, 2000);
      await send(control, "K");
    }
    await send(control, "OK");
    await sleep(scene.clock, 1000);
    control.close();
  };
  const message = await scene.fails("protocol", scene.client.list!(), halves());
  assertMatch(message, /"OK" came, and nothing was to come/);
});

Deno.test("a server that falls silent counts as gone, at every step", async () => {
  for (let step = 0; step < 4; step++) {
    await using scene = await open({ timeout: 10_000 });
    const silent = async () => {
      const control = (await scene.listener.accept())!;
      for (let each = 0; each < step; each++) {
        await recv(control);
        await send(control, "OK");
      }
      while (await recv(control) !== "") { /* says nothing */ }
      control.close();
    };
    await scene.fails(
      step === 0 ? "connect-failed" : "connection-lost",
      scene.client.get!("a.txt", "/local"),
      silent(),
    );
  }
});

Deno.test("no data connection: the reason is told, with the port", async () => {
  await using scene = await open({ dataPort: 4000, timeout: 5000 });
  const never = async () => {
    const control = (await scene.listener.accept())!;
    while (await recv(control) !== "") await send(control, "OK");
    control.close();
  };
  const message = await scene.fails(
    "connection-lost",
    scene.client.get!("a.txt", "/local"),
    never(),
  );
  assertMatch(message, /port 4000/);
  const left = await scene.fails(
    "connection-lost",
    scene.client.list!(),
    serve(scene, { neverDials: true }),
  );
  assertMatch(left, /closed the connection without/);
});

Deno.test("a server that closes the control connection first can still deliver", async () => {
  await using scene = await open();
  const early = async () => {
    const control = (await scene.listener.accept())!;
    let port = 0;
    for (const step of [0, 1, 2, 3]) {
      const heard = await recv(control);
      if (step === 1) port = Number(heard);
      await send(control, "OK");
    }
    control.close();
    await sleep(scene.clock, 1500);
    const data = await scene.network.dial({ hostname: "127.0.0.1", port });
    await send(data, "late");
    data.close();
  };
  const operation = scene.client.get!("a.txt", "/local");
  assertEquals((await scene.against(operation, early())).size, 4);
});

Deno.test("a reply that breaks or falls silent in the middle leaves no file", async () => {
  const breaks: readonly NonNullable<Cs372Behaviour["onData"]>[] = [
    async (data) => {
      await send(data, new Uint8Array(100));
      await settle();
      (data as PipeEnd).reset();
    },
    async (data) => {
      await send(data, new Uint8Array(1_500_000));
      while (await recv(data) !== "") { /* keeps it open */ }
    },
  ];
  for (const onData of breaks) {
    await using scene = await open({ timeout: 5000 });
    await scene.fails(
      "connection-lost",
      scene.client.get!("a.txt", "/local"),
      serve(scene, { onData }),
    );
    assertEquals(await scene.names(), []);
  }
});

Deno.test("a stranger on the data port is turned away", async () => {
  await using scene = await open({ dataPort: 4000 });
  scene.network.onDial = ({ server }, index) => {
    // The second connection comes from elsewhere.
    if (index === 1) {
      Object.defineProperty(server, "remote", {
        value: { hostname: "192.0.2.7", port: 1 },
      });
    }
  };
  const server = async () => {
    const control = (await scene.listener.accept())!;
    await recv(control);
    await send(control, "OK");
    const stranger = await scene.network.dial({
      hostname: "127.0.0.1",
      port: 4000,
    });
    await send(stranger, "evil");
    for (let step = 0; step < 3; step++) {
      await recv(control);
      await send(control, "OK");
    }
    assertEquals(await recv(stranger), "");
    stranger.close();
    const data = await scene.network.dial({
      hostname: "127.0.0.1",
      port: 4000,
    });
    await send(data, "good");
    data.close();
    control.close();
  };
  await scene.against(scene.client.get!("a.txt", "/local"), server());
  assertEquals(new TextDecoder().decode(await scene.read("/local")), "good");
});

Deno.test("a data port that is taken, or that servers do not dial", async () => {
  await using scene = await open({ dataPort: 4000 });
  const other = scene.network.listen({ hostname: "127.0.0.1", port: 4000 });
  const message = await scene.fails(
    "unavailable",
    scene.client.list!(),
    serve(scene),
  );
  assertMatch(message, /4000 .*in use/);
  other.close();
  await using low = await open({ dataPort: 80 });
  await low.fails("unsupported", low.client.list!(), serve(low));
});

Deno.test("a server over IPv6 cannot be told where to connect to", async () => {
  await using scene = await open({ hostname: "::1" });
  scene.network.onDial = ({ client }) => {
    Object.defineProperty(client, "local", {
      value: { hostname: "::1", port: 5 },
    });
  };
  const message = await scene.fails(
    "unsupported",
    scene.client.list!(),
    serve(scene),
  );
  assertMatch(message, /IPv4/);
});

Deno.test("nobody listens, or nobody answers the dialling", async () => {
  await using scene = await open({ port: 9 });
  await scene.fails("connect-failed", scene.client.list!());
  await using hung = await open({ timeout: 3000 });
  hung.network.dialFailures.push("hang");
  await hung.fails("connect-failed", hung.client.list!());
});

Deno.test("a signal, or the end of the client, ends what runs", async () => {
  const ends: readonly ((scene: ClientScene, end: AbortController) => void)[] =
    [
      (_, end) => end.abort(),
      (scene) => void scene.client.close(),
    ];
  for (const end of ends) {
    for (const moment of [0, 100, 700, 5000]) {
      await using scene = await open();
      const controller = new AbortController();
      const server = serve(scene, {
        dialDelay: 1000,
        onData: async (data) => {
          await send(data, "some");
          while (await recv(data) !== "") { /* never ends */ }
        },
      });
      const operation = scene.client.get!("a.txt", "/local", {
        signal: controller.signal,
      });
      operation.catch(() => {});
      await scene.clock.advance(moment);
      end(scene, controller);
      const began = scene.clock.monotonic();
      await scene.fails("cancelled", operation, server);
      assert(scene.clock.monotonic() - began <= 1100);
      assertEquals(await scene.names(), []);
    }
  }
});
