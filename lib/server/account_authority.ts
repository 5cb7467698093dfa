/**
 * Log-ins by the accounts of a users file.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import {
  AccessRules,
  type Account,
  AccountBook,
  type AccountBookParts,
  type Accounts,
  AccountsError,
  ANONYMOUS,
  LogInError,
  type LogInProblem,
  type Quota,
  QuotaLedger,
} from "../accounts/mod.ts";
import { type ErrorCode, type Right, RIGHTS } from "../protocol/mod.ts";
import {
  type DiskAccess,
  type DiskStorage,
  type Storage,
  StorageError,
} from "../storage/mod.ts";
import { type NetworkAddress, Pacer } from "../transport/mod.ts";
import type {
  AccessChange,
  AccessPolicy,
  Authority,
  Credentials,
  Grant,
  Origin,
  PasswordCredentials,
} from "./access.ts";
import { RefusalError, ServeError } from "./errors.ts";
import { DEFAULT_ADDRESS } from "./limits.ts";
import { GuardedStorage } from "./guarded_storage.ts";
import {
  AnonymousAuthority,
  makeOffer,
  offerBy,
  processRefusal,
} from "./offer.ts";
import { isNested, RootPool, type RootPoolParts } from "./root_pool.ts";
import type { Offer } from "./types.ts";

const log = getLogger(["ferry", "accounts"]);

/** What an {@linkcode AccountAuthority} works with. */
export interface AccountAuthorityParts
  extends AccountBookParts, Omit<RootPoolParts, "readOnly"> {
  /** What the process may do with the served folder. */
  readonly access: DiskAccess;
  /** Where counts of quotas are written down; `undefined`: nowhere. */
  readonly quotaFile: string | undefined;
  /**
   * What the options say of everybody. Where they say nothing of those without
   * an account, what the users file says counts.
   */
  readonly policy: AccessPolicy;
}

/** What a refused log-in is to the client. */
const CODES: Readonly<Record<LogInProblem, ErrorCode>> = {
  wrong: "login-refused",
  locked: "login-refused",
  busy: "limit",
  broken: "unavailable",
};

/** What is shared by the sessions of a user. */
interface Presence {
  sessions: number;
  rate: number | undefined;
  pacer: Pacer | undefined;
}

/** Lets in users with an account, and others as far as that is allowed. */
export class AccountAuthority implements Authority, AsyncDisposable {
  readonly #parts: AccountAuthorityParts;
  readonly #book: AccountBook;
  readonly #roots: RootPool;
  readonly #ledger: QuotaLedger;
  /** By user, those who are there. */
  readonly #present = new Map<string, Presence>();
  #policy: AccessPolicy;
  /** The accounts whose folders were looked at last. */
  #checked: Accounts;

  private constructor(
    parts: AccountAuthorityParts,
    ready: {
      readonly book: AccountBook;
      readonly roots: RootPool;
      readonly ledger: QuotaLedger;
      readonly accounts: Accounts;
    },
  ) {
    this.#parts = parts;
    this.#policy = parts.policy;
    this.#book = ready.book;
    this.#roots = ready.roots;
    this.#ledger = ready.ledger;
    this.#checked = ready.accounts;
  }

  /**
   * Reads the users file, and looks at every folder that it names.
   *
   * @throws {ServeError} When any of it cannot be used.
   */
  static async open(parts: AccountAuthorityParts): Promise<AccountAuthority> {
    try {
      const book = new AccountBook({
        ...parts,
        onUpgradeFailed: (user, error) => {
          const reason = error instanceof AccountsError
            ? error.message
            : "it failed";
          log.warn("Cannot renew the password hash of {user}: {reason}", {
            user,
            reason,
          });
        },
      });
      const { policy } = parts;
      const roots = new RootPool({ ...parts, readOnly: policy.readOnly });
      const accounts = await book.accounts();
      assertOneSays(accounts, policy, parts);
      const counted = await checkRoots(accounts, roots, { ...parts, policy });
      const ledger = await QuotaLedger.open(
        { ...parts, path: parts.quotaFile },
        counted,
      );
      return new AccountAuthority(parts, { book, roots, ledger, accounts });
    } catch (error) {
      throw serveErrorOf(error);
    }
  }

  /** By password and by key, and without where that is good for anything. */
  methods(local: NetworkAddress): readonly Credentials["method"][] {
    const isOpen = this.anonymous(local).rights.length > 0;
    return [
      "password",
      "key",
      ...(isOpen ? [ANONYMOUS as "anonymous"] : []),
    ];
  }

  /** What users without an account may do on a listener. */
  anonymous(local: NetworkAddress): Offer {
    return this.#offerToAny(local, this.#checked, this.#policy);
  }

