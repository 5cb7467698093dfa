/**
 * What the programs do under exactly the permissions that the help shows.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { listening, READER_PERMISSIONS } from "../helpers/spawn_main.ts";
import { publicTree, sceneTest, settles } from "./scene.ts";

const NO_WRITE = "the server runs without --allow-write for its folder";

sceneTest(
  "ferryd without --allow-write offers to list and read only",
  async (scene) => {
    await scene.served("a.txt", "served\n");
    const server = await scene.server({ permissions: READER_PERMISSIONS });

    const { stdout } = await scene.ferry(["info", server.host]);
    assertStringIncludes(
      stdout,
      "May         list, read (ls, get, stat, info)\n",
    );
    assertStringIncludes(
      stdout,
      `May not     write, rename, delete: ${NO_WRITE}\n`,
    );
    assertStringIncludes(
      stdout,
      "Free space  not told: the server runs without --allow-sys=statfs\n",
    );

    const [info, ...rest] = await scene.events(["info", server.host]);
    assertEquals(rest, []);
    assertEquals(info?.["event"], "info");
    assertEquals(info?.["rights"], ["list", "read"]);
    assertEquals(info?.["refusals"], {
      write: NO_WRITE,
      rename: NO_WRITE,
      delete: NO_WRITE,
    });
    assertEquals(info?.["freeSpace"], null);

    await scene.ferry(["get", server.host, "a.txt"]);
    assertEquals(await Deno.readTextFile(`${scene.local}/a.txt`), "served\n");
  },
);

sceneTest(
  "changes without --allow-write end with 4 and name the flag",
  async (scene) => {
    await scene.served("a.txt", "served\n");
    await scene.file("b.txt", "local\n");
    const { host } = await scene.server({ permissions: READER_PERMISSIONS });
    await scene.fails(
      ["put", host, "b.txt"],
      4,
      `Cannot put "b.txt": ${NO_WRITE}`,
    );
    await scene.fails(
      ["mv", host, "a.txt", "c"],
      4,
      `Cannot rename "a.txt": ${NO_WRITE}`,
    );
    await scene.fails(
      ["rm", host, "a.txt"],
      4,
      `Cannot remove "a.txt": ${NO_WRITE}`,
    );
    await scene.fails(["mkdir", host, "d"], 4, `Cannot make "d": ${NO_WRITE}`);
    const events = await scene.events(["put", host, "b.txt"], { code: 4 });
    const error = events.find(({ event }) => event === "error");
    assertEquals(error?.["code"], "denied");
    assertEquals(await publicTree(scene), ["a.txt"]);
  },
);

sceneTest(
  "ferryd with --allow-write=DIR receives, and knows the free space",
  async (scene) => {
    await scene.file("b.txt", "local\n");
    const server = await scene.server();
    await scene.ferry(["put", server.host, "b.txt"]);
    assertEquals(await Deno.readTextFile(`${scene.root}/b.txt`), "local\n");
    const [info] = await scene.events(["info", server.host]);
    assertEquals(info?.["rights"], [
      "list",
      "read",
      "write",
      "rename",
      "delete",
    ]);
    assert(Number(info?.["freeSpace"]) > 0);
    await settles(scene, ["b.txt"]);
  },
);

sceneTest(
  "--read-only and --anonymous read refuse changes and say why",
  async (scene) => {
    await scene.file("b.txt", "local\n");
    const readOnly = await scene.server({ args: ["--read-only"] });
    await scene.fails(
      ["put", readOnly.host, "b.txt"],
      4,
      'Cannot put "b.txt": the server is read-only (--read-only)',
    );
    const reader = await scene.server({ args: ["--anonymous", "read"] });
    await scene.fails(
      ["put", reader.host, "b.txt"],
      4,
      'Cannot put "b.txt": users without an account may only read here (--anonymous write on the server would allow more)',
    );
    const nobody = await scene.server({ args: ["--anonymous", "none"] });
    await scene.fails(
      ["ls", nobody.host],
      4,
      `Cannot connect to ${nobody.host}: users without an account may do nothing here (--anonymous read or write on the server would allow it)`,
    );
  },
);

for (const where of ["tcp://0.0.0.0:0", "tcp://[::]:0"]) {
  sceneTest(`ferryd refuses ${where} without --allow-plain`, async (scene) => {
    const server = scene.spawn("server", ["-l", where, scene.root], {
      permissions: READER_PERMISSIONS,
    });
    const { code, stdout, stderr } = await server.ended;
    assertEquals(code, 2);
    assertEquals(stdout, "");
    assertEquals(
      stderr,
      `ferryd: Cannot listen on ${where}: it is reachable beyond this machine and unencrypted, which needs --allow-plain (or tls:// instead)\n`,
    );
  });
}

sceneTest(
  "ferryd listens beyond loopback with --allow-plain, and offers nothing unasked",
  async (scene) => {
    await scene.served("a.txt", "served\n");
    const open = await scene.server({
      args: ["-l", "tcp://0.0.0.0:0", "--allow-plain"],
      permissions: READER_PERMISSIONS,
    });
    await open.says(/Nobody may do anything/, "stderr");
    await scene.ferry(["ls", open.host], { code: 4 });
    const reader = await listening(
      scene.spawn(
        "server",
        [
          ...["-l", "tcp://0.0.0.0:0", "--allow-plain", "--anonymous", "read"],
          scene.root,
        ],
        { permissions: READER_PERMISSIONS },
      ),
    );
    const { stdout } = await scene.ferry(["ls", reader.host]);
    assertEquals(stdout, "a.txt\n");
  },
);

sceneTest(
  "ferry without --allow-write or --allow-read says what is missing, with code 4",
  async (scene) => {
    await scene.served("a.txt", "served\n");
    await scene.file("b.txt", "local\n");
    const { host } = await scene.server();
    await scene.fails(
      ["get", host, "a.txt"],
      4,
      'Cannot write "a.txt": permission denied: this program runs without --allow-write',
      { permissions: ["--allow-net", "--allow-read"] },
    );
    await scene.fails(
      ["put", host, "b.txt"],
      4,
      'Cannot put "b.txt": permission denied: this program runs without --allow-read',
      { permissions: ["--allow-net"] },
    );
    await scene.fails(
      ["ls", host],
      4,
      `Cannot connect to ${host}: this program runs without --allow-net for that address`,
      { permissions: [] },
    );
    await settles(scene, ["a.txt"]);
  },
);

sceneTest(
  "ferryd without --allow-read or --allow-net does not start, and says why",
  async (scene) => {
    const blind = scene.spawn("server", ["-l", "127.0.0.1:0", scene.root], {
      permissions: ["--allow-net"],
    });
    const deaf = scene.spawn("server", ["-l", "127.0.0.1:0", scene.root], {
      permissions: ["--allow-read"],
    });
    const [noRead, noNet] = await Promise.all([blind.ended, deaf.ended]);
    assertEquals(noRead.code, 4);
    assertEquals(
      noRead.stderr,
      `ferryd: Cannot serve "${scene.root}": permission denied: this program runs without --allow-read\n`,
    );
    assertEquals(noNet.code, 4);
    assertEquals(
      noNet.stderr,
      "ferryd: Cannot listen on 127.0.0.1:0: this program runs without --allow-net for that address\n",
    );
  },
);
