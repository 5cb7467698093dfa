/**
 * Somebody between client and server who ends TLS with an own certificate, reads
 * everything, and passes it on to the server inside TLS.
 *
 * @module
 */
import type { Identity } from "../../lib/identity/mod.ts";
import {
  type Connection,
  type NetworkAddress,
  tcpNetwork,
  tlsNetwork,
} from "../../lib/transport/mod.ts";

/** Listens, and does it to the connections that it is told to. */
export class ManInTheMiddle implements AsyncDisposable {
  /** Where clients think that the server is. */
  readonly address: NetworkAddress;
  /** Bytes of clients that it could read. */
  read = 0;
  readonly #server: NetworkAddress;
  readonly #isAttacked: (index: number) => boolean;
  readonly #plain = tcpNetwork.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Connection>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #identity: Identity;

  /**
   * @param server The real server, which speaks TLS.
   * @param identity What it shows.
   * @param isAttacked Which connections, counted from 0, it does not leave alone.
   */
  constructor(
    server: NetworkAddress,
    identity: Identity,
    isAttacked: (index: number) => boolean = () => true,
  ) {
    this.#server = server;
    this.#identity = identity;
    this.#isAttacked = isAttacked;
    this.address = this.#plain.address;
    this.#track(this.#accept());
  }

  #track(work: Promise<void>): void {
    const task = work.catch(() => {}).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  async #accept(): Promise<void> {
    for (let index = 0;; index++) {
      const plain = await this.#plain.accept();
      if (plain === undefined) return;
      this.#connections.add(plain);
      this.#track(
        this.#isAttacked(index) ? this.#attack(plain) : pass(
          plain,
          this.#keep(await tcpNetwork.dial(this.#server)),
          () => {},
        ),
      );
    }
  }

  #keep<T extends Connection>(connection: T): T {
    this.#connections.add(connection);
    return connection;
  }

  async #attack(plain: Connection): Promise<void> {
    // One listener that accepts this one connection.
    const own = tlsNetwork({
      listen: () => ({
        address: this.address,
        accept: () => Promise.resolve(plain),
        close: () => {},
      }),
      dial: tcpNetwork.dial,
    }, { identity: () => this.#identity });
    const client = await own.listen(this.address).accept();
    const trusting = tlsNetwork(tcpNetwork, {
      client: { judge: () => "certificate" },
    });
    const server = await trusting.dial(this.#server);
    this.#keep(server);
    if (client === undefined) return;
    this.#keep(client);
    await pass(client, server, (length) => this.read += length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#plain.close();
    for (const connection of this.#connections) connection.close();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    for (const connection of this.#connections) connection.close();
  }
}

async function pass(
  client: Connection,
  server: Connection,
  seen: (length: number) => void,
): Promise<void> {
  await Promise.all([
    move(client, server, seen),
    move(server, client, () => {}),
  ]);
}

async function move(
  from: Connection,
  to: Connection,
  seen: (length: number) => void,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const length = await from.read(buffer);
      if (length === 0) break;
      seen(length);
      for (let at = 0; at < length;) {
        at += await to.write(buffer.slice(at, length));
      }
    }
    await to.endWrite();
  } catch {
    from.close();
    to.close();
  }
}
