/**
 * Reading the files of a server again while it runs: all of them count, or none
 * of them.
 *
 * @module
 */

import { getLogger } from "@logtape/logtape";
import { ServeError, type Server } from "../server/mod.ts";
import type { Environment } from "./environment.ts";
import type { AnyOption } from "./option.ts";
import {
  ANONYMOUS,
  CERT,
  DRAIN,
  HOOK,
  KEY,
  LIMIT_SESSION_RATE,
  READ_ONLY,
  SERVER_DEBUG,
  SERVER_LIMIT_RATE,
  SERVER_QUIET,
  SETTINGS,
} from "./server_commands.ts";
import { ROOT_KEY, settingName } from "./config_file.ts";
import { reloading as text } from "./config_messages.ts";
import type { ServerSettings } from "./server_settings.ts";
import { UsageError } from "./usage_error.ts";

const log = getLogger(["ferry", "cli"]);

/** Settings that count anew; all others need a restart. */
const CHANGEABLE: ReadonlySet<AnyOption> = new Set<AnyOption>([
  ANONYMOUS,
  CERT,
  DRAIN,
  HOOK,
  KEY,
  LIMIT_SESSION_RATE,
  READ_ONLY,
  SERVER_DEBUG,
  SERVER_LIMIT_RATE,
  SERVER_QUIET,
]);

/** What is said now, as far as it can count without a restart. */
export interface Renewal {
  /** The settings that count. */
  readonly settings: ServerSettings;
  /** The names of those that were changed and do not count. */
  readonly kept: readonly string[];
}

/**
 * Joins what a server runs with and what is said now.
 *
 * @param running What it runs with.
 * @param said What is said now.
 */
export function renew(running: ServerSettings, said: ServerSettings): Renewal {
  const isSame = (one: unknown, other: unknown): boolean =>
    JSON.stringify(one) === JSON.stringify(other);
  const kept = SETTINGS.filter((option) =>
    !CHANGEABLE.has(option) &&
    !isSame(running.value(option), said.value(option))
  ).map(settingName);
  if (running.root !== said.root) kept.push(ROOT_KEY);
  return {
    kept,
    settings: {
      root: running.root,
      limits: said.limits,
      value: (option) =>
        (CHANGEABLE.has(option) ? said : running).value(option),
    },
  };
}

/** What reloads a server, and what it then tells. */
export interface ReloadParts {
  /** The server. */
  readonly server: Server;
  /**
   * Reads everything and has it count.
   *
   * @returns The names of settings that do not, though they were changed.
   */
  readonly reload: () => Promise<readonly string[]>;
}

/**
 * Reloads a server whenever that is asked for, one time after the other.
 *
 * @returns What ends that, once the one under way is over.
 */
export function reloadWhenAsked(
  { server, reload }: ReloadParts,
  environment: Environment,
): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const stop = environment.onReload(() => {
    last = last.then(reload).then((kept) => {
      log.info(text.done(server.identity?.fingerprint));
      if (kept.length > 0) log.warn(text.kept(kept));
    }).catch((error: unknown) => {
      const isClear = error instanceof ServeError ||
        error instanceof UsageError;
      const reason = isClear ? error.message : "an internal error";
      log.error(text.failed, { reason, ...isClear ? {} : { error } });
    });
  });
  return async () => {
    stop();
    await last;
  };
}
