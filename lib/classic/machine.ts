/**
 * State tables of the classic protocols: state, step, next state. Both ends walk
 * the same table, each through what it sends and what it receives; a missing
 * entry *is* the protocol error.
 *
 * @module
 */

import { MalformedError } from "./reading.ts";

/** The ends of a connection. */
export type Role = "client" | "server";

/** Who sends what, such as `client PORT`. */
export type Step<M extends string> = `${Role} ${M}`;

/** State → step → next state; begins in `start`. */
export type Machine<M extends string> = Readonly<
  Record<string, Readonly<Partial<Record<Step<M>, string>>>>
>;

/** One walk through a table. */
export class Walk<M extends string> {
  readonly #machine: Machine<M>;
  #state = "start";

  /** @param machine The table. */
  constructor(machine: Machine<M>) {
    this.#machine = machine;
  }

  /** Where the walk is. */
  get state(): string {
    return this.#state;
  }

  /**
   * Takes one step.
   *
   * @param sender Who sends.
   * @param message What.
   * @throws {MalformedError} When the table does not have it.
   */
  step(sender: Role, message: M): void {
    const next = this.#machine[this.#state]?.[`${sender} ${message}`];
    if (next === undefined) {
      throw new MalformedError(
        `${message} came from the ${sender} in state "${this.#state}"`,
      );
    }
    this.#state = next;
  }
}
