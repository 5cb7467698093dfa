/**
 * Requests that follow each other on a data connection without waiting: what
 * may stand where, and that no order of arrival is refused by either end.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DATA_EXCHANGES,
  EXCHANGE_COUNT_MAX,
  type Machine,
  PIPELINED_REQUESTS,
  ProtocolError,
  type Role,
  type Step,
} from "../../lib/protocol/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { ready, walk } from "./machines.ts";
import { Pair } from "./pair.ts";

Deno.test("small files follow each other, and are answered in any order", () => {
  const pair = new Pair("data");
  for (const id of [1, 2, 3]) {
    pair.send("client STORE", id);
    pair.send("client DATA", id);
  }
  pair.send("client STORE", 4); // An empty one.
  pair.arrive("client");
  pair.walk(["server RECEIPT"], 3);
  pair.walk(["server RECEIPT"], 1);
  pair.walk(["client ACKNOWLEDGE"], 1);
  pair.walk(["server RECEIPT"], 4);
  pair.walk(["server ERROR"], 2);
  pair.walk(["client ACKNOWLEDGE"], 4);
  pair.walk(["client ACKNOWLEDGE"], 3);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
  pair.walk(["client PUT"], 5);
});

Deno.test("a small file is refused while others go on", () => {
  const pair = new Pair("data");
  pair.send("client STORE", 1);
  pair.arrive("client");
  pair.send("server ERROR", 1);
  pair.send("client DATA", 1);
  pair.send("client STORE", 2);
  pair.send("client DATA", 2);
  pair.arrive("client");
  pair.arrive("server");
  pair.walk(["client STORE", "client DATA"], 3);
  pair.walk(["server RECEIPT", "client ACKNOWLEDGE"], 2);
  pair.walk(["server RECEIPT", "client ACKNOWLEDGE"], 3);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("a chunk that crosses the receipt of an earlier try does no harm", () => {
  const pair = new Pair("data");
  pair.send("client STORE", 1);
  pair.arrive("client");
  pair.send("server RECEIPT", 1);
  pair.send("client DATA", 1);
  pair.arrive("client");
  pair.arrive("server");
  pair.walk(["client ACKNOWLEDGE"], 1);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

Deno.test("a small file has one chunk", () => {
  const server = ready("data", "server");
  walk(server, ["client STORE", "client DATA"], 1);
  assertThrows(() => walk(server, ["client DATA"], 1), ProtocolError);
});

Deno.test("a chunk stands before the next request", () => {
  const states: readonly (readonly Step[])[] = [
    ["client STORE"],
    ["client STORE", "server RECEIPT"],
    ["client STORE", "server ERROR"],
  ];
  for (const steps of states) {
    for (const role of ["client", "server"] as const) {
      for (const request of ["client STORE", "client GET"] as const) {
        const conversation = ready("data", role);
        walk(conversation, steps, 1);
        walk(conversation, [request], 2);
        const error = assertThrows(
          () => walk(conversation, ["client DATA"], 1),
          ProtocolError,
        );
        assertEquals(error.code, "protocol");
        assertEquals(error.fault, role === "client" ? "local" : "remote");
      }
    }
  }
});

Deno.test("as many as may be are open at once, and no more", () => {
  const pair = new Pair("data");
  for (let id = 1; id <= EXCHANGE_COUNT_MAX; id++) {
    pair.walk([id % 2 === 0 ? "client GET" : "client STORE"], id);
  }
  // Answered is not ended.
  pair.walk(["server RECEIPT"], 1);
  const id = EXCHANGE_COUNT_MAX + 1;
  const server = ready("data", "server");
  for (let id = 1; id <= EXCHANGE_COUNT_MAX; id++) {
    walk(server, ["client GET"], id);
  }
  const error = assertThrows(
    () => walk(server, ["client GET"], id),
    ProtocolError,
  );
  assertEquals(error.code, "limit");
  pair.walk(["client ACKNOWLEDGE"], 1);
  pair.walk(["client GET"], id);
  assertEquals(pair.server.open, EXCHANGE_COUNT_MAX);
});

Deno.test("downloads follow each other", () => {
  const pair = new Pair("data");
  for (const id of [1, 2, 3]) pair.send("client GET", id);
  pair.arrive("client");
  pair.walk(["server OPENED", "server DATA", "server END"], 1);
  pair.walk(["server ERROR"], 2);
  pair.walk(["server OPENED", "server END"], 3);
  pair.walk(["client ACKNOWLEDGE"], 3);
  pair.walk(["client ACKNOWLEDGE"], 1);
  assertEquals([pair.client.open, pair.server.open], [0, 0]);
});

const MACHINES: Readonly<Record<string, Machine>> = DATA_EXCHANGES;
const REQUESTS = Object.keys(MACHINES) as (keyof typeof DATA_EXCHANGES)[];

/** A connection on which both ends do whatever they may, in any order. */
class RandomWalk {
  readonly #random: SeededRandom;
  readonly #pair = new Pair("data");
  /** The request of every exchange that was begun. */
  readonly #begun = new Map<number, string>();
  begunMax = 0;
  taken = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** One end sends something, or something arrives. */
  step(): void {
    const role = this.#random.pick(["client", "server"] as const);
    const { [role]: end } = this.#pair;
    this.begunMax = Math.max(this.begunMax, end.open);
    if (this.#random.chance(0.4)) {
      const count = this.#random.integer(0, this.#pair.underWay(role));
      this.#pair.arrive(role, count);
    } else if (role === "client" && this.#random.chance(0.3)) {
      this.#begin();
    } else {
      const steps = this.#allowed(role);
      if (steps.length === 0) return;
      const [id, step] = this.#random.pick(steps);
      this.#pair.send(step, id);
      this.taken++;
    }
  }

  #begin(): void {
    const id = this.#begun.size + 1;
    const open = [...this.#begun].filter(([id]) =>
      this.#isOpen(this.#pair.client.exchangeState(id))
    );
    const request = this.#random.pick(REQUESTS);
    const areAlone = [request, ...open.map(([, request]) => request)]
      .some((request) => !PIPELINED_REQUESTS.has(request as "GET"));
    if (open.length > (areAlone ? 0 : 9)) return;
    this.#begun.set(id, request);
    this.#pair.send(`client ${request}`, id);
  }

  #isOpen(state: string | undefined): boolean {
    return state !== undefined && state !== "refused";
  }

  /** What an end may send by the tables, chunks only of the last request. */
  #allowed(role: Role): [id: number, step: Step][] {
    return [...this.#begun].flatMap(([id, request]) => {
      const state = this.#pair[role].exchangeState(id);
      const steps = Object.keys(MACHINES[request]?.[state ?? ""] ?? {});
      return (steps as Step[])
        .filter((step) => step.startsWith(role))
        .filter((step) => step !== "client DATA" || id === this.#begun.size)
        .map((step): [number, Step] => [id, step]);
    });
  }
}

Deno.test("whatever both ends may send, in whatever order it arrives, neither refuses", () => {
  let begunMax = 0;
  let taken = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const walk = new RandomWalk(new SeededRandom(seed));
    try {
      for (let count = 0; count < 150; count++) walk.step();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    begunMax = Math.max(begunMax, walk.begunMax);
    taken += walk.taken;
  }
  assert(begunMax >= 5, `${begunMax}`);
  assert(taken > 3000, `${taken}`);
});
