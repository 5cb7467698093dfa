import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ConnectOptions, FerryError } from "../../lib/client/mod.ts";
import { runClient } from "../../lib/cli/mod.ts";
import {
  entry,
  FakeClient,
  makeWorld,
  receipt,
  settle,
  type World,
} from "./world.ts";

const H = "127.0.0.1";

async function run(world: World, ...args: string[]): Promise<void> {
  assertEquals(await runClient(args, world.environment), 0, world.stderr.text);
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
}

function failing(code: "exists" | "not-found", side: "local" | "remote") {
  return new FerryError(
    code,
    code === "exists" ? '"a" exists already' : "not found",
    { side },
  );
}

Deno.test("get puts files where they belong", async () => {
  const local = { dir: { kind: "directory" as const, size: 0 } };
  const cases: ReadonlyArray<readonly [string[], string[]]> = [
    [["/d/a.txt"], ["d/a.txt", "a.txt"]],
    [["d/a.txt", "-o", "b"], ["d/a.txt", "b"]],
    [["d/a.txt", "-o", "dir"], ["d/a.txt", "dir/a.txt"]],
    [["d/a.txt", "-o", "new/"], ["d/a.txt", "new/a.txt"]],
    [["true", "-o", "x"], ["true", "x"]],
    [["-o", "x", "--", "-o"], ["-o", "x"]],
    [["a", "b", "-o", "x"], ["a", "x/a", "b", "x/b"]],
    [["a", "-o", "-"], ["a"]],
  ];
  for (const [args, names] of cases) {
    const client = new FakeClient();
    await run(makeWorld({ client, local }), "get", H, ...args);
    const got = client.calls.flatMap(([name, ...rest]) =>
      name === "get" ? rest : []
    );
    assertEquals(got, names);
  }
});

Deno.test("put puts files where they belong", async () => {
  const cases: ReadonlyArray<readonly [string[], string[]]> = [
    [["d/a.txt"], ["d/a.txt", "a.txt"]],
    [["d/a.txt", "-o", "b"], ["d/a.txt", "b"]],
    [["d/a.txt", "-o", "dir"], ["d/a.txt", "dir/a.txt"]],
    [["d/a.txt", "-o", "/new/"], ["d/a.txt", "new/a.txt"]],
    [["a.txt", "-o", "/"], ["a.txt", "a.txt"]],
    [["x/", "-o", "other"], ["x/", "other"]],
    [["a", "b", "-o", "x"], ["a", "x/a", "b", "x/b"]],
    [["-", "-o", "piped"], ["piped"]],
  ];
  for (const [args, names] of cases) {
    const client = new FakeClient({
      stat: (path) =>
        path === "dir"
          ? Promise.resolve(entry(path, { kind: "directory" }))
          : Promise.reject(failing("not-found", "remote")),
    });
    await run(makeWorld({ client, stdin: "x" }), "put", H, ...args);
    const sent = client.calls.flatMap(([name, ...rest]) =>
      name === "put" ? rest : []
    );
    assertEquals(sent, names);
  }
});

Deno.test("put stops if it cannot find out where to", async () => {
  const error = new FerryError("connection-lost", "connection was reset");
  const client = new FakeClient({ stat: () => Promise.reject(error) });
  const world = makeWorld({ client });
  const args = ["put", H, "a", "-o", "b"];
  assertEquals(await runClient(args, world.environment), 1);
  assertMatch(world.stderr.text, /^ferry: Cannot .*: connection was reset\n$/);
});

