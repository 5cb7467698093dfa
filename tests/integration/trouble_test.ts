/**
 * What goes wrong with files and disks: one clear line each, the right exit
 * code, nothing left behind, and a server that serves on.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type SmallDisk,
  smallDisk,
  smallDiskProblem,
} from "../helpers/small_disk.ts";
import {
  CHUNK,
  Gate,
  NEEDS_UNIX,
  randomBytes,
  type Scene,
  sceneTest,
  type ServerProgram,
  settles,
  tree,
} from "./scene.ts";

const NO_DISK = await smallDiskProblem();
const ROOT_MAY_WRITE = NEEDS_UNIX ??
  (Deno.uid() === 0 ? "root may write everywhere" : undefined);

/** A folder on a small disk, for the server or for clients. */
async function onSmallDisk(
  scene: Scene,
  folder: string,
  size = "3m",
): Promise<SmallDisk> {
  return scene.keep(await smallDisk(folder, size));
}

/** Another client is served as if nothing had happened. */
async function assertServesOn(
  scene: Scene,
  server: ServerProgram,
): Promise<void> {
  assertEquals(server.ending, undefined);
  await scene.ferry(["ls", server.host]);
}

sceneTest("a full disk on the server", async (scene) => {
  await onSmallDisk(scene, scene.root);
  await scene.file("big", randomBytes(1, 5 * CHUNK));
  await scene.file("small", "small\n");
  const server = await scene.server();
  const line = 'Cannot put "big": ';
  const known = await scene.ferry(["put", server.host, "big"], { code: 1 });
  assertEquals(known.stderr.startsWith(`ferry: ${line}`), true, known.stderr);
  await settles(scene, []);
  // Nobody can know beforehand how much comes from stdin.
  await scene.fails(
    ["put", server.host, "-", "-o", "big"],
    1,
    'Cannot put "big": no space left on the disk',
    { stdin: randomBytes(1, 5 * CHUNK) },
  );
  await settles(scene, []);
  await scene.ferry(["put", server.host, "small"]);
  await settles(scene, ["small"]);
}, NO_DISK);

sceneTest(
  "a full disk where the server may not ask for the free space",
  async (scene) => {
    await onSmallDisk(scene, scene.root);
    await scene.file("big", randomBytes(1, 5 * CHUNK));
    const server = await scene.server({
      permissions: [
        "--allow-net",
        "--allow-read",
        `--allow-write=${scene.root}`,
      ],
    });
    await scene.fails(
      ["put", server.host, "big"],
      1,
      'Cannot put "big": no space left on the disk',
    );
    await settles(scene, []);
    await assertServesOn(scene, server);
  },
  NO_DISK,
);

sceneTest("a full disk on the client", async (scene) => {
  await onSmallDisk(scene, scene.local);
  await scene.served("big", randomBytes(1, 5 * CHUNK));
  await scene.served("small", "small\n");
  const server = await scene.server();
  await scene.fails(
    ["get", server.host, "big"],
    1,
    'Cannot write "big": no space left on the disk',
  );
  assertEquals(await tree(scene.local), []);
  await scene.ferry(["get", server.host, "small"]);
  assertEquals(await tree(scene.local), ["small"]);
}, NO_DISK);

sceneTest("a disk that fills up while a put runs", async (scene) => {
  await onSmallDisk(scene, scene.root, "8m");
  await scene.file("big", randomBytes(1, 5 * CHUNK));
  const server = await scene.server();
  const gate = new Gate();
  const proxy = scene.proxy(
    server,
    ({ type, index }) => type === "DATA" && index === 2 ? gate.hold() : "pass",
  );
  const put = scene.start(["put", proxy.host, "big"]);
  await gate.reached;
  await scene.served("intruder", randomBytes(2, 6 * CHUNK - 100_000)).catch(
    () => {},
  );
  gate.open();
  const { code, stderr } = await put.ended;
  assertEquals(stderr, 'ferry: Cannot put "big": no space left on the disk\n');
  assertEquals(code, 1);
  await settles(scene, ["intruder"]);
}, NO_DISK);

