/**
 * Transfers that end before their end: programs that are killed, connections
 * that break at every frame, answers that are lost, signals.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SeededRandom } from "../helpers/seeded_random.ts";
import type { Passing, Verdict } from "../helpers/cut_proxy.ts";
import {
  assertSameFile,
  CHUNK,
  Gate,
  localTree,
  NEEDS_UNIX,
  randomBytes,
  type Scene,
  sceneTest,
  type ServerProgram,
  settles,
  tree,
  until,
  visibleTree,
} from "./scene.ts";

const SIZE = 8 * CHUNK + 17;
/** The frame at which a transfer is held: well in the middle. */
const MIDDLE = 4;

/** What a client says that has tried to connect again, and given up. */
const RETRIED_IN_VAIN =
  /^(Connection lost [^\n]+; trying again in [^\n]+\n)+ferry: Cannot (get "big"|put "big"|connect to \S+): [^\n]+\n$/;

function isMiddle({ type, index }: Passing): boolean {
  return type === "DATA" && index === MIDDLE;
}

/** A server, and a proxy that holds one transfer in its middle. */
async function held(scene: Scene): Promise<{
  readonly server: ServerProgram;
  readonly gate: Gate;
  readonly host: string;
}> {
  const server = await scene.server();
  const gate = new Gate();
  let wasHeld = false;
  const proxy = scene.proxy(server, (passing) => {
    if (wasHeld || !isMiddle(passing)) return "pass";
    wasHeld = true;
    return gate.hold();
  });
  return { server, gate, host: proxy.host };
}

/** Whether an interrupted download in a folder has at least one chunk. */
async function hasChunk(folder: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".part")) continue;
    const { size } = await Deno.stat(`${folder}/${name}`);
    if (size >= CHUNK) return true;
  }
  return false;
}

sceneTest(
  "kill -9 of the client in the middle of a put leaves no name, and the next put goes on",
  async (scene) => {
    await scene.file("big", randomBytes(1, SIZE));
    const { gate, host } = await held(scene);
    const put = scene.start(["put", host, "big"]);
    await gate.reached;
    assertEquals(await visibleTree(scene), []);
    put.kill("SIGKILL");
    await put.ended;
    gate.open("cut");
    assertEquals(await visibleTree(scene), []);
    assertEquals((await scene.ferry(["ls", host])).stdout, "");
    // The name is free, and the server serves on.
    await scene.ferry(["put", host, "big"]);
    await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
    await settles(scene, ["big"]);
  },
  NEEDS_UNIX,
);

sceneTest(
  "kill -9 of the client in the middle of a get leaves no final name, and the next get goes on",
  async (scene) => {
    await scene.served("big", randomBytes(1, SIZE));
    const { gate, host } = await held(scene);
    const get = scene.start(["get", host, "big", "-o", "copy"]);
    await gate.reached;
    get.kill("SIGKILL");
    await get.ended;
    gate.open("cut");
    assertEquals(await localTree(scene), []);
    await scene.ferry(["get", host, "big", "-o", "copy"]);
    await assertSameFile(`${scene.root}/big`, `${scene.local}/copy`);
    assertEquals(await tree(scene.local), ["copy"]);
  },
  NEEDS_UNIX,
);

sceneTest(
  "kill -9 of the server in the middle of a put leaves no name, now or after a restart",
  async (scene) => {
    await scene.file("big", randomBytes(1, SIZE));
    const { server, gate, host } = await held(scene);
    const put = scene.start(["put", host, "big"]);
    await gate.reached;
    server.kill("SIGKILL");
    await server.ended;
    gate.open("cut");
    const { code, stderr } = await put.ended;
    assertEquals([1, 3].includes(code), true, stderr);
    assertMatch(stderr, RETRIED_IN_VAIN);
    assertEquals(await visibleTree(scene), []);
    await scene.server({ args: ["-l", server.host] });
    assertEquals(await visibleTree(scene), []);
    assertEquals((await scene.ferry(["ls", host])).stdout, "");
    await scene.ferry(["put", host, "big"]);
    await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
    await settles(scene, ["big"]);
  },
  NEEDS_UNIX,
);