Deno.test("get and put sum up what they did", async () => {
  const cases: ReadonlyArray<
    readonly [Parameters<typeof receipt>[0], string[], string]
  > = [
    [
      { size: 12_897_485 },
      [],
      "Sent 1 file, 12.3 MiB in 0.40 s (30.8 MiB/s), verified and durable\n",
    ],
    [
      { durable: false },
      ["--durability", "none"],
      "Sent 1 file, 5 B in 0.40 s, verified, not yet on stable storage\n",
    ],
    [
      { path: "a-1", publication: "renamed" },
      [],
      'Saved as "a-1": the name was taken\nSent 1 file, 5 B in 0.40 s, verified and durable\n',
    ],
    [
      { publication: "replaced" },
      [],
      'Replaced "a.txt"\nSent 1 file, 5 B in 0.40 s, verified and durable\n',
    ],
    [
      { publication: "skipped" },
      [],
      'Skipped "a.txt": the name is taken\nSent nothing, 1 file skipped\n',
    ],
    [
      { digest: { algorithm: "sha256", value: "ab" } },
      ["--digest", "sha256"],
      'sha256 ab "a.txt"\nSent 1 file, 5 B in 0.40 s, verified and durable\n',
    ],
    [
      { size: 4_194_304, resumedFrom: 3_145_728 },
      [],
      "Sent 1 file, 4.00 MiB in 0.40 s (2.50 MiB/s), verified and durable, 3.00 MiB of it from an earlier try\n",
    ],
    [
      // Lost and found in this very run: everything was sent in it.
      { size: 4_194_304, resumedFrom: 3_145_728, wireBytes: 4_194_404 },
      [],
      "Sent 1 file, 4.00 MiB in 0.40 s (10.0 MiB/s), verified and durable\n",
    ],
    [
      { repaired: 1 },
      [],
      "Sent 1 file, 5 B in 0.40 s, verified and durable, 1 damaged chunk sent again\n",
    ],
    [{}, ["-q"], ""],
  ];
  for (const [changes, options, said] of cases) {
    const client = new FakeClient({
      put: async () => {
        await world.clock.advance(400);
        return receipt(changes);
      },
    });
    const world = makeWorld({ client });
    await run(world, "put", H, "a.txt", ...options);
    assertEquals([world.stderr.text, world.stdout.text], [said, ""]);
  }
});

Deno.test("get -o - keeps data and words apart", async () => {
  const client = new FakeClient({
    async get(path, target) {
      const writer = (target as WritableStream<Uint8Array>).getWriter();
      await writer.write(new TextEncoder().encode(`${path}!`));
      return receipt({ path, local: undefined, durable: false });
    },
  });
  const world = makeWorld({ client });
  await run(world, "get", H, "a", "b", "-o", "-");
  assertEquals(world.stdout.text, "a!b!");
  assertEquals(
    world.stderr.text,
    "Fetched 2 files, 10 B in <0.01 s, verified\n",
  );
  const json = makeWorld({ client });
  await run(json, "get", H, "a", "-o", "-", "--json");
  assertEquals(json.stdout.text, "a!");
  assertEquals(
    json.stderr.events().map(({ event }) => event),
    ["start", "receipt", "done"],
  );
});

Deno.test("several files: one that fails does not stop the others", async () => {
  const client = new FakeClient({
    get: (path) =>
      path === "b"
        ? Promise.reject(failing("not-found", "remote"))
        : Promise.resolve(receipt({ path, local: path })),
  });
  const world = makeWorld({ client });
  const args = ["get", H, "a", "b", "c", "-o", "d"];
  assertEquals(await runClient(args, world.environment), 8);
  assertEquals(
    world.stderr.text,
    'ferry: Cannot get "b": not found on 127.0.0.1:65430\n' +
      "Fetched 2 files, 10 B in <0.01 s, verified and durable\n" +
      "ferry: 1 of 3 files failed\n",
  );
  const one = makeWorld({ client });
  assertEquals(await runClient(["get", H, "b"], one.environment), 5);
});

Deno.test("several files: a connection that is lost for good stops the rest", async () => {
  const error = new FerryError("connection-lost", "connection was reset");
  const client = new FakeClient({ put: () => Promise.reject(error) });
  const world = makeWorld({ client });
  const args = ["put", H, "a", "b", "c"];
  assertEquals(await runClient(args, world.environment), 1);
  assertEquals(
    world.stderr.text,
    'ferry: Cannot put "a": connection was reset\n' +
      "ferry: 2 files not tried: the connection is gone\n",
  );
});

