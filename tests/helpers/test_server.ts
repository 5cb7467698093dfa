/** A server in memory, and clients of it that are made by hand. */

import { assertEquals } from "@std/assert";
import {
  type MessageBody,
  NONCE_SIZE,
  TOKEN_SIZE,
  VERSIONS,
} from "../../lib/protocol/mod.ts";
import {
  type AnonymousAccess,
  type DoorProtocol,
  type OnReceived,
  serve,
  type Server,
  type ServerLimits,
  type ServerObserver,
} from "../../lib/server/mod.ts";
import {
  DiskStorage,
  MemoryDisk,
  type Storage,
  type StorageHooks,
} from "../../lib/storage/mod.ts";
import type { NetworkAddress } from "../../lib/transport/mod.ts";
import { FakeClock, settle } from "./fake_clock.ts";
import { FakeNetwork, type PipeEnd } from "./pipe.ts";
import { RawPeer } from "./raw_peer.ts";
import { SeededRandom } from "./seeded_random.ts";

/** What to begin a {@linkcode TestServer} with. */
export interface TestServerOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly anonymous?: AnonymousAccess;
  readonly readOnly?: boolean;
  readonly allowActive?: boolean;
  readonly hooks?: StorageHooks;
  readonly disk?: MemoryDisk;
  /** The folder of the disk that is served. @default {"/"} */
  readonly root?: string;
  readonly network?: FakeNetwork;
  readonly listen?: NetworkAddress;
  /** Other protocols to speak; {@linkcode TestServer.dialDoor} dials them. */
  readonly doors?: readonly DoorProtocol[];
  readonly onEvent?: ServerObserver;
  readonly onReceived?: OnReceived;
  /** Puts something between the server and its storage. */
  readonly wrap?: (storage: Storage) => Storage;
}

/** A logged-in control connection. */
export interface Login {
  readonly control: RawPeer;
  readonly ready: MessageBody<"READY">;
}

/** The fields of a `PUT`, with the usual choices. */
export function putBody(
  path: string,
  choices: Partial<MessageBody<"PUT">> = {},
): MessageBody<"PUT"> {
  return {
    path,
    upload: new SeededRandom(path.length + 77).bytes(16),
    size: undefined,
    modified: undefined,
    onConflict: "fail",
    durability: "full",
    algorithm: "crc32-chunks",
    ...choices,
  };
}

/** The fields of a `HELLO`. */
export const HELLO: MessageBody<"HELLO"> = {
  versions: VERSIONS,
  agent: "raw/1",
  nonce: new Uint8Array(NONCE_SIZE),
};

/** A server on a fake network, disk and clock. Disposed of, it must leave nothing behind. */
export class TestServer {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  readonly disk: MemoryDisk;
  readonly storage: Storage;
  readonly #peers: RawPeer[] = [];

  constructor(parts: {
    server: Server;
    clock: FakeClock;
    network: FakeNetwork;
    disk: MemoryDisk;
    storage: Storage;
  }) {
    this.server = parts.server;
    this.clock = parts.clock;
    this.network = parts.network;
    this.disk = parts.disk;
    this.storage = parts.storage;
  }

  get address(): NetworkAddress {
    return this.server.addresses[0]!;
  }

  /** A connection on which nothing was said yet. */
  async dial(): Promise<RawPeer> {
    const peer = new RawPeer(await this.network.dial(this.address));
    this.#peers.push(peer);
    return peer;
  }

  /** A connection to the door of another protocol. */
  dialDoor(name: string): Promise<PipeEnd> {
    const door = this.server.doors.find(({ protocol }) => protocol === name);
    return this.network.dial(door!.address);
  }

  /** A logged-in control connection. */
  async logIn(): Promise<Login> {
    const control = await this.dial();
    await control.send("HELLO", HELLO);
    await control.expect("GREETING");
    await control.send("LOGIN", { method: "anonymous", user: undefined });
    const { body: ready } = await control.expect("READY");
    return { control, ready };
  }

  /** A token for a data connection. */
  async token({ control }: Login, id = 1): Promise<Uint8Array> {
    await control.send("GRANT", {}, id);
    return (await control.await("GRANTED")).body.token;
  }

  /** An attached data connection. */
  async attach(login: Login, id = 1): Promise<RawPeer> {
    const token = await this.token(login, id);
    const data = await this.dial();
    await data.send("ATTACH", {
      version: 1,
      session: login.ready.session,
      token,
    });
    await data.expect("ATTACHED");
    return data;
  }

  /** Says that a fresh client is served: whatever happened before harmed nobody else. */
  async assertServes(): Promise<void> {
    const login = await this.logIn();
    await login.control.send("SPACE", {}, 1);
    await login.control.expect("SPACE_LEFT");
    login.control.close();
    await settle();
  }

  /** The names in a folder of the disk, staging included. */
  async names(path = "/"): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.disk.list(path)) names.push(name);
    return names.sort();
  }

  /** What is being received or remembered. */
  async staged(): Promise<string[]> {
    return (await this.names()).includes(".ferry")
      ? await this.names("/.ferry")
      : [];
  }

  /** Makes a file. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    await writeMemory(this.disk, path, bytes);
  }

  /** The content of a file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return readMemory(this.disk, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await settle();
    await this.clock.run(this.server.shutdown({ drain: 0 }));
    for (const { client } of this.network.dialled) client.close();
    await settle();
    assertEquals(this.network.openCount, 0, "connections are left open");
    assertEquals(this.disk.openHandles, 0, "files are left open");
    assertEquals(this.clock.pending, 0, "timers are left running");
  }
}

/** Makes a file on a disk in memory. */
export async function writeMemory(
  disk: MemoryDisk,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const file = await disk.open(path, "create");
  await file.write(bytes, 0);
  file.close();
}

/** Reads a file of a disk in memory. */
export async function readMemory(
  disk: MemoryDisk,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await disk.stat(path);
  const bytes = new Uint8Array(size);
  const file = await disk.open(path, "read");
  if (size > 0) await file.read(bytes, 0);
  file.close();
  return bytes;
}

/** Starts a server in memory. */
export async function startServer(
  options: TestServerOptions = {},
): Promise<TestServer> {
  const clock = new FakeClock();
  const network = options.network ?? new FakeNetwork();
  const disk = options.disk ?? new MemoryDisk({ clock });
  const plain: Storage = await DiskStorage.open(disk, options.root ?? "/", {
    clock,
    readOnly: options.readOnly ?? false,
    hooks: options.hooks ?? {},
  });
  const storage = options.wrap?.(plain) ?? plain;
  const server = await serve({
    root: storage,
    listen: [options.listen ?? { hostname: "127.0.0.1", port: 0 }],
    doors: (options.doors ?? []).map((protocol) => ({
      protocol,
      address: { hostname: "127.0.0.1", port: 0 },
    })),
    allowPlain: true,
    readOnly: options.readOnly ?? false,
    allowActive: options.allowActive ?? false,
    limits: options.limits ?? {},
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    ...(options.onReceived === undefined
      ? {}
      : { onReceived: options.onReceived }),
    network,
    clock,
    random: new SeededRandom(7),
    ...(options.anonymous === undefined
      ? {}
      : { anonymous: options.anonymous }),
  });
  return new TestServer({ server, clock, network, disk, storage });
}

/** A token that no server gave. */
export const NO_TOKEN: Uint8Array = new Uint8Array(TOKEN_SIZE);

/** The server's ends of all connections, in the order of dialling. */
export function serverEnds(network: FakeNetwork): PipeEnd[] {
  return network.dialled.map(({ server }) => server);
}