sceneTest(
  "kill -9 of the server in the middle of a get leaves only what the next get goes on from",
  async (scene) => {
    await scene.served("big", randomBytes(1, SIZE));
    const { server, gate, host } = await held(scene);
    const get = scene.start(["get", host, "big"]);
    await gate.reached;
    // What still is on its way when the server dies may die with it.
    await until("a chunk to be staged", () => hasChunk(scene.local));
    server.kill("SIGKILL");
    await server.ended;
    gate.open("cut");
    const { code, stderr } = await get.ended;
    assertEquals([1, 3].includes(code), true, stderr);
    assertMatch(stderr, RETRIED_IN_VAIN);
    assertEquals(await localTree(scene), []);
    const again = await scene.server();
    const events = await scene.events(["get", again.host, "big"]);
    const receipt = events.find(({ event }) => event === "receipt");
    const resumed = Number(receipt?.["resumedFrom"]);
    assertEquals(
      [resumed > 0, resumed <= MIDDLE * CHUNK, resumed % CHUNK],
      [true, true, 0],
    );
    await assertSameFile(`${scene.root}/big`, `${scene.local}/big`);
    assertEquals(await tree(scene.local), ["big"]);
  },
  NEEDS_UNIX,
);

for (const policy of ["fail", "overwrite", "rename", "skip"]) {
  sceneTest(
    `a connection that dies between commit and receipt: the second try gets the receipt (${policy})`,
    async (scene) => {
      const bytes = randomBytes(1, SIZE);
      await scene.file("big", bytes);
      const server = await scene.server();
      let receipts = 0;
      const proxy = scene.proxy(server, ({ type }) => {
        if (type !== "RECEIPT") return "pass";
        receipts++;
        return receipts === 1 ? "cut" : "pass";
      });
      const events = await scene.events([
        "put",
        proxy.host,
        "big",
        "--on-conflict",
        policy,
      ]);
      const told = events.map(({ event }) => event)
        .filter((event) => event !== "progress");
      assertEquals(told, ["start", "reconnect", "receipt", "done"]);
      const receipt = events.find(({ event }) => event === "receipt");
      assertEquals(receipt?.["publication"], "created");
      assertEquals(receipt?.["path"], "big");
      assertEquals(receipt?.["durable"], true);
      assertEquals(receipts, 2);
      await settles(scene, ["big"]);
      await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
      // A second try sends nothing again.
      assert(Number(receipt?.["wireBytes"]) < SIZE + CHUNK);
    },
  );
}

sceneTest(
  "the receipt of what came from stdin is asked for again as well",
  async (scene) => {
    const server = await scene.server();
    let receipts = 0;
    const proxy = scene.proxy(
      server,
      ({ type }) => type === "RECEIPT" && receipts++ === 0 ? "cut" : "pass",
    );
    await scene.ferry(["put", proxy.host, "-", "-o", "in"], {
      stdin: randomBytes(2, CHUNK + 5),
    });
    await settles(scene, ["in"]);
  },
);

sceneTest(
  "both connections die between commit and receipt, and the server is started again: the receipt still comes",
  async (scene) => {
    await scene.file("big", randomBytes(1, SIZE));
    const server = await scene.server();
    const gate = new Gate();
    const proxy = scene.proxy(
      server,
      ({ type }) => type === "RECEIPT" ? gate.hold() : "pass",
    );
    const put = scene.start(["put", proxy.host, "big"]);
    await gate.reached;
    // The file is there; nobody has told the client.
    await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
    server.kill("SIGKILL");
    await server.ended;
    await scene.server({ args: ["-l", server.host] });
    gate.open("pass");
    proxy.cutAll();
    const { code, stderr } = await put.ended;
    assertEquals(code, 0, stderr);
    assertMatch(
      stderr,
      /^Connection lost [^\n]+; trying again in [^\n]+ \(1 of 3\)\n/,
    );
    await settles(scene, ["big"]);
  },
  NEEDS_UNIX,
);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  sceneTest(
    `${signal} in the middle of a put ends with 130, and the next put goes on`,
    async (scene) => {
      await scene.file("big", randomBytes(1, SIZE));
      const { gate, host } = await held(scene);
      const put = scene.start(["put", host, "big"]);
      await gate.reached;
      put.kill(signal);
      const { code, stderr } = await put.ended;
      assertEquals(code, 130);
      assertEquals(stderr, "ferry: Interrupted\n");
      gate.open();
      assertEquals(await visibleTree(scene), []);
      await scene.ferry(["put", host, "big"]);
      await assertSameFile(`${scene.local}/big`, `${scene.root}/big`);
      await settles(scene, ["big"]);
    },
    NEEDS_UNIX,
  );

  sceneTest(
    `${signal} in the middle of a get ends with 130, and the next get goes on`,
    async (scene) => {
      await scene.served("big", randomBytes(1, SIZE));
      const { gate, host } = await held(scene);
      const get = scene.start(["--json", "get", host, "big"]);
      await gate.reached;
      get.kill(signal);
      const { code, stdout, stderr } = await get.ended;
      assertEquals(code, 130);
      assertEquals(stderr, "");
      assertEquals(
        JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")["code"],
        "cancelled",
      );
      gate.open();
      assertEquals(await localTree(scene), []);
      await scene.ferry(["get", host, "big"]);
      await assertSameFile(`${scene.root}/big`, `${scene.local}/big`);
      assertEquals(await tree(scene.local), ["big"]);
    },
    NEEDS_UNIX,
  );

  sceneTest(
    `${signal} in the middle of a put or get with --no-resume leaves nothing at all`,
    async (scene) => {
      await scene.file("up", randomBytes(1, SIZE));
      await scene.served("down", randomBytes(1, SIZE));
      const server = await scene.server();
      for (const [command, name] of [["put", "up"], ["get", "down"]] as const) {
        const gate = new Gate();
        const proxy = scene.proxy(
          server,
          (passing) => isMiddle(passing) ? gate.hold() : "pass",
        );
        const transfer = scene.start(
          [command, "--no-resume", proxy.host, name],
        );
        await gate.reached;
        transfer.kill(signal);
        assertEquals((await transfer.ended).code, 130);
        gate.open();
        await settles(scene, ["down"]);
        assertEquals(await tree(scene.local), ["up"]);
      }
    },
    NEEDS_UNIX,
  );
}

