/**
 * A way for one loop to wait for what another does.
 *
 * @module
 */

/** Something that happens again and again. */
export class Latch {
  #next = Promise.withResolvers<void>();

  /** Resolves when {@linkcode Latch.notify} is called next. */
  wait(): Promise<void> {
    return this.#next.promise;
  }

  /** Lets go of everybody who waits. */
  notify(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
