/**
 * What can be wrong with a network, as options.
 *
 * @module
 */

/** A way through the proxy: `up` is from the client to the server. */
export type Direction = "up" | "down";

/** One way, or each way by itself. */
export type Directions = Direction | "both";

/** A number for both ways, or one for each; a way without one has no limit. */
export type EachWay = number | {
  /** From the client to the server. */
  readonly up?: number | undefined;
  /** From the server to the client. */
  readonly down?: number | undefined;
};

/** Bytes go on in tiny pieces. */
export interface Stammer {
  /** Bytes of the largest piece; every size from 1 on is as likely. */
  readonly sizeMax: number;
  /**
   * Milliseconds after each piece.
   *
   * @default {0}
   */
  readonly delay?: number | undefined;
  /**
   * Which way.
   *
   * @default {"both"}
   */
  readonly direction?: Directions | undefined;
}

/** One bit in so many bytes arrives wrong. */
export interface Flip {
  /**
   * Of every so many bytes of one way of one connection exactly one, by chance,
   * has exactly one wrong bit.
   */
  readonly every: number;
  /**
   * Bytes at the beginning of each connection that stay whole.
   *
   * @default {0}
   */
  readonly from?: number | undefined;
  /**
   * Which way.
   *
   * @default {"both"}
   */
  readonly direction?: Directions | undefined;
  /** Only on this connection; the first is 1. */
  readonly connection?: number | undefined;
  /** Flips on each way of each connection at most. */
  readonly times?: number | undefined;
}

/** Something happens at a point in the stream: exactly one of the first three. */
export interface Cut {
  /** When so many bytes went one way of a connection; 0: at once. */
  readonly after?: number | undefined;
  /** When a number of bytes by chance did: the least and the most. */
  readonly between?: readonly [min: number, max: number] | undefined;
  /**
   * When so many bytes went over all connections since this was set, up to one
   * batch (1 MiB) for each of the other connections: it then happens to all that
   * are open. With `times` it comes again after as many more.
   */
  readonly total?: number | undefined;
  /**
   * Which bytes count; of a silence, also which way is silent.
   *
   * @default {"both"}
   */
  readonly direction?: Directions | undefined;
  /** Only on this connection; the first is 1. Not with `total`. */
  readonly connection?: number | undefined;
  /** How often at most, over all connections; without it any number, of `total` 1. */
  readonly times?: number | undefined;
}

/** The kinds of {@linkcode Cut}. */
export type CutKind = "reset" | "close" | "silence";

/** All kinds of {@linkcode Cut}, in the order in which they are looked at. */
export const CUT_KINDS: readonly CutKind[] = ["reset", "close", "silence"];

/** Nobody is let in: the port is closed, connecting fails. */
export interface Refusal {
  /**
   * Milliseconds from now on until it begins.
   *
   * @default {0}
   */
  readonly after?: number | undefined;
  /** Milliseconds that it lasts; without it, for good. */
  readonly lasting?: number | undefined;
}

/** What is wrong with the network; what is `undefined` is right. */
export interface Faults {
  /** Milliseconds that every byte is under way; it does not limit the rate. */
  readonly delay?: EachWay | undefined;
  /** Bytes a second of each connection. */
  readonly rate?: EachWay | undefined;
  /** Bytes a second of all connections together, shared fairly. */
  readonly totalRate?: EachWay | undefined;
  /**
   * Bytes that each way of a connection may have under way at most, for a delay
   * without a rate: with one it is what the link would hold, and 256 KiB.
   *
   * @default {67_108_864}
   */
  readonly buffer?: number | undefined;
  /** Tiny pieces. */
  readonly stammer?: Stammer | undefined;
  /** Wrong bits. */
  readonly flip?: Flip | undefined;
  /**
   * Both ends get a real reset (RST, by a linger time of 0): what was not yet
   * sent is lost.
   */
  readonly reset?: Cut | undefined;
  /** Both ends are closed as by a process that ends: what was written arrives. */
  readonly close?: Cut | undefined;
  /**
   * Half-open silence: nothing arrives any more, neither bytes nor an end nor a
   * reset, and nothing is closed; setting it to `undefined` ends it.
   */
  readonly silence?: Cut | undefined;
  /** Nobody is let in. */
  readonly refuse?: boolean | Refusal | undefined;
  /** Connections at a time; one more is accepted and reset. */
  readonly connectionsMax?: number | undefined;
}