Deno.test("get says which local file it could not write", async () => {
  const client = new FakeClient({
    get: () => Promise.reject(failing("exists", "local")),
  });
  const world = makeWorld({ client });
  assertEquals(await runClient(["get", H, "d/a"], world.environment), 6);
  assertEquals(
    world.stderr.text,
    'ferry: Cannot write "a": exists already on this machine (use --on-conflict overwrite, rename or skip)\n',
  );
});

Deno.test("--json tells everything in events", async () => {
  const client = new FakeClient({
    put: async (_source, path, options) => {
      if (path === "b\u202e") throw failing("exists", "remote");
      options?.onProgress?.({ transferred: 3, total: 5, streams: 2 });
      await world.clock.advance(500);
      return receipt({ path });
    },
  });
  const local = { "a.txt": { kind: "file" as const, size: 5 } };
  const world = makeWorld({ client, local });
  const args = ["put", H, "a.txt", "b\u202e", "--json"];
  assertEquals(await runClient(args, world.environment), 8);
  assertEquals(world.stderr.text, "");
  assertEquals(world.stdout.text.includes("\u202e"), false);
  assertEquals(world.stdout.events(), [
    { event: "start", command: "put", files: 2, bytes: 5 },
    {
      event: "progress",
      path: "a.txt",
      streams: 2,
      files: 0,
      filesTotal: 2,
      bytes: 3,
      bytesTotal: 5,
      rate: 6,
      remaining: null,
    },
    {
      event: "receipt",
      path: "a.txt",
      local: "a.txt",
      size: 5,
      digest: { algorithm: "crc32-chunks", value: "00ff" },
      publication: "created",
      durable: true,
      resumedFrom: 0,
      repaired: 0,
      wireBytes: 105,
    },
    {
      event: "error",
      code: "exists",
      message:
        'Cannot put "b\\u{202e}": "a" exists already on 127.0.0.1:65430 (use --on-conflict overwrite, rename or skip)',
      path: "b\u202e",
      side: "remote",
    },
    {
      event: "done",
      command: "put",
      files: 1,
      skipped: 0,
      failed: 1,
      bytes: 5,
      wireBytes: 105,
      resumedFrom: 0,
      repaired: 0,
      seconds: 0.5,
      durable: true,
    },
  ]);
});

Deno.test("--json has an event for every other command", async () => {
  const file = {
    name: "a",
    path: "d/a",
    type: "file",
    size: 5,
    mtime: "2026-08-18T09:05:07.000Z",
    mode: "0644",
    addressable: true,
  };
  const cases: ReadonlyArray<readonly [string[], Record<string, unknown>]> = [
    [["stat", H, "d/a"], { event: "stat", ...file, digest: null }],
    [["ls", H, "d"], {
      event: "entry",
      ...file,
      name: "a.txt",
      path: "d/a.txt",
    }],
    [["mv", H, "a", "b"], {
      event: "renamed",
      from: "a",
      path: "b",
      publication: "created",
    }],
    [["rm", H, "a"], { event: "removed", path: "a", count: 1 }],
    [["mkdir", H, "a"], { event: "created", path: "a" }],
  ];
  for (const [args, event] of cases) {
    const world = makeWorld();
    await run(world, ...args, "--json");
    assertEquals(world.stdout.events(), [event]);
    assertEquals(world.stderr.text, "");
  }
  const world = makeWorld();
  await run(world, "info", H, "--json");
  const [event] = world.stdout.events();
  assertEquals(event?.event, "info");
  assertEquals(event?.rights, ["list", "read"]);
  assertEquals(event?.freeSpace, 1_073_741_824);
});

