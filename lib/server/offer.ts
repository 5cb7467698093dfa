/**
 * What users may do: asked once, told at log-in, and never refused afterwards
 * for another reason.
 *
 * @module
 */

import { type Right, RIGHTS } from "../protocol/mod.ts";
import type { DiskAccess, DiskStorage, Storage } from "../storage/mod.ts";
import { isLoopback, type NetworkAddress } from "../transport/mod.ts";
import type {
  AccessChange,
  AccessPolicy,
  Authority,
  Credentials,
  Grant,
  Origin,
} from "./access.ts";
import { RefusalError } from "./errors.ts";
import type { AnonymousAccess, Offer } from "./types.ts";

const READING: ReadonlySet<Right> = new Set<Right>(["list", "read"]);

/** What decides over an offer. */
export interface OfferPolicy extends AccessPolicy {
  /** What the process may do with the folder. */
  readonly access: DiskAccess;
}

/** What users without an account may do on a listener. */
export function anonymousAccess(
  address: NetworkAddress,
  anonymous: AnonymousAccess | undefined,
): AnonymousAccess {
  return anonymous ?? (isLoopback(address.hostname) ? "write" : "none");
}

/**
 * Why the server itself may or will not do something; `undefined` when it will.
 *
 * @param right What it is about.
 * @param policy What the process may do, and whether it refuses every change.
 */
export function processRefusal(
  right: Right,
  { access, readOnly }: Pick<OfferPolicy, "access" | "readOnly">,
): string | undefined {
  if (READING.has(right)) {
    return access.read
      ? undefined
      : "the server runs without --allow-read for its folder";
  }
  if (readOnly) return "the server is read-only (--read-only)";
  return access.write
    ? undefined
    : "the server runs without --allow-write for its folder";
}

function refusal(
  right: Right,
  policy: OfferPolicy,
  anonymous: AnonymousAccess,
): string | undefined {
  if (anonymous === "none") {
    return "users without an account may do nothing here (--anonymous read or write on the server would allow it)";
  }
  return processRefusal(right, policy) ??
    (READING.has(right) || anonymous === "write"
      ? undefined
      : "users without an account may only read here (--anonymous write on the server would allow more)");
}

/**
 * The offer that is made of why not.
 *
 * @param refuse Says why something may not be done; `undefined` when it may.
 */
export function offerBy(
  refuse: (right: Right) => string | undefined,
): Offer {
  const reasons = RIGHTS.map((right) => [right, refuse(right)] as const);
  return {
    rights: reasons.filter(([, reason]) => reason === undefined)
      .map(([right]) => right),
    refusals: Object.fromEntries(
      reasons.filter(([, reason]) => reason !== undefined),
    ),
  };
}

/**
 * What an anonymous user may do on a listener.
 *
 * @param address Where it listens.
 * @param policy What decides.
 */
export function makeOffer(address: NetworkAddress, policy: OfferPolicy): Offer {
  const anonymous = anonymousAccess(address, policy.anonymous);
  return offerBy((right) => refusal(right, policy, anonymous));
}

/** Lets in whoever comes, as `anonymous`, where that is allowed to do anything. */
export class AnonymousAuthority implements Authority {
  readonly #storage: Storage;
  readonly #own: Pick<DiskStorage, "allowChanges"> | undefined;
  #policy: OfferPolicy;

  /**
   * @param storage Everybody's files.
   * @param policy What decides over the offer.
   * @param own The same, where it goes by that policy: one that was brought may
   * be read-only for reasons of its own.
   */
  constructor(
    storage: Storage,
    policy: OfferPolicy,
    own?: Pick<DiskStorage, "allowChanges">,
  ) {
    this.#storage = storage;
    this.#policy = policy;
    this.#own = own;
  }

  /** The only method there is. */
  methods(): readonly Credentials["method"][] {
    return ["anonymous"];
  }

  /** What everybody may do on a listener. */
  anonymous(local: NetworkAddress): Offer {
    return makeOffer(local, this.#policy);
  }

  /** Nothing of it can fail. */
  prepare(policy: AccessPolicy | undefined): Promise<AccessChange> {
    const next = { ...this.#policy, ...policy };
    return Promise.resolve({
      anonymous: (local) => makeOffer(local, next),
      apply: () => {
        this.#policy = next;
        if (!next.readOnly) this.#own?.allowChanges();
      },
    });
  }

  /** Lets somebody in. */
  admit({ method }: Credentials, { local }: Origin): Promise<Grant> {
    if (method !== "anonymous") {
      return Promise.reject(
        new RefusalError("login-refused", "there are no accounts here"),
      );
    }
    const offer = this.anonymous(local);
    if (offer.rights.length > 0) {
      const storage = this.#storage;
      return Promise.resolve({ user: "anonymous", offer, storage });
    }
    const reason = Object.values(offer.refusals)[0] ?? "nothing is offered";
    return Promise.reject(new RefusalError("login-refused", reason));
  }
}
