/**
 * Names that must not lead out of the root: what the client refuses by itself,
 * what the server refuses from a client that does not, and links.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { RawPeer } from "../helpers/raw_peer.ts";
import { tcpNetwork } from "../../lib/transport/mod.ts";
import {
  type ErrorCode,
  errorCodeName,
  NONCE_SIZE,
  UPLOAD_ID_SIZE,
  VERSIONS,
} from "../../lib/protocol/mod.ts";
import {
  NEEDS_UNIX,
  type Scene,
  sceneTest,
  type ServerProgram,
  settles,
  tree,
  until,
} from "./scene.ts";

const SECRET = "nobody may see this\n";

/** What must stay as it is: names, kinds, contents and times outside the root. */
async function canary(scene: Scene): Promise<() => Promise<void>> {
  const folder = `${scene.base}/outside`;
  await Deno.mkdir(`${folder}/dir`, { recursive: true });
  await Deno.writeTextFile(`${folder}/secret`, SECRET);
  await Deno.writeTextFile(`${folder}/dir/secret`, SECRET);
  const look = async (): Promise<unknown[]> => {
    const seen: unknown[] = [await tree(folder)];
    for (const name of ["", "secret", "dir", "dir/secret"]) {
      const { size, mtime, ctime, ino, mode, nlink } = await Deno.lstat(
        `${folder}/${name}`,
      );
      seen.push([
        name,
        size,
        mtime?.getTime(),
        ctime?.getTime(),
        ino,
        mode,
        nlink,
      ]);
    }
    seen.push(await Deno.readTextFile(`${folder}/secret`));
    // The folder that holds all of it, too: nothing new beside the root.
    const around: string[] = [];
    for await (const { name } of Deno.readDir(scene.base)) around.push(name);
    return [...seen, around.sort()];
  };
  const before = await look();
  return async () => assertEquals(await look(), before);
}

/** Names that the client itself refuses, and what it says. */
const REFUSED = [
  ["../x", 'has a ".." segment'],
  ["a/../b", 'has a ".." segment'],
  ["a/..", 'has a ".." segment'],
  ["/../outside/secret", 'has a ".." segment'],
  [".", 'has a "." segment'],
  ["./x", 'has a "." segment'],
  ["a//b", "has an empty segment"],
  ["a\\b", "has a backslash"],
  ["..\\x", "has a backslash"],
  ["C:x", "begins with a drive letter"],
  ["C:/x", "begins with a drive letter"],
  [".ferry", 'has the reserved segment ".ferry"'],
  [".ferry/x", 'has the reserved segment ".ferry"'],
  ["a/.FERRY/x", 'has the reserved segment ".ferry"'],
] as const;

sceneTest(
  "names that lead elsewhere are refused before anybody connects",
  async (scene) => {
    const unchanged = await canary(scene);
    await scene.file("local", "local\n");
    // Nobody listens there: whoever connects first gets another code.
    const host = "127.0.0.1:1";
    for (const [index, [name, problem]] of REFUSED.entries()) {
      const shown = name.replaceAll("\\", "\\\\");
      const line = `Cannot use "${shown}": the name ${problem}`;
      // The server is asked about every name in every request, further down.
      const commands = [
        ["get", host, name],
        ["put", host, "local", "-o", name],
        ["ls", host, name],
      ];
      await scene.fails(commands[index % commands.length] ?? [], 2, line);
    }
    const [name, problem] = REFUSED[0];
    const line = `Cannot use "${name}": the name ${problem}`;
    for (
      const args of [
        ["stat", host, name],
        ["mv", host, name, "a"],
        ["mv", host, "a", name],
        ["rm", "-r", host, name],
        ["mkdir", "-p", host, name],
      ]
    ) await scene.fails(args, 2, line);
    await unchanged();
  },
);

sceneTest("a leading / is the user's root, and nothing else", async (scene) => {
  const unchanged = await canary(scene);
  await scene.served("etc", "not yours\n");
  const { host } = await scene.server();
  await scene.ferry(["get", host, "//etc"]);
  assertEquals(await Deno.readTextFile(`${scene.local}/etc`), "not yours\n");
  await scene.fails(
    ["get", host, `${scene.base}/outside/secret`],
    5,
    `Cannot get "${scene.base.slice(1)}/outside/secret": not found on ${host}`,
  );
  await unchanged();
});

