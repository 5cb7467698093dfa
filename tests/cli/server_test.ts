import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { getLogger, type LogRecord } from "@logtape/logtape";
import { jsonRecord, startLogging, textRecord } from "../../lib/cli/logging.ts";
import { runServer } from "../../lib/cli/mod.ts";
import {
  type Offer,
  type OpenDoor,
  type PublicIdentity,
  ServeError,
  type Server,
} from "../../lib/server/mod.ts";
import { StorageError } from "../../lib/storage/mod.ts";
import { NetworkError, type Scheme } from "../../lib/transport/mod.ts";
import { makeWorld, settle } from "./world.ts";

const READING: Offer = {
  rights: ["list", "read"],
  refusals: { write: "no write", rename: "no write", delete: "no delete" },
};
const NOTHING: Offer = { rights: [], refusals: { list: "no users" } };

/** What a server with TLS shows. */
const IDENTITY: PublicIdentity = {
  fingerprint: "SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg",
  shortForm: "11111 22222 33333 44444 55555 66666",
  expires: Date.UTC(2026, 7, 25),
};

/** What a check finds. */
const OPEN: OpenDoor = {
  protocol: "ferry",
  address: { hostname: "127.0.0.1", port: 65430 },
  scheme: "tcp",
  offer: READING,
};

/** A server that runs until it is shut down, and what it was told. */
function fakeServer(
  offers: readonly Offer[] = [READING],
  reload?: () => Promise<void>,
): {
  server: Server;
  drains: Array<number | undefined>;
} {
  const scheme: Scheme = reload === undefined ? "tcp" : "tls";
  const drains: Array<number | undefined> = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const shutdown = (options?: { readonly drain?: number }): Promise<void> => {
    drains.push(options?.drain);
    if (options?.drain === 0) resolve();
    return promise;
  };
  const doors = offers.map((offer, index) => ({
    protocol: "ferry",
    address: {
      hostname: index === 0 ? "127.0.0.1" : "::1",
      port: 5000 + index,
    },
    scheme,
    offer,
  }));
  return {
    drains,
    server: {
      addresses: doors.map(({ address }) => ({ ...address, scheme })),
      doors,
      identity: reload === undefined ? undefined : IDENTITY,
      reload: reload ?? (() => Promise.resolve()),
      finished: promise,
      shutdown,
      [Symbol.asyncDispose]: () => shutdown({ drain: 0 }),
    },
  };
}

Deno.test("runServer() says when it is ready, drains at the first signal, ends at the second", async () => {
  const { server, drains } = fakeServer([READING, NOTHING]);
  const started = Promise.withResolvers<void>();
  const world = makeWorld({
    serve() {
      started.resolve();
      return Promise.resolve(server);
    },
  });
  const args = [
    "-l",
    "localhost:0",
    "-l",
    "[::1]:0",
    "--drain",
    "2.5",
    "share",
  ];
  const running = runServer(args, world.environment);
  await started.promise;
  await settle();
  assertEquals(
    world.stdout.text,
    "listening ferry tcp://127.0.0.1:5000\nlistening ferry tcp://[::1]:5001\n",
  );
  assertEquals(world.serves, [{
    root: "share",
    listen: [
      { hostname: "localhost", port: 0, scheme: "tcp" },
      { hostname: "::1", port: 0, scheme: "tcp" },
    ],
    allowPlain: false,
    readOnly: false,
  }]);
  world.reject(new TypeError("forgotten"));
  world.signal();
  assertEquals(drains, [2500]);
  world.signal();
  assertEquals(await running, 0);
  assertEquals(drains, [2500, 0, 0]);
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
  const log = world.stderr.text;
  assertStringIncludes(log, "info    127.0.0.1:5000 offers list, read\n");
  assertStringIncludes(log, "info    not write, rename: no write\n");
  assertStringIncludes(log, "warning Nobody may do anything on [::1]:5001");
  assertStringIncludes(log, "error   An error was not handled");
  assertStringIncludes(log, 'error="TypeError: forgotten"');
  assertStringIncludes(log, "Stopping; transfers have 2.5 s to finish");
});

