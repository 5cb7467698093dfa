import { createHash } from "node:crypto";
import type { Derive } from "../../lib/accounts/mod.ts";

/** A stand-in for scrypt that costs nothing, and counts what is asked of it. */
export class QuickDerive {
  /** What every call had to cost, as `ln`. */
  readonly calls: number[] = [];
  /** How many ran at once, at the most. */
  most = 0;
  #running = 0;

  readonly derive: Derive = async (password, salt, { ln, r, p }) => {
    this.calls.push(ln);
    this.most = Math.max(this.most, ++this.#running);
    // Long enough for others to begin, if they may.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    this.#running--;
    const hash = createHash("sha256").update(password.normalize("NFC"))
      .update(salt).update(`${ln} ${r} ${p}`).digest();
    return new Uint8Array(hash);
  };
}