/** Logs in by hand; what it sends, no client of ours would. */
async function logIn(server: ServerProgram): Promise<RawPeer> {
  const address = { hostname: "127.0.0.1", port: server.port };
  const peer = new RawPeer(await tcpNetwork.dial(address));
  const nonce = new Uint8Array(NONCE_SIZE);
  await peer.send("HELLO", {
    versions: [...VERSIONS],
    agent: "hostile",
    nonce,
  });
  await peer.expect("GREETING");
  await peer.send("LOGIN", { method: "anonymous" });
  return peer;
}

const HOSTILE = [
  "..",
  "../outside/secret",
  "../outside/dir",
  "a/../../outside/secret",
  "/etc/passwd",
  "/",
  "a/",
  "a//b",
  ".",
  "./a",
  "a\0b",
  "\0",
  "..\\outside\\secret",
  "C:secret",
  "c:/secret",
  ".ferry",
  ".ferry/x",
  "a/.ferry",
  ".fer\u200cry/x",
  "\ufffd",
  "x".repeat(256),
  "d/".repeat(128) + "d",
];

sceneTest(
  "the server refuses the same names from a client that does not",
  async (scene) => {
    const unchanged = await canary(scene);
    await Deno.mkdir(`${scene.root}/a`);
    const server = await scene.server();
    const peer = await logIn(server);
    const ready = await peer.expect("READY");
    const isRefusal = (code: ErrorCode) => code === "bad-name";
    let id = 0;
    for (const path of HOSTILE) {
      const shown = JSON.stringify(path.slice(0, 40));
      const ask = async (what: string, send: (id: number) => Promise<void>) => {
        await send(++id);
        const code = await peer.refusal(id);
        assert(isRefusal(code), `${what} ${shown}: ${code}`);
      };
      await ask("STAT", (id) => peer.send("STAT", { path }, id));
      await ask(
        "LIST",
        (id) => peer.send("LIST", { path, recursive: true }, id),
      );
      await ask(
        "MAKE_DIRECTORY",
        (id) => peer.send("MAKE_DIRECTORY", { path, parents: true }, id),
      );
      await ask(
        "REMOVE",
        (id) => peer.send("REMOVE", { path, recursive: true }, id),
      );
      const onConflict = "overwrite";
      await ask(
        "RENAME from",
        (id) => peer.send("RENAME", { from: path, to: "b", onConflict }, id),
      );
      await ask(
        "RENAME to",
        (id) => peer.send("RENAME", { from: "a", to: path, onConflict }, id),
      );
    }
    await peer.send("GRANT", {}, ++id);
    const { body: { token } } = await peer.expect("GRANTED");
    const data = new RawPeer(
      await tcpNetwork.dial({ hostname: "127.0.0.1", port: server.port }),
    );
    await data.send("ATTACH", {
      version: 1,
      session: ready.body.session,
      token,
    });
    await data.expect("ATTACHED");
    for (const [index, path] of HOSTILE.entries()) {
      const shown = JSON.stringify(path.slice(0, 40));
      const upload = new Uint8Array(UPLOAD_ID_SIZE).fill(index);
      await data.send("PUT", {
        path,
        upload,
        size: 0,
        onConflict: "overwrite",
        durability: "none",
        algorithm: "crc32-chunks",
      }, ++id);
      const put = await data.expect("ERROR");
      assertEquals(errorCodeName(put.body.code), "bad-name", `PUT ${shown}`);
      await data.send("GET", { path, algorithm: "crc32-chunks" }, ++id);
      const get = await data.expect("ERROR");
      assertEquals(errorCodeName(get.body.code), "bad-name", `GET ${shown}`);
    }
    data.close();
    peer.close();
    await settles(scene, ["a/"]);
    await scene.ferry(["ls", server.host]);
    await unchanged();
  },
);

/** A tree with links that lead out of it, that stay in it, and that lead nowhere. */
async function linked(scene: Scene): Promise<string> {
  const { root } = scene;
  await Deno.mkdir(`${root}/inside`);
  await scene.served("inside/file", "inside\n");
  const links = [
    ["../outside/secret", "to-file"],
    ["../outside/dir", "to-dir"],
    [`${scene.base}/outside/secret`, "absolute"],
    ["../outside", "to-outside"],
    ["inside/file", "within"],
    ["inside", "within-dir"],
    ["nowhere", "dangling"],
    ["../outside/new", "dangling-out"],
    ["loop", "loop"],
  ] as const;
  for (const [target, name] of links) {
    await Deno.symlink(target, `${root}/${name}`);
  }
  await scene.file("local", "local\n");
  return (await scene.server()).host;
}

