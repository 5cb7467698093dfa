/**
 * A slow line between a client and a server on loopback, so that a transfer
 * that is to be cut off has a middle.
 *
 * @module
 */

const BUFFER_SIZE = 256 * 1024;

/** Passes bytes on, at most so many per second. */
export class SlowLine implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #target: number;
  readonly #rate: number;
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<Deno.Conn>();

  /**
   * @param target The server's port on 127.0.0.1.
   * @param rate Bytes per second, in each direction of each connection.
   */
  constructor(target: number, rate: number) {
    this.#target = target;
    this.#rate = rate;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#keep(this.#accept());
  }

  /** Where clients connect. */
  get port(): number {
    const { addr } = this.#listener;
    return addr.transport === "tcp" ? addr.port : 0;
  }

  /** Cuts every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of [...this.#open]) this.#close(conn);
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for await (const conn of this.#listener) this.#keep(this.#join(conn));
    } catch {
      // Closed: nobody else will come.
    }
  }

  async #join(near: Deno.Conn): Promise<void> {
    this.#open.add(near);
    try {
      const far = await Deno.connect({
        hostname: "127.0.0.1",
        port: this.#target,
      });
      this.#open.add(far);
      await Promise.all([this.#pass(near, far), this.#pass(far, near)]);
    } catch {
      this.#close(near);
    }
  }

  /** Passes on until either end closes; then both are closed. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    try {
      while (true) {
        const count = await from.read(buffer);
        if (count === null) break;
        let rest = buffer.subarray(0, count);
        while (rest.length > 0) rest = rest.subarray(await to.write(rest));
        await wait(count * 1000 / this.#rate);
      }
    } catch {
      // An end is gone, or the line is cut: that is what it is here for.
    }
    this.#close(from);
    this.#close(to);
  }

  #close(conn: Deno.Conn): void {
    if (this.#open.delete(conn)) conn.close();
  }

  #keep(work: Promise<void>): void {
    this.#running.add(work);
    work.finally(() => this.#running.delete(work));
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
