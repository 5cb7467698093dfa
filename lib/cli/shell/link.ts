/**
 * The connection of a shell: made once, and made again when it was lost.
 *
 * @module
 */

import {
  type Client,
  type ConnectionEvent,
  type ConnectOptions,
  FerryError,
  type ReconnectEvent,
  RETRIES_DEFAULT,
} from "../../client/mod.ts";
import { type Clock, sleep } from "../../platform/mod.ts";
import { RETRIES } from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import { endsSession, type ExitCode } from "../exit_codes.ts";
import type { Reporter } from "../reporter.ts";

/** What a connection tells of itself, and what ends it. */
export type LinkHooks = Required<
  Pick<ConnectOptions, "signal" | "onReconnect" | "onConnection">
>;

/**
 * Connects as a command line says. What fails is told, and comes back as its
 * exit code.
 */
export type Connect = (
  line: CommandLine,
  reporter: Reporter,
  hooks: LinkHooks,
) => Promise<Client | ExitCode>;

/** What a {@linkcode Link} is made of. */
export interface LinkOptions {
  /** Connects. */
  readonly connect: Connect;
  /** The command line of the shell. */
  readonly settings: CommandLine;
  /** The time. */
  readonly clock: Clock;
  /** Told that the connection was lost, or came back, while no command was under way. */
  readonly onIdle: (event: ConnectionEvent) => void;
}

/** Milliseconds before the first try to connect again, and at most before another. */
const DELAY_MIN = 250;
const DELAY_MAX = 30_000;

/** The connection of a shell. */
export class Link {
  readonly #options: LinkOptions;
  readonly #ending = new AbortController();
  #client: Client | undefined;
  #isLost = false;
  /** Who is told of what happens just now; nobody while nothing is under way. */
  #reporter: Reporter | undefined;

  /** @param options What it is made of. */
  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** The connection, whatever has become of it. */
  get client(): Client | undefined {
    return this.#client;
  }

  /** Connects; what comes back is the exit code of a failure. */
  async open(reporter: Reporter): Promise<ExitCode | undefined> {
    const { connect, settings } = this.#options;
    const client = await connect(settings, reporter, {
      signal: this.#ending.signal,
      onReconnect: (event) => this.#reporter?.reconnect(event),
      onConnection: (event) => this.#tell(event),
    });
    if (typeof client === "number") return client;
    this.#client = client;
    return undefined;
  }

  #tell(event: ConnectionEvent): void {
    this.#isLost = event.kind === "lost";
    if (this.#reporter === undefined) this.#options.onIdle(event);
    else if (event.kind === "back") this.#reporter.connected(event.info);
  }

  /**
   * Works with the connection, which is made again first if it was lost.
   *
   * @param reporter Who is told meanwhile.
   * @param signal Ends the wait for a connection.
   * @param work What to do.
   */
  async use<T>(
    reporter: Reporter,
    signal: AbortSignal,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const client = this.#client;
    if (client === undefined) throw new TypeError("There is no connection");
    this.#reporter = reporter;
    try {
      if (this.#isLost) await this.#restore(client, reporter, signal);
      return await work(client);
    } finally {
      this.#reporter = undefined;
    }
  }

  /** Asks something that costs nothing until there is an answer, whichever. */
  async #restore(
    client: Client,
    reporter: Reporter,
    signal: AbortSignal,
  ): Promise<void> {
    const { settings, clock } = this.#options;
    const retries = settings.value(RETRIES) ?? RETRIES_DEFAULT;
    const attemptsMax = retries === "forever" ? Infinity : retries;
    for (let attempt = 1;; attempt++) {
      try {
        await client.freeSpace({ signal });
        return;
      } catch (error) {
        if (!(error instanceof FerryError) || signal.aborted) throw error;
        // A refusal is an answer.
        if (!endsSession(error)) return;
        if (attempt > attemptsMax) throw error;
        const delay = Math.min(DELAY_MIN * 2 ** (attempt - 1), DELAY_MAX);
        const event: ReconnectEvent = { attempt, attemptsMax, delay, error };
        reporter.reconnect(event);
        await sleep(clock, delay, signal);
      }
    }
  }

  /** Gives up connecting. */
  abandon(): void {
    this.#ending.abort();
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    await this.#client?.close();
  }
}