sceneTest(
  "links that leave the root: nothing is read or written through them",
  async (scene) => {
    const unchanged = await canary(scene);
    const host = await linked(scene);
    const before = await tree(scene.root);
    const refused: [string[], RegExp][] = [];
    for (
      const name of [
        "to-file",
        "absolute",
        "to-outside/dir/secret",
        "dangling-out",
      ]
    ) {
      refused.push([["get", host, name], /^ferry: Cannot get /]);
      refused.push([
        ["stat", host, name, "--digest", "sha256"],
        /^ferry: Cannot look at /,
      ]);
    }
    for (
      const name of [
        "to-dir/secret",
        "to-outside/dir/new",
      ]
    ) {
      refused.push([[
        "put",
        host,
        "local",
        "-o",
        name,
        "--on-conflict",
        "overwrite",
      ], /^ferry: Cannot (put|look at) /]);
      refused.push([["mkdir", host, `${name}x`], /^ferry: Cannot make /]);
      refused.push([
        ["mkdir", "-p", host, `${name}x/y`],
        /^ferry: Cannot make /,
      ]);
      refused.push([[
        "mv",
        host,
        "inside/file",
        name,
        "--on-conflict",
        "overwrite",
      ], /^ferry: Cannot rename /]);
    }
    for (
      const name of ["to-dir/secret", "to-outside/dir", "to-outside/dir/secret"]
    ) {
      refused.push([["rm", "-r", host, name], /^ferry: Cannot remove /]);
      refused.push([["mv", host, name, "stolen"], /^ferry: Cannot rename /]);
      refused.push([["stat", host, name], /^ferry: Cannot look at /]);
    }
    refused.push([["ls", host, "to-dir"], /^ferry: Cannot list /]);
    refused.push([["ls", "-R", host, "to-outside"], /^ferry: Cannot list /]);
    refused.push([["ls", host, "to-outside/dir"], /^ferry: Cannot list /]);
    for (const [args, pattern] of refused) {
      const { code, stdout, stderr } = await scene.start(args).ended;
      assert(
        code === 4 || code === 5 || code === 6,
        `${args}: ${code} ${stderr}`,
      );
      assert(pattern.test(stderr), `${args}: ${stderr}`);
      assertEquals(stderr.split("\n").length, 2, stderr);
      assert(!stdout.includes("nobody may"), `${args}: ${stdout}`);
    }
    assertEquals(await tree(scene.local), ["local"]);
    await settles(scene, before);
    await unchanged();
  },
  NEEDS_UNIX,
);

sceneTest(
  "putting onto a link that leaves the root is refused; one that stays in it is followed",
  async (scene) => {
    const unchanged = await canary(scene);
    const host = await linked(scene);
    const put = (name: string, policy: string, code: number) =>
      scene.ferry([
        "put",
        host,
        "local",
        "-o",
        `/${name}`,
        "--on-conflict",
        policy,
      ], { code });
    for (const name of ["to-file", "absolute"]) {
      for (const policy of ["fail", "overwrite", "rename", "skip"]) {
        const { stderr } = await put(name, policy, 4);
        assert(
          /^ferry: Cannot (put|look at) "[^"]+": leads outside the served folder, or nowhere\n$/
            .test(stderr),
          stderr,
        );
      }
      assertEquals((await Deno.lstat(`${scene.root}/${name}`)).isSymlink, true);
    }
    await put("within", "fail", 6);
    await put("within", "overwrite", 0);
    assertEquals((await Deno.lstat(`${scene.root}/within`)).isSymlink, true);
    assertEquals(
      await Deno.readTextFile(`${scene.root}/inside/file`),
      "local\n",
    );
    // Refused or not: nothing appears outside.
    for (const name of ["dangling", "dangling-out", "loop"]) {
      for (const policy of ["fail", "overwrite"]) {
        await scene.start([
          "put",
          host,
          "local",
          "-o",
          name,
          "--on-conflict",
          policy,
        ]).ended;
      }
    }
    await unchanged();
  },
  NEEDS_UNIX,
);

