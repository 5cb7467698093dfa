import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ClassicClient, ClassicReceipt } from "../../lib/classic/mod.ts";
import { FerryError } from "../../lib/client/mod.ts";
import { runClient, runServer } from "../../lib/cli/mod.ts";
import { makeWorld } from "./world.ts";

const WARNING = "This wire has no sums.";

function receipt(path: string, local: string | undefined): ClassicReceipt {
  return {
    path,
    local,
    size: 5,
    publication: local === undefined ? undefined : "created",
    durable: local !== undefined,
    wireBytes: 7,
    verified: false,
    acknowledged: false,
    warnings: [WARNING],
  };
}

/** A client that can do what it is given, and notes what was asked. */
function classic(told: string[], lacks: readonly string[] = []): ClassicClient {
  const client: ClassicClient = {
    list: () => Promise.resolve({ names: [".", "a.txt"], warnings: [] }),
    get(path, target) {
      told.push(`get ${path} ${target}`);
      if (path === "missing") {
        return Promise.reject(new FerryError("not-found", "no such file"));
      }
      return Promise.resolve(receipt(path, String(target)));
    },
    put(source, path) {
      told.push(`put ${source} ${path}`);
      return Promise.resolve(receipt(path, undefined));
    },
    rename(from, to) {
      told.push(`mv ${from} ${to}`);
      return Promise.resolve();
    },
    close() {
      told.push("close");
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  for (const name of lacks) Reflect.deleteProperty(client, name);
  return client;
}

Deno.test("ferry --protocol runs the same commands over another wire", async () => {
  const told: string[] = [];
  const world = makeWorld({ classic: classic(told) });
  const run = (...args: string[]) => runClient(args, world.environment);
  assertEquals(await run("--protocol", "cs372", "ls", "127.0.0.1"), 0);
  assertStringIncludes(world.stdout.text, "a.txt");
  assertEquals(
    await run("get", "--protocol", "nets", "127.0.0.1:7", "dir/a", "b"),
    0,
  );
  assertEquals(await run("put", "--protocol=csci320", "h.example", "x"), 0);
  assertEquals(
    await run("mv", "--protocol", "coen366", "127.0.0.1", "a", "b"),
    0,
  );
  assertEquals(told, [
    "close",
    "get dir/a a",
    "get b b",
    "close",
    "put x x",
    "close",
    "mv a b",
    "close",
  ]);
  assertEquals(
    world.classics.map(([name, { hostname, port }]) => [name, hostname, port]),
    [
      ["cs372", "127.0.0.1", 3555],
      ["nets", "127.0.0.1", 7],
      // The wire is plain TCP wherever it leads.
      ["csci320", "h.example", 12000],
      ["coen366", "127.0.0.1", 65432],
    ],
  );
});

Deno.test("ferry --protocol says once what the wire cannot promise, and never that it did", async () => {
  const world = makeWorld({ classic: classic([]) });
  const args = ["get", "--protocol", "nets", "127.0.0.1", "a", "b"];
  assertEquals(await runClient(args, world.environment), 0);
  const said = world.stderr.text;
  assertEquals(said.split(WARNING).length, 2);
  assertStringIncludes(said, "Fetched 2 files");
  assertStringIncludes(said, "not verified, but durable");

  const sending = makeWorld({ classic: classic([]) });
  const put = ["put", "--protocol", "csci320", "127.0.0.1", "a"];
  assertEquals(await runClient(put, sending.environment), 0);
  assertStringIncludes(
    sending.stderr.text,
    "not verified, and nobody has said whether it was stored",
  );

  const json = makeWorld({ classic: classic([]) });
  await runClient([...put, "--json"], json.environment);
  const events = json.stdout.text.trim().split("\n").map((line) =>
    JSON.parse(line)
  );
  const { verified, acknowledged, warnings, digest } = events
    .find(({ event }) => event === "receipt");
  assertEquals([verified, acknowledged, warnings, digest], [
    false,
    false,
    [WARNING],
    null,
  ]);
});

Deno.test("ferry --protocol keeps exit codes and messages", async () => {
  const world = makeWorld({ classic: classic([]) });
  const args = ["get", "--protocol", "nets", "127.0.0.1", "missing"];
  assertEquals(await runClient(args, world.environment), 5);
  assertStringIncludes(world.stderr.text, 'Cannot get "missing": no such file');
});

Deno.test("ferry --protocol refuses what a protocol does not have, before anybody connects", async () => {
  const rows: ReadonlyArray<readonly [readonly string[], string]> = [
    [["--protocol", "ftp", "ls", "h"], 'no classic protocol "ftp"'],
    [["--protocol", "net", "get", "h", "a"], 'did you mean "nets"?'],
    [["--protocol", "nets", "ls", "h"], 'nets has no "ls"'],
    [["--protocol", "csci320", "get", "h", "a"], 'can do "put"'],
    [["--protocol", "cs372", "info", "h"], 'can do "ls", "get"'],
    [["--protocol", "nets", "rm", "h", "a"], 'nets has no "rm"'],
    [["--protocol", "nets", "get", "-r", "h", "a"], '"--recursive"'],
    [["--protocol", "nets", "get", "--streams", "2", "h", "a"], '"--streams"'],
    [
      ["--protocol", "nets", "get", "--digest", "sha256", "h", "a"],
      '"--digest"',
    ],
    [
      ["--protocol", "nets", "put", "--on-conflict", "skip", "h", "a"],
      '"--on-conflict"',
    ],
    [["--protocol", "nets", "get", "-u", "ann", "h", "a"], '"--user"'],
    [
      ["--protocol", "nets", "get", "--data-port", "5000", "h", "a"],
      '"--data-port"',
    ],
    [["--protocol", "nets", "get", "tls://h", "a"], "nets is plain TCP"],
    [["get", "--data-port", "5000", "127.0.0.1", "a"], '"--data-port"'],
  ];
  for (const [args, message] of rows) {
    const world = makeWorld({});
    assertEquals(await runClient(args, world.environment), 2, `${args}`);
    assertStringIncludes(world.stderr.text, message);
    assertEquals(world.stderr.text.trimEnd().split("\n").length, 1);
    assertEquals(world.classics, []);
  }
});

Deno.test("ferry --protocol cs372-login asks for the password as ever", async () => {
  const world = makeWorld({ classic: classic([]), secrets: ["swordfish"] });
  const args = [
    "ls",
    "--protocol",
    "cs372-login",
    "--data-port",
    "5000",
    "ann@h",
  ];
  assertEquals(await runClient(args, world.environment), 0);
  const [, { user, password, dataPort, port }] = world.classics[0]!;
  assertEquals([user, password, dataPort, port], [
    "ann",
    "swordfish",
    5000,
    3556,
  ]);
});

Deno.test("ferry --protocol shell is a prompt with what the protocol has", async () => {
  const told: string[] = [];
  const input = "put x\nget a\nmv a b\nhelp\nrm a\nbye\n";
  const world = makeWorld({ classic: classic(told), stdin: input });
  const args = ["--protocol", "coen366", "shell", "127.0.0.1", "-k"];
  assertEquals(await runClient(args, world.environment), 2);
  assertEquals(told, ["put x x", "get a a", "mv a b", "close"]);
  assertStringIncludes(world.stderr.text, 'Unknown command "rm"');
  assertStringIncludes(world.stdout.text, "put LOCAL...");
  assertEquals(world.stdout.text.includes("sync"), false);
});

Deno.test("ferryd --classic opens doors, and says what it cannot", async () => {
  const rows: ReadonlyArray<readonly [readonly string[], string]> = [
    [["--classic", "x"], "no classic protocol"],
    [["--classic", "cs372-login"], "--users FILE"],
    [["--classic", "nets=0.0.0.0:5000"], "--allow-plain"],
    [["--classic", "nets,suffix=.x"], '"suffix=.x"'],
    [["--classic", "cs372,on-conflict=skip"], '"on-conflict=skip"'],
    [["--classic", "nets,on-conflict=skip"], '"on-conflict=skip"'],
    [["--classic", "coen366,on-conflict=maybe"], '"maybe"'],
    [["--classic", "nets=tls://127.0.0.1:1"], "tls"],
  ];
  for (const [args, message] of rows) {
    const world = makeWorld({});
    assertEquals(await runServer(args, world.environment), 2, `${args}`);
    assertStringIncludes(world.stderr.text, message);
    assertEquals(world.serves, []);
  }
  const world = makeWorld({
    serve: () => Promise.reject(new TypeError("far enough")),
  });
  await runServer(
    [
      "--classic",
      "nets",
      "--classic",
      "csci320=[::1]:7,suffix=,on-conflict=rename",
    ],
    world.environment,
  );
  assertEquals(
    world.serves[0]!.doors!.map((
      { address, protocol },
    ) => [protocol.name, address]),
    [
      ["nets", { hostname: "127.0.0.1", port: 50001 }],
      ["csci320", { hostname: "::1", port: 7 }],
    ],
  );
});
