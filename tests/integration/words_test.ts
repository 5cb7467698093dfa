/**
 * What the programs say about themselves: help, version, `ferryd check`, and
 * mistakes on the command line.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Scene, sceneTest } from "./scene.ts";

const COMMANDS = [
  "ls",
  "get",
  "put",
  "mv",
  "rename",
  "change",
  "rm",
  "mkdir",
  "stat",
  "info",
  "sync",
  "clean",
];
const COLUMNS = 80;

/** No permission at all: words need none. */
const BARE = { permissions: [] };

async function say(
  scene: Scene,
  main: "server" | "client",
  args: string[],
): Promise<string> {
  const { code, stdout, stderr } = await scene.spawn(main, args, BARE).ended;
  assertEquals([code, stderr], [0, ""], args.join(" "));
  return stdout;
}

function assertFits(text: string): void {
  assert(text.length > 0 && text.endsWith("\n"));
  for (const line of text.split("\n")) {
    assert(line.length <= COLUMNS, `${line.length} columns: ${line}`);
    assertEquals(line, line.trimEnd());
  }
}

sceneTest(
  "every command has help with an example, in 80 columns, without any permission",
  async (scene) => {
    const whole = await say(scene, "client", ["--help"]);
    assertFits(whole);
    for (const name of COMMANDS) {
      const isAlias = name === "rename" || name === "change";
      const line = name === "clean" ? "  clean, " : `  ${name} HOST`;
      assertEquals(whole.includes(line), !isAlias, name);
    }
    await Promise.all(COMMANDS.map(async (name) => {
      const text = await say(scene, "client", [name, "--help"]);
      assertFits(text);
      assertMatch(text, /^Examples?:?$/m);
      assertMatch(text, /--json/);
      assertEquals(await say(scene, "client", ["help", name]), text);
    }));
    for (const args of [["--help"], ["-h"], ["check", "--help"]]) {
      const text = await say(scene, "server", args);
      assertFits(text);
      assertMatch(text, /^Examples?:?$/m);
    }
  },
);

sceneTest("--version", async (scene) => {
  assertMatch(
    await say(scene, "client", ["--version"]),
    /^ferry \d+\.\d+\.\d+ .*2\.9\.6.*\n$/,
  );
  assertMatch(
    await say(scene, "server", ["-V"]),
    /^ferryd \d+\.\d+\.\d+ .*2\.9\.6.*\n$/,
  );
});

sceneTest(
  "ferryd check says what would be offered, and why not the rest",
  async (scene) => {
    const check = (permissions: string[], ...args: string[]) =>
      scene.spawn("server", ["check", ...args, scene.root], { permissions })
        .ended;
    const reading = ["--allow-net", "--allow-read"];
    const reader = await check(reading);
    assertEquals([reader.code, reader.stderr], [0, ""]);
    assertEquals(
      reader.stdout,
      `"${scene.root}" can be served\n127.0.0.1:65430 offers list, read\n  not write, rename, delete: the server runs without --allow-write for its folder\n`,
    );
    const writing = [...reading, `--allow-write=${scene.root}`];
    const writer = await check(
      writing,
      "-l",
      "127.0.0.1:0",
      "-l",
      "127.0.0.2:0",
      "--anonymous",
      "read",
    );
    assertEquals(writer.code, 0);
    const may =
      "not write, rename, delete: users without an account may only read here (--anonymous write on the server would allow more)";
    assertEquals(
      writer.stdout,
      `"${scene.root}" can be served\n127.0.0.1:0 offers list, read\n  ${may}\n127.0.0.2:0 offers list, read\n  ${may}\n`,
    );
    const full = await check(writing);
    assertEquals(
      full.stdout,
      `"${scene.root}" can be served\n127.0.0.1:65430 offers list, read, write, rename, delete\n`,
    );
    assertEquals((await check(reading, "-l", "tcp://0.0.0.0:0")).code, 2);
    const gone = await scene.spawn("server", ["check", "gone"], {
      permissions: reading,
    }).ended;
    assertEquals([gone.code, gone.stdout], [5, ""]);
    // It changes nothing.
    const names: string[] = [];
    for await (const { name } of Deno.readDir(scene.root)) names.push(name);
    assertEquals(names, []);
  },
);

/** Mistakes, and the one line about each. */
const MISTAKES: ReadonlyArray<readonly [string[], string]> = [
  [[], 'A command is missing; "ferry --help" lists them'],
  [["lst", "h"], 'Unknown command "lst": did you mean "ls"?'],
  [["ls"], 'HOST is missing for "ls"; see "ferry ls --help"'],
  [["get", "127.0.0.1"], 'REMOTE is missing for "get"; see "ferry get --help"'],
  [
    ["info", "127.0.0.1", "x"],
    'Unexpected "x" for "info"; see "ferry info --help"',
  ],
  [
    ["ls", "127.0.0.1", "--colour"],
    'Unknown option "--colour" for "ls"; see "ferry ls --help"',
  ],
  [
    ["ls", "127.0.0.1:99999"],
    'Cannot use "127.0.0.1:99999": "99999" is no port, which is a number up to 65535',
  ],
  [
    ["ls", "http://127.0.0.1"],
    'Cannot use "http://127.0.0.1": Ferry does not speak "http", write tls://HOST, or tcp://HOST for plain TCP',
  ],
  [
    ["-q", "--json", "ls", "127.0.0.1"],
    'Options "--quiet" and "--json" contradict each other',
  ],
  [
    ["--timeout", "soon", "ls", "127.0.0.1"],
    'Option "--timeout" cannot be "soon": give seconds from 0.1 to',
  ],
  [
    ["put", "127.0.0.1", "a", "--on-conflict", "ask"],
    'Option "--on-conflict" cannot be "ask": choose "fail", "overwrite", "rename" or "skip"',
  ],
];

/** Options of later versions are unknown now, not ignored. */
const LATER = [
  "--resume",
  "--classic",
  "--metrics",
];

sceneTest(
  "mistakes on the command line end with 2, and one line that says what to do",
  async (scene) => {
    await Promise.all(MISTAKES.map(async ([args, line]) => {
      const { code, stdout, stderr } = await scene.spawn("client", args, BARE)
        .ended;
      const shown = args.includes("--json")
        ? String(JSON.parse(stdout).message)
        : stderr;
      assertEquals(code, 2, `${args}`);
      assert(shown.replace(/^ferry: /, "").startsWith(line), shown);
      assertEquals(shown.trimEnd().split("\n").length, 1);
    }));
    await Promise.all(LATER.map(async (option) => {
      const args = ["get", "127.0.0.1", "x", option, "1"];
      const { code, stderr } = await scene.spawn("client", args, BARE).ended;
      assertEquals(code, 2);
      assertMatch(stderr, /^ferry: Unknown option "[^"]+" for "get"[^\n]*\n$/);
    }));
    const server = await scene.spawn("server", ["--tls-cert", "x", "."], BARE)
      .ended;
    assertEquals(server.code, 2);
    assertMatch(
      server.stderr,
      /^ferryd: Unknown option "--tls-cert" for "ferryd"[^\n]*\n$/,
    );
  },
);