Deno.test("runServer() speaks JSON if asked to, and little with -q", async () => {
  const { server } = fakeServer();
  const world = makeWorld({ serve: () => Promise.resolve(server) });
  const args = [
    "-q",
    "--log-format=json",
    "--anonymous",
    "read",
    "--read-only",
    "--allow-plain",
    "-l",
    "tcp://0.0.0.0",
  ];
  const running = runServer(args, world.environment);
  await settle();
  assertEquals(world.stdout.events(), [{
    event: "listening",
    protocol: "ferry",
    scheme: "tcp",
    hostname: "127.0.0.1",
    port: 5000,
  }]);
  assertEquals(world.serves, [{
    root: ".",
    listen: [{ hostname: "0.0.0.0", port: 65430, scheme: "tcp" }],
    allowPlain: true,
    readOnly: true,
    anonymous: "read",
  }]);
  world.signal();
  world.signal();
  assertEquals(await running, 0);
  assertEquals(world.stderr.text, "");
});

Deno.test("runServer() says why it cannot start", async () => {
  const denied = new NetworkError("denied", "no --allow-net");
  const cases: ReadonlyArray<readonly [Error, string, number]> = [
    [
      new StorageError("not-found", "not found"),
      'Cannot serve "d\\u{1b}": not found',
      5,
    ],
    [
      new StorageError("denied", "no --allow-read"),
      'Cannot serve "d\\u{1b}": no --allow-read',
      4,
    ],
    [new StorageError("io", "broken"), 'Cannot serve "d\\u{1b}": broken', 1],
    [
      new ServeError("Cannot listen on x: in use"),
      "Cannot listen on x: in use",
      1,
    ],
    [
      new ServeError("Cannot listen on x: denied", { cause: denied }),
      "Cannot listen on x: denied",
      4,
    ],
    [
      new RangeError("oops"),
      "Internal error: oops (this is a bug in Ferry, please report it; --debug shows where)",
      1,
    ],
  ];
  for (const [error, message, code] of cases) {
    const world = makeWorld({ serve: () => Promise.reject(error) });
    assertEquals(await runServer(["d\x1b"], world.environment), code);
    assertEquals(world.stderr.text, `ferryd: ${message}\n`);
    assertEquals([world.stdout.text, world.listeners()], ["", 0]);
    const debugging = makeWorld({ checkServe: () => Promise.reject(error) });
    const args = ["check", "-d", "d\x1b"];
    assertEquals(await runServer(args, debugging.environment), code);
    assertMatch(debugging.stderr.text, /\n {4}at /);
  }
});

Deno.test("runServer() ends when nobody can learn that it is ready", async () => {
  const { server, drains } = fakeServer();
  const world = makeWorld({ serve: () => Promise.resolve(server) });
  world.stdout.isClosed = true;
  assertEquals(await runServer([], world.environment), 1);
  assertEquals(drains, [0]);
});

Deno.test("ferryd check says what would be offered", async () => {
  const world = makeWorld({ checkServe: () => Promise.resolve([OPEN]) });
  assertEquals(await runServer(["check", "share"], world.environment), 0);
  assertEquals(
    world.stdout.text,
    [
      '"share" can be served',
      "127.0.0.1:65430 offers list, read",
      "  not write, rename: no write",
      "  not delete: no delete\n",
    ].join("\n"),
  );
});

Deno.test("ferryd check says where it may not listen", async () => {
  const world = makeWorld({ deniedPort: 7 });
  const args = ["check", "-l", "127.0.0.1:8", "-l", "127.0.0.1:7", "share"];
  assertEquals(await runServer(args, world.environment), 4);
  assertEquals(
    world.stderr.text,
    "ferryd: Cannot listen on 127.0.0.1:7: this program runs without --allow-net=127.0.0.1:7\n",
  );
  assertEquals([world.stdout.text, world.serves], ["", []]);
});

