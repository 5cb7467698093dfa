/**
 * The five classic protocols between real programs, and a crowd that speaks all
 * six at once.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  CLASSIC,
  type ClassicName,
  connect,
  FerryError,
} from "../../lib/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  assertSameFile,
  NEEDS_LINUX,
  only,
  parseEvents,
  publicTree,
  randomBytes,
  type Scene,
  sceneTest,
  type ServerProgram,
  until,
} from "./scene.ts";

const NAMES = [...CLASSIC.keys()] as ClassicName[];
const USER = "ann";
const PASSWORD = "correct horse";

/** A server that speaks everything, and where. */
async function everything(
  scene: Scene,
): Promise<{ server: ServerProgram; port: (name: string) => number }> {
  await scene.file("password", new TextEncoder().encode(`${PASSWORD}\n`));
  const password = `${scene.local}/password`;
  await Deno.chmod(password, 0o600);
  const users = `${scene.base}/users.jsonc`;
  const added = await scene.spawn("server", [
    ...["user", "add", USER, "--users", users, "--password-file", password],
  ], { permissions: ["--allow-read", "--allow-write", "--allow-env"] }).ended;
  assertEquals(added.code, 0, added.stderr);
  // Thirty passwords at once take their time on a machine with other work.
  const config = `${scene.base}/ferryd.jsonc`;
  const limits = { loginTimeout: 120_000 };
  await Deno.writeTextFile(config, JSON.stringify({ limits }));
  const doors = NAMES.flatMap((name) => [
    "--classic",
    `${name}=127.0.0.1:0${name === "csci320" ? ",suffix=" : ""}`,
  ]);
  const server = await scene.server({
    args: [
      ...["--config", config, "--users", users, "--anonymous", "write"],
      ...doors,
    ],
  });
  const port = (name: string): number =>
    Number(
      new RegExp(`^listening ${name} tcp://.*:(\\d+)$`, "m")
        .exec(server.stdout)?.[1],
    );
  await until(
    "every door to be open",
    () => NAMES.every((name) => port(name) > 0),
  );
  return { server, port };
}

sceneTest(
  "ferry and ferryd speak every classic protocol to each other",
  async (scene) => {
    const { port } = await everything(scene);
    const bytes = randomBytes(500_000, 3);
    await scene.served("down.bin", bytes);
    await scene.file("up.bin", bytes);
    const original = `${scene.local}/up.bin`;
    const talk = async (name: ClassicName, ...args: string[]) => {
      const [command = "", ...rest] = args;
      const logIn = name === "cs372-login"
        ? ["-u", USER, "--password-file", `${scene.local}/password`]
        : [];
      const host = `127.0.0.1:${port(name)}`;
      const { stdout } = await scene.ferry([
        ...["--json", "--protocol", name, command, ...logIn, host, ...rest],
      ]);
      return parseEvents(stdout);
    };
    for (const name of NAMES) {
      const { operations } = CLASSIC.get(name)!;
      if (operations.includes("list")) {
        const entries = await talk(name, "ls");
        assert(entries.some(({ path }) => path === "down.bin"), name);
      }
      if (operations.includes("get")) {
        const events = await talk(name, "get", "down.bin", "-o", `${name}.got`);
        const { size, verified } = only(events, "receipt");
        assertEquals([size, verified], [bytes.length, false]);
        await assertSameFile(`${scene.local}/${name}.got`, original);
      }
      if (operations.includes("put")) {
        const events = await talk(name, "put", "up.bin", "-o", `${name}.put`);
        assertEquals(only(events, "receipt")["size"], bytes.length);
        await until(
          `${name} to publish`,
          async () => (await publicTree(scene)).includes(`${name}.put`),
        );
        await assertSameFile(`${scene.root}/${name}.put`, original);
      }
      if (operations.includes("rename")) {
        await talk(name, "mv", `${name}.put`, `${name}.moved`);
        await assertSameFile(`${scene.root}/${name}.moved`, original);
      }
    }
  },
);

