import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import type { ConnectOptions } from "../../lib/client/mod.ts";
import { runClient } from "../../lib/cli/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import {
  type Behavior,
  entry,
  FakeClient,
  INFO,
  makeWorld,
  receipt,
  settle,
  type Turn,
  type World,
  type WorldOptions,
} from "./world.ts";

const H = "127.0.0.1";
const WELCOME =
  'Connected to 127.0.0.1:65430 as anonymous: list, read\n"help" lists the commands, "bye" leaves\n';

/** Somebody types these lines and leaves; nothing is left over. */
async function type(
  turns: readonly Turn[],
  options: WorldOptions = {},
  args: readonly string[] = [H],
): Promise<World> {
  const world = makeWorld({ isTerminal: true, turns, ...options });
  assertEquals(await runClient(args, world.environment), 0, world.stderr.text);
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
  assertEquals(world.editor.isClosed, true);
  return world;
}

/** What was said after the welcome. */
function said(world: World): string {
  assertStringIncludes(world.stderr.text, WELCOME);
  return world.stderr.text.slice(WELCOME.length);
}

function failing(
  code: ConstructorParameters<typeof FerryError>[0],
  side: "local" | "remote" = "remote",
): FerryError {
  return new FerryError(code, `it is ${code}`, { side });
}

/** A client over a little tree. */
function treeClient(behavior: Behavior = {}): FakeClient {
  const tree: Record<string, string[]> = {
    "": ["b.csv", "a.csv", "my file.txt", "docs/"],
    docs: ["c.csv", "deep/"],
    "docs/deep": ["d.txt"],
  };
  return new FakeClient({
    async *list(path, { recursive = false } = {}) {
      const names = tree[path]?.flatMap((name) =>
        recursive && name.endsWith("/")
          ? [
            name,
            ...tree[`${path}/${name.slice(0, -1)}`]!.map((each) => name + each),
          ]
          : [name]
      );
      if (names === undefined) {
        throw failing(/\.\w+$/.test(path) ? "not-directory" : "not-found");
      }
      const prefix = path === "" ? "" : `${path}/`;
      yield {
        entries: names.map((name) =>
          name.endsWith("/")
            ? entry(`${prefix}${name.slice(0, -1)}`, { kind: "directory" })
            : entry(`${prefix}${name}`)
        ),
        problems: [],
      };
    },
    stat: (path) => {
      const kind = path in tree ? "directory" : "file";
      return Promise.resolve(entry(path, { kind }));
    },
    ...behavior,
  });
}

Deno.test("a shell runs the commands of ferry over one connection", async () => {
  const client = treeClient();
  const world = await type(
    ["ls", "", "  # nothing", "get a.csv", "mkdir -p x/y", "stat a.csv", "bye"],
    { client },
  );
  assertEquals(world.connects.length, 1);
  assertEquals(client.isClosed, true);
  assertEquals(client.calls, [
    ["list", ""],
    ["get", "a.csv", "a.csv"],
    ["makeDirectory", "x/y"],
    ["stat", "a.csv"],
  ]);
  assertMatch(world.stdout.text, /^b.csv\na.csv\nmy file.txt\ndocs\/\nPath /);
  assertMatch(said(world), /^[^\n]*Fetched 1 file, .*\nMade "x\/y"\n$/);
  assertEquals(world.editor.prompts, Array(7).fill("127.0.0.1:/> "));
});

Deno.test("a shell begins with shell HOST as well, and ends with its input", async () => {
  const world = await type(["quit"], {}, ["shell", H]);
  assertEquals(world.stderr.text, WELCOME);
  const left = await type([], {}, [H]);
  assertEquals(left.stderr.text, `${WELCOME}\n`);
});

Deno.test("a shell that cannot connect is no shell", async () => {
  const world = makeWorld({
    turns: ["ls"],
    connectError: failing("connect-failed"),
  });
  assertEquals(await runClient([H], world.environment), 3);
  assertMatch(world.stderr.text, /^ferry: Cannot connect to 127.0.0.1:65430: /);
  assertEquals(world.listeners(), 0);
});

