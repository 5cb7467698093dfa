/**
 * How a server begins.
 *
 * @module
 */

import { identityFromFolder } from "../identity/mod.ts";
import { systemClock, systemRandom } from "../platform/mod.ts";
import {
  DenoDisk,
  type Disk,
  type DiskAccess,
  DiskStorage,
  formatBytes,
  makeLocalDirectory,
  quoteName,
  type Storage,
  StorageError,
} from "../storage/mod.ts";
import {
  formatAddress,
  isLoopback,
  type Network,
  NetworkError,
  Pacer,
  type Scheme,
  tcpNetwork,
  tlsNetwork,
  usualScheme,
} from "../transport/mod.ts";
import type { Authority } from "./access.ts";
import { AccountAuthority } from "./account_authority.ts";
import { assertOfUse, type DoorPlan, openDoors } from "./doors.ts";
import { ServeError } from "./errors.ts";
import { ShownIdentity } from "./identity.ts";
import { DEFAULT_ADDRESS, SERVER_LIMITS } from "./limits.ts";
import { AnonymousAuthority } from "./offer.ts";
import { FerryServer, type ServerParts } from "./server.ts";
import type {
  IdentitySource,
  ListenAddress,
  OpenDoor,
  ServeOptions,
  Server,
} from "./types.ts";

/** The listeners that the options ask for. */
function planDoors(options: ServeOptions): readonly DoorPlan[] {
  const { doors = [], allowPlain } = options;
  const listen: readonly ListenAddress[] = options.listen ?? [DEFAULT_ADDRESS];
  const plans: readonly DoorPlan[] = [
    ...listen.map(({ hostname, port, scheme }) => ({
      address: { hostname, port },
      scheme: scheme ?? usualScheme(hostname),
      protocol: undefined,
    })),
    // The other protocols know no TLS.
    ...doors.map((door) => ({ ...door, scheme: "tcp" as const })),
  ];
  const open = plans.find(({ address, scheme }) =>
    scheme === "tcp" && !isLoopback(address.hostname)
  );
  if (open === undefined || allowPlain === true) return plans;
  throw new ServeError(
    `Cannot listen on ${
      formatAddress(open.address)
    }: plain TCP beyond loopback lets everybody on the way read and change what is sent; use --allow-plain if that is meant`,
  );
}

function diskOf({ disk }: ServeOptions): Disk {
  return disk ?? new DenoDisk();
}

async function openStorage(options: ServeOptions): Promise<Storage> {
  const { root, readOnly = false, reserve = 0, clock = systemClock } = options;
  if (typeof root !== "string") return root;
  const disk = diskOf(options);
  return await DiskStorage.open(disk, root, { readOnly, reserve, clock });
}

/** A reserve that cannot be kept is no reserve. */
async function assertReserve(options: ServeOptions): Promise<void> {
  const { root, readOnly = false, reserve = 0 } = options;
  if (reserve === 0) return;
  const { write, freeSpace } = await accessTo(options);
  const problem = typeof root !== "string"
    ? "that needs a folder to serve, not a storage"
    : write && !readOnly && !freeSpace
    ? "the server runs without --allow-sys=statfs, and does not see how much is free"
    : undefined;
  if (problem === undefined) return;
  throw new ServeError(`Cannot keep ${formatBytes(reserve)} free: ${problem}`);
}

/** What may be done with the files, by whom. */
interface Access {
  /** Who decides on log-ins. */
  readonly authority: Authority;
  /** All files. */
  readonly files: ServerParts["files"];
}

/** Who decides on log-ins as the options say. */
async function openAccess(
  options: ServeOptions,
  storage: Storage,
  { access, quotaFile }: {
    readonly access: DiskAccess;
    readonly quotaFile: string | undefined;
  },
): Promise<Access> {
  const { readOnly = false, anonymous, users } = options;
  const policy = { readOnly, anonymous };
  if (users === undefined) {
    const isOwn = typeof options.root === "string" &&
      storage instanceof DiskStorage;
    const authority = new AnonymousAuthority(
      storage,
      { ...policy, access },
      isOwn ? storage : undefined,
    );
    return { authority, files: storage };
  }
  if (!(storage instanceof DiskStorage)) {
    throw new ServeError(
      "Cannot use accounts: they need a folder to serve, not a storage",
    );
  }
  const accounts = await AccountAuthority.open({
    disk: diskOf(options),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    path: users,
    base: storage,
    access,
    policy,
    quotaFile,
  });
  const files = {
    sweep: () => accounts.sweep(),
    async [Symbol.asyncDispose](): Promise<void> {
      await using _accounts = accounts;
      await storage[Symbol.asyncDispose]();
    },
  };
  return { authority: accounts, files };
}

