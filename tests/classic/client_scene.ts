/** A classic client on a network, a disk and a clock in memory. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  ClassicClient,
  ClassicConnectOptions,
  ClassicProtocol,
} from "../../lib/classic/types.ts";
import { FerryError, type FerryErrorCode } from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import type { Listener } from "../../lib/transport/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory } from "../helpers/test_server.ts";

/** What a client is tested with; disposed of, nothing may be left. */
export class ClientScene implements AsyncDisposable {
  readonly network: FakeNetwork;
  readonly clock: FakeClock;
  readonly disk: MemoryDisk;
  /** Where a server that is made by hand listens. */
  readonly listener: Listener;
  readonly client: ClassicClient;

  private constructor(
    parts: Pick<
      ClientScene,
      "network" | "clock" | "disk" | "listener" | "client"
    >,
  ) {
    this.network = parts.network;
    this.clock = parts.clock;
    this.disk = parts.disk;
    this.listener = parts.listener;
    this.client = parts.client;
  }

  /** Begins with a client that will dial the listener. */
  static async open(
    protocol: ClassicProtocol,
    options: Partial<ClassicConnectOptions> = {},
  ): Promise<ClientScene> {
    const network = new FakeNetwork();
    const clock = new FakeClock();
    const disk = new MemoryDisk();
    const hostname = "127.0.0.1";
    const listener = network.listen({ hostname, port: 0 });
    const { port } = listener.address;
    const random = new SeededRandom(1);
    const ports = { network, clock, disk, random };
    const client = await protocol.connect({
      hostname,
      port,
      ...ports,
      ...options,
    });
    return new ClientScene({ ...ports, listener, client });
  }

  /** Runs with the clock. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work, 50, 10_000);
  }

  /** Runs an operation against a server; what both say. */
  async against<T>(
    operation: Promise<T>,
    server: Promise<unknown>,
  ): Promise<T> {
    const [outcome] = await this.run(Promise.allSettled([operation, server]));
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  }

  /** That an operation fails with a code; its message. */
  async fails(
    code: FerryErrorCode,
    operation: Promise<unknown>,
    server: Promise<unknown> = Promise.resolve(),
  ): Promise<string> {
    const error = await assertRejects(
      () => this.against(operation, server),
      FerryError,
    );
    assertEquals(error.code, code, error.message);
    return error.message;
  }

  /** The content of a local file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return readMemory(this.disk, path);
  }

  /** The names in the local folder. */
  async names(): Promise<string[]> {
    const entries = await Array.fromAsync(this.disk.list("/"));
    return entries.map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    this.listener.close();
    await settle();
    for (const { server } of this.network.dialled) server.close();
    await settle();
    assertEquals(this.network.openCount, 0, "connections are left open");
    assertEquals(this.disk.openHandles, 0, "files are left open");
    assertEquals(this.clock.pending, 0, "timers are left running");
    for (const name of await this.names()) {
      assert(!name.startsWith(".ferry"), `${name} is left`);
    }
  }
}

/** A stream that keeps what it is given. */
export function collector(): {
  readonly stream: WritableStream<Uint8Array>;
  bytes(): Promise<Uint8Array>;
} {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  return {
    stream: new WritableStream({
      write: (part) => void parts.push(part.slice()),
    }),
    bytes: () => new Blob(parts).bytes(),
  };
}
