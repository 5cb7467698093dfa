/**
 * Files of every size and name, both ways.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  assertSameFile,
  CHUNK,
  NEEDS_UNIX,
  publicTree,
  randomBytes,
  type Scene,
  sceneTest,
  settles,
} from "./scene.ts";

const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 40_000_000];

sceneTest(
  "files of every size go both ways, one by one and all at once",
  async (scene) => {
    const { host } = await scene.server();
    const names: string[] = [];
    for (const [index, size] of SIZES.entries()) {
      names.push(await scene.file(`${size}.bin`, randomBytes(index + 1, size)));
    }
    await scene.ferry(["put", host, ...names]);
    await Deno.mkdir(`${scene.local}/back`);
    await scene.ferry(["get", host, ...names, "-o", "back"]);
    for (const name of names) {
      await assertSameFile(`${scene.local}/${name}`, `${scene.root}/${name}`);
      await assertSameFile(
        `${scene.local}/${name}`,
        `${scene.local}/back/${name}`,
      );
      await scene.ferry(["put", host, name, "-o", `one-${name}`]);
      await scene.ferry(["get", host, `one-${name}`]);
      await assertSameFile(
        `${scene.local}/${name}`,
        `${scene.local}/one-${name}`,
      );
    }
  },
);

sceneTest("receipts and sha256sum agree about every size", async (scene) => {
  const { host } = await scene.server();
  for (const [index, size] of SIZES.entries()) {
    const bytes = randomBytes(index + 1, size);
    const name = await scene.file(`${size}.bin`, bytes);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const digest = { algorithm: "sha256", value: sum.toHex() };
    for (const args of [["put", host, name], ["get", host, name, "-o", "x"]]) {
      const events = await scene.events([
        ...args,
        ...["--digest", "sha256", "--on-conflict", "overwrite"],
      ]);
      const receipt = events.find(({ event }) => event === "receipt");
      assertEquals(receipt?.["digest"], digest);
      assertEquals(receipt?.["size"], size);
    }
    const [stat] = await scene.events([
      "stat",
      host,
      name,
      "--digest",
      "sha256",
    ]);
    assertEquals(stat?.["digest"], digest);
  }
});

const AWKWARD = [
  "two words",
  ` leading and trailing `,
  `it's "quoted" \`so\` $HOME *?[a]`,
  "line one\nline two",
  "emoji 👩‍👩‍👧 ✈",
  "-leading-dash",
  "--json",
  "naïve, 名前, e\u0301",
  "%00%2e#?&",
  "~",
  "ab:c",
  "x".repeat(255),
  "é".repeat(127),
];

sceneTest(
  "every name that a file system holds goes both ways",
  async (scene) => {
    const { host } = await scene.server();
    for (const [index, name] of AWKWARD.entries()) {
      await scene.file(name, `content ${index}\n`);
    }
    await scene.ferry(["put", host, "--", ...AWKWARD]);
    assertEquals(await publicTree(scene), [...AWKWARD].sort());

    const listed = await scene.events(["ls", host]);
    assertEquals(
      listed.map(({ name }) => String(name)).sort(),
      [...AWKWARD].sort(),
    );
    assertEquals(listed.every(({ addressable }) => addressable === true), true);

    await scene.ferry(["get", host, "-o", "back/", "--", ...AWKWARD], {
      code: 8,
    });
    await Deno.mkdir(`${scene.local}/back`);
    await scene.ferry(["get", host, "-o", "back/", "--", ...AWKWARD]);
    for (const [index, name] of AWKWARD.entries()) {
      const back = await Deno.readTextFile(`${scene.local}/back/${name}`);
      assertEquals(back, `content ${index}\n`);
    }
    for (const name of AWKWARD) {
      const [stat] = await scene.events(["stat", host, "--", name]);
      assertEquals(stat?.["path"], name);
    }
    await scene.ferry(["rm", host, "--", ...AWKWARD]);
    await settles(scene, []);
  },
  NEEDS_UNIX,
);

sceneTest(
  "a name of 256 bytes is refused before anything is sent",
  async (scene) => {
    const { host } = await scene.server();
    await scene.file("a.txt", "a");
    const name = "x".repeat(256);
    await scene.fails(
      ["put", host, "a.txt", "-o", name],
      2,
      `Cannot use "${name}": the name has a segment longer than 255 bytes`,
    );
    await settles(scene, []);
  },
);

sceneTest(
  "stdin goes out under a name, and stdout takes what comes",
  async (scene) => {
    const { host } = await scene.server();
    for (const size of [0, 1, CHUNK + 1, 5_000_000]) {
      const bytes = randomBytes(size, size);
      const put = await scene.ferry(["put", host, "-", "-o", `in-${size}`], {
        stdin: bytes,
      });
      assertEquals(put.stdout, "");
      assertEquals(await Deno.readFile(`${scene.root}/in-${size}`), bytes);

      const get = scene.start(["get", host, `in-${size}`, "-o", "-"], {
        ownStdout: true,
      });
      const out = await new Response(get.rawStdout).bytes();
      assertEquals((await get.ended).code, 0);
      assertEquals(out, bytes);
    }
    // Several files follow each other, as "cat" has it.
    await scene.served("one", "1\n");
    await scene.served("two", "2\n");
    const both = await scene.ferry(["get", host, "one", "two", "-o", "-"]);
    assertEquals(both.stdout, "1\n2\n");
    const quiet = await scene.ferry(["-q", "get", host, "one", "-o", "-"]);
    assertEquals([quiet.stdout, quiet.stderr], ["1\n", ""]);
  },
);

sceneTest(
  "with JSON and data on stdout, the events go to stderr",
  async (scene) => {
    const { host } = await scene.server();
    await scene.served("one", "1\n");
    const { stdout, stderr } = await scene.ferry([
      "--json",
      "get",
      host,
      "one",
      "-o",
      "-",
    ]);
    assertEquals(stdout, "1\n");
    const events = stderr.trimEnd().split("\n").map((line) =>
      JSON.parse(line).event
    );
    assertEquals(events, ["start", "receipt", "done"]);
  },
);

sceneTest("a slow writer into stdin is waited for", async (scene) => {
  const { host } = await scene.server();
  const put = scene.start(["put", host, "-", "-o", "slow"], { stdin: "piped" });
  const writer = put.stdin.getWriter();
  await writer.write(new TextEncoder().encode("first "));
  await writer.write(new TextEncoder().encode("second"));
  await writer.close();
  assertEquals((await put.ended).code, 0);
  assertEquals(await Deno.readTextFile(`${scene.root}/slow`), "first second");
});

async function places(scene: Scene): Promise<string> {
  const { host } = await scene.server();
  await scene.file("a", "a\n");
  await scene.file("b", "b\n");
  await Deno.mkdir(`${scene.root}/dir`);
  return host;
}

sceneTest(
  "put -o is a directory if it is one, ends in / or there are several sources",
  async (scene) => {
    const host = await places(scene);
    await scene.ferry(["put", host, "a", "-o", "dir"]);
    await scene.ferry(["put", host, "a", "-o", "dir/new"]);
    await scene.ferry([
      "put",
      host,
      "a",
      "b",
      "-o",
      "/dir/",
      "--on-conflict",
      "skip",
    ]);
    await scene.ferry(["put", host, "./a", "-o", "other"]);
    await scene.ferry(["put", host, "a", "-o", "/"]);
    await settles(scene, ["a", "dir/", "dir/a", "dir/b", "dir/new", "other"]);
    await scene.fails(
      ["put", host, "a", "-o", "missing/"],
      5,
      `Cannot put "missing/a": there is no folder "missing" on ${host} (make it first: ferry mkdir -p ${host} missing)`,
    );
    const { stderr } = await scene.ferry(
      ["put", host, "a", "b", "-o", "other"],
      { code: 8 },
    );
    assertEquals(
      stderr,
      'ferry: Cannot put "other/a": it is not a directory\nferry: Cannot put "other/b": it is not a directory\nferry: 2 of 2 files failed\n',
    );
  },
);

sceneTest(
  "get -o is a directory if it is one, ends in / or there are several sources",
  async (scene) => {
    const { host } = await scene.server();
    await scene.served("a", "a\n");
    await scene.served("b", "b\n");
    await Deno.mkdir(`${scene.local}/dir`);
    await scene.ferry(["get", host, "a", "-o", "dir"]);
    await scene.ferry(["get", host, "/a", "-o", "dir/new"]);
    await scene.ferry([
      "get",
      host,
      "a",
      "b",
      "-o",
      "dir",
      "--on-conflict",
      "skip",
    ]);
    await scene.ferry(["get", host, "a", "-o", `${scene.local}/abs`]);
    for (
      const [path, content] of [["dir/a", "a\n"], ["dir/new", "a\n"], [
        "dir/b",
        "b\n",
      ], ["abs", "a\n"]]
    ) {
      assertEquals(await Deno.readTextFile(`${scene.local}/${path}`), content);
    }
    await scene.fails(
      ["get", host, "a", "-o", "missing/"],
      5,
      'Cannot write "missing/a": not found on this machine (does the directory exist?)',
    );
    await scene.fails(
      ["get", host, "a", "-o", "missing/a"],
      5,
      'Cannot write "missing/a": not found on this machine (does the directory exist?)',
    );
  },
);

sceneTest(
  "two sources that would get one name are refused before anything moves",
  async (scene) => {
    const { host } = await scene.server();
    await Deno.mkdir(`${scene.local}/sub`);
    await scene.file("a", "1");
    await scene.file("sub/a", "2");
    await scene.fails(
      ["put", host, "a", "sub/a"],
      2,
      'Cannot take both "a" and "sub/a": both would be "a"',
    );
    await scene.fails(
      ["put", host, "-"],
      2,
      'Cannot put "-" (stdin) without a name: add -o REMOTE, which is not a directory',
    );
    await settles(scene, []);
  },
);

sceneTest(
  "one file of several that fails does not stop the others",
  async (scene) => {
    const { host } = await scene.server();
    await scene.file("a", "a");
    await scene.file("c", "c");
    const { stderr } = await scene.ferry(["-q", "put", host, "a", "b", "c"], {
      code: 8,
    });
    assertEquals(
      stderr,
      'ferry: Cannot put "b": not found on this machine\nferry: 1 of 3 files failed\n',
    );
    await settles(scene, ["a", "c"]);
  },
);
