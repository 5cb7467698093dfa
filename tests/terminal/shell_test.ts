import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  assertSameFile,
  CHUNK,
  Gate,
  type Scene,
  sceneTest,
  writeLarge,
} from "../integration/scene.ts";
import type { CutProxy, Verdict } from "../helpers/cut_proxy.ts";
import { NEEDS_TMUX, Terminal, type TerminalOptions } from "./terminal.ts";

/** A shell at a terminal, which ends with the test. */
async function shell(
  scene: Scene,
  args: readonly string[],
  options: Partial<TerminalOptions> = {},
): Promise<Terminal> {
  const terminal = scene.keep(
    await Terminal.open(args, {
      folder: scene.base,
      cwd: scene.local,
      ...options,
      env: { XDG_STATE_HOME: scene.state, ...options.env },
    }),
  );
  await terminal.shows(/> $|:\/>$/);
  return terminal;
}

/** A proxy that lets so many chunks of the client pass, and then holds the rest. */
function holdingProxy(
  scene: Scene,
  port: number,
  chunks: number,
): CutProxy & { readonly gate: Gate } {
  const gate = new Gate();
  let count = 0;
  const server = { port } as Parameters<Scene["proxy"]>[0];
  const proxy = scene.proxy(
    server,
    ({ from, type }): Verdict | Promise<Verdict> => {
      const isChunk = from === "client" && type === "DATA";
      return isChunk && count++ >= chunks ? gate.hold() : "pass";
    },
  );
  return Object.assign(proxy, { gate });
}

/** Lines of a screen that show how far something is. */
function progressOf(screen: string): string[] {
  return screen.split("\n").filter((line) => /^ *\d+% /.test(line));
}

sceneTest(
  "at a terminal, a shell lists, completes, fetches, remembers and leaves",
  async (scene) => {
    await scene.served("my file.txt", "hello\n");
    await scene.served("my notes.txt", "notes\n");
    await scene.served("a.csv", "1\n");
    const server = await scene.server();
    const terminal = await shell(scene, [server.host]);
    await terminal.shows("as anonymous: list, read, write, rename, delete");
    await terminal.enter("ls *.csv");
    await terminal.shows(/> ls \*\.csv\na\.csv\n127/);

    await terminal.type("ge");
    await terminal.completes(/> get$/);
    await terminal.type("m");
    await terminal.completes(/> get my\\$/);
    await terminal.completes(/my\\ file\.txt +my\\ notes\.txt/);
    await terminal.type("f");
    await terminal.completes(/> get my\\ file\.txt$/);
    await terminal.press("Enter");
    await terminal.shows(/Fetched 1 file, 6 B in .*, verified and durable\n/);
    const got = await Deno.readTextFile(`${scene.local}/my file.txt`);
    assertEquals(got, "hello\n");

    await terminal.type("get --on-conflict=ov");
    await terminal.completes(/> get --on-conflict=overwrite$/);
    await terminal.press("C-u");
    await terminal.type("!l");
    await terminal.press("C-c");
    await terminal.shows(/> !l\^C\n127\.0\.0\.1:\/>$/);

    await terminal.press("Up", "Enter");
    await terminal.shows(/"my file\.txt" is there already\n.*\[f\]$/);
    await terminal.enter("r");
    await terminal.shows('Saved as "my file-1.txt": the name was taken');
    await terminal.press("Up");
    // The answer is no command.
    await terminal.shows(/> get my\\ file\.txt$/);
    await terminal.press("C-u");
    await terminal.enter("!ls");
    await terminal.shows("ferry runs without --allow-run");
    await terminal.enter("help cd");
    await terminal.shows("Usage: cd [OPTIONS] [PATH]");
    await terminal.press("C-d");
    await terminal.shows(/\nexit 0$/);

    const history = `${scene.state}/ferry/history`;
    assertEquals(
      (await Deno.readTextFile(history)).split("\n"),
      ["ls *.csv", "get my\\ file.txt", "!ls", "help cd", ""],
    );
    assertEquals((await Deno.stat(history)).mode! & 0o777, 0o600);
    const again = await shell(scene, [server.host], {
      folder: scene.state,
      permissions: ["--allow-run"],
    });
    await again.press("Up", "Up", "Enter");
    await again.shows(/> !ls\n.*my file\.txt.*\n127/);
    await again.enter("!head -n 1");
    await again.shows(/> !head -n 1$/);
    await again.enter("for the command");
    await again.shows(/\nfor the command\nfor the command\n127.*>$/);
    await again.enter("exit");
    await again.shows(/\nexit 0$/);
  },
  NEEDS_TMUX,
);

