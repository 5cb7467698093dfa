/**
 * Walks the tables of `transitions.ts` for one connection: every frame that is
 * sent or received goes through {@linkcode Conversation.step}, which refuses
 * what the tables do not hold.
 *
 * @module
 */

import { type ErrorCode, type Fault, ProtocolError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { isExchangeType } from "./frame.ts";
import { EXCHANGE_COUNT_MAX } from "./limits.ts";
import type { ConnectionKind, FrameType, Role } from "./messages.ts";
import {
  CONNECTION_MACHINES,
  ENDED_STATES,
  EXCHANGE_MACHINES,
  EXCHANGE_STATES,
  type Machine,
  PIPELINED_REQUESTS,
  type Step,
} from "./transitions.ts";

interface Exchange {
  readonly machine: Machine;
  readonly isPipelined: boolean;
  state: string;
  /** How many exchanges had begun when it ended; `undefined` while it runs. */
  endedAt: number | undefined;
}

/**
 * The state of one connection and of the exchanges on it, as seen by one end.
 *
 * After an error it stays failed: every later step throws that error again,
 * except the `FAIL` with which this end tells the other.
 *
 * A data connection carries one exchange at a time, the next beginning when the
 * client knows that the one before has ended; only those of
 * {@linkcode PIPELINED_REQUESTS} follow each other without waiting, and then
 * chunks are of the one that has begun last. On a control connection exchanges
 * overlap, so those that have ended are remembered until
 * {@linkcode EXCHANGE_COUNT_MAX} others have begun. That is long enough for
 * every frame that was sent before its sender could know of the end: whatever
 * the client has begun meanwhile has no answer yet, and it may have no more
 * than that many open.
 */
export class Conversation {
  readonly #kind: ConnectionKind;
  readonly #role: Role;
  readonly #machine: Machine;
  readonly #exchanges = new Map<number, Exchange>();
  #state = "start";
  #lastId = 0;
  #begun = 0;
  /** How many exchanges have not ended, and how many of those let no other begin. */
  #open = 0;
  #exclusive = 0;
  #failure: ProtocolError | undefined;

  /**
   * Makes the state of a connection on which nothing was sent yet.
   *
   * @param kind Which kind of connection it is.
   * @param role Which end this is.
   */
  constructor(kind: ConnectionKind, role: Role) {
    this.#kind = kind;
    this.#role = role;
    this.#machine = CONNECTION_MACHINES[kind];
  }

  /** State of the connection's own machine. */
  get state(): string {
    return this.#state;
  }

  /** How many exchanges have not ended. */
  get open(): number {
    return this.#open;
  }

  /**
   * State of an exchange; `undefined` when it never began, is over, or ended
   * long ago.
   */
  exchangeState(id: number): string | undefined {
    return this.#exchanges.get(id)?.state;
  }

  /**
   * Takes one frame, in the order of the wire.
   *
   * @param sender Who sends it.
   * @param frame The frame; of `DATA` only type and id are looked at.
   * @throws {ProtocolError} When the tables do not hold it: `local` for what this
   * end wants to send, `remote` for what it received.
   */
  step(sender: Role, frame: Pick<Frame, "type" | "id">): void {
    if (this.#failure !== undefined) this.#stepFailed(sender, frame);
    else if (isExchangeType(frame.type)) this.#stepExchange(sender, frame);
    else this.#state = this.#follow(this.#machine, this.#state, sender, frame);
  }

  /** The farewell that says why is the one thing left to send. */
  #stepFailed(sender: Role, { type }: Pick<Frame, "type">): void {
    const next = type === "FAIL" && sender === this.#role
      ? this.#machine[this.#state]?.[`${sender} FAIL`]
      : undefined;
    if (next === undefined) throw this.#failure;
    this.#state = next;
  }

  #stepExchange(sender: Role, frame: Pick<Frame, "type" | "id">): void {
    if (!EXCHANGE_STATES.has(this.#state)) {
      // After the client's GOODBYE the server's last answers may be under way.
      if (this.#state === "leaving" && sender === "server") return;
      this.#fail(sender, `${frame.type} in connection state ${this.#state}`);
    }
    if (frame.type === "CANCEL") {
      if (sender === "client" && this.#kind === "control") return;
      this.#fail(sender, `CANCEL from ${sender} on a ${this.#kind} connection`);
    }
    const exchange = this.#exchanges.get(frame.id) ??
      this.#begin(sender, frame);
    if (
      sender === "client" && frame.type === "DATA" && frame.id !== this.#lastId
    ) {
      const reason = `DATA for exchange ${frame.id} behind ${this.#lastId}`;
      this.#fail(sender, reason);
    }
    exchange.state = this.#follow(
      exchange.machine,
      exchange.state,
      sender,
      frame,
    );
    if (exchange.state === "over") {
      this.#end(exchange);
      this.#exchanges.delete(frame.id);
    } else if (ENDED_STATES.has(exchange.state)) this.#end(exchange);
  }

  #end(exchange: Exchange): void {
    if (exchange.endedAt !== undefined) return;
    exchange.endedAt = this.#begun;
    this.#open--;
    if (!exchange.isPipelined) this.#exclusive--;
  }

  #begin(sender: Role, frame: Pick<Frame, "type" | "id">): Exchange {
    const { type, id } = frame;
    const machine = EXCHANGE_MACHINES[this.#kind][type];
    if (machine === undefined || sender !== "client") {
      this.#fail(sender, `${type} for exchange ${id}, which is not open`);
    }
    if (id <= this.#lastId) {
      this.#fail(sender, `exchange id ${id} was used before`);
    }
    this.#lastId = id;
    const isPipelined = PIPELINED_REQUESTS.has(type);
    this.#forgetEnded();
    const isAlone = this.#kind === "data" &&
      (!isPipelined || this.#exclusive > 0);
    const openMax = isAlone ? 1 : EXCHANGE_COUNT_MAX;
    if (this.#open >= openMax) {
      const reason = `${type} beyond ${openMax} open on this connection`;
      this.#fail(sender, reason, "limit");
    }
    this.#begun++;
    this.#open++;
    if (!isPipelined) this.#exclusive++;
    const exchange = {
      machine,
      isPipelined,
      state: "start",
      endedAt: undefined,
    };
    this.#exchanges.set(id, exchange);
    return exchange;
  }

  /** Forgets exchanges that ended long enough ago; on a data connection all. */
  #forgetEnded(): void {
    if (this.#exchanges.size === this.#open) return;
    const remembered = this.#kind === "data" ? 0 : EXCHANGE_COUNT_MAX;
    for (const [id, { endedAt }] of this.#exchanges) {
      if (endedAt !== undefined && this.#begun - endedAt >= remembered) {
        this.#exchanges.delete(id);
      }
    }
  }

  #follow(
    machine: Machine,
    state: string,
    sender: Role,
    frame: { readonly type: FrameType },
  ): string {
    const step: Step = `${sender} ${frame.type}`;
    const next = machine[state]?.[step];
    if (next !== undefined) return next;
    return this.#fail(sender, `${frame.type} from ${sender} in state ${state}`);
  }

  #fail(sender: Role, reason: string, code?: ErrorCode): never {
    const fault: Fault = sender === this.#role ? "local" : "remote";
    this.#failure = new ProtocolError(fault, reason, code);
    throw this.#failure;
  }
}
