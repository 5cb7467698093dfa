/**
 * Peers that are not there, silent, or speak something else.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { encodeMessage, ERROR_CODES } from "../../lib/protocol/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { Gate, localTree, sceneTest, until, visibleTree } from "./scene.ts";

/** A listener that does this with every connection. */
function stranger(
  answer: (conn: Deno.TcpConn) => Promise<void>,
): AsyncDisposable & { readonly host: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const running: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      open.push(conn);
      running.push(answer(conn).catch(() => {}));
    }
  })();
  return {
    host: `127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) {
        try {
          conn.close();
        } catch {
          // The answer closed it.
        }
      }
      await Promise.all([accepting.catch(() => {}), ...running]);
    },
  };
}

sceneTest("an unknown host", async (scene) => {
  await scene.fails(
    ["ls", "tcp://no-such-host.invalid"],
    3,
    "Cannot connect to no-such-host.invalid:65430: host name is unknown (is the name right?)",
  );
});

sceneTest("a refused port", async (scene) => {
  await scene.fails(
    ["ls", "127.0.0.1:1"],
    3,
    "Cannot connect to 127.0.0.1:1: connection refused (is ferryd running there?)",
  );
  const events = await scene.events(["ls", "127.0.0.1:1"], { code: 3 });
  assertEquals(events, [{
    event: "error",
    code: "connect-failed",
    message:
      "Cannot connect to 127.0.0.1:1: connection refused (is ferryd running there?)",
    path: null,
    side: "remote",
  }]);
});

sceneTest("a server of another version", async (scene) => {
  const message = "this server speaks protocol version 2, the client 1";
  const newer = scene.keep(stranger(async (conn) => {
    await conn.read(new Uint8Array(1000));
    const body = { code: ERROR_CODES.unsupported, message };
    await conn.write(encodeMessage({ type: "FAIL", id: 0, body }));
  }));
  await scene.fails(
    ["ls", newer.host],
    3,
    `Cannot connect to ${newer.host}: ${message}`,
  );
});

sceneTest("a silent server", async (scene) => {
  const silent = scene.keep(stranger(async (conn) => {
    await conn.read(new Uint8Array(1000));
  }));
  await scene.fails(
    ["--timeout", "1", "ls", silent.host],
    3,
    `Cannot connect to ${silent.host}: no answer within 1 s (is a firewall in between, or is the port wrong?)`,
  );
});

sceneTest(
  "a server that falls silent in the middle of a get, and of a put",
  async (scene) => {
    await scene.served("down", new Uint8Array(4_000_000));
    await scene.file("up", new Uint8Array(4_000_000));
    const server = await scene.server();
    const gate = new Gate();
    let isSilent = false;
    // From the middle on nothing comes through, on any connection.
    const proxy = scene.proxy(server, ({ type, index }) => {
      if (type === "DATA" && index === 1) isSilent = true;
      return isSilent ? gate.hold() : "pass";
    });
    for (
      const args of [["get", proxy.host, "down"], ["put", proxy.host, "up"]]
    ) {
      isSilent = false;
      const { code, stderr } = await scene.start(
        [...args, "--timeout", "1", "--retries", "0"],
      ).ended;
      assertEquals(code, 1, stderr);
      assertMatch(
        stderr,
        /^ferry: Cannot (get|put|connect) [^\n]+: [^\n]+\n$/m,
      );
      assertMatch(
        stderr,
        /the server has been silent for 1 s|no answer within 1 s/,
      );
    }
    gate.open("cut");
    assertEquals(await localTree(scene), ["up"]);
    assertEquals(await visibleTree(scene), ["down"]);
    await scene.ferry(["ls", server.host]);
  },
);

sceneTest("a server that closes at once", async (scene) => {
  const rude = scene.keep(stranger((conn) => {
    conn.close();
    return Promise.resolve();
  }));
  const { stderr } = await scene.ferry(["ls", rude.host], { code: 3 });
  assertMatch(
    stderr,
    /^ferry: Cannot connect to \S+: (the server closed the connection without an answer|connection reset)[^\n]*\n$/,
  );
});

sceneTest("a server that closes in the middle", async (scene) => {
  await scene.served("down", new Uint8Array(4_000_000));
  await scene.file("up", new Uint8Array(4_000_000));
  const server = await scene.server();
  let isCut = false;
  const proxy = scene.proxy(server, ({ type, index }) => {
    isCut ||= type === "DATA" && index === 1;
    return isCut ? "cut" : "pass";
  });
  for (const args of [["get", proxy.host, "down"], ["put", proxy.host, "up"]]) {
    isCut = false;
    const { code, stderr } = await scene.start([...args, "--retries", "0"])
      .ended;
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /^ferry: Cannot (get|put|connect) [^\n]+\n$/m);
  }
  assertEquals(await localTree(scene), ["up"]);
  assertEquals(await visibleTree(scene), ["down"]);
  await scene.ferry(["ls", server.host]);
});

const HTTP_ANSWER = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

const STRANGERS = [
  ["an HTTP server", HTTP_ANSWER],
  ["an FTP server", "220 (vsFTPd 3.0.5)\r\n"],
  ["an SSH server", "SSH-2.0-OpenSSH_9.9\r\n"],
  ["a server that sends zeros", "\0".repeat(4096)],
] as const;

for (const [who, answer] of STRANGERS) {
  sceneTest(`${who} on the port`, async (scene) => {
    const other = scene.keep(stranger(async (conn) => {
      await conn.write(new TextEncoder().encode(answer));
      await conn.read(new Uint8Array(1000));
    }));
    const { code, stderr } = await scene.start(["ls", other.host]).ended;
    assertEquals(code, 3);
    assertMatch(
      stderr,
      /^ferry: Cannot connect to \S+: [^\n]+ \(is it ferryd that listens on this port\?\)\n$/,
    );
  });
}

sceneTest(
  "clients that speak something else get no answer, and nobody else is disturbed",
  async (scene) => {
    await scene.served("a", "a\n");
    const server = await scene.server();
    const speeches: Uint8Array<ArrayBuffer>[] = [
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      new TextEncoder().encode("SSH-2.0-OpenSSH_9.9\r\n"),
      // The first bytes of a TLS ClientHello.
      new Uint8Array([
        0x16,
        0x03,
        0x01,
        0x02,
        0x00,
        0x01,
        0x00,
        0x01,
        0xfc,
        0x03,
        0x03,
      ]),
      new Uint8Array(64),
    ];
    const seed = 20_261_120;
    for (let count = 0; count < 20; count++) {
      speeches.push(new SeededRandom(seed + count).bytes(300));
    }
    const listing = scene.start(["ls", server.host]);
    for (const [index, speech] of speeches.entries()) {
      using conn = await Deno.connect({
        hostname: "127.0.0.1",
        port: server.port,
      });
      await conn.write(speech);
      await conn.closeWrite().catch(() => {});
      const buffer = new Uint8Array(1000);
      const count = await conn.read(buffer).catch(() => null);
      assertEquals(
        count,
        null,
        `speech ${index}, seed ${seed}: ${buffer.subarray(0, count ?? 0)}`,
      );
    }
    // Half an hour of silence costs nobody anything either.
    using _idle = await Deno.connect({
      hostname: "127.0.0.1",
      port: server.port,
    });
    assertEquals((await listing.ended).stdout, "a\n");
    await scene.ferry(["ls", server.host]);
    await until(
      "a word about the strangers in the log",
      () => / protocol: /.test(server.stderr),
    );
    assertEquals(server.ending, undefined);
  },
);

sceneTest("a real HTTP client is turned away", async (scene) => {
  const server = await scene.server();
  await fetch(`http://${server.host}/`).then(
    (response) =>
      response.body?.cancel().then(() => assertEquals("an answer", "none")),
    () => {},
  );
  await scene.ferry(["ls", server.host]);
});
