/**
 * What peers try, and must not get: each ends in one code, one line for whoever
 * runs the server, and a server that still serves. Log-ins, rights and quotas
 * have tables of their own (`account_*_test.ts`).
 */

import { assert, assertEquals } from "@std/assert";
import type { ErrorCode } from "../../lib/protocol/mod.ts";
import type { ServerEvent } from "../../lib/server/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import {
  HELLO,
  type Login,
  NO_TOKEN,
  putBody,
  startServer,
  type TestServer,
  writeMemory,
} from "../helpers/test_server.ts";

/** A session that tries something. */
interface Attempt {
  readonly server: TestServer;
  readonly login: Login;
  readonly data: RawPeer;
}

type Try = (attempt: Attempt) => Promise<ErrorCode>;

const get = (path: string): Try => async ({ data }) => {
  await data.send("GET", { path, algorithm: "crc32-chunks" }, 2);
  return await data.refusal(2);
};

const put = (path: string, size?: number): Try => async ({ data }) => {
  await data.send("PUT", putBody(path, size === undefined ? {} : { size }), 2);
  return await data.refusal(2);
};

const stat = (path: string): Try => async ({ login: { control } }) => {
  await control.send("STAT", { path, algorithm: undefined }, 2);
  return await control.refusal(2);
};

const rename =
  (from: string, to: string): Try => async ({ login: { control } }) => {
    await control.send("RENAME", { from, to, onConflict: "overwrite" }, 2);
    return await control.refusal(2);
  };

/** Attaches a further data connection. */
const attach = (
  make: (attempt: Attempt) => Promise<{
    readonly session: Uint8Array;
    readonly token: Uint8Array;
    readonly version?: number;
  }>,
): Try =>
async (attempt) => {
  const { version = 1, ...body } = await make(attempt);
  const peer = await attempt.server.dial();
  await peer.send("ATTACH", { version, ...body });
  return await peer.farewell();
};

const dial = (port: number): Try => async ({ login: { control } }) => {
  await control.send("DIAL", { port, token: NO_TOKEN }, 2);
  return await control.refusal(2);
};

/** Says something on a connection of its own, which ends it. */
const say = (speak: (peer: RawPeer) => Promise<void>): Try =>
async (
  { server },
) => {
  const peer = await server.dial();
  await speak(peer);
  return await peer.farewell();
};

const LONG = "x".repeat(256);

/** Names that are none, wherever they stand. */
const NAMES: readonly (readonly [string, string])[] = [
  ["a folder above", "../file"],
  ["a folder above in the middle", "a/../../file"],
  ["a dot", "./file"],
  ["an absolute path", "/etc/passwd"],
  ["a backslash", "..\\file"],
  ["a NUL", "file\0.txt"],
  ["nothing between two slashes", "a//b"],
  ["a slash at the end", "a/"],
  ["the staging folder", ".ferry/x"],
  ["the staging folder deep down", "a/.ferry/x"],
  ["a segment of 256 bytes", LONG],
  ["a path of 200 folders", `${"a/".repeat(200)}b`],
  ["a drive", "C:/file"],
  ["a lone surrogate", "\ud800"],
];