const CLIENTS = 200;
const SIZE = 300_000;

/** One client of any protocol; what it fetched, or `undefined` if it sent. */
async function visit(
  name: "ferry" | ClassicName,
  parts: {
    readonly port: number;
    readonly index: number;
    readonly source: string;
    readonly target: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { index, port, signal, source, target } = parts;
  const hostname = "127.0.0.1";
  if (name === "ferry") {
    await using client = await connect({ hostname, port, signal });
    if (index % 2 === 0) await client.get("down.bin", target, { signal });
    else await client.put(source, `up-${index}`, { signal });
    return;
  }
  const protocol = CLASSIC.get(name)!;
  await using client = await protocol.connect({
    ...{ hostname, port, signal },
    ...protocol.hasLogin ? { user: USER, password: PASSWORD } : {},
  });
  const isGet = client.put === undefined ||
    client.get !== undefined && index % 2 === 0;
  if (isGet) await client.get!("down.bin", target, { signal });
  else await client.put!(source, `up-${index}`, { signal });
}

async function descriptors({ pid }: ServerProgram): Promise<number> {
  const { stdout } = await new Deno.Command("ls", { args: [`/proc/${pid}/fd`] })
    .output();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

sceneTest(
  `${CLIENTS} clients over all six protocols at once, a third of them cut off, leave whole files and nothing else`,
  async (scene) => {
    const { server, port } = await everything(scene);
    const bytes = randomBytes(SIZE, 4);
    await scene.served("down.bin", bytes);
    await scene.file("up.bin", bytes);
    const original = `${scene.local}/up.bin`;
    const random = new SeededRandom(11);
    const before = await descriptors(server);
    const kinds = ["ferry", ...NAMES] as const;
    const isOver = { value: false };
    /** Somebody else asks who they are, all the while. */
    const asking = (async (): Promise<number> => {
      let slowest = 0;
      while (!isOver.value) {
        const began = performance.now();
        await using client = await connect({
          hostname: "127.0.0.1",
          port: server.port,
        });
        assertEquals(client.info.user, "anonymous");
        slowest = Math.max(slowest, performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return slowest;
    })();
    const ends = await Promise.allSettled(
      Array.from({ length: CLIENTS }, async (_, index) => {
        const kill = new AbortController();
        const isKilled = index % 3 === 0;
        const [pause = 0] = random.bytes(1);
        const timer = isKilled
          ? setTimeout(() => kill.abort(new Error("cut off")), pause * 4)
          : undefined;
        const name = kinds[index % kinds.length]!;
        try {
          await visit(name, {
            port: name === "ferry" ? server.port : port(name),
            index,
            source: `${scene.local}/up.bin`,
            target: `${scene.local}/down-${index}`,
            signal: kill.signal,
          });
        } catch (error) {
          if (!isKilled) throw new Error(`${name} ${index}`, { cause: error });
          assert(error instanceof FerryError || kill.signal.aborted);
        } finally {
          clearTimeout(timer);
        }
      }),
    );
    isOver.value = true;
    const slowest = await asking;
    const failed = ends.filter(({ status }) => status === "rejected")
      .map((end) => (end as PromiseRejectedResult).reason);
    assertEquals(failed, []);
    // Whatever has a name is whole, on both sides.
    await until(
      "the server to let go",
      async () => await descriptors(server) <= before,
    );
    for (const path of await publicTree(scene)) {
      await assertSameFile(`${scene.root}/${path}`, original);
    }
    for await (const { name } of Deno.readDir(scene.local)) {
      if (!/^down-\d+$/.test(name)) continue;
      await assertSameFile(`${scene.local}/${name}`, original);
    }
    // A machine that does other things as well makes no verdict of this figure.
    assert(slowest < 20_000, `an info took ${slowest} ms`);
    const { stderr } = server;
    assertStringIncludes(stderr, "protocol=nets");
    assertEquals(stderr.includes("internal error"), false);
  },
  NEEDS_LINUX,
);