/** Where the identity comes from, if it is to outlive this run. */
function identitySource(options: ServeOptions): IdentitySource | undefined {
  const { identity, state, clock = systemClock } = options;
  if (identity !== undefined || state === undefined) return identity;
  const parts = { disk: diskOf(options), clock };
  return async () => (await identityFromFolder(state, parts)).identity;
}

/** The file of what quotas have counted, in a folder that is there then. */
async function quotaFileOf(options: ServeOptions): Promise<string | undefined> {
  const { state, users } = options;
  if (state === undefined || users === undefined) return undefined;
  try {
    await makeLocalDirectory(diskOf(options), state, "none");
  } catch (cause) {
    if (!(cause instanceof StorageError)) throw cause;
    throw new ServeError(
      `Cannot use the state folder ${quoteName(state)}: ${cause.message}`,
      { cause },
    );
  }
  return `${state}/quotas.json`;
}

/** What the process may do with the files. */
async function accessTo(options: ServeOptions): Promise<DiskAccess> {
  const { root } = options;
  if (typeof root !== "string") return root.access;
  const disk = diskOf(options);
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
  await assertReserve(options);
  // Read-only, so that not even the staging folder is made or cleared.
  await using storage = typeof options.root === "string"
    ? await openStorage({ ...options, readOnly: true })
    : undefined;
  const { authority, files } = await openAccess(
    options,
    storage ?? options.root as Storage,
    { access: await accessTo(options), quotaFile: undefined },
  );
  await using _accounts = options.users === undefined ? undefined : files;
  assertOfUse(plans, authority);
  return openDoors(plans, authority);
}

/** Listens everywhere, or nowhere. */
function listenAll(
  plans: readonly DoorPlan[],
  networks: Readonly<Record<Scheme, Network>>,
): ServerParts["listeners"] {
  const listeners: ServerParts["listeners"][number][] = [];
  for (const { address, scheme, protocol } of plans) {
    try {
      const listener = networks[scheme].listen(address);
      listeners.push({ listener, scheme, protocol });
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

function finite(rate: number): number | undefined {
  return Number.isFinite(rate) ? rate : undefined;
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
  const {
    allowActive = false,
    network = tcpNetwork,
    clock = systemClock,
    random = systemRandom,
  } = options;
  const plans = planDoors(options);
  await assertReserve(options);
  const storage = await openStorage(options);
  const limits = { ...SERVER_LIMITS, ...options.limits };
  let files: ServerParts["files"] = storage;
  try {
    const opened = await openAccess(options, storage, {
      access: await accessTo(options),
      quotaFile: await quotaFileOf(options),
    });
    const { authority } = opened;
    files = opened.files;
    assertOfUse(plans, authority);
    const identity = plans.some(({ scheme }) => scheme === "tls")
      ? await ShownIdentity.open(identitySource(options), random)
      : undefined;
    const tls = tlsNetwork(
      network,
      identity === undefined ? {} : { identity: () => identity.current },
    );
    return new FerryServer({
      listeners: listenAll(plans, { tcp: network, tls }),
      identity,
      files,
      authority,
      allowActive,
      network,
      limits,
      clock,
      random,
      onReceived: options.onReceived,
      observer: options.onEvent,
      pacer: new Pacer(clock, {
        get total() {
          return finite(limits.rateMax);
        },
        get each() {
          return finite(limits.sessionRateMax);
        },
      }),
    });
  } catch (error) {
    if (typeof options.root === "string") await files[Symbol.asyncDispose]();
    throw error;
  }
}