sceneTest(
  "SIGINT while stdin is being waited for ends with 130 and leaves nothing",
  async (scene) => {
    const server = await scene.server();
    const opened = new Gate();
    const proxy = scene.proxy(server, ({ type }) => {
      if (type === "OPENED") opened.hold();
      return "pass";
    });
    const put = scene.start(["put", proxy.host, "-", "-o", "in"], {
      stdin: "piped",
    });
    const writer = put.stdin.getWriter();
    await writer.write(randomBytes(3, 100));
    await opened.reached;
    put.kill("SIGINT");
    assertEquals((await put.ended).code, 130);
    await writer.abort().catch(() => {});
    await settles(scene, []);
  },
  NEEDS_UNIX,
);

sceneTest(
  "SIGTERM of the server lets a put and a get finish, refuses new ones, and ends with 0",
  async (scene) => {
    await scene.file("up", randomBytes(1, SIZE));
    await scene.served("down", randomBytes(2, SIZE));
    const server = await scene.server({ args: ["--drain", "25"] });
    const gate = new Gate();
    let waiting = 0;
    const proxy = scene.proxy(server, (passing) => {
      if (!isMiddle(passing)) return "pass";
      waiting++;
      return gate.hold();
    });
    const put = scene.start(["put", proxy.host, "up"]);
    const get = scene.start(["get", proxy.host, "down"]);
    await until("both to be in their middle", () => waiting === 2);
    server.kill("SIGTERM");
    await server.says(/Stopping; transfers have 25 s to finish/, "stderr");
    const late = await scene.ferry(["ls", server.host], { code: 3 });
    assertMatch(late.stderr, /^ferry: Cannot connect to [^\n]+\n$/);
    gate.open();
    assertEquals((await put.ended).code, 0);
    assertEquals((await get.ended).code, 0);
    assertEquals((await server.ended).code, 0);
    await assertSameFile(`${scene.local}/up`, `${scene.root}/up`);
    await assertSameFile(`${scene.local}/down`, `${scene.root}/down`);
    await settles(scene, ["down", "up"]);
  },
  NEEDS_UNIX,
);

sceneTest(
  "a second signal ends the server at once, without a partial file",
  async (scene) => {
    await scene.file("big", randomBytes(1, SIZE));
    const { server, gate, host } = await held(scene);
    const put = scene.start(["put", "--retries", "0", host, "big"]);
    await gate.reached;
    server.kill("SIGINT");
    await server.says(/Stopping/, "stderr");
    server.kill("SIGTERM");
    assertEquals((await server.ended).code, 0);
    gate.open("cut");
    assertEquals((await put.ended).code, 1);
    assertEquals(await visibleTree(scene), []);
  },
  NEEDS_UNIX,
);

