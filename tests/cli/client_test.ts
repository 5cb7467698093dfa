import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import { runClient } from "../../lib/cli/mod.ts";
import { entry, FakeClient, makeWorld, receipt, type World } from "./world.ts";

const H = "127.0.0.1";

/** Runs a command that must succeed and say nothing but its result. */
async function run(world: World, ...args: string[]): Promise<string> {
  assertEquals(await runClient(args, world.environment), 0, world.stderr.text);
  assertEquals(world.listeners(), 0);
  assertEquals(world.clock.pending, 0);
  return world.stdout.text;
}

Deno.test("runClient() says which version it is", async () => {
  assertEquals(
    await run(makeWorld(), "--version"),
    "ferry 0.1.0 (protocol 1, deno 2.9.6 x86_64-unknown-linux-gnu)\n",
  );
});

Deno.test("runClient() fits its help on a screen of 24 lines of 80 columns", async () => {
  const lines = (await run(makeWorld(), "--help")).trimEnd().split("\n");
  assertEquals(lines.length <= 23, true, `${lines.length} lines`);
  assertEquals(lines.filter((line) => line.length > 80), []);
});

Deno.test("runClient() has help with an example for every command", async () => {
  const names = [
    "ls",
    "get",
    "put",
    "sync",
    "mv",
    "rm",
    "mkdir",
    "stat",
    "info",
  ];
  for (const name of names) {
    const help = await run(makeWorld(), name, "--help");
    assertMatch(help, new RegExp(`^Usage: ferry ${name} \\[OPTIONS\\] HOST`));
    assertStringIncludes(help, "\nExamples:\n  ");
    assertEquals(help.split("\n").filter((line) => line.length > 80), []);
    assertEquals(await run(makeWorld(), "help", name), help);
  }
  const help = await run(makeWorld(), "clean", "--help");
  assertMatch(help, /^Usage: ferry clean \[OPTIONS\] \[DIR\]\n/);
});

Deno.test("runClient() connects to where HOST says", async () => {
  const cases: ReadonlyArray<
    readonly [string, string, number, "tcp" | "tls"]
  > = [
    ["localhost", "localhost", 65430, "tcp"],
    ["127.0.0.1:21", "127.0.0.1", 21, "tcp"],
    ["::1", "::1", 65430, "tcp"],
    ["[::1]:21", "::1", 21, "tcp"],
    ["tls://localhost", "localhost", 65430, "tls"],
    ["example.com", "example.com", 65430, "tls"],
    ["2001:db8::1", "2001:db8::1", 65430, "tls"],
    ["tcp://example.com", "example.com", 65430, "tcp"],
    ["TCP://example.com:007/", "example.com", 7, "tcp"],
    ["TLS://example.com:007/", "example.com", 7, "tls"],
    ["tcp://[2001:db8::1]:21", "2001:db8::1", 21, "tcp"],
    ["tcp://[fe80::1%eth0]", "fe80::1%eth0", 65430, "tcp"],
  ];
  for (const [given, hostname, port, scheme] of cases) {
    const world = makeWorld();
    await run(world, "info", given, "--timeout", "2.5");
    const [options] = world.connects;
    assertEquals([options?.hostname, options?.port], [hostname, port]);
    assertEquals(options?.scheme, scheme);
    assertEquals(options?.tls !== undefined, scheme === "tls");
    assertEquals(options?.timeout, 2500);
  }
});

Deno.test("ls shows names, and what they are, as they come", async () => {
  const fake = new FakeClient({
    async *list() {
      yield {
        entries: [
          entry("b\x1b[31m"),
          entry("d", { kind: "directory" }),
          entry("l", { kind: "link" }),
        ],
        problems: [],
      };
      yield {
        entries: [entry("a", { addressable: false, kind: "other" })],
        problems: [],
      };
    },
  });
  assertEquals(
    await run(makeWorld({ client: fake }), "ls", H),
    "b\\u{1b}[31m\nd/\nl@\na  (no name that can be asked for)\n",
  );
  assertEquals(fake.calls, [["list", ""]]);
  assertEquals(fake.isClosed, true);
});

