/**
 * What the work of a command is given.
 *
 * @module
 */

import type { Client } from "../client/mod.ts";
import type { CommandLine } from "./command_line.ts";
import type { Conflicts } from "./conflicts.ts";
import {
  type Environment,
  OutputClosedError,
  OutputError,
} from "./environment.ts";
import { endsSession, EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { type Attempt, describeFailure } from "./failure.ts";
import { problems } from "./messages.ts";
import type { Reporter } from "./reporter.ts";

/** Somebody asked the program to end. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** What a command does once there is a connection. */
export type Work = (session: Session) => Promise<ExitCode>;

/** From a command line to the work; refuses what makes no sense before anybody connects. */
export type Planner = (
  line: CommandLine,
  environment: Environment,
) => Work | Promise<Work>;

/** What is tried, less the server. */
export type Try = Omit<Attempt, "server" | "isInShell">;

/** What {@linkcode Session.forEach} does. */
export interface ForEachOptions<T> {
  /** What to call one of the things. */
  readonly noun: string;
  /** What is tried with one. */
  readonly attempt: (item: T) => Try;
  /** Tries it. */
  readonly work: (item: T) => Promise<void>;
  /** What is to be said when all were tried. */
  readonly done?: () => Promise<void>;
}

/** What a {@linkcode Session} is made of. */
export interface SessionParts {
  /** The connection. */
  readonly client: Client;
  /** Who is told. */
  readonly reporter: Reporter;
  /** The world around. */
  readonly environment: Environment;
  /** Aborted when somebody asks the program to end. */
  readonly signal: AbortSignal;
  /** Who is asked about taken names; nobody where they are failures. */
  readonly conflicts?: Conflicts | undefined;
  /** The remote directory from which a prompt's names begin; `""` is the root. */
  readonly folder?: string;
}

/** A connection, and who is told of what is done over it. */
export class Session implements SessionParts {
  readonly client: Client;
  readonly reporter: Reporter;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly conflicts: Conflicts | undefined;
  readonly folder: string;
  readonly #isInShell: boolean;

  /** @param parts What it is made of. */
  constructor(parts: SessionParts) {
    this.client = parts.client;
    this.reporter = parts.reporter;
    this.environment = parts.environment;
    this.signal = parts.signal;
    this.conflicts = parts.conflicts;
    this.folder = parts.folder ?? "";
    this.#isInShell = parts.folder !== undefined;
  }

  /**
   * Reports a failure.
   *
   * @returns Its exit code.
   * @throws {InterruptedError} if it comes of an interruption; {@linkcode OutputClosedError} if of that.
   */
  async fail(error: unknown, attempt: Try): Promise<ExitCode> {
    rethrowEnd(error, this.signal);
    const server = this.client.info;
    const isInShell = this.#isInShell;
    const failure = describeFailure(error, { ...attempt, server, isInShell });
    await this.reporter.failure(failure, error);
    return OutputError.in(error) === undefined
      ? exitCodeOf(error, "connected")
      : EXIT.failed;
  }

  /** Does one thing, and reports if it fails. */
  async attempt(
    attempt: Try,
    work: () => Promise<void>,
  ): Promise<ExitCode> {
    try {
      await work();
      return EXIT.done;
    } catch (error) {
      return await this.fail(error, attempt);
    }
  }

  /**
   * Does one thing after the other; one that fails does not stop the rest,
   * unless the connection is gone.
   *
   * @param items The things.
   * @param options What to do with each, and at the end.
   * @returns The code of the failure if there was one thing only, else {@linkcode EXIT.someFailed}.
   */
  async forEach<T>(
    items: readonly T[],
    options: ForEachOptions<T>,
  ): Promise<ExitCode> {
    let failed = 0;
    let code: ExitCode = EXIT.done;
    let notTried = 0;
    let isConnected = true;
    for (const [index, item] of items.entries()) {
      try {
        await options.work(item);
      } catch (error) {
        failed++;
        code = await this.fail(error, options.attempt(item));
        isConnected = OutputError.in(error) !== undefined;
        if (!isConnected && !endsSession(error)) continue;
        notTried = items.length - index - 1;
        break;
      }
    }
    await options.done?.();
    const { noun } = options;
    if (notTried > 0) {
      await this.reporter.remark(
        problems.notTried(notTried, noun, isConnected),
      );
      return code;
    }
    if (failed === 0 || items.length === 1) return code;
    await this.reporter.remark(problems.someFailed(failed, items.length, noun));
    return EXIT.someFailed;
  }
}

/** Throws what an error really is, where it is an end and not a failure. */
export function rethrowEnd(error: unknown, signal: AbortSignal): void {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof OutputClosedError) throw cause;
  }
  if (signal.aborted) {
    throw new InterruptedError("Interrupted", { cause: error });
  }
}
