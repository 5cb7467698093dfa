/**
 * Every state machine of the protocol, as data. Two rules hold here: every
 * transition of every machine stands in this file, and no machine knows which
 * role this program plays: both ends walk the same table, each through what it
 * sends and what it receives. A missing entry *is* the protocol error.
 *
 * There is one machine for each kind of connection and one for each kind of
 * exchange. An exchange begins with the client's request, under an id that was
 * never used before in the session, and is over in state `over`.
 *
 * Three states tolerate what was on its way when the other end moved on: `listed`
 * takes credit for a listing that has ended, `refused` takes what the client
 * still sent of an exchange that the server has refused, and `settled` the chunk
 * of a small file that was settled before. Everywhere else nothing can cross: an
 * end speaks of its own accord only where the other waits. `CANCEL` stands in no
 * machine: it names an exchange of any connection of the session, ended ones
 * included, and asks the server to end it with `ERROR`.
 *
 * @module
 */

import { WANT_COUNT_MAX } from "./limits.ts";
import type { ConnectionKind, FrameType, Role } from "./messages.ts";

/** Who sends what, such as `client PUT`. */
export type Step = `${Role} ${FrameType}`;

/** State → step → next state. */
export type Machine = Readonly<
  Record<string, Readonly<Partial<Record<Step, string>>>>
>;

/**
 * The machine of each kind of connection; begins in `start`, where the end that
 * has dialled speaks: the server if it is `DIALLED`.
 */
export const CONNECTION_MACHINES: Readonly<Record<ConnectionKind, Machine>> = {
  control: {
    start: { "client HELLO": "greeting", "server FAIL": "closed" },
    greeting: { "server GREETING": "greeted", "server FAIL": "closed" },
    greeted: {
      "client LOGIN": "checking",
      "client FAIL": "closed",
      "server FAIL": "closed",
    },
    checking: {
      "server READY": "ready",
      "server FAIL": "closed",
      "client FAIL": "closed",
    },
    ready: {
      "client PING": "ready",
      "client PONG": "ready",
      "server PING": "ready",
      "server PONG": "ready",
      "server GOODBYE": "draining",
      "client GOODBYE": "leaving",
      "client FAIL": "closed",
      "server FAIL": "closed",
    },
    draining: {
      "client PING": "draining",
      "client PONG": "draining",
      "server PING": "draining",
      "server PONG": "draining",
      "client GOODBYE": "leaving",
      "client FAIL": "closed",
      "server FAIL": "closed",
    },
    leaving: {
      "server PING": "leaving",
      "server PONG": "leaving",
      "server GOODBYE": "leaving",
      "server FAIL": "closed",
    },
    closed: {},
  },
  data: {
    start: {
      "client ATTACH": "attaching",
      "server DIALLED": "dialled",
      "server FAIL": "closed",
    },
    dialled: {
      "client ATTACH": "attaching",
      "client FAIL": "closed",
      "server FAIL": "closed",
    },
    attaching: { "server ATTACHED": "ready", "server FAIL": "closed" },
    ready: { "client FAIL": "closed", "server FAIL": "closed" },
    closed: {},
  },
};

/** Connection states in which exchanges may run. */
export const EXCHANGE_STATES: ReadonlySet<string> = new Set([
  "ready",
  "draining",
]);

/** One request, one answer. */
function question(request: FrameType, answer: FrameType): Machine {
  return {
    start: { [`client ${request}`]: "asked" },
    asked: { [`server ${answer}`]: "over", "server ERROR": "over" },
    over: {},
  };
}

/**
 * A `FETCH`, whose state says how many answers the server owes: it speaks only
 * where it owes one, and the client ends the exchange only where it owes none,
 * so that nothing is under way when it does.
 */
function fetching(): Machine {
  const states: Record<string, Machine[string]> = {
    start: { "client FETCH": "asked" },
    asked: { "server OPENED": "open", "server ERROR": "over" },
  };
  const owing = (count: number) => count === 0 ? "open" : `owing${count}`;
  for (let count = 0; count <= WANT_COUNT_MAX; count++) {
    const state = owing(count);
    const more = owing(count + 1);
    states[state] = {
      ...count < WANT_COUNT_MAX &&
        { "client WANT": more, "client SUMS": more },
      ...count === 0 ? { "client ACKNOWLEDGE": "over" } : {
        "server DATA": state,
        "server HAVE": state,
        "server SENT": owing(count - 1),
        "server ERROR": "refused",
      },
    };
  }
  return {
    ...states,
    refused: { "client WANT": "refused", "client SUMS": "refused" },
    over: {},
  };
}

