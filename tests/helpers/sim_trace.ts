/**
 * What happened in a simulation, in order: a hash over all of it, so that two
 * runs can be compared, and the last lines, for who reads a failure.
 *
 * @module
 */

/** Lines kept for a report: what two or three operations make. */
const RECENT_LINES = 160;

/** Collects lines. */
export class SimTrace {
  readonly #recent: string[] = [];
  readonly #now: () => number;
  #low = 0x811c_9dc5;
  #high = 0x1234_5678;
  #count = 0;

  /** @param now The virtual time, which every line begins with. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds a line. */
  note(text: string): void {
    const line = `${this.#now().toFixed(3)} ${text}`;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      // FNV-1a, twice, each with a start of its own.
      this.#low = Math.imul(this.#low ^ code, 0x0100_0193);
      this.#high = Math.imul(this.#high ^ code, 0x0100_01b3) + at;
    }
    this.#count++;
    this.#recent.push(line);
    if (this.#recent.length > 2 * RECENT_LINES) {
      this.#recent.splice(0, RECENT_LINES);
    }
  }

  /** How many lines there were. */
  get count(): number {
    return this.#count;
  }

  /** The same for the same lines. */
  get hash(): string {
    return [this.#low, this.#high, this.#count]
      .map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** The last lines. */
  get recent(): readonly string[] {
    return this.#recent.slice(-RECENT_LINES);
  }
}