sceneTest("rm and mv take a link itself, and only that", async (scene) => {
  const unchanged = await canary(scene);
  const host = await linked(scene);
  await scene.ferry(["mv", host, "to-file", "renamed"]);
  assertEquals(
    await Deno.readLink(`${scene.root}/renamed`),
    "../outside/secret",
  );
  await scene.ferry(["rm", host, "renamed"]);
  await scene.ferry([
    "rm",
    "-r",
    host,
    "to-dir",
    "to-outside",
    "absolute",
    "loop",
    "dangling",
    "within",
    "within-dir",
  ]);
  await settles(scene, ["dangling-out", "inside/", "inside/file"]);
  await unchanged();
}, NEEDS_UNIX);

sceneTest(
  "rm -r of a directory with links in it follows none of them",
  async (scene) => {
    const unchanged = await canary(scene);
    await linked(scene);
    await Deno.symlink("../../outside", `${scene.root}/inside/out`);
    const { host } = await scene.server();
    await scene.ferry(["rm", "-r", host, "inside"]);
    await unchanged();
  },
  NEEDS_UNIX,
);

sceneTest(
  "ls shows links as links, and never follows them out",
  async (scene) => {
    const unchanged = await canary(scene);
    const host = await linked(scene);
    const names = [
      "absolute",
      "dangling",
      "dangling-out",
      "loop",
      "to-dir",
      "to-file",
      "to-outside",
      "within",
      "within-dir",
    ];
    const short = await scene.ferry(["ls", host, "--sort", "name"]);
    assertEquals(
      short.stdout.trimEnd().split("\n"),
      [...names, "inside"].sort().map((name) =>
        name === "inside" ? "inside/" : `${name}@`
      ),
    );
    const long = await scene.ferry(["ls", "-lR", host]);
    assertEquals(
      long.stdout.split("\n").filter((line) => line.startsWith("l")).length,
      names.length,
    );
    assert(!long.stdout.includes("secret"));
    const events = await scene.events(["ls", "-R", host]);
    for (const { name, type } of events) {
      const kind = name === "inside"
        ? "directory"
        : name === "file"
        ? "file"
        : "link";
      assertEquals(type, kind);
    }
    await unchanged();
  },
  NEEDS_UNIX,
);

sceneTest("links within the root are followed", async (scene) => {
  const host = await linked(scene);
  await scene.ferry(["get", host, "within"]);
  assertEquals(await Deno.readTextFile(`${scene.local}/within`), "inside\n");
  const { stdout } = await scene.ferry(["ls", host, "within-dir"]);
  assertEquals(stdout, "file\n");
  await scene.ferry(["put", host, "local", "-o", "within-dir/"]);
  assertEquals(
    await Deno.readTextFile(`${scene.root}/inside/local`),
    "local\n",
  );
}, NEEDS_UNIX);

sceneTest(
  "the client never writes through a link that lies where the file goes",
  async (scene) => {
    const unchanged = await canary(scene);
    await scene.served("a", "from the server\n");
    const { host } = await scene.server();
    await Deno.symlink("../outside/secret", `${scene.local}/a`);
    await scene.ferry(["get", host, "a"], { code: 6 });
    await scene.ferry(["get", host, "a", "--on-conflict", "overwrite"]);
    assertEquals((await Deno.lstat(`${scene.local}/a`)).isFile, true);
    await unchanged();
  },
  NEEDS_UNIX,
);

sceneTest("a .ferry that is a link is not used", async (scene) => {
  const unchanged = await canary(scene);
  await Deno.symlink("../outside", `${scene.root}/.ferry`);
  await scene.file("local", "local\n");
  const program = scene.spawn("server", ["-l", "127.0.0.1:0", scene.root], {
    permissions: ["--allow-net", "--allow-read", `--allow-write=${scene.root}`],
  });
  // It may refuse to start, or to receive; both are safe.
  const ready = /^listening ferry tcp:\/\/(?<host>\S+)$/m;
  await until(
    "the server to start or to end",
    () => program.ending !== undefined || ready.test(program.stdout),
  );
  const host = ready.exec(program.stdout)?.groups?.["host"];
  if (host === undefined) {
    assert(program.ending?.code !== 0);
  } else {
    await scene.ferry(["put", host, "local"], { code: 4 });
  }
  await unchanged();
}, NEEDS_UNIX);