Deno.test("runServer() serves with the limits that it is told", async () => {
  const world = makeWorld({ checkServe: () => Promise.resolve([OPEN]) });
  const args = [
    "--allow-active",
    "--limit-rate=10M",
    "--limit-session-rate",
    "1.5M",
  ];
  assertEquals(await runServer(["check", ...args], world.environment), 0);
  const [{ allowActive, limits } = { allowActive: false }] = world.serves;
  assertEquals(allowActive, true);
  assertEquals(limits, { rateMax: 10_485_760, sessionRateMax: 1_572_864 });
});

Deno.test("runServer() tells that stdout takes nothing, and that it stops at once", async () => {
  const { server } = fakeServer();
  const full = makeWorld({ serve: () => Promise.resolve(server) });
  full.stdout.isFull = true;
  assertEquals(await runServer([], full.environment), 1);
  assertStringIncludes(
    full.stderr.text,
    "ferryd: Cannot write to standard output: no space left on device\n",
  );
  const other = fakeServer();
  const world = makeWorld({ serve: () => Promise.resolve(other.server) });
  const running = runServer(["--drain", "0"], world.environment);
  await settle();
  world.signal();
  assertEquals(await running, 0);
  assertStringIncludes(world.stderr.text, "info    Stopping at once\n");
});