sceneTest("a read-only file system on the server", async (scene) => {
  const disk = await onSmallDisk(scene, scene.root);
  await scene.served("a", "a\n");
  await scene.file("b", "b\n");
  await disk.freeze();
  const server = await scene.server();
  const why = "the file system is read-only";
  await scene.fails(["put", server.host, "b"], 4, `Cannot put "b": ${why}`);
  await scene.fails(["rm", server.host, "a"], 4, `Cannot remove "a": ${why}`);
  await scene.fails(
    ["mv", server.host, "a", "c"],
    4,
    `Cannot rename "a": ${why}`,
  );
  await scene.fails(["mkdir", server.host, "d"], 4, `Cannot make "d": ${why}`);
  await scene.ferry(["get", server.host, "a"]);
  assertEquals(await tree(scene.root), ["a"]);
}, NO_DISK);

sceneTest("a read-only file system on the client", async (scene) => {
  const disk = await onSmallDisk(scene, scene.local);
  await scene.served("a", "a\n");
  await disk.freeze();
  const server = await scene.server();
  await scene.fails(
    ["get", server.host, "a"],
    4,
    'Cannot write "a": the file system is read-only',
  );
  await scene.ferry(["get", server.host, "a", "-o", "-"]);
}, NO_DISK);

sceneTest(
  "a folder without write permission, on either side",
  async (scene) => {
    await Deno.mkdir(`${scene.root}/locked`, { mode: 0o555 });
    await Deno.mkdir(`${scene.local}/locked`, { mode: 0o555 });
    await scene.served("a", "a\n");
    await scene.file("b", "b\n");
    const server = await scene.server();
    const why = "permission denied by the file system";
    await scene.fails(
      ["put", server.host, "b", "-o", "locked"],
      4,
      `Cannot put "locked/b": ${why}`,
    );
    await scene.fails(
      ["get", server.host, "a", "-o", "locked"],
      4,
      `Cannot write "locked/a": ${why}`,
    );
    await assertServesOn(scene, server);
  },
  ROOT_MAY_WRITE,
);

sceneTest("a source that is not there, or is no file", async (scene) => {
  await Deno.mkdir(`${scene.local}/dir`);
  await Deno.mkdir(`${scene.root}/dir`);
  const server = await scene.server();
  const { host } = server;
  await scene.fails(
    ["put", host, "gone"],
    5,
    'Cannot put "gone": not found on this machine',
  );
  await scene.fails(
    ["get", host, "gone"],
    5,
    `Cannot get "gone": not found on ${host}`,
  );
  const only = "(use -r to move directories as well)";
  await scene.fails(
    ["put", host, "dir"],
    6,
    `Cannot put "dir": it is a directory ${only}`,
  );
  await scene.fails(
    ["get", host, "dir"],
    6,
    `Cannot get "dir": it is a directory ${only}`,
  );
  await scene.fails(
    ["get", host, "dir", "-o", "-"],
    6,
    `Cannot get "dir": it is a directory ${only}`,
  );
  await assertServesOn(scene, server);
  assertEquals(await tree(scene.local), ["dir/"]);
  await settles(scene, ["dir/"]);
});

sceneTest(
  "a source that is a pipe is refused, not waited for",
  async (scene) => {
    const make = new Deno.Command("mkfifo", {
      args: [`${scene.local}/p`, `${scene.root}/p`],
    });
    assertEquals((await make.output()).code, 0);
    const { host } = await scene.server();
    await scene.fails(
      ["put", host, "p"],
      6,
      'Cannot put "p": it is not a regular file',
    );
    await scene.fails(
      ["get", host, "p"],
      6,
      'Cannot get "p": it is not a regular file',
    );
  },
  NEEDS_UNIX,
);

sceneTest("a file where a directory is expected", async (scene) => {
  await scene.file("a", "a\n");
  await scene.served("a", "a\n");
  const server = await scene.server();
  const { host } = server;
  const why = "it is not a directory";
  await scene.fails(
    ["put", host, "a", "-o", "a/b"],
    6,
    `Cannot put "a/b": ${why}`,
  );
  await scene.fails(["get", host, "a/b"], 6, `Cannot get "a/b": ${why}`);
  await scene.fails(
    ["get", host, "a", "-o", "a/b"],
    6,
    `Cannot write "a/b": ${why}`,
  );
  await scene.fails(["mkdir", host, "a/b"], 6, `Cannot make "a/b": ${why}`);
  await scene.fails(
    ["mkdir", "-p", host, "a/b/c"],
    6,
    `Cannot make "a/b/c": ${why}`,
  );
  await scene.fails(["ls", host, "a/b"], 6, `Cannot list "a/b": ${why}`);
  await scene.fails(["mv", host, "a", "a/b"], 6, `Cannot rename "a": ${why}`);
  await settles(scene, ["a"]);
  await assertServesOn(scene, server);
});