const TREE = [
  entry("d", { kind: "directory", size: 0, mode: 0o755, modified: undefined }),
  entry("d/small", { size: 1, modified: 3 }),
  entry("d/large", { size: 2048, modified: 1 }),
  entry("b", { size: 1, modified: 2 }),
];

function treeClient(): FakeClient {
  return new FakeClient({
    async *list() {
      yield { entries: TREE.slice(0, 2), problems: [] };
      yield { entries: TREE.slice(2), problems: [] };
    },
  });
}

Deno.test("ls -R sorts if asked to, and shows paths", async () => {
  const orders: Record<string, string> = {
    none: "d/\nd/small\nd/large\nb\n",
    name: "b\nd/\nd/large\nd/small\n",
    size: "d/large\nb\nd/small\nd/\n",
    time: "d/small\nb\nd/large\nd/\n",
  };
  for (const [order, shown] of Object.entries(orders)) {
    const world = makeWorld({ client: treeClient() });
    assertEquals(await run(world, "ls", "-R", "--sort", order, H), shown);
  }
});

Deno.test("ls -l shows mode, size and time in columns", async () => {
  const modified = new Date(2026, 7, 18, 9, 5, 7).getTime();
  const fake = new FakeClient({
    async *list() {
      yield {
        entries: [
          entry("f", { size: 12_897_485, modified }),
          entry("d", { kind: "directory", mode: 0, modified: undefined }),
        ],
        problems: [],
      };
    },
  });
  assertEquals(
    await run(makeWorld({ client: fake }), "ls", "-l", H),
    "-rw-r--r--  12.3 MiB  2026-08-18 09:05:07  f\n" +
      "d?????????         -  -                    d/\n",
  );
});

Deno.test("ls of a file shows that file", async () => {
  const fake = new FakeClient({
    // deno-lint-ignore require-yield -- it fails before there is anything
    async *list() {
      throw new FerryError("not-directory", "it is not a directory");
    },
  });
  const world = makeWorld({ client: fake });
  assertEquals(await run(world, "ls", H, "/docs/a.txt"), "a.txt\n");
  assertEquals(fake.calls, [["list", "docs/a.txt"], ["stat", "docs/a.txt"]]);
});

Deno.test("ls tells what it could not list, lists the rest, and exits with 8", async () => {
  const fake = new FakeClient({
    async *list() {
      const problem = new FerryError("denied", "permission denied", {
        path: "secret",
      });
      yield { entries: [entry("a")], problems: [problem] };
    },
  });
  const world = makeWorld({ client: fake });
  assertEquals(await runClient(["ls", H], world.environment), 8);
  assertEquals(world.stdout.text, "a\n");
  assertEquals(
    world.stderr.text,
    'ferry: Cannot list "secret": permission denied\n',
  );
});

Deno.test("runClient() ends quietly when nobody reads its output any more", async () => {
  const world = makeWorld();
  world.stdout.isClosed = true;
  assertEquals(await runClient(["ls", H], world.environment), 0);
  assertEquals(world.stderr.text, "");
});

/** A client that writes a byte to the target, and wraps what that throws. */
function streamingClient(): FakeClient {
  return new FakeClient({
    async get(_path, target) {
      try {
        const writer = (target as WritableStream<Uint8Array>).getWriter();
        await writer.write(new Uint8Array(1));
      } catch (cause) {
        throw new FerryError("io", "cannot be written", { cause });
      }
      return receipt();
    },
  });
}

Deno.test("runClient() tells that stdout took only a part of a file", async () => {
  const cases = [
    ["isClosed", "its reader is gone before the end"],
    ["isFull", "no space left on device"],
  ] as const;
  for (const [fault, why] of cases) {
    const message = `Cannot write to standard output: ${why}`;
    const world = makeWorld({ client: streamingClient() });
    world.stdout[fault] = true;
    const args = ["get", H, "a", "b", "-o", "-"];
    assertEquals(await runClient(args, world.environment), 1);
    assertEquals(
      world.stderr.text,
      `ferry: ${message}\nferry: 1 file not tried\n`,
    );
    const json = makeWorld({ client: streamingClient() });
    json.stdout[fault] = true;
    assertEquals(await runClient([...args, "--json"], json.environment), 1);
    const [error] = json.stderr.events()
      .filter(({ event }) => event === "error");
    assertEquals([error?.message, error?.code], [message, "io"]);
  }
});

