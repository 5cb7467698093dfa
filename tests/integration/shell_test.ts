/**
 * The shell without a terminal: real programs, with commands from a file or
 * from stdin.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { CLIENT_PERMISSIONS } from "../helpers/spawn_main.ts";
import {
  localTree,
  NEEDS_UNIX,
  parseEvents,
  publicTree,
  sceneTest,
  settles,
} from "./scene.ts";

const UTF8 = new TextEncoder();

sceneTest(
  "a shell takes its commands from stdin, and does them all over one connection",
  async (scene) => {
    // It shows what the adapters do.
    scene.isMeasured = true;
    await scene.served("a.csv", "a\n");
    await scene.served("b.csv", "b\n");
    await scene.file("c one.txt", "one\n");
    await scene.file("c two.txt", "two\n");
    const server = await scene.server();
    const stdin = UTF8.encode(`# move some files
mkdir in
cd in
put c*   # here
mv "c one.txt" 'c 1.txt'
ls
cd ..
get *.csv
rm *.csv
pwd
`);
    const { stdout, stderr } = await scene.ferry(["shell", server.host], {
      stdin,
    });
    assertEquals(stdout.split("\n").sort(), ["", "/", "c 1.txt", "c two.txt"]);
    assertMatch(stderr, /^Made "in"\nSent 2 files, /);
    assertEquals(await publicTree(scene), [
      "in/",
      "in/c 1.txt",
      "in/c two.txt",
    ]);
    assertEquals(await localTree(scene), [
      "a.csv",
      "b.csv",
      "c one.txt",
      "c two.txt",
    ]);
    assertEquals(server.transcript.split("Log-in of anonymous").length, 2);
  },
);

sceneTest(
  "a script ends with the exit code of the first command that failed",
  async (scene) => {
    const server = await scene.server();
    await scene.file("script", "mkdir a\nmkdir a\nmkdir b\n");
    const args = [server.host, "--script", "script"];
    const first = await scene.ferry(args, { code: 6 });
    assertEquals(
      first.stderr,
      `Made "a"\nferry: line 2: Cannot make "a": exists already on ${server.host}\n`,
    );
    await settles(scene, ["a/"]);
    await scene.ferry([...args, "-k"], { code: 6 });
    await settles(scene, ["a/", "b/"]);
    const { stdout } = await scene.ferry([...args, "-k", "--json"], {
      code: 6,
    });
    assertEquals(parseEvents(stdout).map(({ event }) => event), [
      "error",
      "error",
      "error",
    ]);
  },
);

sceneTest(
  "a script runs commands of this machine where it may, and may not by itself",
  async (scene) => {
    const server = await scene.server();
    await Deno.mkdir(`${scene.local}/sub`);
    await scene.file(
      "script",
      "lcd sub\n!echo hello > made.txt\nput made.txt\n",
    );
    const args = ["shell", server.host, "--script", "script"];
    await scene.fails(
      args,
      4,
      "line 2: Cannot run commands of this machine: ferry runs without --allow-run",
    );
    const permissions = [...CLIENT_PERMISSIONS, "--allow-run=sh"];
    await scene.ferry(args, { permissions });
    assertEquals(await publicTree(scene), ["made.txt"]);
    await scene.file("failing", "!exit 3\n");
    const { stderr } = await scene.ferry(
      ["shell", server.host, "--script", "failing"],
      { permissions, code: 1 },
    );
    assertEquals(stderr, "ferry: line 1: The command ended with code 3\n");
  },
  NEEDS_UNIX,
);