Deno.test("progress shows on a terminal, goes away for messages, and leaves nothing", async () => {
  const client = new FakeClient({
    get: async (path, _target, options) => {
      options?.onProgress?.({ transferred: 40, total: 100 });
      await world.clock.advance(2600);
      if (path === "b") throw failing("not-found", "remote");
      return receipt({ path, size: 100 });
    },
    stat: (path) => Promise.resolve(entry(path, { size: 100 })),
  });
  const world = makeWorld({ client, isTerminal: true });
  await runClient(["get", H, "a", "b", "-o", "d"], world.environment);
  const shown = world.stderr.text.replaceAll("\x1b", "ESC");
  assertMatch(
    shown,
    / 20% {2}\[=+> +\] {2}40 B of 200 B {2}15 B\/s {2}0:11 left {2}file 1 of 2ESC\[K\n {6}a {2}40%/,
  );
  // What stands there is erased, and the message is in its place.
  assertMatch(shown, /ESC\[2KESC\[1A\rferry: Cannot get "b"/);
  assertMatch(
    shown,
    /ESC\[1A\rFetched 1 file[^\n]*\nferry: 1 of 2 files failed\n$/,
  );
  assertEquals(world.clock.pending, 0);
  const silent = makeWorld({
    client,
    variables: { TERM: "dumb" },
    isTerminal: true,
  });
  await runClient(["get", H, "a"], silent.environment);
  assertEquals(silent.stderr.text.includes("\x1b"), false);
});

Deno.test("--progress always follows itself line by line where there is no terminal", async () => {
  const client = new FakeClient({
    get: async (path, _target, options) => {
      options?.onProgress?.({ transferred: 40, total: 100 });
      await world.clock.advance(4500);
      await settle();
      return receipt({ path, size: 100 });
    },
  });
  const world = makeWorld({ client });
  await run(world, "get", H, "a", "--progress", "always");
  assertEquals(world.stderr.text.split("\n").slice(0, 2), [
    " 40%  40 B of 100 B  20 B/s  0:03 left  a",
    " 40%  40 B of 100 B  no data for 4.0 s  a",
  ]);
});

Deno.test("a lost connection is told of with how far everything is", async () => {
  const cases: ReadonlyArray<readonly [number, number, string]> = [
    [
      45,
      3,
      "Connection lost at 45% (connection was reset); trying again in 0.50 s to go on from there (1 of 3)\n",
    ],
    [
      45,
      Infinity,
      "Connection lost at 45% (connection was reset); trying again in 0.50 s to go on from there (1)\n",
    ],
    // That nothing was reported is not the same as that nothing has arrived.
    [
      0,
      3,
      "Connection lost (connection was reset); trying again in 0.50 s (1 of 3)\n",
    ],
  ];
  for (const [transferred, attemptsMax, line] of cases) {
    let onReconnect: ConnectOptions["onReconnect"];
    const client = new FakeClient({
      put(_source, path, options) {
        options?.onProgress?.({ transferred, total: 100 });
        const error = new FerryError("connection-lost", "connection was reset");
        onReconnect?.({ attempt: 1, attemptsMax, delay: 500, error });
        return Promise.resolve(receipt({ path, size: 100 }));
      },
    });
    const connect = (options: ConnectOptions) => {
      onReconnect = options.onReconnect;
      return Promise.resolve(client.client);
    };
    const world = makeWorld({ connect });
    await run(world, "put", H, "a.txt");
    assertStringIncludes(world.stderr.text, line);
    const json = makeWorld({ connect });
    await run(json, "put", H, "a.txt", "--json");
    const [event] = json.stdout.events()
      .filter(({ event }) => event === "reconnect");
    assertEquals(
      [event?.attemptsMax, event?.percent],
      [attemptsMax === 3 ? 3 : null, transferred === 0 ? null : 45],
    );
  }
});

Deno.test("progress does not count as fast what an earlier try has moved", async () => {
  const size = 104_857_600;
  const client = new FakeClient({
    get: async (path, _target, options) => {
      options?.onProgress?.({ transferred: size / 2, total: size });
      await world.clock.advance(1000);
      options?.onProgress?.({ transferred: size / 2 + 1_048_576, total: size });
      await world.clock.advance(1000);
      return receipt({ path, size });
    },
  });
  const world = makeWorld({ client });
  await run(world, "get", H, "a", "--progress", "always");
  assertEquals(
    world.stderr.text.split("\n")[0],
    " 51%  51.0 MiB of 100 MiB  512 KiB/s  1:38 left  a",
  );
});
