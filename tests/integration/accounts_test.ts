/**
 * Users with accounts: real programs, from the making of a key to the end of a
 * quota; and none of them ever says a secret.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { writerPermissions } from "../helpers/spawn_main.ts";
import { type Scene, sceneTest, type ServerProgram, tree } from "./scene.ts";

const PASSWORD = "correct horse battery staple";
const WRONG = "incorrect horse battery staple";

/** Runs `ferryd user` to its end. */
async function user(scene: Scene, args: readonly string[], code = 0) {
  const program = scene.spawn("server", ["user", ...args], {
    permissions: ["--allow-read", "--allow-write", "--allow-env"],
  });
  const ending = await program.ended;
  assertEquals(ending.code, code, `ferryd user ${args}`);
  return ending;
}

async function secretFile(scene: Scene, name: string, text: string) {
  await scene.file(name, `${text}\n`);
  await Deno.chmod(`${scene.local}/${name}`, 0o600);
}

/** A server that writes its users file and its state as well as its root. */
function serve(
  scene: Scene,
  args: readonly string[] = [],
): Promise<ServerProgram> {
  return scene.server({
    permissions: [
      ...writerPermissions(scene.base).filter((word) =>
        !word.startsWith("--allow-write")
      ),
      `--allow-write=${scene.base}`,
    ],
    args: ["--users", "users.jsonc", "--state", `${scene.base}/kept`, ...args],
  });
}

sceneTest(
  "users log in by password and by key, and nobody says a secret",
  async (scene) => {
    await secretFile(scene, "password", PASSWORD);
    await secretFile(scene, "wrong", WRONG);
    await Deno.mkdir(`${scene.root}/alice`);
    await Deno.mkdir(`${scene.root}/bob`);
    const file = ["--users", "users.jsonc"];
    await user(scene, [
      ...["add", "alice", "--root", "alice", "--password-file", "password"],
      ...file,
    ]);
    await scene.ferry(["keygen", "key"]);
    await user(scene, [
      ...["add", "bob", "--root", "bob", "--rights", "list,read"],
      ...["--key", "key.pub", ...file],
    ]);
    const server = await serve(scene, ["--debug"]);
    const { host } = server;
    await scene.file("a.txt", "of alice");
    const alice = ["-d", "--user", "alice", "--password-file", "password"];
    const bob = ["-d", "--identity", "key"];

    await scene.ferry(["put", ...alice, host, "a.txt"]);
    assertEquals(
      await Deno.readTextFile(`${scene.root}/alice/a.txt`),
      "of alice",
    );
    const variable = await scene.ferry(["ls", "-u", "alice", host], {
      env: { FERRY_PASSWORD: PASSWORD },
    });
    assertEquals(variable.stdout, "a.txt\n");
    assertEquals((await scene.ferry(["ls", ...bob, `bob@${host}`])).stdout, "");
    await scene.ferry(["put", ...bob, `bob@${host}`, "a.txt"], { code: 4 });
    await scene.ferry(["get", ...bob, `bob@${host}`, "../alice/a.txt"], {
      code: 2,
    });

    const refused = "the user is unknown, or the password is wrong";
    for (const name of ["alice", "bob", "mallory"]) {
      await scene.fails(
        ["info", "-u", name, "--password-file", "wrong", host],
        4,
        `Cannot connect to ${host}: ${refused}`,
      );
    }
    await scene.fails(
      ["info", ...bob.slice(1), "-u", "alice", host],
      4,
      `Cannot connect to ${host}: the user is unknown, or the key is not one of theirs`,
    );
    await scene.fails(
      ["info", host],
      4,
      `Cannot connect to ${host}: the server lets in only users with an account (name yours with --user NAME, and prove it with --identity FILE or its password)`,
    );
    await scene.ferry(["info", `alice:${PASSWORD}@${host}`], { code: 2 });

    // A change counts for a server that runs.
    await user(scene, ["rm", "bob", ...file]);
    await scene.ferry(["ls", ...bob, `bob@${host}`], { code: 4 });
    await scene.ferry(["ls", ...alice, host]);

    const key = await Deno.readTextFile(`${scene.local}/key`);
    const users = await Deno.readTextFile(`${scene.local}/users.jsonc`);
    const secrets = [
      PASSWORD,
      WRONG,
      key.split("\n")[1]!,
      /\$scrypt\$[^"]*/.exec(users)![0],
    ];
    const said = scene.transcripts().split("\n")
      // The words of a command line are those of this test.
      .filter((line) => !line.includes(`alice:${PASSWORD}@`)).join("\n");
    assert(said.includes("Log-in of alice"), "the server's log is there");
    for (const secret of secrets) assert(!said.includes(secret), secret);
    // Nor is it kept anywhere but where it was put.
    for (const folder of [scene.state, `${scene.base}/kept`]) {
      for (const name of await tree(folder)) {
        if (name.endsWith("/")) continue;
        const text = await Deno.readTextFile(`${folder}/${name}`);
        for (const secret of secrets) assert(!text.includes(secret), name);
      }
    }
    for (const name of ["users.jsonc", "key"]) {
      const { mode } = await Deno.stat(`${scene.local}/${name}`);
      assertEquals(mode! & 0o777, 0o600);
    }
  },
);

sceneTest("a quota holds, over a restart as well", async (scene) => {
  await Deno.mkdir(`${scene.root}/alice`);
  await scene.ferry(["keygen", "key"]);
  const file = ["--users", "users.jsonc"];
  await user(scene, [
    ...["add", "alice", "--root", "alice", "--key", "key.pub", ...file],
  ]);
  const path = `${scene.local}/users.jsonc`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(
    path,
    text.replace('"root"', '"quota": { "bytes": "10K" },\n      "root"'),
  );
  await scene.file("six", "6".repeat(6 * 1024));
  await scene.file("five", "5".repeat(5 * 1024));
  const alice = ["-u", "alice", "--identity", "key"];
  const first = await serve(scene);
  await scene.ferry(["put", ...alice, first.host, "six"]);
  await scene.fails(
    ["put", ...alice, first.host, "five"],
    1,
    'Cannot put "five": the user\'s quota of 10.0 KiB has 4.0 KiB left, it needs 5.0 KiB (remove something first, or ask for more)',
  );
  await first[Symbol.asyncDispose]();
  const second = await serve(scene);
  await scene.ferry(["put", ...alice, second.host, "five"], { code: 1 });
  await scene.ferry(["rm", ...alice, second.host, "six"]);
  await scene.ferry(["put", ...alice, second.host, "five"]);
  const [info] = await scene.events(["info", ...alice, second.host]);
  assertEquals(info?.["freeSpace"], 5 * 1024);
});

sceneTest(
  "a server does not start with accounts that cannot be used",
  async (scene) => {
    await scene.file("users.jsonc", '{\n  "users": {\n    "a": {}\n  }\n}\n');
    const program = scene.spawn("server", [
      ...["-l", "127.0.0.1:0", "--users", "users.jsonc", scene.root],
    ], { permissions: writerPermissions(scene.root) });
    const { code, stderr } = await program.ended;
    assertEquals(code, 1);
    assertEquals(
      stderr.trimEnd().split("\n").at(-1),
      'ferryd: Cannot use accounts: users.jsonc, line 3, "users.a.rights": is missing',
    );
  },
);