/**
 * The number for one way.
 *
 * @param value For both ways or each.
 * @param direction Which way.
 */
export function oneWay(
  value: EachWay | undefined,
  direction: Direction,
): number | undefined {
  return typeof value === "object" ? value[direction] : value;
}

/**
 * Whether a fault is on a way.
 *
 * @param directions Where the fault is; without it, on both.
 * @param direction The way.
 */
export function isOn(
  directions: Directions | undefined,
  direction: Direction,
): boolean {
  return directions === undefined || directions === "both" ||
    directions === direction;
}

function check(isFine: boolean, what: string, need: string): void {
  if (!isFine) throw new RangeError(`Cannot use ${what}: ${need}`);
}

function checkNumber(value: unknown, what: string, min = 0): void {
  if (value === undefined) return;
  check(
    typeof value === "number" && Number.isFinite(value) && value >= min,
    `${what} ${value}`,
    `it must be a number from ${min} on`,
  );
}

function checkWhole(value: number | undefined, what: string, min = 0): void {
  if (value === undefined) return;
  check(
    Number.isSafeInteger(value) && value >= min,
    `${what} ${value}`,
    `it must be a whole number from ${min} on`,
  );
}

function checkEachWay(
  value: EachWay | undefined,
  what: string,
  checkOne: (value: number | undefined, what: string) => void,
): void {
  checkOne(oneWay(value, "up"), what);
  checkOne(oneWay(value, "down"), what);
}

function checkCut(cut: Cut, kind: CutKind): void {
  const points = [cut.after, cut.between, cut.total];
  check(
    points.filter((point) => point !== undefined).length === 1,
    kind,
    "it needs one of after, between and total",
  );
  checkWhole(cut.after, `${kind} after`);
  checkWhole(cut.between?.[0], `${kind} between`);
  checkWhole(cut.between?.[1], `${kind} between`, cut.between?.[0]);
  checkWhole(cut.total, `${kind} total`, 1);
  checkWhole(cut.connection, `${kind} connection`, 1);
  checkWhole(cut.times, `${kind} times`, 1);
  check(
    cut.total === undefined || cut.connection === undefined,
    `${kind} total with a connection`,
    "it counts the bytes of all",
  );
}

/**
 * Refuses faults that make no sense.
 *
 * @param faults What to look at.
 * @throws {RangeError} with a sentence that says what is wrong.
 */
export function checkFaults(faults: Faults): void {
  checkEachWay(faults.delay, "delay", checkNumber);
  const checkRate = (value: number | undefined, what: string) =>
    checkNumber(value, what, 1);
  checkEachWay(faults.rate, "rate", checkRate);
  checkEachWay(faults.totalRate, "total rate", checkRate);
  checkWhole(faults.buffer, "buffer", 1);
  checkWhole(faults.stammer?.sizeMax, "stammer", 1);
  checkNumber(faults.stammer?.delay, "stammer delay");
  checkWhole(faults.flip?.every, "flip every", 1);
  checkWhole(faults.flip?.from, "flip from");
  checkWhole(faults.flip?.connection, "flip connection", 1);
  checkWhole(faults.flip?.times, "flip times", 1);
  for (const kind of CUT_KINDS) {
    const cut = faults[kind];
    if (cut !== undefined) checkCut(cut, kind);
  }
  if (typeof faults.refuse === "object") {
    checkNumber(faults.refuse.after, "refuse after");
    checkNumber(faults.refuse.lasting, "refuse for");
  }
  checkWhole(faults.connectionsMax, "connections at most");
}
