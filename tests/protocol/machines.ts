/**
 * Every machine of the protocol under its name, and ways through them.
 *
 * @module
 */
import {
  CONNECTION_MACHINES,
  type ConnectionKind,
  CONTROL_EXCHANGES,
  Conversation,
  DATA_EXCHANGES,
  type FrameType,
  isExchangeType,
  type Machine,
  MESSAGES,
  type Role,
  type Step,
} from "../../lib/protocol/mod.ts";

/** A machine, and where it runs. */
export interface NamedMachine {
  /** Its name, such as `control connection` or `PUT`. */
  readonly name: string;
  /** On which kind of connection it runs. */
  readonly kind: ConnectionKind;
  /** The machine itself. */
  readonly machine: Machine;
}

/** The machines of the connections. */
export const CONNECTIONS: readonly NamedMachine[] =
  (["control", "data"] as const).map((kind) => ({
    name: `${kind} connection`,
    kind,
    machine: CONNECTION_MACHINES[kind],
  }));

/** The machines of the exchanges. */
export const EXCHANGES: readonly NamedMachine[] = [
  ...Object.entries(CONTROL_EXCHANGES).map(([name, machine]) => ({
    name,
    kind: "control" as const,
    machine: machine as Machine,
  })),
  ...Object.entries(DATA_EXCHANGES).map(([name, machine]) => ({
    name,
    kind: "data" as const,
    machine: machine as Machine,
  })),
];

/** Every frame type. */
export const FRAME_TYPES: readonly FrameType[] = [
  ...Object.keys(MESSAGES) as FrameType[],
  "DATA",
];

/** Every step that there could be. */
export const STEPS: readonly Step[] = (["client", "server"] as const).flatMap(
  (role) => FRAME_TYPES.map((type): Step => `${role} ${type}`),
);

/** The two halves of a step. */
export function splitStep(step: Step): [sender: Role, type: FrameType] {
  return step.split(" ") as [Role, FrameType];
}

/** The other end. */
export function other(role: Role): Role {
  return role === "client" ? "server" : "client";
}

/** A shortest way from `start` to every state that can be reached. */
export function shortestWays(machine: Machine): Map<string, Step[]> {
  const ways = new Map<string, Step[]>([["start", []]]);
  for (const [state, way] of ways) {
    for (const [step, next] of Object.entries(machine[state] ?? {})) {
      if (!ways.has(next!)) ways.set(next!, [...way, step as Step]);
    }
  }
  return ways;
}

/** The steps that make a connection ready. */
export const TO_READY: Readonly<Record<ConnectionKind, readonly Step[]>> = {
  control: ["client HELLO", "server GREETING", "client LOGIN", "server READY"],
  data: ["client ATTACH", "server ATTACHED"],
};

/** Walks steps; those of exchanges under one id. */
export function walk(
  conversation: Conversation,
  steps: readonly Step[],
  id = 1,
): void {
  for (const step of steps) {
    const [sender, type] = splitStep(step);
    conversation.step(sender, { type, id: isExchangeType(type) ? id : 0 });
  }
}

/** A conversation of a ready connection. */
export function ready(kind: ConnectionKind, role: Role): Conversation {
  const conversation = new Conversation(kind, role);
  walk(conversation, TO_READY[kind]);
  return conversation;
}
