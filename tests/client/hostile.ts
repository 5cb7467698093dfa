/** A server that does what the test says, and a client of it. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Client,
  connect,
  type ConnectOptions,
  FerryError,
  type FerryErrorCode,
} from "../../lib/client/mod.ts";
import {
  type MessageBody,
  NONCE_SIZE,
  RIGHTS,
  SESSION_ID_SIZE,
  TOKEN_SIZE,
} from "../../lib/protocol/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import type { Listener } from "../../lib/transport/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import type { TestServer } from "../helpers/test_server.ts";

/** The fields of a `GREETING`. */
export const GREETING: MessageBody<"GREETING"> = {
  version: 1,
  agent: "fake/1",
  nonce: new Uint8Array(NONCE_SIZE),
  methods: ["anonymous"],
};

/** The fields of a `READY`. */
export const READY: MessageBody<"READY"> = {
  session: new Uint8Array(SESSION_ID_SIZE),
  user: "anonymous",
  rights: RIGHTS,
  refusals: [],
  digests: ["crc32-chunks", "sha256"],
  dataConnections: 4,
};

/** A server by hand. Disposed of, nothing of the client may be open. */
export class FakeServer {
  readonly network = new FakeNetwork();
  readonly clock = new FakeClock();
  readonly disk = new MemoryDisk();
  readonly #listener: Listener;
  readonly #peers: RawPeer[] = [];

  constructor() {
    this.#listener = this.network.listen({ hostname: "127.0.0.1", port: 0 });
  }

  /** Options that lead a client here. */
  options(more: Partial<ConnectOptions> = {}): ConnectOptions {
    return {
      ...this.#listener.address,
      network: this.network,
      clock: this.clock,
      disk: this.disk,
      random: new SeededRandom(3),
      timeout: 30_000,
      ...more,
    };
  }

  /** The next connection. */
  async accept(): Promise<RawPeer> {
    const connection = await this.#listener.accept();
    assert(connection !== undefined);
    const peer = new RawPeer(connection);
    this.#peers.push(peer);
    return peer;
  }

  /** The next connection, logged in. */
  async acceptLogin(
    ready: MessageBody<"READY"> = READY,
  ): Promise<RawPeer> {
    const control = await this.accept();
    await control.expect("HELLO");
    await control.send("GREETING", GREETING);
    await control.expect("LOGIN");
    await control.send("READY", ready);
    return control;
  }

  /** A client, and its control connection as the server sees it. */
  async connect(
    more: Partial<ConnectOptions> = {},
    ready: MessageBody<"READY"> = READY,
  ): Promise<{ client: Client; control: RawPeer }> {
    const [client, control] = await Promise.all([
      connect(this.options(more)),
      this.acceptLogin(ready),
    ]);
    return { client, control };
  }

  /** Answers the next `GRANT`, and attaches what comes. */
  async attach(control: RawPeer): Promise<RawPeer> {
    const { id } = await control.await("GRANT");
    await control.send("GRANTED", { token: new Uint8Array(TOKEN_SIZE) }, id);
    const data = await this.accept();
    await data.expect("ATTACH");
    await data.send("ATTACHED", {});
    return data;
  }

  /** Makes a local file of the client. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.disk.open(path, "create");
    await file.write(bytes, 0);
    file.close();
  }

  /** The client's local names. */
  async names(): Promise<string[]> {
    const entries = await Array.fromAsync(this.disk.list("/"));
    return entries.map(({ name }) => name).sort();
  }

  /** Accepts no more. */
  stop(): void {
    this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await settle();
    for (const peer of this.#peers) peer.close();
    this.#listener.close();
    await settle();
    const open = this.network.dialled.filter(({ client }) => !client.closed);
    assertEquals(open.length, 0, "connections are left open");
    assertEquals(this.disk.openHandles, 0, "files are left open");
    assertEquals(this.clock.pending, 0, "timers are left running");
  }
}

/** Expects a {@linkcode FerryError} with this code, and gives it. */
export async function assertFerryError(
  work: Promise<unknown>,
  code: FerryErrorCode,
  includes = "",
): Promise<FerryError> {
  const error = await assertRejects(() => work, FerryError, includes);
  assertEquals(error.code, code, error.message);
  return error;
}

/** A client of a real server in memory, with a disk of its own. */
export async function clientOf(
  server: TestServer,
  more: Partial<ConnectOptions> = {},
): Promise<{ client: Client; disk: MemoryDisk }> {
  const disk = new MemoryDisk();
  const client = await connect({
    ...server.address,
    network: server.network,
    clock: server.clock,
    disk,
    random: new SeededRandom(11),
    ...more,
  });
  return { client, disk };
}

/** A stream of bytes in parts of some size. */
export function streamOf(
  bytes: Uint8Array,
  partSize = 100_000,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + partSize));
      at += partSize;
    },
  });
}

/** A stream that keeps what is written to it. */
export function collector(): {
  stream: WritableStream<Uint8Array>;
  bytes(): Uint8Array;
} {
  const parts: Uint8Array[] = [];
  return {
    stream: new WritableStream({
      write(part) {
        parts.push(part);
      },
    }),
    bytes: () => new Uint8Array(parts.flatMap((part) => [...part])),
  };
}