/** The machine of each exchange on the control connection, by its request. */
export const CONTROL_EXCHANGES = {
  GRANT: question("GRANT", "GRANTED"),
  STAT: question("STAT", "ENTRY"),
  MAKE_DIRECTORY: question("MAKE_DIRECTORY", "DONE"),
  REMOVE: question("REMOVE", "DONE"),
  RENAME: question("RENAME", "DONE"),
  SPACE: question("SPACE", "SPACE_LEFT"),
  SET_ATTRIBUTES: question("SET_ATTRIBUTES", "DONE"),
  DIAL: question("DIAL", "DONE"),
  LIST: {
    start: { "client LIST": "listing" },
    listing: {
      "server PAGE": "listing",
      "client MORE": "listing",
      "server DONE": "listed",
      "server ERROR": "listed",
    },
    listed: { "client MORE": "listed" },
  },
} as const satisfies Readonly<Record<string, Machine>>;

/** The machine of each exchange on a data connection, by its request. */
export const DATA_EXCHANGES = {
  PUT: {
    start: { "client PUT": "asked" },
    asked: {
      "server HAVE": "asked",
      "server PROGRESS": "asked",
      "server OPENED": "sending",
      "server RECEIPT": "settled",
      "server ERROR": "refused",
    },
    sending: {
      "client DATA": "sending",
      "client END": "committing",
      "server PROGRESS": "sending",
      "server ERROR": "refused",
    },
    committing: {
      "server PROGRESS": "committing",
      "server AGAIN": "sending",
      "server RECEIPT": "settled",
      "server ERROR": "refused",
    },
    settled: { "client ACKNOWLEDGE": "over" },
    refused: { "client DATA": "refused", "client END": "refused" },
    over: {},
  },
  GET: {
    start: { "client GET": "asked" },
    asked: { "server OPENED": "sending", "server ERROR": "over" },
    sending: {
      "server DATA": "sending",
      "server END": "delivered",
      "server ERROR": "over",
    },
    delivered: { "client ACKNOWLEDGE": "over", "client WANT": "repairing" },
    repairing: {
      "server DATA": "repairing",
      "server SENT": "delivered",
      "server ERROR": "over",
    },
    over: {},
  },
  STORE: {
    start: { "client STORE": "storing" },
    storing: {
      "client DATA": "stored",
      "server PROGRESS": "storing",
      "server RECEIPT": "settled",
      "server ERROR": "refused",
    },
    stored: {
      "server PROGRESS": "stored",
      "server RECEIPT": "settled",
      "server ERROR": "refused",
    },
    settled: { "client DATA": "settled", "client ACKNOWLEDGE": "over" },
    refused: { "client DATA": "refused" },
    over: {},
  },
  FETCH: fetching(),
  JOIN: {
    start: { "client JOIN": "asked" },
    asked: { "server OPENED": "joined", "server ERROR": "refused" },
    joined: {
      "client DATA": "sending",
      "client FLUSH": "flushing",
      "client ACKNOWLEDGE": "over",
    },
    sending: {
      "client DATA": "sending",
      "client FLUSH": "flushing",
      "server ERROR": "refused",
    },
    flushing: {
      "server PROGRESS": "flushing",
      "server FLUSHED": "joined",
      "server ERROR": "refused",
    },
    refused: { "client DATA": "refused", "client FLUSH": "refused" },
    over: {},
  },
} as const satisfies Readonly<Record<string, Machine>>;

/** The exchanges that may begin on each kind of connection. */
export const EXCHANGE_MACHINES: Readonly<
  Record<ConnectionKind, Readonly<Partial<Record<FrameType, Machine>>>>
> = { control: CONTROL_EXCHANGES, data: DATA_EXCHANGES };

/**
 * States of an exchange that no longer counts as open, though frames of it may
 * still come: they were sent before their sender knew.
 */
export const ENDED_STATES: ReadonlySet<string> = new Set([
  "over",
  "listed",
  "refused",
]);

/**
 * Requests that may follow each other on a data connection without waiting for
 * answers. What the client sends of its own accord of one, the request and its
 * chunk, stands before the next; what it says to an answer (`ACKNOWLEDGE`,
 * `WANT`) stands wherever it is due.
 */
export const PIPELINED_REQUESTS: ReadonlySet<FrameType> = new Set([
  "GET",
  "STORE",
]);
