/**
 * Decides whether somebody is who they say they are.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import type { Clock, Random } from "../platform/mod.ts";
import type { Disk } from "../storage/mod.ts";
import { AccountsError } from "./errors.ts";
import { LockOut, type LockOutLimits } from "./lock_out.ts";
import {
  type Derive,
  deriveScrypt,
  hashPassword,
  isOutdated,
  type PasswordHash,
  SCRYPT_COST,
  type ScryptCost,
  verifyPassword,
} from "./password.ts";
import { SecretFile } from "./secret_file.ts";
import { verifySignature } from "./ssh_key.ts";
import { upgradePassword } from "./users_editor.ts";
import {
  type Account,
  type Accounts,
  parseUsersFile,
  USERS_FILE_SIZE_MAX,
} from "./users_file.ts";
import { WorkQueue } from "./work_queue.ts";

/** What somebody brings to show who they are. */
export type Proof =
  | {
    readonly method: "password";
    /** The name. */
    readonly user: string;
    /** The password. */
    readonly password: string;
  }
  | {
    readonly method: "key";
    /** The name. */
    readonly user: string;
    /** The key. */
    readonly publicKey: Uint8Array;
    /** What had to be signed. */
    readonly message: Uint8Array;
    /** What the owner of the key made of it. */
    readonly signature: Uint8Array;
  };

/**
 * Why somebody is not let in: `wrong` whatever it is that is wrong, `locked`
 * after too many of those, `busy` when too many ask at once, `broken` when the
 * users file cannot be used.
 */
export type LogInProblem = "wrong" | "locked" | "busy" | "broken";

/** Somebody is not let in. The message is a phrase that they may see. */
export class LogInError extends Error {
  /** Why. */
  readonly problem: LogInProblem;
  /** Milliseconds that those who guess must wait from now on, if it was this try that brought it about. */
  readonly lockedFor: number;

  /**
   * Makes an error.
   *
   * @param problem Why.
   * @param message A phrase that the client may see.
   * @param options The cause, and how long the next try has to wait.
   */
  constructor(
    problem: LogInProblem,
    message: string,
    options: ErrorOptions & { readonly lockedFor?: number } = {},
  ) {
    super(message, options);
    this.name = "LogInError";
    this.problem = problem;
    this.lockedFor = options.lockedFor ?? 0;
  }
}

/** What an {@linkcode AccountBook} works with. */
export interface AccountBookParts {
  /** Where the users file is. */
  readonly disk: Disk;
  /** The time. */
  readonly clock: Clock;
  /** Salts. */
  readonly random: Random;
  /** The users file. */
  readonly path: string;
  /** Told when a hash could not be renewed; the log-in goes on. */
  readonly onUpgradeFailed?: (user: string, error: unknown) => void;
  /** Derives hashes. @default scrypt */
  readonly derive?: Derive;
  /** What new hashes cost. @default {SCRYPT_COST} */
  readonly cost?: ScryptCost;
  /** Limits of the lock-out that differ. */
  readonly lockOut?: Partial<LockOutLimits>;
}

/** Passwords that are looked at at once: a log-in must not take all processors from transfers. */
const PASSWORDS_AT_ONCE = 2;

/**
 * Log-ins that wait for that: with a fifth of a second each, the last one waits
 * about 3 s, a third of the time that there is for a log-in.
 */
const PASSWORDS_WAITING_MAX = 32;

/** The users file, and who has failed to be one of them. */
export class AccountBook {
  readonly #parts: AccountBookParts;
  readonly #file: SecretFile;
  readonly #derive: Derive;
  readonly #cost: ScryptCost;
  readonly #lockOut: LockOut;
  readonly #queue = new WorkQueue(PASSWORDS_AT_ONCE, PASSWORDS_WAITING_MAX);
  /** What is compared for those who have no password. */
  readonly #nobody: PasswordHash;
  #read: { readonly version: string; readonly accounts: Accounts } | undefined;

  /** @param parts What it works with. */
  constructor(parts: AccountBookParts) {
    const { derive = deriveScrypt, cost = SCRYPT_COST } = parts;
    this.#parts = parts;
    this.#file = new SecretFile({ ...parts, sizeMax: USERS_FILE_SIZE_MAX });
    this.#derive = derive;
    this.#cost = cost;
    this.#lockOut = new LockOut(parts.clock, parts.lockOut);
    const { random } = parts;
    this.#nobody = { cost, salt: random.bytes(16), hash: random.bytes(32) };
  }

