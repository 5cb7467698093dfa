import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Conversation,
  isExchangeType,
  type Machine,
  ProtocolError,
  type Step,
} from "../../lib/protocol/mod.ts";
import { ENDED_STATES } from "../../lib/protocol/transitions.ts";
import {
  CONNECTIONS,
  EXCHANGES,
  FRAME_TYPES,
  ready,
  shortestWays,
  splitStep,
  STEPS,
  walk,
} from "./machines.ts";

const ROLES = ["client", "server"] as const;

Deno.test("the tables are not empty", () => {
  assertEquals(CONNECTIONS.length, 2);
  assertEquals(EXCHANGES.length, 14);
  assertEquals(FRAME_TYPES.length, 46);
});

for (const { name, machine } of [...CONNECTIONS, ...EXCHANGES]) {
  Deno.test(`${name}: every state can be reached, and every next state exists`, () => {
    assertEquals(
      [...shortestWays(machine).keys()].sort(),
      Object.keys(machine).sort(),
    );
  });

  Deno.test(`${name}: can always come to an end`, () => {
    for (const state of Object.keys(machine)) {
      const ends = [
        ...shortestWays({ ...machine, start: machine[state]! })
          .keys(),
      ].filter((end) => end === "closed" || ENDED_STATES.has(end));
      const isEnd = state === "closed" || ENDED_STATES.has(state);
      assert(isEnd || ends.length > 0, state);
    }
  });
}

Deno.test("every frame type has a place in exactly one kind of machine", () => {
  const inConnections = new Set<string>();
  const inExchanges = new Set<string>();
  const collect = (machine: Machine, into: Set<string>) => {
    for (const steps of Object.values(machine)) {
      for (const step of Object.keys(steps)) {
        into.add(splitStep(step as Step)[1]);
      }
    }
  };
  for (const { machine } of CONNECTIONS) collect(machine, inConnections);
  for (const { machine } of EXCHANGES) collect(machine, inExchanges);
  for (const type of FRAME_TYPES) {
    assertEquals(inConnections.has(type), !isExchangeType(type), type);
    // CANCEL may come at any time and stands in no machine.
    const expected = isExchangeType(type) && type !== "CANCEL";
    assertEquals(inExchanges.has(type), expected, type);
  }
});

/** Asserts that a step is refused, whose fault it is, and that it stays refused. */
function assertRefused(
  conversation: Conversation,
  role: string,
  step: Step,
  id: number,
): void {
  const [sender, type] = splitStep(step);
  const frame = { type, id: isExchangeType(type) ? id : 0 };
  const error = assertThrows(
    () => conversation.step(sender, frame),
    ProtocolError,
    undefined,
    step,
  );
  assertEquals(error.fault, sender === role ? "local" : "remote");
  const again = assertThrows(() =>
    conversation.step("client", {
      type: "PING",
      id: 0,
    })
  );
  assertEquals(again, error, "does not stick");
}

for (const { name, kind, machine } of CONNECTIONS) {
  for (const role of ROLES) {
    Deno.test(`${name}, ${role}: holds what the table holds and refuses the rest`, () => {
      let refused = 0;
      for (const [state, way] of shortestWays(machine)) {
        for (const step of STEPS) {
          const [sender, type] = splitStep(step);
          const open = state === "ready" || state === "draining" ||
            (state === "leaving" && sender === "server");
          if (isExchangeType(type) && open) continue;
          const conversation = new Conversation(kind, role);
          walk(conversation, way);
          assertEquals(conversation.state, state);
          const next = machine[state]![step];
          if (next === undefined) {
            assertRefused(conversation, role, step, 1);
            refused++;
          } else {
            walk(conversation, [step]);
            assertEquals(conversation.state, next);
          }
        }
      }
      assert(refused > 100);
    });
  }
}

for (const { name, kind, machine } of EXCHANGES) {
  for (const role of ROLES) {
    Deno.test(`${name}, ${role}: holds what the table holds and refuses the rest`, () => {
      let refused = 0;
      for (const [state, way] of shortestWays(machine)) {
        if (state === "start") continue;
        for (const step of STEPS) {
          const [sender, type] = splitStep(step);
          if (!isExchangeType(type)) continue;
          if (kind === "control" && step === "client CANCEL") continue;
          const conversation = ready(kind, role);
          walk(conversation, way, 7);
          const next = machine[state]![step];
          if (next === undefined) {
            assertRefused(conversation, role, step, 7);
            refused++;
          } else {
            conversation.step(sender, { type, id: 7 });
            assertEquals(
              conversation.exchangeState(7),
              next === "over" ? undefined : next,
            );
          }
        }
      }
      assert(refused > 50);
    });

    Deno.test(`${name}, ${role}: begins with its request only, and on its kind of connection`, () => {
      const other = kind === "control" ? "data" : "control";
      const request: Step = `client ${name}` as Step;
      assertEquals(Object.keys(machine["start"]!), [request]);
      assertRefused(ready(other, role), role, request, 7);
      assertRefused(ready(kind, role), role, `server ${name}` as Step, 7);
    });
  }
}

