/**
 * Passwords: what is kept of them, and how they are compared.
 *
 * What is kept is scrypt (RFC 7914) with a salt of its own and the cost beside
 * it, in the form of the Password Hashing Competition:
 * `$scrypt$ln=15,r=8,p=3$SALT$HASH`.
 *
 * @module
 */

import { scrypt, timingSafeEqual } from "node:crypto";
import type { Random } from "../platform/mod.ts";
import { PASSWORD_SIZE_MAX } from "../protocol/mod.ts";
import { AccountsError } from "./errors.ts";

/** What a password hash costs. */
export interface ScryptCost {
  /** log2 of the number of rounds. */
  readonly ln: number;
  /** Block size. */
  readonly r: number;
  /** How often in a row. */
  readonly p: number;
}

/** Turns a password into bytes that take work to make. */
export type Derive = (
  password: string,
  salt: Uint8Array,
  cost: ScryptCost,
) => Promise<Uint8Array>;

/** A password as it is kept. */
export interface PasswordHash {
  /** What it cost. */
  readonly cost: ScryptCost;
  /** What was mixed in. */
  readonly salt: Uint8Array;
  /** What came out. */
  readonly hash: Uint8Array;
}

/**
 * The cost of new hashes: 32 MiB and about a fifth of a second, one of the
 * settings that OWASP's Password Storage Cheat Sheet gives as equal in strength
 * (N = 2^15, r = 8, p = 3). Two at once hold 64 MiB.
 */
export const SCRYPT_COST: ScryptCost = { ln: 15, r: 8, p: 3 };

/** Bytes of a salt: 16, as RFC 7914's successors ask for. */
const SALT_SIZE = 16;

/** Bytes of a hash: 32, past guessing. */
const HASH_SIZE = 32;

/** Most memory that a stored hash may ask for: 256 MiB, so that a file cannot stop the server. */
const MEMORY_MAX = 268_435_456;

const UTF8 = new TextEncoder();

const HASH_PATTERN =
  /^\$scrypt\$ln=(?<ln>\d{1,2}),r=(?<r>\d{1,2}),p=(?<p>\d{1,2})\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<hash>[A-Za-z0-9+/]{43})$/;

/**
 * Reads a hash as it is written in a users file.
 *
 * @throws {AccountsError} When it is none, or would cost too much; the message
 * does not repeat it.
 */
export function parsePasswordHash(text: string): PasswordHash {
  const found = HASH_PATTERN.exec(text)?.groups;
  if (found === undefined) {
    throw new AccountsError(
      'must be a hash such as "ferryd user passwd" writes, never a password itself',
    );
  }
  const [ln, r, p] = [found.ln, found.r, found.p].map(Number);
  const cost = { ln: ln ?? 0, r: r ?? 0, p: p ?? 0 };
  const isSound = cost.ln >= 10 && cost.r >= 1 && cost.p >= 1 &&
    cost.p <= 16 && memoryOf(cost) <= MEMORY_MAX;
  if (!isSound) {
    throw new AccountsError(
      "asks for a cost that is too low or too high: ln from 10, p from 1 to 16, at most 256 MiB",
    );
  }
  return {
    cost,
    salt: fromBase64(found.salt ?? ""),
    hash: fromBase64(found.hash ?? ""),
  };
}

/** A hash as it is written in a users file. */
export function formatPasswordHash({ cost, salt, hash }: PasswordHash): string {
  const { ln, r, p } = cost;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toBase64(salt)}$${toBase64(hash)}`;
}

/** A hash of a new password. */
export async function hashPassword(
  password: string,
  random: Random,
  { derive = deriveScrypt, cost = SCRYPT_COST }: {
    readonly derive?: Derive;
    readonly cost?: ScryptCost;
  } = {},
): Promise<PasswordHash> {
  const salt = random.bytes(SALT_SIZE);
  return { cost, salt, hash: await derive(password, salt, cost) };
}

/** Whether a password is the one of a hash; takes as long whichever byte differs. */
export async function verifyPassword(
  password: string,
  kept: PasswordHash,
  derive: Derive = deriveScrypt,
): Promise<boolean> {
  const made = await derive(password, kept.salt, kept.cost);
  return made.length === kept.hash.length && timingSafeEqual(made, kept.hash);
}

/** Whether a hash was made at another cost than new ones are. */
export function isOutdated(
  { cost }: PasswordHash,
  wanted: ScryptCost,
): boolean {
  return cost.ln !== wanted.ln || cost.r !== wanted.r || cost.p !== wanted.p;
}

/**
 * Says why a text cannot be a new password; `undefined` when it can. There are
 * no rules about kinds of characters: length is what counts (NIST SP 800-63B).
 */
export function passwordProblem(password: string): string | undefined {
  if (password.length === 0) return "is empty";
  if (UTF8.encode(password).length > PASSWORD_SIZE_MAX) {
    return `is longer than ${PASSWORD_SIZE_MAX} bytes`;
  }
  return [...password].length < 8 ? "is shorter than 8 characters" : undefined;
}

/** Scrypt on another thread, so that transfers go on meanwhile. */
export const deriveScrypt: Derive = (password, salt, cost) =>
  new Promise((resolve, reject) => {
    const { ln, r, p } = cost;
    // One text, however a keyboard composes its letters (RFC 8265).
    const text = password.normalize("NFC");
    const maxmem = 2 * memoryOf(cost);
    scrypt(
      text,
      salt,
      HASH_SIZE,
      { N: 2 ** ln, r, p, maxmem },
      (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      },
    );
  });

function memoryOf({ ln, r, p }: ScryptCost): number {
  return 128 * r * (2 ** ln + p);
}

function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64({ omitPadding: true });
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new AccountsError("is no base64", undefined, { cause });
  }
}
