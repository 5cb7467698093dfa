/**
 * Who comes in, and what they may do then. Every protocol that a server speaks
 * lets people in through an {@linkcode Authority} and works with the
 * {@linkcode Grant} that it gives.
 *
 * @module
 */

import type { Proof } from "../accounts/mod.ts";
import type { Right } from "../protocol/mod.ts";
import type { Storage } from "../storage/mod.ts";
import type { NetworkAddress } from "../transport/mod.ts";
import { RefusalError } from "./errors.ts";
import type { AnonymousAccess, Offer } from "./types.ts";

/** What somebody shows to come in: nothing, or who they are and a proof of it. */
export type Credentials = { readonly method: "anonymous" } | Proof;

/** A user's name and password. */
export type PasswordCredentials = Extract<
  Credentials,
  { readonly method: "password" }
>;

/** Where somebody comes from. */
export interface Origin {
  /** The listener that was dialled. */
  readonly local: NetworkAddress;
  /** Where the peer is. */
  readonly remote: NetworkAddress;
}

/** What one user may do, from the log-in to the end of the session. */
export interface Grant {
  /** Who it is. */
  readonly user: string;
  /** What the user may do, and why not the rest. */
  readonly offer: Offer;
  /** The user's files. */
  readonly storage: Storage;
  /** Data connections that a session may have, if fewer than the server allows. */
  readonly streams?: number | undefined;
  /** Bytes to ask `pace` for at a time at most; missing: any number. */
  readonly pieceSize?: number | undefined;
  /** Waits for the user's own share of the bandwidth, */
  readonly pace?: (bytes: number, signal: AbortSignal) => Promise<void>;
  /** Says that the session is over. */
  readonly leave?: () => void;
}

/** What is said of everybody. */
export interface AccessPolicy {
  /** Whether the server refuses every change. */
  readonly readOnly: boolean;
  /** What users without an account may do, if it was said. */
  readonly anonymous: AnonymousAccess | undefined;
}

/** What an {@linkcode Authority} is going to go by. */
export interface AccessChange {
  /** What users without an account may do on a listener then. */
  anonymous(local: NetworkAddress): Offer;
  /** Makes it count for log-ins from now on; does not fail, nor wait. */
  apply(): void;
}

/** Decides over log-ins. */
export interface Authority {
  /** The log-in methods that a listener offers. */
  methods(local: NetworkAddress): readonly Credentials["method"][];
  /** What users without an account may do on a listener. */
  anonymous(local: NetworkAddress): Offer;
  /**
   * Lets somebody in.
   *
   * @throws {RefusalError} `login-refused`, with nothing that helps to guess;
   * `limit` and `unavailable` where it is not the fault of the credentials.
   */
  admit(credentials: Credentials, origin: Origin): Promise<Grant>;
  /**
   * Parts a user's name from the password that follows it without a gap, where
   * only one account's name can be meant. No try by itself: what comes of it is
   * to be admitted, and takes as long whatever the text. Without this method
   * nothing can be parted.
   */
  part?(text: string): Promise<PasswordCredentials | undefined>;
  /**
   * Looks at all that it goes by as that is now, and changes nothing yet.
   * Without this method nothing can be changed.
   *
   * @param policy What is to be said of everybody; `undefined`: as it is.
   * @throws {ServeError} When any of it cannot be used.
   */
  prepare?(policy: AccessPolicy | undefined): Promise<AccessChange>;
}

/**
 * Refuses what a user may not do.
 *
 * @throws {RefusalError} `denied` with the reason.
 */
export function requireRight({ offer }: Grant, right: Right): void {
  const reason = offer.refusals[right];
  if (reason !== undefined) throw new RefusalError("denied", reason);
}
