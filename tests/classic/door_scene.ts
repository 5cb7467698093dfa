/** A server with one classic door, in memory. */

import { assert } from "@std/assert";
import { join } from "@std/path";
import {
  type DoorProtocol,
  type Grant,
  RefusalError,
  type ServerEvent,
  type ServerLimits,
  type Visit,
} from "../../lib/server/mod.ts";
import { MemoryDisk, type Storage } from "../../lib/storage/mod.ts";
import type { NetworkAddress } from "../../lib/transport/mod.ts";
import { patched } from "../helpers/patched.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import {
  startServer,
  type TestServer,
  writeMemory,
} from "../helpers/test_server.ts";
import { ESCAPING_LINKS } from "./bad_names.ts";

/** What a door is tested with. */
export interface DoorScene extends AsyncDisposable {
  readonly server: TestServer;
  readonly network: FakeNetwork;
  /** Where the door is. */
  readonly address: NetworkAddress;
  /** What was reported so far. */
  readonly events: ServerEvent[];
  /** The reasons for which connections were closed. */
  closings(): string[];
  /** Runs with the clock, in steps that no wait of a door is shorter than. */
  run<T>(work: Promise<T>): Promise<T>;
}

/** Options of {@linkcode openDoor}. */
export interface DoorSceneOptions {
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly limits?: Partial<ServerLimits>;
  readonly wrap?: (storage: Storage) => Storage;
  readonly readOnly?: boolean;
}

/**
 * Serves `/root` of a disk in memory, that has a secret beside it and links
 * that lead there.
 */
export async function openDoor(
  protocol: DoorProtocol,
  options: DoorSceneOptions = {},
): Promise<DoorScene> {
  const events: ServerEvent[] = [];
  const disk = new MemoryDisk();
  const { files = {}, limits = {}, readOnly = false, wrap } = options;
  const network = new FakeNetwork();
  await disk.makeDirectory("/root", 0o755);
  await disk.makeDirectory("/outside", 0o755);
  await disk.makeDirectory("/root/folder", 0o755);
  for (const path of ["/secret", "/outside/secret"]) {
    await writeMemory(disk, path, new TextEncoder().encode("secret"));
  }
  disk.symlink("/secret", join("/root", ESCAPING_LINKS.file));
  disk.symlink("/outside", join("/root", ESCAPING_LINKS.folder));
  for (const [name, bytes] of Object.entries(files)) {
    await writeMemory(disk, join("/root", name), bytes);
  }
  const server = await startServer({
    disk,
    network,
    limits,
    readOnly,
    root: "/root",
    doors: [protocol],
    onEvent: (event) => void events.push(event),
    ...wrap === undefined ? {} : { wrap },
  });
  const door = server.server.doors.find(({ protocol: name }) =>
    name === protocol.name
  );
  assert(door !== undefined);
  return {
    server,
    network,
    address: door.address,
    events,
    closings: () =>
      events.filter((event) => event.type === "closing")
        .map(({ code, reason }) => `${code}: ${reason}`),
    run: (work) => server.clock.run(work, 50, 10_000),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The same door, where a visit answers some things in another way. */
export function withVisit(
  protocol: DoorProtocol,
  change: (visit: Visit) => Partial<Visit>,
): DoorProtocol {
  const { hasLogin, name } = protocol;
  return {
    name,
    hasLogin,
    serve(connection, visit) {
      return protocol.serve(connection, patched(visit, change(visit)));
    },
  };
}

/** A grant without some right. */
export function without(grant: Grant, right: "list" | "read"): Grant {
  const refusals = { ...grant.offer.refusals, [right]: "not for you" };
  return { ...grant, offer: { ...grant.offer, refusals } };
}

/** Accounts for a door with a log-in. */
export interface TestAccounts {
  readonly passwords: Readonly<Record<string, string>>;
  /** What was tried, in order: `user:password`. */
  readonly tries: string[];
  /** A right that nobody has. */
  readonly denied?: "list" | "read";
}

/** The same door, with accounts where the server has none. */
export function withAccounts(
  protocol: DoorProtocol,
  { denied, passwords, tries }: TestAccounts,
): DoorProtocol {
  return withVisit(protocol, (visit) => ({
    async admit(credentials) {
      assert(credentials.method === "password");
      const { user, password } = credentials;
      tries.push(`${user}:${password}`);
      if (passwords[user] !== password) {
        throw new RefusalError("login-refused", "wrong");
      }
      const grant = await visit.admit({ method: "anonymous" });
      const named = { ...grant, user };
      return denied === undefined ? named : without(named, denied);
    },
    part(text) {
      const users = Object.keys(passwords)
        .filter((user) => text.startsWith(user) && text !== user);
      const [user] = users;
      return Promise.resolve(
        user === undefined || users.length > 1 ? undefined : {
          method: "password",
          user,
          password: text.slice(user.length),
        },
      );
    },
  }));
}