for (const { name, kind, machine } of EXCHANGES) {
  if (kind === "control") continue;
  Deno.test(`${name}: can be cancelled wherever it is open, without a crossing`, () => {
    for (const [state, steps] of Object.entries(machine)) {
      if (state === "start" || ENDED_STATES.has(state)) continue;
      // Whoever owes the next frame can end it; nobody else.
      const ends = ["server ERROR", "client ACKNOWLEDGE"] as const;
      const possible = ends.filter((step) => steps[step] !== undefined);
      assertEquals(possible.length, 1, state);
    }
  });
}

/** Frames under way in one direction that are looked at. */
const IN_FLIGHT_MAX = 3;

interface Joint {
  readonly client: string;
  readonly server: string;
  readonly toServer: readonly Step[];
  readonly toClient: readonly Step[];
}

/**
 * Both ends of a machine, each with its own view, and frames under way between
 * them: visits every joint state, and says where a frame that its sender was
 * allowed to send is refused where it arrives.
 */
function crossings(machine: Machine): { visited: number; faults: string[] } {
  const faults: string[] = [];
  const begin: Joint = {
    client: "start",
    server: "start",
    toServer: [],
    toClient: [],
  };
  const seen = new Map([[JSON.stringify(begin), begin]]);
  for (const joint of seen.values()) {
    const next: Joint[] = [];
    for (const [step, state] of Object.entries(machine[joint.client] ?? {})) {
      if (!step.startsWith("client")) continue;
      const toServer = [...joint.toServer, step as Step];
      next.push({ ...joint, client: state!, toServer });
    }
    for (const [step, state] of Object.entries(machine[joint.server] ?? {})) {
      if (!step.startsWith("server")) continue;
      const toClient = [...joint.toClient, step as Step];
      next.push({ ...joint, server: state!, toClient });
    }
    const receive = (
      from: "toServer" | "toClient",
      at: "server" | "client",
    ): void => {
      const [step, ...rest] = joint[from];
      if (step === undefined) return;
      // An end that has closed does not read any more.
      const state = joint[at] === "closed"
        ? "closed"
        : machine[joint[at]]![step];
      if (state === undefined) faults.push(`${at} ${joint[at]}: ${step}`);
      else next.push({ ...joint, [from]: rest, [at]: state });
    };
    receive("toServer", "server");
    receive("toClient", "client");
    for (const { toServer, toClient, ...states } of next) {
      if (Math.max(toServer.length, toClient.length) > IN_FLIGHT_MAX) continue;
      const joint = { ...states, toServer, toClient };
      const key = JSON.stringify(joint);
      if (!seen.has(key)) seen.set(key, joint);
    }
  }
  return { visited: seen.size, faults: [...new Set(faults)] };
}

/** A machine in whose first state a step is never taken. */
function without(machine: Machine, step: Step): Machine {
  const { [step]: taken, ...start } = machine["start"]!;
  assert(taken !== undefined);
  return { ...machine, start };
}

/**
 * Machines as they can be walked. On a data connection the end that has dialled
 * speaks first, which both ends know before the first frame.
 */
const WALKED = [...CONNECTIONS, ...EXCHANGES].flatMap(({ name, machine }) =>
  name !== "data connection" ? { name, machine } : [
    {
      name: `${name} that the client has dialled`,
      machine: without(machine, "server DIALLED"),
    },
    {
      name: `${name} that the server has dialled`,
      machine: without(machine, "client ATTACH"),
    },
  ]
);

for (const { name, machine } of WALKED) {
  Deno.test(`${name}: what crosses on the wire is refused by neither end`, () => {
    const { visited, faults } = crossings(machine);
    assert(visited > 4);
    assertEquals(faults, []);
  });
}

Deno.test("crossings() finds a crossing that breaks", () => {
  const { faults } = crossings({
    start: { "client GET": "asked" },
    asked: { "client ACKNOWLEDGE": "over", "server ERROR": "over" },
    over: {},
  });
  assertEquals(faults.sort(), [
    "client over: server ERROR",
    "server over: client ACKNOWLEDGE",
  ]);
});
