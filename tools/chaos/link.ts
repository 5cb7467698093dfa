/**
 * One connection through the proxy: two lines and the two ways between them.
 *
 * @module
 */
import type { Conditions } from "./conditions.ts";
import type { ConnectionState, ConnectionTally } from "./counters.ts";
import { CUT_KINDS, type CutKind, type Direction, isOn } from "./faults.ts";
import { Lane, type LaneOwner } from "./lane.ts";
import type { Line } from "./line.ts";

/** How a connection can end. */
type Ending = Exclude<ConnectionState, "open">;

/** What a link needs. */
export interface LinkOptions {
  /** The client's end. */
  readonly near: Line;
  /** The server's end. */
  readonly far: Line;
  /** What all connections share. */
  readonly conditions: Conditions;
  /** Counts for this connection. */
  readonly tally: ConnectionTally;
  /** A cut has happened that happens to all connections. */
  readonly onCutAll: (kind: CutKind) => void;
}

/** One connection through the proxy. */
export class Link implements LaneOwner {
  readonly conditions: Conditions;
  readonly tally: ConnectionTally;
  readonly #near: Line;
  readonly #far: Line;
  readonly #onCutAll: (kind: CutKind) => void;
  readonly #lanes: readonly Lane[];
  readonly #abort = new AbortController();
  readonly #silent = new Set<Direction>();
  /** Lines that broke while nobody was to learn of it. */
  readonly #lost = new Set<Line>();
  #audible = Promise.withResolvers<void>();
  #ending: Ending | undefined;

  /**
   * Makes a link; {@linkcode Link.run} starts it.
   *
   * @param options What it needs.
   */
  constructor(options: LinkOptions) {
    const { near, far, conditions, tally, onCutAll } = options;
    this.#near = near;
    this.#far = far;
    this.conditions = conditions;
    this.tally = tally;
    this.#onCutAll = onCutAll;
    this.#lanes = [
      new Lane("up", { from: near, to: far }, this),
      new Lane("down", { from: far, to: near }, this),
    ];
  }

  /** Ends everything. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Runs until both ends ended it, or something cut it. */
  async run(): Promise<void> {
    try {
      this.refresh();
      await Promise.all(this.#lanes.map((lane) => lane.run()));
      // A line that broke in silence keeps the other one open.
      if (this.#lost.size > 0 && !this.signal.aborted) {
        await new Promise<void>((resolve) =>
          this.signal.addEventListener("abort", () => resolve())
        );
      }
    } finally {
      this.#finish("ended");
      await Promise.all([this.#near.closed, this.#far.closed]);
    }
  }

  /** Looks at the faults again, for they have changed. */
  refresh(): void {
    if (this.conditions.faults.silence === undefined) this.#endSilence();
    for (const lane of this.#lanes) this.onMoved(lane);
  }

  /** Does to this connection what a cut does. */
  cut(kind: CutKind): void {
    if (this.#ending !== undefined) return;
    if (kind === "silence") return this.#beginSilence();
    this.tally.cut(kind);
    this.#finish(kind === "reset" ? "reset" : "closed");
  }

  /** Closes it without counting that as a fault. */
  close(): void {
    this.#finish("closed");
  }

  isSilent(direction: Direction): boolean {
    return this.#silent.has(direction);
  }

  async whenAudible(direction: Direction): Promise<void> {
    while (this.#silent.has(direction)) {
      await this.#audible.promise;
      this.signal.throwIfAborted();
    }
  }

  onMoved(lane: Lane): void {
    for (const kind of CUT_KINDS) {
      const cut = this.conditions.faults[kind];
      if (cut === undefined || this.#ending !== undefined) continue;
      if (this.conditions.takeTotalCut(kind)) {
        this.#onCutAll(kind);
        continue;
      }
      const at = lane.plan.cutAt(kind);
      if (at === undefined || lane.position < at) continue;
      if (kind === "silence" && this.#silent.size > 0) continue;
      if (this.conditions.takeCut(kind)) this.cut(kind);
    }
  }

  onBroken(line: Line): void {
    if (this.signal.aborted) return;
    const direction = line === this.#near ? "up" : "down";
    if (this.#silent.has(direction)) this.#lost.add(line);
    else this.#finish("broken");
  }

  #beginSilence(): void {
    if (this.#silent.size > 0) return;
    const { silence } = this.conditions.faults;
    for (const { direction } of this.#lanes) {
      if (isOn(silence?.direction, direction)) this.#silent.add(direction);
    }
    this.tally.cut("silence");
  }

  #endSilence(): void {
    this.#silent.clear();
    this.#wake();
    if (this.#lost.size > 0) this.#finish("broken");
  }

  #finish(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    const isReset = ending === "reset" || ending === "broken";
    for (const line of [this.#near, this.#far]) {
      if (isReset) line.reset();
      else line.close();
    }
    this.#abort.abort();
    this.#wake();
    this.tally.ended(ending);
  }

  #wake(): void {
    const { resolve } = this.#audible;
    this.#audible = Promise.withResolvers<void>();
    resolve();
  }
}
