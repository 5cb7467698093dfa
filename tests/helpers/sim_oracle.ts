/**
 * What a tree of files may hold, given what was tried on it and what came of
 * that. It knows nothing of how Ferry works.
 *
 * @module
 */

/** Identifies a whole content: its size and CRC-32. */
export type ContentKey = string;

/** What a name holds that is not there. */
export const ABSENT = "absent";

/** What is known of a name for sure. */
export interface Certainty {
  /** The content, or {@linkcode ABSENT}. */
  readonly key: ContentKey;
  /** Whether a loss of power must not change it. */
  readonly durable: boolean;
}

/** Something that is tried on the tree. */
export interface Attempt {
  /** Contents that names may get by it, also under a number. */
  readonly adds?: readonly {
    readonly path: string;
    readonly key: ContentKey;
  }[];
  /** Names that may get the content of others. */
  readonly moves?: readonly { readonly from: string; readonly to: string }[];
  /** Names, with all below them, that may change. */
  readonly touches: readonly string[];
  /** Of those, names that must stay as they are as long as they are not free. */
  readonly spares?: readonly string[];
  /** Names, with all below them, that may be free for a moment. */
  readonly frees?: readonly string[];
  /** The name of whose content a loss of power may make anything: durability `none`. */
  readonly soft?: string | undefined;
}

/** A thing that was tried. */
export interface Trial {
  readonly attempt: Attempt;
  readonly start: number;
  /** When it could do no more; `undefined` while it may. */
  end: number | undefined;
}

/** One tree. */
export class Oracle {
  readonly #watched = new Set<string>();
  readonly #trials: Trial[] = [];
  readonly #certain = new Map<string, Certainty>();
  readonly #created = new Map<string, Trial>();
  readonly #tainted = new Set<string>();
  readonly #loans: {
    readonly family: string;
    readonly other: Oracle;
    readonly from: string;
  }[] = [];
  #sequence = 0;
  #powerLost = 0;

  /** Speaks of files only: of these names, which are free, and of their numbered kin. */
  watch(paths: readonly string[]): void {
    for (const path of paths) {
      this.#watched.add(path);
      this.#certain.set(path, { key: ABSENT, durable: true });
    }
  }

  /** What is certain of a name. */
  certainOf(path: string): Certainty | undefined {
    return this.#certain.get(path);
  }

  /** Every name of which something is certain. */
  get certainties(): Iterable<readonly [path: string, known: Certainty]> {
    return this.#certain;
  }

  /** Notes that something is being tried. */
  begin(attempt: Attempt): Trial {
    const trial: Trial = {
      attempt,
      start: ++this.#sequence,
      end: undefined,
    };
    for (const path of [...this.#certain.keys()]) {
      if (attempt.spares?.includes(path)) continue;
      if (covers(attempt.touches, path)) this.#certain.delete(path);
    }
    this.#trials.push(trial);
    return trial;
  }

  /** Notes that a trial can do no more. */
  end(trial: Trial): void {
    trial.end ??= ++this.#sequence;
  }

  /** Whether nothing else could change a name since a trial began. */
  undisturbed(path: string, trial: Trial): boolean {
    return this.#trials.every((other) =>
      other === trial || !covers(other.attempt.touches, path) ||
      other.end !== undefined && other.end < trial.start
    );
  }

  /** Whether the power was never lost since a trial began. */
  powered(trial: Trial): boolean {
    return this.#powerLost < trial.start;
  }

  /** Notes what a name holds after a trial, unless others were at it too. */
  settle(path: string, known: Certainty, trial: Trial): void {
    if (!this.#watched.has(familyOf(path))) return;
    if (!known.durable && this.#powerLost > trial.start) return;
    if (this.undisturbed(path, trial)) this.#certain.set(path, known);
  }

  /**
   * Notes that a trial found a name free and took it.
   *
   * @returns The earlier trial that took the same name, if nobody can have freed
   * it in between.
   */
  take(path: string, trial: Trial): Trial | undefined {
    const before = this.#created.get(path);
    if (trial.attempt.soft !== undefined && this.#powerLost > trial.start) {
      return undefined;
    }
    this.#created.set(path, trial);
    if (before === undefined) return undefined;
    // A receipt may come late: this name may have been taken before the other.
    const since = Math.min(before.start, trial.start);
    const freed = this.#trials.some(({ attempt, end }) =>
      covers(attempt.frees ?? [], path) &&
      (end === undefined || end >= since)
    );
    return freed ? undefined : before;
  }

  /** Whether a name may hold a content: one that was put there, or where it came from. */
  allows(path: string, key: ContentKey): boolean {
    const families = this.#sourcesOf(familyOf(path));
    return [...families].some((family) =>
      this.#tainted.has(family) ||
      this.#trials.some(({ attempt }) =>
        attempt.adds?.some((add) =>
          familyOf(add.path) === family && add.key === key
        )
      ) ||
      this.#loans.some(({ family: lent, other, from }) =>
        lent === family && other.allows(from, key)
      )
    );
  }

  /** Notes that a name may get whatever a name of another tree may hold. */
  borrow(path: string, other: Oracle, from: string): void {
    this.#loans.push({ family: familyOf(path), other, from });
  }

  /** The power was lost: what was not durable is anything. */
  powerLost(): void {
    this.#powerLost = ++this.#sequence;
    for (const { attempt } of this.#trials) {
      if (attempt.soft !== undefined) this.#tainted.add(familyOf(attempt.soft));
    }
    for (const [path, { durable }] of [...this.#certain]) {
      if (!durable) this.#certain.delete(path);
    }
    for (const [path, { attempt }] of [...this.#created]) {
      if (attempt.soft !== undefined) this.#created.delete(path);
    }
  }

  /** A family, and those that its contents may have come from by renames. */
  #sourcesOf(family: string): ReadonlySet<string> {
    const found = new Set([family]);
    for (const each of found) {
      for (const { attempt } of this.#trials) {
        for (const { from, to } of attempt.moves ?? []) {
          const target = familyOf(to);
          if (each !== target && !each.startsWith(`${target}/`)) continue;
          found.add(familyOf(from) + each.slice(target.length));
        }
      }
      if (found.size > FAMILIES_MAX) break;
    }
    return found;
  }
}

/** More than any scenario has: renames in a circle end there. */
const FAMILIES_MAX = 200;

/** A path without the numbers that policy `rename` adds. */
export function familyOf(path: string): string {
  return path.split("/").map((name) => name.replace(/-\d+(?=\.[^.]*$|$)/, ""))
    .join("/");
}

function covers(paths: readonly string[], path: string): boolean {
  return paths.some((each) => path === each || path.startsWith(`${each}/`));
}
