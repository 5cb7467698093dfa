/**
 * The classic protocols: five teaching systems for file transfer, spoken byte for
 * byte on both sides.
 *
 * @module
 */

import { coen366 } from "./coen366/mod.ts";
import { cs372 } from "./cs372/mod.ts";
import { cs372Login } from "./cs372_login/mod.ts";
import { csci320 } from "./csci320/mod.ts";
import { nets } from "./nets/mod.ts";
import type { ClassicProtocol } from "./types.ts";

/** Every classic protocol by its name. */
export const CLASSIC: ReadonlyMap<string, ClassicProtocol> = new Map(
  [cs372, cs372Login, coen366, csci320, nets]
    .map((protocol) => [protocol.name, protocol]),
);

export * from "./plain.ts";
export { asClient, type ClassicSession } from "./as_client.ts";
export type {
  ClassicClient,
  ClassicConnectOptions,
  ClassicDoorOptions,
  ClassicListing,
  ClassicProtocol,
  ClassicReceipt,
  ClassicTransferOptions,
} from "./types.ts";
