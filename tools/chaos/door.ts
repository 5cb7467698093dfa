/**
 * The port that the proxy listens on, which can be shut and opened again.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net";
import type { NetworkAddress } from "../../lib/transport/network.ts";
import { type Clock, sleep } from "../../lib/platform/mod.ts";

/** Milliseconds between two tries for a port that somebody else has meanwhile. */
const RETRY_DELAY = 50;

/** Connections that the system lets wait to be accepted. */
const BACKLOG = 1024;

/** A port that can be shut: connecting then fails as where nobody listens. */
export class Door {
  readonly #clock: Clock;
  readonly #onSocket: (socket: Socket) => void;
  readonly #ending = new AbortController();
  #address: NetworkAddress;
  #server: Server | undefined;
  /** What was asked for last, and the work until it is so. */
  #isWanted = false;
  #work: Promise<void> = Promise.resolve();

  /**
   * Makes a door that is shut.
   *
   * @param address Where; port 0 is any free one, which it then keeps.
   * @param clock For the time between two tries.
   * @param onSocket Takes whoever comes.
   */
  constructor(
    address: NetworkAddress,
    clock: Clock,
    onSocket: (socket: Socket) => void,
  ) {
    this.#address = address;
    this.#clock = clock;
    this.#onSocket = onSocket;
  }

  /** Where it is; the real port once it was open. */
  get address(): NetworkAddress {
    return this.#address;
  }

  /** Opens it for the first time. */
  async openFirst(): Promise<void> {
    this.#isWanted = true;
    await this.#listen();
  }

  /** Opens or shuts it. */
  set(isWanted: boolean): Promise<void> {
    this.#isWanted = isWanted;
    this.#work = this.#work.then(() => this.#follow());
    return this.#work;
  }

  /** Shuts it for good. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.set(false);
  }

  async #follow(): Promise<void> {
    if (!this.#isWanted) return await this.#shut();
    while (this.#isWanted && this.#server === undefined) {
      try {
        await this.#listen();
      } catch {
        // Somebody else was given the port: it may be free soon.
        await sleep(this.#clock, RETRY_DELAY, this.#ending.signal)
          .catch(() => {});
      }
    }
  }

  async #listen(): Promise<void> {
    const { hostname, port } = this.#address;
    const server = createServer({ allowHalfOpen: true }, this.#onSocket);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(
        { host: hostname, port, backlog: BACKLOG },
        () => resolve(),
      );
    });
    // Such as "out of descriptors": whoever comes next may have more luck.
    server.on("error", () => {});
    const address = server.address();
    if (address !== null && typeof address === "object") {
      this.#address = { hostname, port: address.port };
    }
    this.#server = server;
  }

  async #shut(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    // Its callback would wait for every connection; the port is free before.
    server.close();
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
