/**
 * The classic protocols: five teaching systems for file transfer, spoken byte for
 * byte on both sides.
 *
 * @module
 */

import { cs372 } from "./cs372/mod.ts";
import { cs372Login } from "./cs372_login/mod.ts";
import type { ClassicProtocol } from "./types.ts";

/** Every classic protocol by its name. */
export const CLASSIC: ReadonlyMap<string, ClassicProtocol> = new Map(
  [cs372, cs372Login].map((protocol) => [protocol.name, protocol]),
);

export type {
  ClassicClient,
  ClassicConnectOptions,
  ClassicDoorOptions,
  ClassicListing,
  ClassicName,
  ClassicOperation,
  ClassicProtocol,
  ClassicReceipt,
  ClassicTransferOptions,
} from "./types.ts";