/** Holds a transfer where the sender has sent some, and cannot send all. */
const LARGE = 64 * CHUNK;

async function disturbed(
  scene: Scene,
  command: "put" | "get",
  disturb: (path: string) => Promise<void>,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const folder = command === "put" ? scene.local : scene.root;
  const path = `${folder}/big`;
  await Deno.writeFile(path, randomBytes(1, LARGE));
  const server = await scene.server();
  const gate = new Gate();
  const proxy = scene.proxy(
    server,
    ({ type, index }) => type === "DATA" && index === 1 ? gate.hold() : "pass",
  );
  const transfer = scene.start([command, proxy.host, "big"]);
  await gate.reached;
  await disturb(path);
  gate.open();
  const { code, stderr } = await transfer.ended;
  await assertServesOn(scene, server);
  return { code, stderr };
}

const CHANGED =
  "it changed while it was read (try again when nobody writes to it)";

for (const command of ["put", "get"] as const) {
  sceneTest(`a source that grows during a ${command}`, async (scene) => {
    const ending = await disturbed(
      scene,
      command,
      (path) => Deno.writeFile(path, new Uint8Array(100), { append: true }),
    );
    assertEquals(ending, {
      code: 7,
      stderr: `ferry: Cannot ${command} "big": ${CHANGED}\n`,
    });
    await settles(scene, command === "put" ? [] : ["big"]);
    assertEquals(await tree(scene.local), command === "put" ? ["big"] : []);
  });

  sceneTest(`a source that shrinks during a ${command}`, async (scene) => {
    const ending = await disturbed(
      scene,
      command,
      (path) => Deno.truncate(path, CHUNK + 7),
    );
    assertEquals(ending, {
      code: 7,
      stderr: `ferry: Cannot ${command} "big": ${CHANGED}\n`,
    });
    await settles(scene, command === "put" ? [] : ["big"]);
    assertEquals(await tree(scene.local), command === "put" ? ["big"] : []);
  });

  sceneTest(
    `a source that vanishes during a ${command} is sent whole, as it was`,
    async (scene) => {
      const ending = await disturbed(
        scene,
        command,
        (path) => Deno.remove(path),
      );
      // The open file is still the whole file; its link count is a change, though.
      assertEquals([0, 7].includes(ending.code), true, ending.stderr);
      const arrived = command === "put" ? scene.root : scene.local;
      const expected = ending.code === 0 ? ["big"] : [];
      if (command === "put") await settles(scene, expected);
      else assertEquals(await tree(arrived), expected);
    },
  );
}

sceneTest("the folder of a put is removed while it runs", async (scene) => {
  await scene.file("big", randomBytes(1, 4 * CHUNK));
  await Deno.mkdir(`${scene.root}/dir`);
  const server = await scene.server();
  const gate = new Gate();
  const proxy = scene.proxy(
    server,
    ({ type }) => type === "END" ? gate.hold() : "pass",
  );
  const put = scene.start(["put", proxy.host, "big", "-o", "dir/"]);
  await gate.reached;
  await Deno.remove(`${scene.root}/dir`);
  gate.open();
  const { code, stderr } = await put.ended;
  assertEquals([code, stderr.split("\n").length], [5, 2], stderr);
  await settles(scene, []);
  await assertServesOn(scene, server);
});

sceneTest("a folder that cannot be served", async (scene) => {
  await scene.file("f", "f");
  const start = (root: string) =>
    scene.spawn("server", ["-l", "127.0.0.1:0", root], {
      permissions: ["--allow-net", "--allow-read"],
    }).ended;
  const missing = await start("gone");
  assertEquals([missing.code, missing.stderr], [
    5,
    'ferryd: Cannot serve "gone": not found\n',
  ]);
  const file = await start("f");
  assertEquals([file.code, file.stderr], [
    6,
    'ferryd: Cannot serve "f": the root is not a directory\n',
  ]);
});

sceneTest("a port that is taken", async (scene) => {
  const { host } = await scene.server();
  const second = scene.spawn("server", ["-l", host, scene.root], {
    permissions: ["--allow-net", "--allow-read"],
  });
  const { code, stderr } = await second.ended;
  assertEquals(code, 1);
  assertEquals(
    stderr,
    `ferryd: Cannot listen on ${host}: address is in use\n`,
  );
});
