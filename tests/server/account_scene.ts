/** A server with accounts on a disk in memory, and clients of it. */

import {
  formatPublicKey,
  generateKeyPair,
  type KeyPair,
} from "../../lib/accounts/mod.ts";
import {
  type Client,
  connect,
  type ConnectOptions,
  type Receipt,
} from "../../lib/client/mod.ts";
import {
  type AnonymousAccess,
  serve,
  type ServeOptions,
  type Server,
  type ServerEvent,
} from "../../lib/server/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { HELLO, readMemory, writeMemory } from "../helpers/test_server.ts";

/** The key of a user; the same for the same name. */
export function keyOf(user: string): KeyPair {
  const seed = [...user].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 7);
  return generateKeyPair(new SeededRandom(seed)).pair;
}

/** All there is. */
export const ALL: readonly string[] = [
  "list",
  "read",
  "write",
  "rename",
  "delete",
];

/** What a users file says of somebody. */
export type UserText = Readonly<Record<string, unknown>>;

export interface AccountSceneOptions {
  readonly users: Readonly<Record<string, UserText>>;
  /** Other keys of the users file. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Files below `/srv`, by name; a name that ends in `/` is a folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly anonymous?: AnonymousAccess;
  readonly serve?: Partial<ServeOptions>;
  readonly disk?: MemoryDisk;
}

/** A users file in which everybody has a key of their own. */
export function usersText(
  users: Readonly<Record<string, UserText>>,
  file: Readonly<Record<string, unknown>> = {},
): string {
  const entries = Object.entries(users).map(([name, user]) => {
    const line = formatPublicKey({
      bytes: keyOf(name).publicKey,
      comment: name,
    });
    return [name, { keys: [line], rights: ALL, ...user }];
  });
  return JSON.stringify({ ...file, users: Object.fromEntries(entries) });
}

/** The scene; disposed of, it must leave nothing behind. */
export class AccountScene implements AsyncDisposable {
  readonly events: ServerEvent[] = [];
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  readonly disk: MemoryDisk;
  readonly server: Server;
  /** The clients' own disk. */
  readonly local = new MemoryDisk();
  readonly #clients: Client[] = [];
  readonly #peers: RawPeer[] = [];

  constructor(parts: {
    clock: FakeClock;
    network: FakeNetwork;
    disk: MemoryDisk;
    server: Server;
    events: ServerEvent[];
  }) {
    this.clock = parts.clock;
    this.network = parts.network;
    this.disk = parts.disk;
    this.server = parts.server;
    this.events = parts.events;
  }

  /** A session, by key unless something else is said. */
  async connect(
    user: string | undefined,
    options: Partial<ConnectOptions> = {},
  ): Promise<Client> {
    const client = await connect({
      ...this.server.addresses[0]!,
      ...(user === undefined ? {} : { user, identity: keyOf(user) }),
      network: this.network,
      clock: this.clock,
      random: new SeededRandom(21 + this.#clients.length),
      retries: 0,
      disk: this.local,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** A connection that was greeted. */
  async greeted(): Promise<{ peer: RawPeer; nonce: Uint8Array }> {
    const peer = new RawPeer(
      await this.network.dial(this.server.addresses[0]!),
    );
    this.#peers.push(peer);
    await peer.send("HELLO", HELLO);
    const { body } = await peer.expect("GREETING");
    return { peer, nonce: body.nonce };
  }

  /** Writes the users file anew. */
  async rewrite(text: string): Promise<void> {
    await this.disk.removeFile("/etc/users.jsonc").catch(() => {});
    await writeMemory(
      this.disk,
      "/etc/users.jsonc",
      new TextEncoder().encode(text),
    );
  }

  /** The content of a file below `/srv`. */
  async read(path: string): Promise<string> {
    return new TextDecoder().decode(
      await readMemory(this.disk, `/srv/${path}`),
    );
  }

  /** The events of one kind. */
  told<T extends ServerEvent["type"]>(
    type: T,
  ): Extract<ServerEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      ServerEvent,
      { type: T }
    >[];
  }

  /** Ends the server, but not the disk. */
  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) {
      await this.clock.run(client.close());
    }
    for (const peer of this.#peers.splice(0)) peer.close();
    await settle();
    await this.clock.run(this.server.shutdown({ drain: 0 }));
    await settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a server with accounts. */
export async function accountScene(
  options: AccountSceneOptions,
): Promise<AccountScene> {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const disk = options.disk ?? new MemoryDisk({ clock });
  const events: ServerEvent[] = [];
  if (options.disk === undefined) {
    await disk.makeDirectory("/srv", 0o755);
    await disk.makeDirectory("/etc", 0o755);
    for (const [name, content] of Object.entries(options.files ?? {})) {
      await make(disk, name, content);
    }
  }
  const text = usersText(options.users, options.file);
  await disk.removeFile("/etc/users.jsonc").catch(() => {});
  await writeMemory(disk, "/etc/users.jsonc", new TextEncoder().encode(text));
  const server = await serve({
    root: "/srv",
    disk,
    users: "/etc/users.jsonc",
    listen: [{ hostname: "127.0.0.1", port: 0 }],
    ...(options.anonymous === undefined
      ? {}
      : { anonymous: options.anonymous }),
    network,
    clock,
    random: new SeededRandom(7),
    onEvent: (event) => events.push(event),
    ...options.serve,
  });
  const scene = new AccountScene({ clock, network, disk, server, events });
  await writeMemory(scene.local, LOCAL, new TextEncoder().encode("small"));
  return scene;
}

async function make(
  disk: MemoryDisk,
  name: string,
  content: string,
): Promise<void> {
  const segments = name.split("/");
  for (let depth = 1; depth < segments.length; depth++) {
    const folder = `/srv/${segments.slice(0, depth).join("/")}`;
    await disk.makeDirectory(folder, 0o755).catch(() => {});
  }
  if (name.endsWith("/")) return;
  await writeMemory(disk, `/srv/${name}`, new TextEncoder().encode(content));
}

/** A file to send. */
export function stream(text: string): ReadableStream<Uint8Array> {
  return new Blob([text]).stream();
}

/** A local file for {@linkcode sendSmall}. */
export const LOCAL = "/local";

/** Sends the same small file under several names. */
export async function sendSmall(
  client: Client,
  paths: readonly string[],
  onConflict: "fail" | "overwrite" | "rename" = "fail",
): Promise<PromiseSettledResult<Receipt>[]> {
  const results: PromiseSettledResult<Receipt>[] = [];
  await client.moveSmall({
    direction: "put",
    files: paths.map((path) => ({ path, local: LOCAL, mode: undefined })),
    options: { onConflict },
    settled: (index, result) => results[index] = result,
  });
  return results;
}
