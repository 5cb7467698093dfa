/**
 * What users without an account may do behind each listener.
 *
 * @module
 */

import {
  formatAddress,
  type NetworkAddress,
  type Scheme,
} from "../transport/mod.ts";
import type { Authority } from "./access.ts";
import type { DoorProtocol } from "./door.ts";
import { ServeError } from "./errors.ts";
import { FERRY } from "./ferry_door.ts";
import type { OpenDoor } from "./types.ts";

/** A listener: Ferry's, or that of another protocol. */
export interface DoorPlan {
  /** Where it listens. */
  readonly address: NetworkAddress;
  /** How bytes travel there. */
  readonly scheme: Scheme;
  /** What is spoken there; `undefined`: Ferry. */
  readonly protocol: DoorProtocol | undefined;
}

/**
 * What is offered behind each listener.
 *
 * @param plans The listeners.
 * @param authority Who decides.
 */
export function openDoors(
  plans: readonly DoorPlan[],
  authority: Pick<Authority, "anonymous">,
): readonly OpenDoor[] {
  return plans.map(({ address, scheme, protocol }) => ({
    address,
    scheme,
    protocol: protocol?.name ?? FERRY,
    offer: authority.anonymous(address),
  }));
}

/**
 * Refuses a protocol without a log-in where nobody may do anything without one.
 *
 * @param plans The listeners.
 * @param authority Who decides.
 * @throws {ServeError} With what to change.
 */
export function assertOfUse(
  plans: readonly DoorPlan[],
  authority: Pick<Authority, "anonymous">,
): void {
  const useless = plans.find(({ address, protocol }) =>
    protocol?.hasLogin === false &&
    authority.anonymous(address).rights.length === 0
  );
  if (useless === undefined) return;
  throw new ServeError(
    `Cannot speak ${useless.protocol?.name} on ${
      formatAddress(useless.address)
    }: that protocol has no log-in, and users without an account may do nothing there; use --anonymous read or --anonymous write if that is meant`,
  );
}
