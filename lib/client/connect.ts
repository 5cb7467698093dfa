/**
 * How a session begins.
 *
 * @module
 */

import { systemClock, systemRandom } from "../platform/mod.ts";
import { DenoDisk } from "../storage/mod.ts";
import { tcpNetwork } from "../transport/mod.ts";
import { ControlSession } from "./control_session.ts";
import { FerryClient } from "./ferry_client.ts";
import { DEFAULT_PORT, RETRIES_DEFAULT, TIMEOUT_DEFAULT } from "./limits.ts";
import type { Client, ConnectOptions } from "./types.ts";

/**
 * Connects to a server and logs in.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { openMemoryStorage, serve } from "../mod.ts";
 *
 * await using server = await serve({
 *   root: await openMemoryStorage(),
 *   listen: [{ hostname: "127.0.0.1", port: 0 }],
 * });
 * await using client = await connect(server.addresses[0]!);
 * const receipt = await client.put(new Blob(["hello"]).stream(), "hello.txt");
 * assertEquals(receipt.size, 5);
 * assertEquals((await client.stat("hello.txt")).kind, "file");
 * ```
 *
 * @param options Where, and with what.
 * @returns The session. Close it, or hold it with `await using`.
 * @throws {FerryError} `connect-failed`, `wrong-protocol`, `login-refused` and their kin.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const parts = {
    address: {
      hostname: options.hostname,
      port: options.port ?? DEFAULT_PORT,
    },
    timeout: options.timeout ?? TIMEOUT_DEFAULT,
    retries: options.retries ?? RETRIES_DEFAULT,
    active: options.active,
    logIn: options,
    stateFolder: options.stateFolder,
    rateMax: options.rateMax,
    onReconnect: options.onReconnect ?? (() => {}),
    network: options.network ?? tcpNetwork,
    disk: options.disk ?? new DenoDisk(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
  const { signal } = options;
  const session = await ControlSession.open(parts, signal);
  const client = new FerryClient(parts, session);
  const onAbort = () => client.close();
  // Let go of on close: the signal may live longer.
  signal?.addEventListener("abort", onAbort, {
    once: true,
    signal: client.closing,
  });
  if (signal?.aborted) onAbort();
  return client;
}