Deno.test("a failure is told, and the shell goes on", async () => {
  const client = treeClient({
    remove: () => Promise.reject(failing("denied")),
  });
  const world = await type(
    [
      "rm a.csv",
      "lst",
      "stat",
      "ls | wc",
      "get *.zip",
      "rm ../..",
      "ls -x",
      "pwd",
    ],
    { client },
  );
  assertEquals(
    said(world),
    'Cannot remove "a.csv": it is denied\n' +
      'Unknown command "lst": did you mean "ls"?\n' +
      'PATH is missing for "stat"; see "help stat"\n' +
      'There is no "|" in this shell; put it in quotes if it is part of a name\n' +
      'No name on the server matches "*.zip"\n' +
      'Cannot remove "/": it means the top of the server\'s tree\n' +
      'Unknown option "-x" for "ls"; see "help ls"\n' +
      "\n",
  );
  assertEquals(world.stdout.text, "/\n");
});

Deno.test("cd goes to directories of the server, and names are looked up from there", async () => {
  const client = treeClient();
  const world = await type([
    "cd docs",
    "pwd",
    "get c.csv ../a.csv",
    "put x.txt",
    "put x.txt -o y.txt",
    "mv c.csv deep/",
    "cd deep/..",
    "cd deep",
    "cd -",
    "ls -R",
    "ls",
    "cd nowhere",
    "cd /a.csv",
    "cd",
    "pwd",
  ], { client, local: { "x.txt": { kind: "file", size: 5 } } });
  assertEquals(world.editor.prompts.slice(1, 8), [
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
    "127.0.0.1:/docs> ",
  ]);
  assertEquals(
    client.calls.filter(([name]) => name !== "list"),
    [
      ["stat", "docs/c.csv"],
      ["stat", "a.csv"],
      ["get", "docs/c.csv", "c.csv"],
      ["get", "a.csv", "a.csv"],
      ["put", "x.txt", "docs/x.txt"],
      ["stat", "docs/y.txt"],
      ["put", "x.txt", "docs/y.txt"],
      ["rename", "docs/c.csv", "docs/deep/c.csv"],
    ],
  );
  assertEquals(
    world.stdout.text,
    "/docs\nc.csv\ndeep/\ndeep/d.txt\nc.csv\ndeep/\n/\n",
  );
  assertMatch(
    said(world),
    /\nCannot go to "nowhere": it is not-found on [^\n]*\nCannot go to "a.csv": it is not a directory\n\n$/,
  );
});

Deno.test("lcd goes to directories of this machine, and names are looked up from there", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/desk", 0o777);
  await disk.makeDirectory("/desk/in", 0o777);
  await disk.makeDirectory("/home", 0o777);
  (await disk.open("/desk/in/x.csv", "create")).close();
  (await disk.open("/desk/in/y.csv", "create")).close();
  const client = treeClient();
  const world = await type([
    "lcd /desk",
    "lcd in",
    "lpwd",
    "get a.csv",
    "get a.csv -o b/",
    "put *.csv",
    "put ~/z.txt",
    "lcd",
    "lpwd",
    "lcd nowhere",
    "lcd /desk/in/x.csv",
  ], {
    client,
    disk,
    variables: { HOME: "/home" },
    local: {
      "/desk/in/x.csv": { kind: "file", size: 0 },
      "/desk/in/y.csv": { kind: "file", size: 0 },
      "/desk/in": { kind: "directory", size: 0 },
    },
  });
  assertEquals(world.stdout.text, "/desk/in\n/home\n");
  assertEquals(client.calls, [
    ["get", "a.csv", "/desk/in/a.csv"],
    ["get", "a.csv", "/desk/in/b/a.csv"],
    ["put", "/desk/in/x.csv", "x.csv"],
    ["put", "/desk/in/y.csv", "y.csv"],
    ["put", "/home/z.txt", "z.txt"],
  ]);
  assertMatch(
    said(world),
    /nowhere": not found.*\nCannot go to "\/desk\/in\/x.csv": it is not a directory\n\n$/,
  );
});

Deno.test("patterns stand for the names that there are", async () => {
  const client = treeClient();
  const world = await type([
    "get *.csv",
    "rm 'a*b' docs/*.csv",
    "get */c*",
    "mv *.csv x",
    "ls *.csv d*",
    "stat [",
  ], { client });
  assertEquals(client.calls.filter(([name]) => name === "get"), [
    ["get", "a.csv", "a.csv"],
    ["get", "b.csv", "b.csv"],
    ["get", "docs/c.csv", "c.csv"],
  ]);
  assertEquals(client.calls.filter(([name]) => name === "remove"), [
    ["remove", "a*b"],
    ["remove", "docs/c.csv"],
  ]);
  assertStringIncludes(
    said(world),
    '"*.csv" matches 2 names, and only one can be used\n',
  );
  assertStringIncludes(
    said(world),
    'Cannot use "[": the pattern has a [ without its ]; put it in quotes if it is a name\n',
  );
  assertEquals(world.stdout.text, "a.csv\nb.csv\n\ndocs:\nc.csv\ndeep/\n");
});

