/**
 * Mutants of the shipping code: each breaks one step of the commit, and must be
 * caught by the simulation.
 *
 * @module
 */
import type { SourceEdit } from "../helpers/sim_library.ts";

/** A way to be wrong. */
export interface Mutant {
  /** What is wrong. */
  readonly name: string;
  /** What must go wrong for it to show; by default each seed decides. */
  readonly theme?: string;
  /** How to get there. */
  readonly edits: readonly SourceEdit[];
}

const RECEIVING = "lib/storage/receiving.ts";

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "no file fsync",
    edits: [{
      file: RECEIVING,
      find: "if (this.#isDurable) await this.#parts.data.sync();",
      replace: "",
    }],
  },
  {
    name: "no directory fsync",
    edits: [{
      file: "lib/storage/durable_directories.ts",
      find: "if (!await this.#disk.syncDirectory(directory)) return false;",
      replace: "",
    }],
  },
  {
    name: "rename before fsync",
    edits: [{
      file: RECEIVING,
      find: "await this.#syncData(); // before it gets its name",
      replace: "",
    }, {
      file: RECEIVING,
      find: 'await this.#step("published");',
      replace: 'await this.#step("published"); await this.#syncData();',
    }],
  },
  {
    name: "verification skipped",
    edits: [{
      file: RECEIVING,
      find: "if (crc32(bytes) !== checksum) {",
      replace: "if (Number.isNaN(checksum)) {",
    }],
  },
  {
    name: "map written before its data",
    edits: [{
      file: RECEIVING,
      find: "await this.#syncData(); // before the map speaks of it",
      replace: "",
    }, {
      file: RECEIVING,
      find: "await this.#parts.journal.sync();",
      replace: "await this.#parts.journal.sync(); await this.#syncData();",
    }],
  },
  {
    name: "failed fsync tried again",
    edits: [{
      file: RECEIVING,
      find: "await this.#parts.data.sync();",
      replace:
        "await this.#parts.data.sync().catch(() => this.#parts.data.sync());",
    }],
  },
  {
    name: "outcome forgotten",
    edits: [{
      file: "lib/storage/commit_engine.ts",
      find: 'if (leftover.kind === "settled") {',
      replace: "if (leftover.kind !== leftover.kind) {",
    }],
  },
  {
    name: "a changed source is spliced",
    theme: "kills",
    edits: [{
      file: "lib/client/upload_record.ts",
      find: "const renewed = { ...record, identity, isSourceSame: false };",
      replace: "const renewed = { ...record, identity };",
    }],
  },
];
