import { assertEquals } from "@std/assert";
import { CLIENT_PROGRAM } from "../../lib/cli/client_commands.ts";
import { CompletionCache } from "../../lib/cli/completion_cache.ts";
import { runClient, runServer } from "../../lib/cli/mod.ts";
import { SERVER_PROGRAM } from "../../lib/cli/server_commands.ts";
import { complete } from "../../lib/cli/shell/completion.ts";
import { FerryError } from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { entry, FakeClient, makeWorld, settle, type World } from "./world.ts";

const NAMES: Record<string, string[]> = {
  "remote:": ["docs/", "data.csv"],
  "local:": ["share/", "local.txt"],
};

function namesIn(side: string, folder: string) {
  const names = NAMES[`${side}:${folder}`] ?? [];
  return Promise.resolve(names.map((name) => ({
    name: name.replace("/", ""),
    isFolder: name.endsWith("/"),
  })));
}

/** What may be typed after `ferry`, and how it may go on. */
const CLIENT_CASES: ReadonlyArray<readonly [string, string[]]> = [
  ["comp", ["completions "]],
  ["completions ", ["bash ", "fish ", "zsh "]],
  ["completions z", ["zsh "]],
  ["help ge", ["get "]],
  ["--js", ["--json "]],
  ["--json ge", ["get "]],
  ["--timeout ", []],
  ["-d get 127.0.0.1 d", ["data.csv ", "docs/"]],
  ["get ", []],
  ["get 127.0.0.1 do", ["docs/"]],
  ["put 127.0.0.1 l", ["local.txt "]],
  ["put 127.0.0.1 local.txt -o do", ["docs/"]],
  ["sync --from-server h do", ["docs/"]],
  ["sync --to-server h s", ["share/"]],
  ["get --protocol ", [
    "coen366 ",
    "cs372 ",
    "cs372-login ",
    "csci320 ",
    "nets ",
  ]],
  ["nothing ", []],
  ["!ls ", []],
];

/** The same after `ferryd`. */
const SERVER_CASES: ReadonlyArray<readonly [string, string[]]> = [
  ["", ["check ", "completions ", "identity ", "user ", "share/"]],
  ["sh", ["share/"]],
  ["ch", ["check "]],
  ["check --anon", ["--anonymous="]],
  ["--anonymous=r", ["read "]],
  ["--read-only sh", ["share/"]],
];

Deno.test("complete() knows the command lines of ferry", async () => {
  for (const [line, hits] of CLIENT_CASES) {
    const found = await complete(line, CLIENT_PROGRAM, namesIn);
    assertEquals(found.hits, hits, line);
  }
});

Deno.test("complete() knows the command lines of ferryd", async () => {
  for (const [line, hits] of SERVER_CASES) {
    const found = await complete(line, SERVER_PROGRAM, namesIn);
    assertEquals(found.hits, hits, line);
  }
});

Deno.test("complete() knows every command and every option of both programs", async () => {
  for (const program of [CLIENT_PROGRAM, SERVER_PROGRAM]) {
    const { commands, commonOptions } = program;
    const begun = (await complete("", program, namesIn)).hits;
    for (const { name, options } of commands) {
      if (name !== "") assertEquals(begun.includes(`${name} `), true, name);
      const { hits } = await complete(`${name} --`, program, namesIn);
      const known = hits.map((hit) => hit.replace(/[= ]$/, ""));
      for (const option of [...options, ...commonOptions]) {
        assertEquals(known.includes(`--${option.name}`), true, option.name);
      }
    }
  }
});

/** What a script is told. */
async function told(world: World, ...args: string[]): Promise<string[]> {
  const before = world.stdout.text.length;
  assertEquals(await runClient(["__complete", ...args], world.environment), 0);
  assertEquals(world.stderr.text, "");
  return world.stdout.text.slice(before).split("\n").slice(0, -1);
}

/** A server with a few names. */
function serving(): FakeClient {
  return new FakeClient({
    async *list(path) {
      const names = path === "" ? ["my file.txt", "map.txt", "a\nb"] : ["x"];
      const entries = names.map((name) => entry(name));
      const folder = entry("mine", { kind: "directory" });
      yield { entries: [...entries, folder], problems: [] };
    },
  });
}

Deno.test("a script that hands over a line gets it as it is to be typed", async () => {
  const world = makeWorld({ client: serving() });
  assertEquals(await told(world, "line", " get 127.0.0.1 m"), [
    "m",
    "map.txt ",
    "mine/",
    "my\\ file.txt ",
  ]);
  assertEquals(await told(world, "line", ' get 127.0.0.1 "my'), [
    '"my',
    '"my file.txt" ',
  ]);
  assertEquals(await told(world, "line", "nothing "), []);
});

Deno.test("a script that hands over words gets words", async () => {
  const world = makeWorld({ client: serving() });
  assertEquals(await told(world, "words", "get", "127.0.0.1", ""), [
    "map.txt",
    "mine/",
    "my file.txt",
  ]);
  const words = ["words", "get", "--on-conflict", "fail", "h", "my f"];
  assertEquals(await told(world, ...words), ["my file.txt"]);
  assertEquals(await told(world, "words", "get", "h", "mine/"), [
    "mine/mine/",
    "mine/x",
  ]);
  assertEquals(await told(world, "words", "ge"), ["get"]);
  assertEquals(await told(world, "words", "stat", "--dig"), ["--digest="]);
  assertEquals(await told(world, "words", "a\nb", ""), []);
  assertEquals(await told(world), []);
});

