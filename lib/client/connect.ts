/**
 * How a session begins.
 *
 * @module
 */

import { systemClock, systemRandom } from "../platform/mod.ts";
import { DenoDisk } from "../storage/mod.ts";
import { tcpNetwork, tlsNetwork, usualScheme } from "../transport/mod.ts";
import { ControlSession, type SessionOptions } from "./control_session.ts";
import { FerryClient } from "./ferry_client.ts";
import { DEFAULT_PORT, RETRIES_DEFAULT, TIMEOUT_DEFAULT } from "./limits.ts";
import { FerryError } from "./errors.ts";
import { ServerTrust, type TlsOptions } from "./trust.ts";
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
  const { scheme = usualScheme(options.hostname), network = tcpNetwork } =
    options;
  const trust = scheme === "tls"
    ? new ServerTrust(options.tls ?? {})
    : undefined;
  if (trust === undefined) refuseTlsOptions(options.tls);
  else refuseActive(options);
  const parts = {
    address: {
      hostname: options.hostname,
      port: options.port ?? DEFAULT_PORT,
    },
    scheme,
    timeout: options.timeout ?? TIMEOUT_DEFAULT,
    retries: options.retries ?? RETRIES_DEFAULT,
    active: options.active,
    logIn: options,
    stateFolder: options.stateFolder,
    rateMax: options.rateMax,
    onReconnect: options.onReconnect ?? (() => {}),
    onConnection: options.onConnection ?? (() => {}),
    network: trust === undefined
      ? network
      : tlsNetwork(network, { client: trust }),
    disk: options.disk ?? new DenoDisk(),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
  const { signal } = options;
  const session = trust === undefined
    ? await ControlSession.open(parts, signal)
    : await openTrusted(parts, trust, options);
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

/** Opens a session; asks first whether an unknown server is to be trusted. */
async function openTrusted(
  parts: SessionOptions,
  trust: ServerTrust,
  { tls, signal }: ConnectOptions,
): Promise<ControlSession> {
  try {
    return await ControlSession.open(parts, signal);
  } catch (error) {
    // The question stands outside of every time limit: people compare slowly.
    const unknown = trust.unknown(error, parts.address);
    if (unknown === undefined || !await tls?.trust?.(unknown.server)) {
      throw error;
    }
    trust.pin(unknown.peer);
  }
  return await ControlSession.open(parts, signal);
}

/** What is said of TLS must not be lost on a connection without it. */
function refuseTlsOptions(tls: TlsOptions | undefined): void {
  if (tls === undefined) return;
  throw new FerryError(
    "unsupported",
    "the server was to be proved to be the right one, which plain TCP cannot do; use tls",
    { side: "local" },
  );
}

function refuseActive({ active }: ConnectOptions): void {
  if (active === undefined) return;
  throw new FerryError(
    "unsupported",
    "the server cannot dial back inside TLS; leave active out, or use plain TCP",
    { side: "local" },
  );
}
