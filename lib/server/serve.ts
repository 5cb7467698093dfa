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
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
  Pacer,
  tcpNetwork,
} from "../transport/mod.ts";
import type { Authority } from "./access.ts";
import type { DoorProtocol } from "./door.ts";
import { ServeError } from "./errors.ts";
import { FERRY } from "./ferry_door.ts";
import { DEFAULT_ADDRESS, SERVER_LIMITS } from "./limits.ts";
import { AnonymousAuthority } from "./offer.ts";
import { FerryServer, type ServerParts } from "./server.ts";
import type { OpenDoor, ServeOptions, Server } from "./types.ts";

/** A listener to open: Ferry's, or that of another protocol. */
interface DoorPlan {
  readonly address: NetworkAddress;
  readonly protocol: DoorProtocol | undefined;
}

/** The listeners that the options ask for. */
function planDoors(options: ServeOptions): readonly DoorPlan[] {
  const { listen = [DEFAULT_ADDRESS], doors = [], allowPlain } = options;
  const plans: readonly DoorPlan[] = [
    ...listen.map((address) => ({ address, protocol: undefined })),
    ...doors,
  ];
  const open = plans.find(({ address }) => !isLoopback(address.hostname));
  if (open === undefined || allowPlain === true) return plans;
  throw new ServeError(
    `Cannot listen on ${
      formatAddress(open.address)
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

/** Who decides on log-ins as the options say. */
function authorityFor(
  options: ServeOptions,
  storage: Storage,
  access: DiskAccess,
): Authority {
  const { readOnly = false, anonymous } = options;
  return new AnonymousAuthority(storage, { access, readOnly, anonymous });
}

/** What users without an account may do behind each door. */
function openDoors(
  plans: readonly DoorPlan[],
  authority: Authority,
): readonly OpenDoor[] {
  return plans.map(({ address, protocol }) => {
    const offer = authority.anonymous(address);
    if (protocol?.hasLogin === false && offer.rights.length === 0) {
      throw new ServeError(
        `Cannot speak ${protocol.name} on ${
          formatAddress(address)
        }: that protocol has no log-in, and users without an account may do nothing there; use --anonymous read or --anonymous write if that is meant`,
      );
    }
    return { address, protocol: protocol?.name ?? FERRY, offer };
  });
}

/** What the process may do with the files. */
async function accessTo(root: string | Storage): Promise<DiskAccess> {
  if (typeof root !== "string") return root.access;
  const disk = new DenoDisk();
  return await disk.access(await disk.realPath(root));
}

/**
 * Says what {@linkcode serve} would offer with the same options, without
 * listening.
 *
 * @param options As for {@linkcode serve}.
 * @returns The listeners, as {@linkcode Server.doors} would have them.
 * @throws {ServeError} When the server could not be started as asked.
 * @throws {StorageError} When the folder cannot be served.
 */
export async function checkServe(
  options: ServeOptions,
): Promise<readonly OpenDoor[]> {
  const plans = planDoors(options);
  // Read-only, so that not even the staging folder is made or cleared.
  await using storage = typeof options.root === "string"
    ? await openStorage({ ...options, readOnly: true })
    : undefined;
  const authority = authorityFor(
    options,
    storage ?? options.root as Storage,
    await accessTo(options.root),
  );
  return openDoors(plans, authority);
}

/** Listens everywhere, or nowhere. */
function listenAll(
  plans: readonly DoorPlan[],
  network: Network,
): ServerParts["listeners"] {
  const listeners: { listener: Listener; protocol: DoorPlan["protocol"] }[] =
    [];
  for (const { address, protocol } of plans) {
    try {
      listeners.push({ listener: network.listen(address), protocol });
    } catch (error) {
      for (const { listener } of listeners) listener.close();
      if (!(error instanceof NetworkError)) throw error;
      throw new ServeError(
        `Cannot listen on ${formatAddress(address)}: ${error.message}`,
        { cause: error },
      );
    }
  }
  return listeners;
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
  const { allowActive = false, network = tcpNetwork, clock = systemClock } =
    options;
  const plans = planDoors(options);
  const storage = await openStorage(options);
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const { rateMax, sessionRateMax } = limits;
  try {
    const authority = authorityFor(options, storage, storage.access);
    openDoors(plans, authority);
    return new FerryServer({
      listeners: listenAll(plans, network),
      storage,
      authority,
      allowActive,
      network,
      limits,
      clock,
      random: options.random ?? systemRandom,
      observer: options.onEvent,
      pacer: new Pacer(clock, {
        total: Number.isFinite(rateMax) ? rateMax : undefined,
        each: Number.isFinite(sessionRateMax) ? sessionRateMax : undefined,
      }),
    });
  } catch (error) {
    if (typeof options.root === "string") {
      await storage[Symbol.asyncDispose]();
    }
    throw error;
  }
}