Deno.test("runClient() tells that stdout takes nothing", async () => {
  for (const flags of [[], ["--json"]]) {
    for (const args of [["ls", H], ["info", H], ["--version"], ["--help"]]) {
      const world = makeWorld();
      world.stdout.isFull = true;
      assertEquals(await runClient([...args, ...flags], world.environment), 1);
      assertEquals(
        world.stderr.text,
        "ferry: Cannot write to standard output: no space left on device\n",
      );
    }
  }
});

Deno.test("mv, rm and mkdir say what they did, and nothing with -q", async () => {
  const cases: ReadonlyArray<readonly [string[], string, unknown[]]> = [
    [["mv", H, "/a", "b"], 'Renamed "a" to "b"', ["rename", "a", "b"]],
    [["mv", H, "x/a", "d/"], 'Renamed "x/a" to "d/a"', [
      "rename",
      "x/a",
      "d/a",
    ]],
    [["change", H, "a", "/"], 'Renamed "a" to "a"', ["rename", "a", "a"]],
    [["rm", H, "a/"], 'Removed "a"', ["remove", "a"]],
    [["rm", H, "--", "-r"], 'Removed "-r"', ["remove", "-r"]],
    [["mkdir", "-p", H, "a/b"], 'Made "a/b"', ["makeDirectory", "a/b"]],
  ];
  for (const [args, message, call] of cases) {
    const client = new FakeClient();
    const world = makeWorld({ client });
    assertEquals(await run(world, ...args), "");
    assertEquals(world.stderr.text, `${message}\n`);
    assertEquals(client.calls, [call]);
    const quiet = makeWorld();
    await run(quiet, "-q", ...args);
    assertEquals(quiet.stderr.text, "");
  }
});

Deno.test("mv says that it skipped, rm -r how much it removed", async () => {
  const client = new FakeClient({
    rename: (_from, path) => Promise.resolve({ path, publication: "skipped" }),
    remove: () => Promise.resolve(12),
  });
  const world = makeWorld({ client });
  await run(world, "mv", H, "a", "b", "--on-conflict", "skip");
  await run(world, "rm", "-r", H, "d");
  assertEquals(
    world.stderr.text,
    'Skipped "a": "b" is taken\nRemoved "d", 12 entries in all\n',
  );
});

Deno.test("stat shows everything in a table", async () => {
  const modified = new Date(2026, 7, 18, 9, 5, 7).getTime();
  const digest = { algorithm: "sha256" as const, value: "abcd" };
  const client = new FakeClient({
    stat: (path) =>
      Promise.resolve(entry(path, { size: 2048, modified, digest })),
  });
  assertEquals(
    await run(makeWorld({ client }), "stat", H, "d/a", "--digest", "sha256"),
    [
      "Path      /d/a",
      "Type      file",
      "Size      2.00 KiB (2048 bytes)",
      "Modified  2026-08-18 09:05:07",
      "Mode      -rw-r--r-- (0644)",
      "Digest    sha256 abcd\n",
    ].join("\n"),
  );
});

Deno.test("info shows who we are, what we may do, and why not the rest", async () => {
  const readOnly = "the server is read-only (--read-only)";
  assertEquals(
    await run(makeWorld(), "info", H),
    [
      "Server      ferryd/0.1.0 at tcp://127.0.0.1:65430",
      "Protocol    version 1, not encrypted",
      "User        anonymous",
      "May         list, read (ls, get, stat, info)",
      `May not     write, rename, delete: ${readOnly}`,
      "Digests     crc32-chunks, sha256",
      "Data        up to 8 connections",
      "Free space  1.00 GiB (1073741824 bytes)\n",
    ].join("\n"),
  );
  const cases: ReadonlyArray<
    readonly [() => Promise<number | undefined>, string]
  > = [
    [
      () => Promise.resolve(undefined),
      "the server runs without --allow-sys=statfs",
    ],
    [() => Promise.reject(new FerryError("denied", "no")), "no"],
  ];
  for (const [freeSpace, why] of cases) {
    const client = new FakeClient({ freeSpace });
    const shown = await run(makeWorld({ client }), "info", H);
    assertStringIncludes(shown, `Free space  not told: ${why}\n`);
  }
});

