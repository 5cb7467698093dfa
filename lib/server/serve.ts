/**
 * How a server begins.
 *
 * @module
 */

import { systemClock, systemRandom } from "../platform/mod.ts";
import {
  DenoDisk,
  type DiskAccess,
  openFileStorage,
  type Storage,
} from "../storage/mod.ts";
import {
  formatAddress,
  isLoopback,
  type NetworkAddress,
  NetworkError,
  Pacer,
  tcpNetwork,
} from "../transport/mod.ts";
import { ServeError } from "./errors.ts";
import { DEFAULT_ADDRESS, SERVER_LIMITS } from "./limits.ts";
import { makeOffer } from "./offer.ts";
import { type Door, FerryServer } from "./server.ts";
import type { Offer, ServeOptions, Server } from "./types.ts";

function checkPlain(
  addresses: readonly NetworkAddress[],
  allowPlain: boolean,
): void {
  const open = addresses.find(({ hostname }) => !isLoopback(hostname));
  if (open === undefined || allowPlain) return;
  throw new ServeError(
    `Cannot listen on ${
      formatAddress(open)
    }: plain TCP beyond loopback lets everybody on the way read and change what is sent; use --allow-plain if that is meant`,
  );
}

function openStorage(options: ServeOptions): Promise<Storage> {
  const { root, readOnly = false } = options;
  const clock = options.clock ?? systemClock;
  return typeof root === "string"
    ? openFileStorage(root, { readOnly, clock })
    : Promise.resolve(root);
}

function offersFor(
  addresses: readonly NetworkAddress[],
  options: ServeOptions,
  access: DiskAccess,
): readonly Offer[] {
  const { readOnly = false, anonymous } = options;
  return addresses.map((address) =>
    makeOffer(address, { access, readOnly, anonymous })
  );
}

/** What the process may do with a folder; one that cannot be served is an error. */
async function checkFolder(
  root: string,
  options: ServeOptions,
): Promise<DiskAccess> {
  // Read-only, so that not even the staging folder is made or cleared.
  await using _storage = await openStorage({ ...options, readOnly: true });
  const disk = new DenoDisk();
  return await disk.access(await disk.realPath(root));
}

/**
 * Says what {@linkcode serve} would offer with the same options, without
 * listening.
 *
 * @param options As for {@linkcode serve}.
 * @returns What anonymous users may do on each listener, in the order of the options.
 * @throws {ServeError} When the server could not be started as asked.
 * @throws {StorageError} When the folder cannot be served.
 */
export async function checkServe(
  options: ServeOptions,
): Promise<readonly Offer[]> {
  const addresses = options.listen ?? [DEFAULT_ADDRESS];
  checkPlain(addresses, options.allowPlain ?? false);
  const { root } = options;
  const access = typeof root === "string"
    ? await checkFolder(root, options)
    : root.access;
  return offersFor(addresses, options, access);
}

/**
 * Serves a folder.
 *
 * @param options What, where and to whom.
 * @returns The running server. Shut it down, or hold it with `await using`.
 * @throws {ServeError} When it cannot be started as asked: the message says what to change.
 * @throws {StorageError} When the folder cannot be served.
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const addresses = options.listen ?? [DEFAULT_ADDRESS];
  checkPlain(addresses, options.allowPlain ?? false);
  const storage = await openStorage(options);
  const offers = offersFor(addresses, options, storage.access);
  const network = options.network ?? tcpNetwork;
  const doors: Door[] = [];
  try {
    for (const [index, address] of addresses.entries()) {
      const offer = offers[index];
      if (offer === undefined) break;
      doors.push({ listener: network.listen(address), offer });
    }
  } catch (error) {
    for (const { listener } of doors) listener.close();
    if (typeof options.root === "string") {
      await storage[Symbol.asyncDispose]();
    }
    if (!(error instanceof NetworkError)) throw error;
    const address = addresses[doors.length] ?? DEFAULT_ADDRESS;
    throw new ServeError(
      `Cannot listen on ${formatAddress(address)}: ${error.message}`,
      { cause: error },
    );
  }
  const clock = options.clock ?? systemClock;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  return new FerryServer({
    storage,
    limits,
    clock,
    random: options.random ?? systemRandom,
    pacer: new Pacer(clock, {
      total: Number.isFinite(limits.rateMax) ? limits.rateMax : undefined,
      each: Number.isFinite(limits.sessionRateMax)
        ? limits.sessionRateMax
        : undefined,
    }),
  }, { doors, network: options.allowActive ? network : undefined });
}