  /**
   * Everybody who may log in, as the file is now: it is read again when it was
   * changed, so a change counts from the next log-in on.
   *
   * @throws {AccountsError} When it cannot be used, or is not there.
   */
  async accounts(): Promise<Accounts> {
    const version = await this.#file.version();
    if (version !== undefined && this.#read?.version === version) {
      return this.#read.accounts;
    }
    this.#read = undefined;
    const found = await this.#file.read();
    if (found === undefined) {
      throw new AccountsError("there is no such file", {
        file: this.#file.path,
      });
    }
    const accounts = parseUsersFile(found.text, this.#file.path);
    this.#read = { version: found.version, accounts };
    return accounts;
  }

  /**
   * Checks a proof.
   *
   * Unknown users cost the same work as known ones, and hear the same words.
   *
   * @param proof What somebody brings.
   * @param hostname Where it comes from.
   * @returns Whose it is.
   * @throws {LogInError} When it is nobody's.
   */
  async verify(proof: Proof, hostname: string): Promise<Account> {
    const user = proof.user.normalize("NFC");
    this.#assertNotLocked(hostname, user);
    const account = (await this.#load()).users.get(user);
    let lockedFor = 0;
    const note = (isTrue: boolean): boolean => {
      if (isTrue) this.#lockOut.succeed(hostname, user);
      else lockedFor = this.#lockOut.fail(hostname, user);
      return isTrue;
    };
    const isTrue = proof.method === "key"
      ? note(isKeyOf(account, proof))
      : await this.#whenItsTurn(async () => {
        // Others may have failed while this one waited.
        this.#assertNotLocked(hostname, user);
        return note(await this.#isPasswordOf(account, proof.password));
      });
    if (account !== undefined && isTrue) return account;
    throw new LogInError(
      "wrong",
      proof.method === "key"
        ? "the user is unknown, or the key is not one of theirs"
        : "the user is unknown, or the password is wrong",
      { lockedFor },
    );
  }

  async #load(): Promise<Accounts> {
    try {
      return await this.accounts();
    } catch (cause) {
      if (!(cause instanceof AccountsError)) throw cause;
      throw new LogInError(
        "broken",
        "the server cannot read its accounts now; its log says why",
        { cause },
      );
    }
  }

  #assertNotLocked(hostname: string, user: string): void {
    const wait = this.#lockOut.wait(hostname, user);
    if (wait === 0) return;
    throw new LogInError(
      "locked",
      `too many log-ins of this user failed from there; try again in ${
        Math.ceil(wait / 1000)
      } s`,
    );
  }

  async #whenItsTurn<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#queue.isFull) return await this.#queue.run(work);
    throw new LogInError(
      "busy",
      "too many log in at once; try again in some seconds",
    );
  }

  /** Takes the same work for those without a password, or without an account. */
  async #isPasswordOf(
    account: Account | undefined,
    password: string,
  ): Promise<boolean> {
    const kept = account?.password ?? this.#nobody;
    const isSame = await verifyPassword(password, kept, this.#derive);
    if (!isSame || account?.password === undefined) return false;
    if (isOutdated(kept, this.#cost)) {
      await this.#upgrade(account.name, password, kept);
    }
    return true;
  }

  async #upgrade(
    name: string,
    password: string,
    from: PasswordHash,
  ): Promise<void> {
    try {
      const { random } = this.#parts;
      const options = { derive: this.#derive, cost: this.#cost };
      const to = await hashPassword(password, random, options);
      const edit = upgradePassword(name, { from, to });
      await this.#file.update((text) => text === undefined ? text : edit(text));
    } catch (error) {
      this.#parts.onUpgradeFailed?.(name, error);
    }
  }
}

/** Whether a signature is good, and its key one of an account's. */
function isKeyOf(
  account: Account | undefined,
  { publicKey, message, signature }: Extract<Proof, { method: "key" }>,
): boolean {
  // Looked at in any case, so that it costs the same.
  const isSigned = verifySignature(publicKey, message, signature);
  let isKnown = false;
  for (const { bytes } of account?.keys ?? []) {
    const isThis = bytes.length === publicKey.length &&
      timingSafeEqual(bytes, publicKey);
    isKnown ||= isThis;
  }
  return isSigned && isKnown;
}
