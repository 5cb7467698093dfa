/**
 * Names that a terminal would obey: nothing that the programs write to a person
 * holds a control character, but for the ends of lines.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { READER_PERMISSIONS } from "../helpers/spawn_main.ts";
import { NEEDS_UNIX, sceneTest, settles } from "./scene.ts";

const ESC = "\x1b";
const NAMES = [
  `${ESC}[2J${ESC}[H cleared`,
  `${ESC}]0;title\x07`,
  "\u009b31m red",
  "carriage\rreturn",
  "line\nferry: forged line",
  "tab\there",
  "bell\x07 back\x08space del\x7f",
  "photo\u202egpj.exe",
  "iso\u2066late\u2069d",
  "zero\u200bwidth\ufeff",
  "para\u2029graph",
];
/** All of them in one. */
const WORST = NAMES.join("");
const ABSENT = NAMES.map((name) => `${name}?`);

/** Everything that a terminal or a reader's eye would obey. */
const RAW_PATTERN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function assertSafe(text: string, where: string): void {
  for (const line of text.split("\n")) {
    const raw = RAW_PATTERN.exec(line)?.[0];
    const shown = JSON.stringify(line);
    assertEquals(raw, undefined, `${where} has a raw character in ${shown}`);
    assert(!line.startsWith("ferry: forged"), `${where}: ${shown}`);
  }
}

/** Commands that are run in turn, and how they end. */
const COMMANDS: ReadonlyArray<readonly [code: number, ...words: string[]]> = [
  [0, "put", "--progress", "always", "HOST", ...NAMES],
  [8, "put", "HOST", ...NAMES],
  [0, "put", "HOST", ...NAMES, "--on-conflict", "skip"],
  [
    0,
    "put",
    "HOST",
    ...NAMES,
    "--on-conflict",
    "overwrite",
    "--digest",
    "sha256",
  ],
  [
    0,
    "get",
    "HOST",
    ...NAMES,
    "--on-conflict",
    "rename",
    "--progress",
    "always",
  ],
  [8, "get", "HOST", ...NAMES],
  [8, "get", "HOST", ...ABSENT],
  [8, "put", "HOST", ...ABSENT],
  [8, "rm", "HOST", ...ABSENT],
  [0, "rm", "HOST", ...NAMES],
  [0, "mkdir", "HOST", WORST],
  [6, "mkdir", "HOST", WORST],
  [0, "stat", "HOST", WORST],
  [0, "mv", "HOST", WORST, `${WORST}2`],
  [5, "mv", "HOST", WORST, `${WORST}2`],
  [5, "ls", "HOST", WORST],
  [0, "rm", "-r", "HOST", `${WORST}2`],
  [5, "stat", "--debug", "HOST", WORST],
  [2, "get", "HOST", `${WORST}/../x`],
  [2, WORST, "HOST"],
  [2, "ls", `--${WORST}`, "HOST"],
  [2, "ls", WORST],
];

sceneTest(
  "no name reaches a terminal unescaped, from any command, nor the log",
  async (scene) => {
    for (const [index, name] of NAMES.entries()) {
      await scene.file(name, `content ${index}`);
    }
    const server = await scene.server({ args: ["--debug"] });
    for (const [code, ...words] of COMMANDS) {
      const args = words.map((word) => word === "HOST" ? server.host : word);
      const { stdout, stderr } = await scene.ferry(args, { code });
      assertSafe(stdout, `stdout of ${args[0]}`);
      assertSafe(stderr, `stderr of ${args[0]}`);
    }
    await settles(scene, []);
    server.kill("SIGTERM");
    await server.ended;
    assertSafe(server.stderr, "the log");
    assertSafe(server.stdout, "the server's stdout");
  },
  NEEDS_UNIX,
);

sceneTest(
  "a listing has one safe line for each name, and JSON the exact name",
  async (scene) => {
    for (const name of NAMES) await scene.served(name, "x");
    const server = scene.spawn("server", [
      ...["-l", "127.0.0.1:0", "--log-format", "json"],
      scene.root,
    ], { permissions: READER_PERMISSIONS });
    const [ready] = await server.says(/^\{"event":"listening".*\}$/m, "stdout");
    const { hostname, port, ...rest } = JSON.parse(ready);
    assertEquals(rest, {
      event: "listening",
      protocol: "ferry",
      scheme: "tcp",
    });
    const host = `${hostname}:${port}`;
    for (
      const args of [["ls"], ["ls", "-l"], ["ls", "-lR", "--sort", "name"]]
    ) {
      const { stdout } = await scene.ferry([...args, host]);
      assertSafe(stdout, args.join(" "));
      assertEquals(stdout.trimEnd().split("\n").length, NAMES.length);
    }
    const { stdout } = await scene.ferry(["--json", "ls", host]);
    assertSafe(stdout, "JSON");
    const names = stdout.trimEnd().split("\n").map((line) =>
      JSON.parse(line).name
    );
    assertEquals(names.sort(), [...NAMES].sort());
    await scene.ferry(["get", host, ...NAMES]);
    server.kill("SIGTERM");
    await server.ended;
    assertSafe(server.stderr, "the log");
    const log = server.stderr.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    for (const name of NAMES) {
      const isThere = log.some(({ properties }) => properties.path === name);
      assert(isThere, JSON.stringify(name));
    }
  },
  NEEDS_UNIX,
);

sceneTest("a served folder with such a name is told safely", async (scene) => {
  const root = `${scene.base}/${ESC}[31mred\u202e`;
  await Deno.mkdir(root);
  const options = { permissions: READER_PERMISSIONS };
  const check = await scene.spawn("server", ["check", root], options).ended;
  assertEquals(check.code, 0);
  assertSafe(check.stdout + check.stderr, "ferryd check");
  const gone = await scene.spawn("server", [`${root}-gone`], options).ended;
  assertEquals(gone.code, 5);
  assertSafe(gone.stderr, "ferryd");
}, NEEDS_UNIX);
