/**
 * The option of `ferryd` that opens doors for the classic protocols.
 *
 * @module
 */

import type { ClassicDoorOptions } from "../classic/mod.ts";
import type { ClassicFacts } from "../classic/plain.ts";
import type { ConflictPolicy } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import { classicProtocol } from "./classic_protocol.ts";
import { readPlainAddress } from "./host.ts";
import { CONFLICT_POLICIES } from "../protocol/plain.ts";
import { classic as text } from "./classic_messages.ts";
import type { Option } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** A classic door that is to be opened. */
export interface ClassicDoor {
  /** What is known of the protocol. */
  readonly classic: ClassicFacts;
  /** Where to listen. */
  readonly address: NetworkAddress;
  /** How the door is to be. */
  readonly options: ClassicDoorOptions;
}

/** Reads `NAME[=HOST:PORT][,suffix=TEXT][,on-conflict=POLICY]`. */
function readDoor(given: string): ClassicDoor {
  const [place = "", ...settings] = given.split(",");
  const at = place.indexOf("=");
  const name = at < 0 ? place : place.slice(0, at);
  const classic = classicProtocol(name);
  const address = at < 0
    ? { hostname: "127.0.0.1", port: classic.doorPort }
    : readPlainAddress(place.slice(at + 1));
  const options: {
    -readonly [K in keyof ClassicDoorOptions]: ClassicDoorOptions[K];
  } = {};
  for (const setting of settings) {
    const [key, value] = splitSetting(setting);
    if (key === "suffix" && name === "csci320") options.suffix = value;
    else if (key === "on-conflict" && HAS_POLICY.includes(name)) {
      options.onConflict = readPolicy(name, value);
    } else throw new UsageError(text.unknownSetting(name, setting));
  }
  return { classic, address, options };
}

/** Protocols that leave open what becomes of a taken name; nets says itself. */
const HAS_POLICY: readonly string[] = ["coen366", "csci320"];

function splitSetting(setting: string): readonly [string, string] {
  const at = setting.indexOf("=");
  return at < 0 ? [setting, ""] : [setting.slice(0, at), setting.slice(at + 1)];
}

function readPolicy(name: string, value: string): ConflictPolicy {
  const policy = CONFLICT_POLICIES.find((policy) => policy === value);
  if (policy !== undefined) return policy;
  throw new UsageError(text.badPolicy(name, value, CONFLICT_POLICIES));
}

/** Old protocols that are to be spoken as well. */
export const CLASSIC_DOORS: Option<readonly ClassicDoor[]> = {
  name: "classic",
  placeholder: "NAME[=HOST:PORT]",
  help:
    "Speak a classic protocol as well: cs372, cs372-login, coen366, csci320 or nets (repeatable; docs/classic.md has the settings that may follow, such as csci320,suffix=)",
  isRepeated: true,
  fallback: [],
  read: (given, previous) => [...previous, readDoor(given)],
};
