/**
 * Both ends of a connection, with a wire between them that can be slow.
 *
 * @module
 */
import {
  type ConnectionKind,
  Conversation,
  type FrameType,
  isExchangeType,
  type Role,
  type Step,
} from "../../lib/protocol/mod.ts";
import { other, ready, splitStep } from "./machines.ts";

interface Sent {
  readonly type: FrameType;
  readonly id: number;
}

/** Both ends of a connection. */
export class Pair {
  readonly client: Conversation;
  readonly server: Conversation;
  readonly #wire = { client: [] as Sent[], server: [] as Sent[] };

  /**
   * Makes both ends.
   *
   * @param kind Which kind of connection it is.
   * @param isReady Whether exchanges may begin at once.
   */
  constructor(kind: ConnectionKind, isReady = true) {
    const make = (role: Role) =>
      isReady ? ready(kind, role) : new Conversation(kind, role);
    this.client = make("client");
    this.server = make("server");
  }

  /** Sends a frame that does not arrive yet. */
  send(step: Step, id = 0): void {
    const [sender, type] = splitStep(step);
    this[sender].step(sender, { type, id });
    this.#wire[sender].push({ type, id });
  }

  /** Lets arrive what one end has sent: everything, or the oldest `count`. */
  arrive(sender: Role, count = Infinity): void {
    for (const frame of this.#wire[sender].splice(0, count)) {
      this[other(sender)].step(sender, frame);
    }
  }

  /** How many frames of one end have not arrived yet. */
  underWay(sender: Role): number {
    return this.#wire[sender].length;
  }

  /** Sends frames that arrive at once. */
  walk(steps: readonly Step[], id = 0): void {
    for (const step of steps) {
      const [sender, type] = splitStep(step);
      this.send(step, isExchangeType(type) ? id : 0);
      this.arrive(sender);
    }
  }

  /** The states of both ends. */
  get states(): string[] {
    return [this.client.state, this.server.state];
  }

  /** The states of an exchange at both ends. */
  exchange(id: number): (string | undefined)[] {
    return [this.client.exchangeState(id), this.server.exchangeState(id)];
  }
}