Deno.test("completion connects as the line says, trusts nobody and asks nothing", async () => {
  const world = makeWorld({
    client: serving(),
    answer: "yes",
    secrets: ["secret"],
  });
  await told(
    world,
    ...["words", "ls", "--accept-new", "example.org", ""],
  );
  const [settings] = world.connects;
  assertEquals(settings?.hostname, "example.org");
  const server = { hostname: "example.org", port: 1, fingerprint: "" };
  const trust = settings?.tls && "trust" in settings.tls
    ? settings.tls.trust
    : undefined;
  assertEquals(await trust?.(server as Parameters<typeof trust>[0]), false);
  const lines = [
    ["words", "ls", "-u", "alice", "127.0.0.1", ""],
    ["words", "ls", "--protocol", "nets", "127.0.0.1", ""],
    ["words", "ls", "not a host", ""],
    ["words", "ls", "--fingerprint", "x", "127.0.0.1", ""],
    ["words", "frobnicate", "127.0.0.1", ""],
  ];
  for (const line of lines) assertEquals(await told(world, ...line), []);
  assertEquals(world.connects.length, 1);
});

Deno.test("completion says nothing of a server that does not answer, and waits two seconds", async () => {
  const connectError = new FerryError("connect-failed", "no", {
    side: "local",
  });
  const deaf = makeWorld({ connectError });
  assertEquals(await told(deaf, "words", "ls", "127.0.0.1", ""), []);
  const dialled = Promise.withResolvers<void>();
  const silent = makeWorld({
    connect: ({ signal }) => {
      dialled.resolve();
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      );
    },
  });
  const waiting = told(silent, "words", "ls", "127.0.0.1", "");
  await dialled.promise;
  await settle();
  await silent.clock.advance(2000);
  assertEquals(await waiting, []);
  assertEquals(silent.clock.pending, 0);
});

Deno.test("completion asks a server once in ten seconds, and keeps that to itself", async () => {
  const disk = new MemoryDisk();
  const variables = { HOME: "/home/me" };
  const world = makeWorld({ client: serving(), disk, variables });
  const line = ["words", "ls", "127.0.0.1", "ma"];
  for (let tab = 0; tab < 3; tab++) {
    assertEquals(await told(world, ...line), ["map.txt"]);
  }
  assertEquals(world.connects.length, 1);
  const path = "/home/me/.local/state/ferry/completions";
  assertEquals((await disk.stat(path)).mode & 0o777, 0o600);
  await told(world, "words", "ls", "127.0.0.2", "ma");
  assertEquals(world.connects.length, 2);
  await world.clock.advance(10_000);
  await told(world, ...line);
  assertEquals(world.connects.length, 3);
});

Deno.test("CompletionCache forgets what it cannot read, and the oldest of many", async () => {
  const disk = new MemoryDisk();
  const { environment } = makeWorld({ disk });
  const cache = new CompletionCache(environment, "/state");
  const names = [{ name: "a", isFolder: false }];
  for (let index = 0; index < 25; index++) {
    await cache.set([`host${index}`], names);
  }
  assertEquals(await cache.get(["host24"]), names);
  assertEquals(await cache.get(["host5"]), names);
  assertEquals(await cache.get(["host4"]), undefined);
  for (const text of ["", "{", "[1]", '[{"key":[],"at":0,"names":[{}]}]']) {
    await disk.removeFile("/state/completions");
    const file = await disk.open("/state/completions", "create");
    await file.write(new TextEncoder().encode(text), 0);
    file.close();
    assertEquals(await cache.get([]), undefined, text);
  }
  await cache.set(["host"], names);
  assertEquals(await cache.get(["host"]), names);
  const nowhere = new CompletionCache(environment, undefined);
  await nowhere.set(["host"], names);
  assertEquals(await nowhere.get(["host"]), undefined);
});

Deno.test("ferry and ferryd print a script for each shell, without a server", async () => {
  for (
    const [program, run] of [["ferry", runClient], [
      "ferryd",
      runServer,
    ]] as const
  ) {
    for (const shell of ["bash", "zsh", "fish"]) {
      const world = makeWorld();
      assertEquals(await run(["completions", shell], world.environment), 0);
      assertEquals(world.stdout.text.includes(`${program}`), true);
      assertEquals(world.stdout.text.includes("__complete"), true);
    }
    const world = makeWorld();
    assertEquals(await run(["completions", "tcsh"], world.environment), 2);
    assertEquals(
      world.stderr.text,
      `${program}: SHELL cannot be "tcsh": choose "bash", "zsh" or "fish"\n`,
    );
  }
});

Deno.test("ferryd completes directories, and is silent about what it cannot read", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/srv", 0o755);
  await disk.makeDirectory("/srv/share", 0o755);
  const world = makeWorld({ disk });
  const ask = (...words: string[]) =>
    runServer(["__complete", "words", ...words], world.environment);
  assertEquals(await ask("--read-only", "/srv/"), 0);
  assertEquals(world.stdout.text, "/srv/share/\n");
  assertEquals(await ask("/nowhere/"), 0);
  assertEquals(world.stdout.text, "/srv/share/\n");
});