Deno.test("ferryd has help and a version", async () => {
  const help = makeWorld();
  assertEquals(await runServer(["--help"], help.environment), 0);
  assertMatch(help.stdout.text, /^Usage: ferryd \[OPTIONS\] \[ROOT\]\n/);
  assertStringIncludes(help.stdout.text, "\nCommands:\n  check ");
  const check = makeWorld();
  await runServer(["check", "--help"], check.environment);
  assertMatch(check.stdout.text, /^Usage: ferryd check \[OPTIONS\] \[ROOT\]\n/);
  const version = makeWorld();
  await runServer(["--version"], version.environment);
  assertMatch(version.stdout.text, /^ferryd \d+\.\d+\.\d+ \(protocol 1, deno /);
});

const RECORD: LogRecord = {
  category: ["ferry", "server"],
  level: "info",
  message: ["Got ", "a\n2026 info forged\x1b[2J", " of ", 5, ""],
  rawMessage: "Got {name} of {size}",
  timestamp: 0,
  properties: {
    name: "a\n2026 info forged\x1b[2J",
    size: 5,
    user: "anonymous",
    big: 1n,
    "k\u202e": [new Error("x")],
    nothing: undefined,
  },
};

Deno.test("logs cannot be forged by what they tell of", () => {
  assertEquals(
    textRecord(RECORD, false),
    '1970-01-01T00:00:00.000Z info    Got "a\\n2026 info forged\\u001b[2J" of 5' +
      ' user=anonymous big="1" k\\u{202e}=["Error: x"] nothing=undefined\n',
  );
  const line = jsonRecord(RECORD);
  assertEquals(line.indexOf("\n"), line.length - 1);
  assertEquals(line.includes("\x1b") || line.includes("\u202e"), false);
  assertEquals(JSON.parse(line).properties.name, RECORD.properties.name);
});

Deno.test("startLogging() shows levels, stacks when debugging, and stops when disposed of", async () => {
  const world = makeWorld();
  const log = getLogger(["ferry", "test"]);
  {
    const options = { level: "debug", format: "text" } as const;
    await using _logging = await startLogging(world.environment, options);
    log.debug("It broke: {error}", { error: new Error("x") });
    log.info`Template with ${"a value"}`;
    world.stderr.isClosed = true;
    log.info("Nobody reads this");
  }
  world.stderr.isClosed = false;
  log.error("Nor this");
  assertMatch(
    world.stderr.text,
    /debug {3}It broke: "Error: x"\nError: x\n {4}at /,
  );
  assertMatch(world.stderr.text, /info {4}Template with "a value"\n$/);
});

Deno.test("runServer() opens the metrics port, says where it is, and reports itself not ready", async () => {
  const { server } = fakeServer();
  const world = makeWorld({ serve: () => Promise.resolve(server) });
  const running = runServer(
    ["--metrics", "127.0.0.1:9100", "share"],
    world.environment,
  );
  await settle();
  assertEquals(
    world.stdout.text.split("\n")[1],
    "listening metrics http://127.0.0.1:9100",
  );
  const [options] = world.observes;
  assertEquals(options?.metrics, { hostname: "127.0.0.1", port: 9100 });
  assertEquals([options?.traces, options?.isReady()], [false, true]);
  world.signal();
  assertEquals(options?.isReady(), false);
  world.signal();
  assertEquals(await running, 0);
});

Deno.test("runServer() opens no metrics port for everybody unasked", async () => {
  const world = makeWorld({});
  const code = await runServer(
    ["--metrics", "tcp://0.0.0.0:9100", "share"],
    world.environment,
  );
  assertEquals(code, 2);
  assertStringIncludes(world.stderr.text, "--allow-plain");
});

Deno.test("runServer() says who it is inside TLS, and takes that anew when asked", async () => {
  const problems: Error[] = [];
  const reload = () =>
    problems[0] === undefined ? Promise.resolve() : Promise.reject(problems[0]);
  const { server } = fakeServer([READING], reload);
  const world = makeWorld({ serve: () => Promise.resolve(server) });
  const args = ["-l", "0.0.0.0:0", "--log-format", "json", "--state", "/s"];
  const running = runServer(args, world.environment);
  // The identity is made meanwhile, with a real key.
  while (world.stdout.text === "") {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(world.stdout.events(), [{
    event: "listening",
    protocol: "ferry",
    scheme: "tls",
    hostname: "127.0.0.1",
    port: 5000,
    fingerprint: IDENTITY.fingerprint,
  }]);
  const { listen, identity } = world.serves[0]!;
  assertEquals(listen, [{ hostname: "0.0.0.0", port: 0, scheme: "tls" }]);
  assertMatch((await identity!()).fingerprintText, /^SHA256:/);
  const log = () => world.stderr.text;
  assertStringIncludes(log(), `identity is ${IDENTITY.fingerprint}`);
  assertStringIncludes(log(), "expires on 2026-08-25: renew it");
  world.reload();
  await settle();
  assertStringIncludes(log(), "Read configuration, accounts and certificate");
  assertStringIncludes(log(), `which see ${IDENTITY.fingerprint}`);
  problems.push(new ServeError("the key is damaged"));
  world.reload();
  await settle();
  assertStringIncludes(log(), "Kept everything as it was");
  assertStringIncludes(log(), "the key is damaged");
  world.signal();
  world.signal();
  assertEquals(await running, 0);
  assertEquals(world.listeners(), 0);
});

Deno.test("ferryd identity shows one and the same, and says where it cannot be kept", async () => {
  const variables = { HOME: "/" };
  const world = makeWorld({ variables });
  const run = (...args: string[]) =>
    runServer(["identity", ...args], world.environment);
  assertEquals(await run(), 0);
  const [first, digits, place] = world.stdout.text.split("\n");
  assertMatch(first!, /^SHA256:\S{43}$/);
  assertMatch(digits!, /^in digits: (\d{5} ){5}\d{5}$/);
  assertEquals(place, 'kept in "/.local/state/ferryd/identity.pem"');
  world.stdout.text = "";
  assertEquals(await run("--log-format", "json"), 0);
  assertEquals(world.stdout.events()[0]?.["fingerprint"], first);
  world.stdout.text = "";
  assertEquals(await run("--state", "/other"), 0);
  assertEquals(world.stdout.text.includes(first!), false);
  const homeless = makeWorld();
  assertEquals(await runServer(["identity"], homeless.environment), 1);
  assertStringIncludes(homeless.stderr.text, "--state DIR");
  const broken = ["identity", "--cert", "/c.pem", "--key", "/k.pem"];
  assertEquals(await runServer(broken, homeless.environment), 1);
  assertStringIncludes(homeless.stderr.text, "/c.pem");
});