  #offerToAny(
    local: NetworkAddress,
    { anonymous }: Accounts,
    policy: AccessPolicy,
  ): Offer {
    const { access } = this.#parts;
    if (policy.anonymous !== undefined) {
      return makeOffer(local, { ...policy, access });
    }
    const allowed = anonymous === undefined ? nobody : allowedTo(anonymous);
    return offerTo(allowed, access, policy.readOnly);
  }

  /** Reads the users file, and looks at every folder that it names. */
  async prepare(
    policy: AccessPolicy = this.#policy,
  ): Promise<AccessChange> {
    try {
      const accounts = await this.#book.accounts();
      assertOneSays(accounts, policy, this.#parts);
      const parts = { ...this.#parts, policy };
      const counted = await checkRoots(accounts, this.#roots, parts);
      return {
        anonymous: (local) => this.#offerToAny(local, accounts, policy),
        apply: () => {
          for (const root of counted) this.#ledger.watch(root);
          this.#checked = accounts;
          this.#policy = policy;
          if (!policy.readOnly) this.#roots.allowChanges();
        },
      };
    } catch (error) {
      throw serveErrorOf(error);
    }
  }

  /** Lets somebody in. */
  async admit(credentials: Credentials, origin: Origin): Promise<Grant> {
    if (credentials.method === "anonymous") return await this.#admitAny(origin);
    try {
      const account = await this.#book.verify(
        credentials,
        origin.remote.hostname,
      );
      await this.#check(await this.#book.accounts());
      return await this.#grant(account);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Parts by the names in the users file; see {@linkcode Authority.part}. */
  async part(text: string): Promise<PasswordCredentials | undefined> {
    try {
      const { users } = await this.#book.accounts();
      // All names are looked at, whatever the text: that takes the same time.
      const [user, ...others] = [...users.keys()].filter((name) =>
        text.startsWith(name) && text.length > name.length
      );
      if (user === undefined || others.length > 0) return undefined;
      return { method: "password", user, password: text.slice(user.length) };
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Clears what is expired in every folder. */
  sweep(): Promise<void> {
    return this.#roots.sweep();
  }

  /** Closes the folders, and writes the counts down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#roots[Symbol.asyncDispose]();
    try {
      await this.#ledger.close();
    } catch (error) {
      if (!(error instanceof AccountsError)) throw error;
      log.error(
        "Cannot write down what quotas have counted, the next start counts anew: {reason}",
        { reason: error.message },
      );
    }
  }

  async #admitAny(origin: Origin): Promise<Grant> {
    const { access, base } = this.#parts;
    if (this.#policy.anonymous !== undefined) {
      const policy = { ...this.#policy, access };
      const strangers = new AnonymousAuthority(base, policy);
      const grant = await strangers.admit({ method: "anonymous" }, origin);
      // What they send may be in the folder of somebody who has a quota.
      const storage = this.#guard(base, new AccessRules(RIGHTS), undefined);
      return { ...grant, storage };
    }
    try {
      const accounts = await this.#book.accounts();
      await this.#check(accounts);
      if (accounts.anonymous !== undefined) {
        return await this.#grant(accounts.anonymous);
      }
    } catch (error) {
      throw refusalOf(error);
    }
    throw new RefusalError("login-refused", nobody("list") ?? "");
  }

  /** Looks at the folders of accounts that were read anew. */
  async #check(accounts: Accounts): Promise<void> {
    if (accounts === this.#checked) return;
    const parts = { ...this.#parts, policy: this.#policy };
    const counted = await checkRoots(accounts, this.#roots, parts);
    for (const root of counted) this.#ledger.watch(root);
    this.#checked = accounts;
  }

  async #grant(account: Account): Promise<Grant> {
    const { name, access, quota, streams } = account;
    const root = await this.#roots.resolve(account.root);
    const inner = await this.#roots.open(root);
    const offer = offerTo(
      allowedTo(account),
      inner.access,
      this.#policy.readOnly,
    );
    if (offer.rights.length === 0) {
      const reason = Object.values(offer.refusals)[0] ?? "nothing is offered";
      throw new RefusalError("login-refused", reason);
    }
    const storage = this.#guard(inner, access, quota);
    return { user: name, offer, storage, streams, ...this.#enter(account) };
  }

  #guard(
    inner: DiskStorage,
    access: AccessRules,
    quota: Quota | undefined,
  ): Storage {
    const { root } = inner;
    const ledger = this.#ledger;
    return new GuardedStorage(inner, { access, ledger, root, quota });
  }

  /** Counts a session of a user. */
  #enter(
    { name, sessions = Infinity, rate }: Account,
  ): Pick<Grant, "pace" | "pieceSize" | "leave"> {
    const known = this.#present.get(name);
    if ((known?.sessions ?? 0) >= sessions) {
      throw new RefusalError(
        "limit",
        `this user may have ${sessions} sessions at once, and has them already`,
      );
    }
    const present = known ?? { sessions: 0, rate: undefined, pacer: undefined };
    if (present.rate !== rate) {
      present.rate = rate;
      present.pacer = rate === undefined
        ? undefined
        : new Pacer(this.#parts.clock, { total: rate });
    }
    present.sessions++;
    this.#present.set(name, present);
    const { pacer } = present;
    let isThere = true;
    const leave = (): void => {
      if (!isThere) return;
      isThere = false;
      if (--present.sessions === 0) this.#present.delete(name);
    };
    return {
      pieceSize: pacer?.pieceSize,
      pace: async (bytes, signal) => await pacer?.take(leave, bytes, signal),
      leave,
    };
  }
}

/**
 * Looks at the root folders of all accounts.
 *
 * @returns Those that are counted for a quota.
 * @throws {AccountsError} When one is inside another and that is not meant.
 */
async function checkRoots(
  accounts: Accounts,
  roots: RootPool,
  { path: file, base, access, policy }: AccountAuthorityParts,
): Promise<readonly string[]> {
  const { users, anonymous, nestedRoots } = accounts;
  const all = [
    ...users.values(),
    ...(anonymous === undefined ? [] : [anonymous]),
  ];
  const owners = new Map<string, string>();
  // What was said of strangers holds for every listener.
  const isOpen = policy.anonymous !== undefined &&
    makeOffer(DEFAULT_ADDRESS, { ...policy, access }).rights.length > 0;
  if (isOpen) {
    owners.set(base.root, ANONYMOUS);
  }
  const counted = new Set<string>();
  for (const account of all) {
    const root = await resolveIfThere(account, roots);
    if (root === undefined) continue;
    owners.set(root, account.name);
    if (account.quota !== undefined) counted.add(root);
  }
  if (nestedRoots) return [...counted];
  const found = [...owners].sort(([one], [other]) => one < other ? -1 : 1);
  for (const [at, [inner, name]] of found.entries()) {
    const outer = found.slice(0, at).find(([root]) => isNested(root, inner));
    if (outer === undefined) continue;
    throw new AccountsError(
      `the root folder of "${name}" is inside that of "${
        outer[1]
      }"; set "nestedRoots" to true if that is meant`,
      { file, key: "nestedRoots" },
    );
  }
  return [...counted];
}

/** A folder that is not there concerns its own user only. */
async function resolveIfThere(
  { name, root }: Account,
  roots: RootPool,
): Promise<string | undefined> {
  try {
    return await roots.resolve(root);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    log.warn("The root folder of {user} cannot be used: {reason}", {
      user: name,
      root,
      reason: error.message,
    });
    return undefined;
  }
}

/** Fails where both the options and the file say something of strangers. */
function assertOneSays(
  { anonymous }: Accounts,
  policy: AccessPolicy,
  { path: file }: AccountAuthorityParts,
): void {
  if (anonymous === undefined || policy.anonymous === undefined) return;
  throw new AccountsError(
    "both this file and --anonymous say what users without an account may do; remove one of the two",
    { file, key: ANONYMOUS },
  );
}

/** What the one who starts the server is told. */
function serveErrorOf(cause: unknown): unknown {
  return cause instanceof AccountsError
    ? new ServeError(`Cannot use accounts: ${cause.message}`, { cause })
    : cause;
}

/** What the client is told. */
function refusalOf(error: unknown): unknown {
  if (error instanceof LogInError) {
    const { problem, message, cause, lockedFor } = error;
    if (cause instanceof AccountsError) logBroken(cause);
    return new RefusalError(CODES[problem], message, lockedFor);
  }
  if (error instanceof AccountsError) {
    logBroken(error);
    return new RefusalError(
      "unavailable",
      "the server cannot use its accounts now; its log says why",
    );
  }
  return error instanceof StorageError
    ? new RefusalError(
      "unavailable",
      `the user's folder on the server cannot be used: ${error.message}`,
    )
    : error;
}

function logBroken({ message }: AccountsError): void {
  log.error("Nobody with an account can log in: {reason}", { reason: message });
}

/** Why a user may do something nowhere; `undefined` where they may. */
type Policy = (right: Right) => string | undefined;

function allowedTo({ access }: Account): Policy {
  const anywhere = new Set(access.anywhere);
  return (right) =>
    anywhere.has(right)
      ? undefined
      : `the server's users file does not allow this user to ${right} anything`;
}

const nobody: Policy = () =>
  "this server lets in only users with an account; name yours (ferry --user NAME)";

function offerTo(
  policy: Policy,
  access: DiskAccess,
  readOnly: boolean,
): Offer {
  return offerBy((right) =>
    policy(right) ?? processRefusal(right, { access, readOnly })
  );
}