sceneTest("--drain 0 does not wait for transfers", async (scene) => {
  await scene.file("big", randomBytes(1, SIZE));
  const server = await scene.server({ args: ["--drain", "0"] });
  const gate = new Gate();
  const proxy = scene.proxy(
    server,
    (passing) => isMiddle(passing) ? gate.hold() : "pass",
  );
  const put = scene.start(["put", "--retries", "0", proxy.host, "big"]);
  await gate.reached;
  server.kill("SIGTERM");
  assertEquals((await server.ended).code, 0);
  gate.open("cut");
  assertEquals((await put.ended).code, 1);
  assertEquals(await visibleTree(scene), []);
}, NEEDS_UNIX);

sceneTest("an idle server ends with 0 at once", async (scene) => {
  const server = await scene.server();
  await scene.ferry(["ls", server.host]);
  server.kill("SIGTERM");
  assertEquals((await server.ended).code, 0);
}, NEEDS_UNIX);

const SEED = 20_261_120;
const CUTS = 12;

sceneTest(
  `cuts at random bytes, seed ${SEED}: every transfer still ends, and is exact`,
  async (scene) => {
    const bytes = randomBytes(SEED, 3 * CHUNK + 5);
    await scene.file("up", bytes);
    await scene.served("down", bytes);
    const server = await scene.server();
    for (let count = 0; count < CUTS; count++) {
      const random = new SeededRandom(SEED + count);
      const command = count % 2 === 0 ? "put" : "get";
      const frame = random.below(8);
      const cutAfter = random.below(CHUNK);
      // Frames of the data connection, in both directions, from its first on.
      let seen = 0;
      const judge = ({ connection }: Passing): Verdict => {
        if (connection !== 1) return "pass";
        return seen++ === frame ? { cutAfter } : "pass";
      };
      const proxy = scene.proxy(server, judge);
      const name = `${count}`;
      const args = command === "put"
        ? ["put", proxy.host, "up"]
        : ["get", proxy.host, "down"];
      const { code, stderr } = await scene.start([...args, "-o", name]).ended;
      const shown = `seed ${
        SEED + count
      }, ${command}, frame ${frame}, ${cutAfter} bytes of it: ${stderr}`;
      assertEquals(code, 0, shown);
      const path = command === "put"
        ? `${scene.root}/${name}`
        : `${scene.local}/${name}`;
      assertEquals(await Deno.readFile(path), bytes, shown);
      if (seen > frame) assertMatch(stderr, /^Connection lost /m, shown);
      assertEquals(await tree(scene.local), await localTree(scene), shown);
    }
    await until(
      "the server to clean up",
      async () => (await tree(`${scene.root}/.ferry`)).length === 0,
    );
  },
);

sceneTest(
  "a chunk that is damaged on the way is sent again, and counted",
  async (scene) => {
    await scene.file("up", randomBytes(1, SIZE));
    await scene.served("down", randomBytes(2, SIZE));
    const server = await scene.server();
    const proxy = scene.proxy(
      server,
      (passing) => isMiddle(passing) ? "damage" : "pass",
    );
    for (const [command, name] of [["put", "up"], ["get", "down"]] as const) {
      const events = await scene.events([command, proxy.host, name]);
      const receipt = events.find(({ event }) => event === "receipt");
      assertEquals([receipt?.["repaired"], receipt?.["resumedFrom"]], [1, 0]);
      await assertSameFile(`${scene.local}/${name}`, `${scene.root}/${name}`);
    }
    assertEquals(await tree(scene.local), ["down", "up"]);
    await settles(scene, ["down", "up"]);
  },
);

sceneTest(
  "the server's log says that a file was sent when the client has said so, and not before",
  async (scene) => {
    await scene.served("big", randomBytes(1, 3 * CHUNK));
    const server = await scene.server();
    const gate = new Gate();
    const proxy = scene.proxy(
      server,
      ({ type }) => type === "ACKNOWLEDGE" ? gate.hold() : "pass",
    );
    const get = scene.start(["get", proxy.host, "big"]);
    await gate.reached;
    assertEquals(server.stderr.includes("Sent big"), false);
    gate.open();
    assertEquals((await get.ended).code, 0);
    await until("the log", () => server.stderr.includes("Sent big"));
    const cut = scene.proxy(
      server,
      ({ type }) => type === "ACKNOWLEDGE" ? "cut" : "pass",
    );
    await scene.ferry(["get", cut.host, "big", "-o", "other"]);
    await until(
      "the end",
      () => server.stderr.split("End of session").length === 3,
    );
    assertEquals(server.stderr.split("Sent big").length, 2);
  },
);