sceneTest(
  "at a terminal, Ctrl-C stops a put, and the same command continues it in the same shell",
  async (scene) => {
    await writeLarge(`${scene.local}/large.bin`, 1, 24 * CHUNK);
    const server = await scene.server();
    const proxy = holdingProxy(scene, server.port, 9);
    const terminal = await shell(scene, [
      ...["shell", proxy.host, "--limit-rate", "4M"],
    ]);
    await terminal.enter("put large.bin --streams 1");
    await terminal.shows(/ \d+% .* of 24\.0 MiB .*large\.bin$/);
    await proxy.gate.reached;
    // What was held back is a pause that shows.
    await terminal.shows(/ \d\d% .*no data for \d/);
    await terminal.press("C-c");
    const stopped = await terminal.shows(
      /\nInterrupted at [1-9]\d?%; the same command continues\n127\.0\.0\.1:\/>$/,
    );
    assertEquals(progressOf(stopped), []);
    proxy.gate.open();
    await terminal.enter("pwd");
    await terminal.shows(/> pwd\n\/\n127\.0\.0\.1:\/>$/);
    await terminal.press("Up", "Up", "Enter");
    const sent = await terminal.shows(
      /Sent 1 file, .*\n127\.0\.0\.1:\/>$/,
    );
    assertMatch(
      sent,
      /Sent 1 file, 24\.0 MiB in .*, verified and durable, \d.* MiB of it from an earlier try/,
    );
    assertEquals(progressOf(sent), []);
    await assertSameFile(`${scene.local}/large.bin`, `${scene.root}/large.bin`);
    await terminal.enter("bye");
    await terminal.shows(/\nexit 0$/);
  },
  NEEDS_TMUX,
);

sceneTest(
  "at a terminal, progress fits a window that changes, with names of wide letters",
  async (scene) => {
    const name = "日本の写真と長い名前のファイル.bin";
    await writeLarge(`${scene.local}/${name}`, 2, 12 * CHUNK);
    await scene.file("small.txt", "small");
    const server = await scene.server();
    const proxy = holdingProxy(scene, server.port, 5);
    const args = [proxy.host, "--limit-rate", "4M"];
    const terminal = await shell(scene, args, { columns: 120 });
    await terminal.enter(`put --streams 1 ${name} small.txt`);
    await proxy.gate.reached;
    const wide = await terminal.shows(/ \d+% {2}\[.*file 1 of 2\n {6}日本/);
    assertStringIncludes(wide, `      ${name}  `);
    await terminal.resize(40);
    const narrow = await terminal.holds(/\n {6}…[^\n]*\.bin {2}\d+%$/);
    assertEquals(progressOf(narrow).length, 1, narrow);
    await terminal.resize(200);
    const wider = await terminal.holds(
      / \d+% {2}\[[=> ]{30,}\].*file 1 of 2\n/,
    );
    assertEquals(progressOf(wider).length, 1, wider);
    proxy.gate.open();
    const sent = await terminal.holds(/Sent 2 files, .*\n127\.0\.0\.1:\/>$/);
    assertEquals(progressOf(sent), []);
    assertEquals(sent.split(`      ${name}`).length, 1, sent);
    await terminal.resize(24);
    await terminal.enter("mkdir directory-with-a-long-name");
    await terminal.enter("cd directory-with-a-long-name");
    await terminal.shows(/\n…a-long-name>$/);
  },
  NEEDS_TMUX,
);

sceneTest(
  "at a terminal, a connection that is lost comes back and says so",
  async (scene) => {
    await writeLarge(`${scene.local}/large.bin`, 3, 24 * CHUNK);
    const first = await scene.server();
    const chaos = await scene.chaos(first, 7);
    const proxy = holdingProxy(scene, chaos.address.port, 9);
    const args = [proxy.host, "--limit-rate", "4M"];
    const terminal = await shell(scene, args);
    await terminal.enter("put large.bin --streams 1");
    await proxy.gate.reached;
    // What is typed now waits for its turn, and does not disturb what is shown.
    await terminal.enter("pwd");
    await terminal.shows(/no data for \d.*large\.bin$/);
    proxy.cutAll();
    proxy.gate.open();
    await terminal.shows(/Connection lost at [1-9]\d?% .* to go on from there/);
    const sent = await terminal.shows(
      /Sent 1 file, .*\n127\.0\.0\.1:\/> pwd\n\/\n127\.0\.0\.1:\/>$/,
    );
    assertEquals(progressOf(sent), []);
    assertMatch(
      sent.replaceAll("\n", ""),
      /Connected to 127\.0\.0\.1:\d+ again/,
    );
    await assertSameFile(`${scene.local}/large.bin`, `${scene.root}/large.bin`);

    await terminal.type("ls");
    first.kill("SIGKILL");
    // What is being typed stays.
    await terminal.shows(
      /the next command makes it again\n127\.0\.0\.1:\/> ls$/,
    );
    await first.ended;
    const second = await scene.server();
    await chaos.set({ to: { hostname: "127.0.0.1", port: second.port } });
    await terminal.press("Enter");
    await terminal.shows(
      /> ls\n.*Connected to .* again\nlarge\.bin\n127\.0\.0\.1:\/>$/s,
    );
    await terminal.press("C-d");
    await terminal.shows(/\nexit 0$/);
  },
  NEEDS_TMUX,
);

sceneTest(
  "at a terminal that obeys nothing, a shell writes plain lines",
  async (scene) => {
    await scene.served("a.csv", "1\n");
    const server = await scene.server();
    const terminal = await shell(scene, [server.host], {
      env: { TERM: "dumb", NO_COLOR: "1" },
    });
    await terminal.enter("get a.csv --progress always");
    await terminal.shows(/Fetched 1 file, .*\n127\.0\.0\.1:\/>$/);
    await terminal.enter("get a.csv");
    await terminal.shows(/is there already\n.*\[f\]$/);
    await terminal.enter("s");
    await terminal.shows(/Fetched nothing, 1 file skipped\n127\.0\.0\.1:\/>$/);
    await terminal.press("C-c");
    await terminal.shows(/\^C\n127\.0\.0\.1:\/>$/);
    await terminal.press("C-d");
    await terminal.shows(/\nexit 0$/);
  },
  NEEDS_TMUX,
);