const ROWS: Readonly<Record<string, readonly [ErrorCode, Try]>> = {
  ...Object.fromEntries(NAMES.flatMap(([name, path]) => [
    [`get ${name}`, ["bad-name", get(path)]],
    [`put ${name}`, ["bad-name", put(path)]],
    [`stat ${name}`, ["bad-name", stat(path)]],
    [`rename to ${name}`, ["bad-name", rename("file", path)]],
  ])),
  "get through a link to outside": ["outside", get("out/secret")],
  "put through a link to outside": ["outside", put("out/new")],
  "put over a link to a file outside": ["outside", put("leak")],
  "get a link to a file outside": ["outside", get("leak")],
  "stat through a link to outside": ["outside", stat("out/secret")],
  "rename to outside": ["outside", rename("file", "out/file")],
  "rename from outside": ["outside", rename("out/secret", "mine")],
  "get through a link to itself": ["outside", get("loop/file")],
  "get a folder": ["is-directory", get("folder")],
  "put over a folder": ["is-directory", put("folder")],
  "put below a file": ["not-directory", put("file/below")],
  "put a file of more than 16 TiB": ["too-large", put("huge", 2 ** 45)],
  "put what the disk has no room for": ["no-space", put("huge", 2 ** 40)],
  "attach with a token that nobody gave": [
    "login-refused",
    attach(({ login }) =>
      Promise.resolve({ session: login.ready.session, token: NO_TOKEN })
    ),
  ],
  "attach to a session that is none": [
    "login-refused",
    attach(async ({ server, login }) => ({
      session: new Uint8Array(login.ready.session.length),
      token: await server.token(login, 9),
    })),
  ],
  "attach to the session of somebody else": [
    "login-refused",
    attach(async ({ server, login }) => ({
      session: (await server.logIn()).ready.session,
      token: await server.token(login, 9),
    })),
  ],
  "attach twice with one token": [
    "login-refused",
    attach(async ({ server, login }) => {
      const token = await server.token(login, 9);
      const body = { session: login.ready.session, token };
      const first = await server.dial();
      await first.send("ATTACH", { version: 1, ...body });
      await first.expect("ATTACHED");
      return body;
    }),
  ],
  "attach with a token that is too old": [
    "login-refused",
    attach(async ({ server, login }) => {
      const token = await server.token(login, 9);
      await server.clock.advance(30_001);
      return { session: login.ready.session, token };
    }),
  ],
  "attach after the session has ended": [
    "login-refused",
    attach(async ({ server, login }) => {
      const token = await server.token(login, 9);
      login.control.close();
      await settle();
      return { session: login.ready.session, token };
    }),
  ],
  "attach in another version": [
    "unsupported",
    attach(async ({ server, login }) => ({
      session: login.ready.session,
      token: await server.token(login, 9),
      version: 99,
    })),
  ],
  "be dialled at port 0": ["denied", dial(0)],
  "be dialled at a mail server": ["denied", dial(25)],
  "be dialled at port 1023": ["denied", dial(1023)],
  "be dialled where nobody listens": ["unavailable", dial(40_001)],
  "speak a version that does not exist": [
    "unsupported",
    say((peer) => peer.send("HELLO", { ...HELLO, versions: [99] })),
  ],
  "log in without a greeting": [
    "protocol",
    say(async (peer) => {
      await peer.send("HELLO", HELLO);
      await peer.expect("GREETING");
      await peer.send("HELLO", HELLO);
    }),
  ],
  "log in by a password where there are no accounts": [
    "login-refused",
    say(async (peer) => {
      await peer.send("HELLO", HELLO);
      await peer.expect("GREETING");
      const password = { user: "alice", password: "x" };
      await peer.send("LOGIN", { method: "password", ...password });
    }),
  ],
};

const SECRET = new TextEncoder().encode("secret");

/** A served folder with links that lead out of it, on a disk with little room. */
async function world(): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ capacity: 2 ** 30 });
  for (const folder of ["/root", "/root/folder", "/outside"]) {
    await disk.makeDirectory(folder, 0o755);
  }
  await writeMemory(disk, "/root/file", SECRET);
  await writeMemory(disk, "/outside/secret", SECRET);
  disk.symlink("/outside", "/root/out");
  disk.symlink("/outside/secret", "/root/leak");
  disk.symlink("/root/loop", "/root/loop");
  return disk;
}

for (const [name, [code, attempt]] of Object.entries(ROWS)) {
  Deno.test(`nobody can ${name}: ${code}`, async () => {
    const events: ServerEvent[] = [];
    await using server = await startServer({
      allowActive: true,
      root: "/root",
      disk: await world(),
      onEvent: (event) => events.push(event),
    });
    const login = await server.logIn();
    const data = await server.attach(login);
    events.length = 0;
    assertEquals(await attempt({ server, login, data }), code);
    await settle();
    const told = events.filter((event) => "code" in event);
    assert(told.some((event) => event.code === code), JSON.stringify(events));
    assert(!JSON.stringify(told).includes("/outside"));
    assertEquals(await server.read("/outside/secret"), SECRET);
    assertEquals(await server.names("/outside"), ["secret"]);
    await server.assertServes();
  });
}