/** A client whose names are all taken, but for other policies than `fail`. */
function takenClient(policies: Array<string | undefined>): FakeClient {
  return treeClient({
    get: (path, _target, options) => {
      policies.push(options?.onConflict);
      if (options?.onConflict === "fail") {
        return Promise.reject(failing("exists", "local"));
      }
      const publication = options?.onConflict === "skip"
        ? "skipped"
        : "replaced";
      return Promise.resolve(receipt({ path, local: path, publication }));
    },
    rename: (_from, to, options) => {
      policies.push(options?.onConflict);
      if (options?.onConflict === "fail") {
        return Promise.reject(failing("exists"));
      }
      return Promise.resolve({ path: to, publication: "replaced" });
    },
  });
}

Deno.test("a shell asks about taken names", async () => {
  const policies: Array<string | undefined> = [];
  const client = takenClient(policies);
  const world = await type([
    "get a.csv",
    "get a.csv",
    "get a.csv b.csv docs/c.csv",
    "mv a.csv b.csv",
    "get --on-conflict skip a.csv",
    "get --on-conflict fail a.csv",
    "get a.csv",
  ], {
    client,
    answers: ["o", "", "what", "s all", "Overwrite", undefined],
  });
  assertEquals(policies, [
    ...["fail", "overwrite"],
    "fail",
    ...["fail", "skip", "fail", "skip", "fail", "skip"],
    ...["fail", "overwrite"],
    "skip",
    "fail",
    "fail",
  ]);
  const { questions } = world.editor;
  assertEquals(
    questions[0],
    '"a.csv" is there already\n(o)verwrite, (r)ename, (s)kip or (f)ail? Add "all" for the rest too [f] ',
  );
  assertMatch(questions[3] ?? "", /^Please answer o, r, s or f/);
  assertMatch(questions[4] ?? "", /^"b.csv" is there already on the server\n/);
  assertEquals(questions.length, 6);
});

Deno.test("a shell asks about the taken names of a tree at its end", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/w", 0o777);
  await disk.makeDirectory("/w/docs", 0o777);
  await disk.makeDirectory("/w/docs/deep", 0o777);
  for (const name of ["c.csv", "deep/d.txt"]) {
    const file = await disk.open(`/w/docs/${name}`, "create");
    await file.write(new Uint8Array(77), 0);
    file.close();
  }
  const policies: Array<string | undefined> = [];
  const client = takenClient(policies);
  const world = await type(["lcd /w", "get -r docs"], {
    client,
    disk,
    answers: ["o", "s"],
  });
  assertEquals(policies, ["overwrite"]);
  assertEquals(world.editor.questions.length, 2);
  assertMatch(
    said(world),
    /Fetched nothing, 1 file skipped\nReplaced "docs\/c.csv"\nFetched 1 file, 5 B in/,
  );
  const undecided = await type(["lcd /w", "get -r docs"], {
    client: takenClient([]),
    disk,
  });
  assertMatch(
    said(undecided),
    /Cannot write .*\nCannot write .*\n.*\n2 of 2 entries failed\n/,
  );
});

Deno.test("without anybody to ask, a taken name is a failure", async () => {
  const policies: Array<string | undefined> = [];
  const world = makeWorld({
    client: takenClient(policies),
    stdin: "get a.csv\n",
  });
  assertEquals(await runClient(["shell", H], world.environment), 6);
  assertEquals(policies, ["fail"]);
});

Deno.test("Ctrl-C stops a transfer and keeps the shell", async () => {
  let tries = 0;
  const client = treeClient({
    put: (source, path, options) =>
      new Promise((resolve, reject) => {
        options?.onProgress?.({ transferred: 46, total: 100 });
        if (++tries === 2) {
          return resolve(receipt({ path, local: String(source), size: 100 }));
        }
        options?.signal?.addEventListener(
          "abort",
          () => reject(failing("cancelled", "local")),
        );
        queueMicrotask(() => world.signal());
      }),
  });
  const world = makeWorld({
    isTerminal: true,
    client,
    turns: ["put x", "put x", { kind: "interrupt" }, "pwd"],
    local: { x: { kind: "file", size: 100 } },
  });
  assertEquals(await runClient([H], world.environment), 0);
  assertMatch(
    said(world),
    /^Interrupted at 46%; the same command continues\nSent 1 file, .*\n\n$/,
  );
  assertEquals(world.stdout.text, "/\n");
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
});