Deno.test("runClient() exits with 130 when it is interrupted, and lets go of everything", async () => {
  const client = new FakeClient({
    get: (_path, _target, options) =>
      new Promise((_resolve, reject) => {
        const cancelled = new FerryError("cancelled", "cancelled", {
          side: "local",
        });
        options?.signal?.addEventListener("abort", () => reject(cancelled));
        queueMicrotask(() => world.signal());
      }),
  });
  const world = makeWorld({ client, isTerminal: true });
  const args = ["get", H, "a", "b", "-o", "d"];
  assertEquals(await runClient(args, world.environment), 130);
  assertEquals(world.stderr.text, "ferry: Interrupted\n");
  assertEquals(client.calls.filter(([name]) => name === "get").length, 1);
  assertEquals([client.isClosed, world.listeners()], [true, 0]);
  assertEquals([world.clock.pending, world.exits], [0, []]);
});

Deno.test("runClient() ends at once when it is interrupted twice", async () => {
  const world = makeWorld({
    connect: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        queueMicrotask(() => {
          world.signal();
          world.signal();
        });
      }),
  });
  assertEquals(await runClient(["ls", H], world.environment), 130);
  assertEquals(world.exits, [130]);
});

Deno.test("runClient() owns up to its own mistakes", async () => {
  const world = makeWorld({
    connectError: new TypeError("x is not a function"),
  });
  assertEquals(await runClient(["ls", H, "-d"], world.environment), 1);
  assertMatch(
    world.stderr.text,
    /^ferry: Internal error: x is not a function \(this is a bug in Ferry, please report it; --debug shows where\)\nTypeError: x is not a function\n/,
  );
  const client = new FakeClient({
    stat: () => Promise.reject(new RangeError("oops")),
  });
  const inside = makeWorld({ client });
  assertEquals(await runClient(["stat", H, "a"], inside.environment), 1);
  assertMatch(inside.stderr.text, /^ferry: Internal error: oops \(.*\)\n$/);
});

Deno.test("runClient() tells of rejections that nobody handled, and goes on", async () => {
  const client = new FakeClient({
    makeDirectory: () => {
      world.reject(new TypeError("forgotten"));
      return Promise.resolve();
    },
  });
  const world = makeWorld({ client });
  assertEquals(await runClient(["mkdir", H, "a"], world.environment), 1);
  assertMatch(
    world.stderr.text,
    /^Made "a"\nferry: Internal error: forgotten \(.*\)\n$/,
  );
  assertEquals([client.isClosed, world.listeners()], [true, 0]);
});

Deno.test("runClient() tells of lost connections that are tried again", async () => {
  for (const flag of ["", "--json"]) {
    const fake = new FakeClient();
    const world = makeWorld({
      connect(options) {
        const error = new FerryError("connection-lost", "connection was reset");
        options.onReconnect?.({
          attempt: 1,
          attemptsMax: 3,
          delay: 250,
          error,
        });
        return Promise.resolve(fake.client);
      },
    });
    await run(world, "mkdir", H, "a", ...flag === "" ? [] : [flag]);
    if (flag === "") {
      assertStringIncludes(
        world.stderr.text,
        "Connection lost (connection was reset); trying again in 0.25 s (1 of 3)\n",
      );
    } else {
      assertEquals(world.stdout.events()[0], {
        event: "reconnect",
        attempt: 1,
        attemptsMax: 3,
        percent: null,
        seconds: 0.25,
        message: "connection was reset",
      });
    }
  }
});
