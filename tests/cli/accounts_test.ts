import { assert, assertEquals } from "@std/assert";
import { parsePrivateKey, parseUsersFile } from "../../lib/accounts/mod.ts";
import { runClient, runServer } from "../../lib/cli/mod.ts";
import { FerryError, LogInProblemError } from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";
import { makeWorld, type WorldOptions } from "./world.ts";

const H = "127.0.0.1";
const SECRET = "correct horse battery";

async function file(
  disk: MemoryDisk,
  path: string,
  text: string,
  mode = 0o600,
): Promise<void> {
  await writeMemory(disk, path, new TextEncoder().encode(text));
  await disk.setAttributes(path, { mode });
}

async function textOf(disk: MemoryDisk, path: string): Promise<string> {
  return new TextDecoder().decode(await readMemory(disk, path));
}

/** Runs `ferry info` and says how it connected. */
async function logIn(args: readonly string[], options: WorldOptions = {}) {
  const world = makeWorld(options);
  const code = await runClient(["info", ...args], world.environment);
  const said = world.stdout.text + world.stderr.text;
  assert(!said.includes("horse"), said);
  return { code, connect: world.connects[0], said };
}

Deno.test("a password comes from a file, the environment or a terminal", async () => {
  const disk = new MemoryDisk();
  await file(disk, "/p", `${SECRET}\nsecond line\n`);
  const variables = { FERRY_PASSWORD: `${SECRET} 2` };
  const secrets = [`${SECRET} 3`];
  const cases = [
    [["--password-file", "/p"], SECRET],
    [[], `${SECRET} 2`],
  ] as const;
  for (const [args, password] of cases) {
    const { code, connect } = await logIn(["-u", "alice", ...args, H], {
      disk,
      variables,
      secrets,
    });
    assertEquals(code, 0);
    assertEquals([connect?.user, connect?.password], ["alice", password]);
    assertEquals(connect?.allowPlainPassword, false);
  }
  const asked = await logIn(["--allow-plain-password", `alice@${H}`], {
    secrets,
  });
  assertEquals(asked.connect?.password, `${SECRET} 3`);
  assertEquals(asked.connect?.allowPlainPassword, true);
  assert(
    asked.said.includes(`Password of "alice" on ${H}:65430: `),
    asked.said,
  );
});

Deno.test("a log-in that nobody asked for is none", async () => {
  const { connect } = await logIn([H], {
    variables: { FERRY_PASSWORD: SECRET },
  });
  assertEquals([connect?.user, connect?.password], [undefined, undefined]);
});

Deno.test("a file with a secret that others may read is refused", async () => {
  const disk = new MemoryDisk();
  await file(disk, "/p", SECRET, 0o644);
  await file(disk, "/empty", "\n");
  for (const option of ["--password-file", "--identity"]) {
    const { code, said } = await logIn(["-u", "a", option, "/p", H], { disk });
    assertEquals(code, 2);
    assert(said.includes('do "chmod 600 /p"'), said);
  }
  const empty = await logIn(["-u", "a", "--password-file", "/empty", H], {
    disk,
  });
  assert(empty.said.includes("its first line is empty"), empty.said);
});

Deno.test("ferry keygen makes a key that --identity takes", async () => {
  const disk = new MemoryDisk();
  const world = makeWorld({ disk });
  assertEquals(await runClient(["keygen", "/k"], world.environment), 0);
  assert(world.stdout.text.includes("SHA256:"), world.stdout.text);
  assertEquals((await disk.stat("/k")).mode & 0o777, 0o600);
  assertEquals((await disk.stat("/k.pub")).mode & 0o777, 0o644);
  const pem = await textOf(disk, "/k");
  assert(!world.stdout.text.includes(pem.split("\n")[1]!));
  const { connect } = await logIn(["-u", "a", "--identity", "/k", H], { disk });
  assertEquals(
    connect?.identity?.publicKey,
    parsePrivateKey(pem).publicKey,
  );
  const again = makeWorld({ disk });
  assertEquals(await runClient(["keygen", "/k"], again.environment), 1);
  assertEquals(
    again.stderr.text,
    'ferry: Cannot make the key "/k.pub": the name is taken\n',
  );
  assertEquals(await textOf(disk, "/k"), pem);
  await disk.removeFile("/k.pub");
  assertEquals(await runClient(["keygen", "/k"], again.environment), 1);
  assertEquals(await textOf(disk, "/k"), pem);
  const json = makeWorld({ disk });
  assertEquals(
    await runClient(["keygen", "--json", "/j"], json.environment),
    0,
  );
  const [event] = json.stdout.events();
  assertEquals(Object.keys(event!), [
    "event",
    "path",
    "publicKey",
    "fingerprint",
  ]);
});