Deno.test("another signal ends the shell, whatever it does", async () => {
  const busy = treeClient({
    stat: (_path, options) =>
      new Promise((_resolve, reject) => {
        const end = () => reject(failing("cancelled", "local"));
        options?.signal?.addEventListener("abort", end);
        queueMicrotask(() => world.signal(false));
      }),
  });
  const world = makeWorld({ client: busy, turns: ["stat a", "pwd"] });
  assertEquals(await runClient([H], world.environment), 130);
  assertEquals([world.stdout.text, busy.isClosed], ["", true]);
  const idle = makeWorld({
    turns: [() => {
      idle.signal(false);
      return { kind: "end" };
    }],
  });
  assertEquals(await runClient([H], idle.environment), 130);
});

Deno.test("a lost connection is told of, and the next command makes it again", async () => {
  let hooks: ConnectOptions | undefined;
  let tries = 0;
  const client = treeClient({
    freeSpace: () => {
      if (++tries < 3) return Promise.reject(failing("connect-failed"));
      hooks?.onConnection?.({ kind: "back", info: INFO });
      return Promise.reject(failing("denied"));
    },
  });
  const world = makeWorld({
    connect: (options) => {
      hooks = options;
      return Promise.resolve(client.client);
    },
    turns: ["pwd", () => {
      const error = failing("connection-lost");
      hooks?.onConnection?.({ kind: "lost", error });
      return { kind: "line", text: "ls docs" };
    }, "ls docs"],
  });
  const ending = runClient([H], world.environment);
  for (let turn = 0; turn < 10; turn++) {
    await settle();
    await world.clock.advance(200);
  }
  assertEquals(await ending, 0);
  assertEquals(
    said(world),
    "Connection lost (it is connection-lost); the next command makes it again\n" +
      "Connection lost (it is connect-failed); trying again in 0.25 s (1 of 3)\n" +
      "Connection lost (it is connect-failed); trying again in 0.50 s (2 of 3)\n" +
      "Connected to 127.0.0.1:65430 again\n\n",
  );
  assertEquals(world.stdout.text, "/\nc.csv\ndeep/\nc.csv\ndeep/\n");
  assertEquals(tries, 3, "it is asked for once");
});

Deno.test("a connection that comes back by itself is told of, and is not made again", async () => {
  let hooks: ConnectOptions | undefined;
  const client = treeClient();
  const world = makeWorld({
    connect: (options) => {
      hooks = options;
      return Promise.resolve(client.client);
    },
    turns: [() => {
      hooks?.onConnection?.({ kind: "lost", error: failing("timeout") });
      // Completion has asked for names.
      hooks?.onConnection?.({ kind: "back", info: INFO });
      return { kind: "line", text: "ls docs" };
    }],
  });
  assertEquals(await runClient([H], world.environment), 0);
  assertEquals(
    said(world),
    "Connection lost (it is timeout); the next command makes it again\n" +
      "Connected to 127.0.0.1:65430 again\n\n",
  );
  assertEquals(client.calls, [["list", "docs"]]);
});

Deno.test("a connection that stays lost fails the command, not the shell", async () => {
  let hooks: ConnectOptions | undefined;
  const client = treeClient({
    freeSpace: () => Promise.reject(failing("connect-failed")),
  });
  const world = makeWorld({
    connect: (options) => {
      hooks = options;
      return Promise.resolve(client.client);
    },
    turns: [() => {
      hooks?.onConnection?.({ kind: "lost", error: failing("timeout") });
      return { kind: "line", text: "ls" };
    }, "pwd"],
  });
  const args = ["shell", H, "--retries", "0"];
  assertEquals(await runClient(args, world.environment), 0);
  assertMatch(
    said(world),
    /Cannot go on: the connection was lost and could not be made again: it is connect-failed\n/,
  );
  assertEquals(world.stdout.text, "/\n");
});

