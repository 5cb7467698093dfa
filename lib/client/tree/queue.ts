/**
 * A queue between who lists and who moves: bounded, so that a listing never
 * runs far ahead.
 *
 * @module
 */

/** A queue with room for so many items. */
export class BoundedQueue<T> {
  readonly #items: T[] = [];
  readonly #room: number;
  readonly #takers: Array<(item: T | undefined) => void> = [];
  #makeRoom: Array<() => void> = [];
  #isClosed = false;

  /** @param room How many items it holds. */
  constructor(room: number) {
    this.#room = room;
  }

  /** Items that nobody has taken. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds an item; waits while there is no room. After the end it is dropped. */
  async push(item: T): Promise<void> {
    while (this.#items.length >= this.#room && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#makeRoom.push(resolve));
    }
    if (this.#isClosed) return;
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  /** Takes the first item; waits for one. `undefined` after the end. */
  async take(): Promise<T | undefined> {
    const item = this.takeIf(() => true);
    if (item !== undefined || this.#isClosed) return item;
    return await new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Takes the first item if there is one and it is as asked. */
  takeIf(isWanted: (item: T) => boolean): T | undefined {
    const item = this.#items[0];
    if (item === undefined || !isWanted(item)) return undefined;
    this.#items.shift();
    this.#makeRoom.shift()?.();
    return item;
  }

  /** Nothing more comes; what is there can still be taken. */
  close(): void {
    this.#isClosed = true;
    for (const taker of this.#takers.splice(0)) taker(undefined);
    for (const wake of this.#makeRoom.splice(0)) wake();
  }
}