Deno.test("a refused log-in ends with exit code 4, and says what to do", async () => {
  const local = (problem: ConstructorParameters<typeof LogInProblemError>[0]) =>
    new FerryError("login-refused", "it cannot be", {
      side: "local",
      cause: new LogInProblemError(problem),
    });
  const cases = [
    [local("no-user"), "--user NAME"],
    [local("plain"), "--allow-plain-password"],
    [local("not-offered"), "log in otherwise"],
    [new FerryError("login-refused", "the password is wrong"), "is wrong"],
  ] as const;
  for (const [connectError, part] of cases) {
    const { code, said } = await logIn([H], { connectError });
    assertEquals(code, 4);
    assert(said.startsWith(`ferry: Cannot connect to ${H}:65430: `), said);
    assert(said.includes(part), said);
  }
});

/** Runs `ferryd user`. */
async function user(
  disk: MemoryDisk,
  args: readonly string[],
  options: WorldOptions = {},
) {
  const world = makeWorld({ disk, ...options });
  const line = ["user", ...args, "--users", "/u.jsonc"];
  const code = await runServer(line, world.environment);
  const said = world.stdout.text + world.stderr.text;
  assert(!said.includes("horse"), said);
  return { code, said };
}

Deno.test("ferryd user keeps a users file", async () => {
  const disk = new MemoryDisk();
  await file(disk, "/p", `${SECRET}\n`);
  const world = makeWorld({ disk });
  await runClient(["keygen", "/k"], world.environment);

  assertEquals(
    (await user(disk, ["list"])).said,
    "Nobody has an account there yet\n",
  );
  const added = await user(disk, [
    "add",
    "alice",
    "--password-file",
    "/p",
    "--root",
    "alice",
    "--rights",
    "list,read",
  ]);
  assertEquals(added, { code: 0, said: 'Added user "alice"\n' });
  assertEquals((await disk.stat("/u.jsonc")).mode & 0o777, 0o600);
  await user(disk, ["add", "bob", "--key", "/k.pub"]);
  const key = await user(disk, ["key", "alice", "/k.pub"]);
  assert(key.said.startsWith('"alice" may log in by the key SHA256:'));
  assertEquals(
    (await user(disk, ["list"])).said,
    "alice\tpassword and 1 key\tlist,read\talice\n" +
      "bob\t1 key\tlist,read,write,rename,delete\n",
  );
  const before = parseUsersFile(await textOf(disk, "/u.jsonc"), "u");
  const changed = await user(disk, ["passwd", "alice"], {
    secrets: [`${SECRET} 2`, `${SECRET} 2`],
  });
  assertEquals(changed.code, 0);
  assert(changed.said.includes('New password of "alice": '), changed.said);
  const text = await textOf(disk, "/u.jsonc");
  const after = parseUsersFile(text, "u");
  assert(
    before.users.get("alice")!.password!.hash.toHex() !==
      after.users.get("alice")!.password!.hash.toHex(),
  );
  assert(!text.includes("horse"));
  const differ = await user(disk, ["passwd", "alice"], {
    secrets: [`${SECRET} 3`, `${SECRET} 4`],
  });
  assertEquals(differ.code, 2);
  assert(differ.said.includes("are not the same"), differ.said);
  const short = await user(disk, ["passwd", "alice"], {
    variables: { FERRY_PASSWORD: "short" },
  });
  assert(short.said.includes("shorter than 8 characters"), short.said);
  assertEquals(
    (await user(disk, ["rm", "alice"])).said,
    'Removed user "alice"\n',
  );
  assertEquals(await user(disk, ["rm", "alice"]), {
    code: 1,
    said: 'ferryd: Cannot remove user "alice": there is no such user\n',
  });
  assertEquals(
    (await user(disk, ["add", "bob", "--key", "/k.pub"])).said,
    'ferryd: Cannot add user "bob": there is such a user already\n',
  );
});

Deno.test("ferryd user leaves a file alone that it cannot read", async () => {
  const disk = new MemoryDisk();
  await file(disk, "/u.jsonc", '{\n"users": {\n"alice": {"rigths": []}}}');
  const { code, said } = await user(disk, ["rm", "alice"]);
  assertEquals(code, 1);
  assert(said.includes("line 3"), said);
  assert((await textOf(disk, "/u.jsonc")).includes("rigths"));
});

Deno.test("ferryd user that is interrupted at a question changes nothing, and lets go of signals", async () => {
  const disk = new MemoryDisk();
  const text = '{ "users": { "alice": { "rights": [] } } }';
  await file(disk, "/u.jsonc", text);
  const world = makeWorld({ disk });
  const asking = Promise.withResolvers<void>();
  const environment = {
    ...world.environment,
    askSecret: (_question: string, signal?: AbortSignal) => {
      asking.resolve();
      return new Promise<undefined>((resolve) =>
        signal?.addEventListener("abort", () => resolve(undefined))
      );
    },
  };
  const line = ["user", "passwd", "alice", "--users", "/u.jsonc"];
  const running = runServer(line, environment);
  await asking.promise;
  world.signal();
  assertEquals(await running, 130);
  assertEquals(world.listeners(), 0);
  assertEquals(await textOf(disk, "/u.jsonc"), text);
});