Deno.test("a line that is about the connection gets its own", async () => {
  const world = await type(
    ["get --limit-rate 500K a.csv", "get --retries 0 a.csv", "get a.csv"],
    {},
    ["shell", "--timeout", "5", H],
  );
  assertEquals(
    world.connects.map(({ timeout, rateMax, retries }) => [
      timeout,
      rateMax,
      retries,
    ]),
    [
      [5000, undefined, undefined],
      [5000, 512_000, undefined],
      [5000, undefined, 0],
    ],
  );
});

Deno.test("!COMMAND runs where it may, and says where it may not", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/desk", 0o777);
  const world = await type(["!ls *.csv | wc", "lcd /desk", " ! pwd ", "!"], {
    localCode: 0,
    disk,
  });
  assertEquals(world.locals, [["ls *.csv | wc", ""], ["pwd", "/desk"]]);
  assertEquals(
    said(world),
    "Cannot run it: a command is missing after the !\n\n",
  );
  const failed = await type(["!false"], { localCode: 3 });
  assertEquals(said(failed), "The command ended with code 3\n\n");
  const denied = await type(["!ls"]);
  assertEquals(
    said(denied),
    "Cannot run commands of this machine: ferry runs without --allow-run\n\n",
  );
});

Deno.test("help says what there is, and more of each", async () => {
  const world = await type(["help", "help get", "get --help", "help gte"]);
  const { text } = world.stdout;
  assertEquals(text.split("\n").filter((line) => line.length > 80), []);
  assertStringIncludes(text, "\n  cd [PATH]  ");
  assertStringIncludes(text, "\n  !COMMAND  ");
  assertEquals(
    text.split("Usage: get [OPTIONS] REMOTE...\n").length,
    3,
    "twice the same",
  );
  assertEquals(text.includes("HOST"), false);
  assertEquals(text.includes("127.0.0.1"), false);
  const lines = text.split("Usage:")[0]?.split("\n").length ?? 0;
  assertEquals(lines <= 23, true, `${lines} lines`);
  assertEquals(said(world), 'Unknown command "gte": did you mean "get"?\n\n');
});

Deno.test("put - is no command where commands come from stdin", async () => {
  const world = await type(["put - -o x"]);
  assertMatch(said(world), /^Cannot put "-" \(stdin\): that is where .*\n\n$/);
  const script = makeWorld({ stdin: "put - -o x" });
  assertEquals(await runClient(["shell", H], script.environment), 2);
});

Deno.test("a prompt does not write over data that end without a line's end", async () => {
  const client = treeClient({
    async get(path, target) {
      const writer = (target as WritableStream<Uint8Array>).getWriter();
      await writer.write(new TextEncoder().encode(path));
      return receipt({ path, local: undefined });
    },
  });
  const world = makeWorld({
    client,
    turns: ["get a.csv -o -", "get b.csv -o -", "pwd"],
  });
  world.stdout.isTerminal = true;
  assertEquals(await runClient([H], world.environment), 0);
  assertEquals(world.stdout.text, "a.csv\nb.csv\n/\n");
});

Deno.test("a shell tells programs what it does", async () => {
  const world = await type(["mkdir a", "rm --json b"], {}, [
    "shell",
    H,
    "--json",
  ]);
  assertEquals(world.stdout.events().map(({ event }) => event), [
    "created",
    "removed",
  ]);
});

Deno.test("the history is kept, but for what may be secret", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/home", 0o777);
  const variables = { HOME: "/home" };
  const world = await type([
    "pwd",
    " ls hidden",
    "!curl https://me:geheim@example.com/",
    "!mysql --password=x",
    "pwd",
    "pwd",
    "get 'a b'",
    "",
  ], { disk, variables });
  assertEquals(world.editor.options.history, []);
  const path = "/home/.local/state/ferry/history";
  assertEquals((await disk.stat(path)).mode & 0o777, 0o600);
  const again = await type(["lpwd"], { disk, variables });
  assertEquals(again.editor.options.history, ["pwd", "get 'a b'"]);
  const third = await type([], { disk, variables });
  assertEquals(third.editor.options.history.at(-1), "lpwd");
});

Deno.test("a history that cannot be kept is no reason to stop", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/home", 0o777);
  await disk.makeDirectory("/home/.local", 0o777);
  (await disk.open("/home/.local/state", "create")).close();
  const world = await type(["pwd"], { disk, variables: { HOME: "/home" } });
  assertEquals(world.stdout.text, "/\n");
});
