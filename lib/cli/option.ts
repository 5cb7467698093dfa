/**
 * What an option is. Each is declared once, as a value of {@linkcode Option}:
 * the parser, the help and the commands all go by that one value.
 *
 * @module
 */

import { filterProblem } from "../client/plain.ts";
import { usage } from "./messages.ts";
import { UsageError } from "./usage_error.ts";

/** Where a name is looked up: in the server's tree or on this machine. */
export type NameSide = "remote" | "local";

/** One option of a command line. */
export interface Option<T> {
  /** The long name, without dashes. */
  readonly name: string;
  /** Letters that are short for it. */
  readonly short?: string;
  /** How the help calls its value; an option without one is a flag. */
  readonly placeholder?: string;
  /** Where its value is looked up, if that is a name. */
  readonly names?: NameSide;
  /** What it does, for the help. */
  readonly help: string;
  /** The only words that make sense, where there are few. */
  readonly words?: readonly string[];
  /** Whether a configuration file may say it as a number. */
  readonly isNumber?: boolean;
  /** Whether it may be given several times. */
  readonly isRepeated?: boolean;
  /** Its value where it is not given. */
  readonly fallback: T;
  /**
   * Takes what was given; `previous` is the value so far, for options that may
   * be repeated.
   *
   * @throws {UsageError} if the value makes no sense.
   */
  readonly read: (text: string, previous: T) => T;
}

/** Any option, where the type of its value does not matter. */
// deno-lint-ignore no-explicit-any -- Option is invariant in T, so no safe type holds all
export type AnyOption = Option<any>;

/** An option that is there or is not. */
export function flag(
  name: string,
  short: string,
  help: string,
): Option<boolean> {
  return { name, short, help, fallback: false, read: () => true };
}

/** An option with one of a few words, or with `fallback` if it is not given. */
export function choice<T extends string, F extends T | undefined>(
  name: string,
  words: readonly T[],
  settings: {
    readonly fallback: F;
    readonly help: string;
    /** Why a word that people may try is none of them. */
    readonly refused?: Readonly<Record<string, string>>;
  },
): Option<T | F> {
  return {
    name,
    placeholder: words.join("|"),
    words,
    help: settings.help,
    fallback: settings.fallback,
    read(text): T {
      const word = words.find((candidate) => candidate === text);
      if (word !== undefined) return word;
      const reason = settings.refused?.[text];
      throw new UsageError(reason ?? usage.badChoice(`--${name}`, text, words));
    },
  };
}

/** An option with any text. */
export function text(
  name: string,
  short: string,
  settings: {
    readonly placeholder: string;
    readonly names?: NameSide;
    readonly help: string;
  },
): Option<string | undefined> {
  return {
    name,
    short,
    ...settings,
    fallback: undefined,
    read(value): string {
      if (value === "") throw new UsageError(usage.emptyValue(`--${name}`));
      return value;
    },
  };
}

/** An option with patterns for names, which may be repeated. */
export function patterns(
  name: string,
  help: string,
): Option<readonly string[]> {
  return {
    name,
    placeholder: "PATTERN",
    help,
    isRepeated: true,
    fallback: [],
    read(value, previous): readonly string[] {
      const problem = filterProblem(value);
      if (problem === undefined) return [...previous, value];
      throw new UsageError(usage.badPattern(`--${name}`, value, problem));
    },
  };
}

/** Seconds that timers can wait: 24 days would overflow them; a day is plenty. */
const SECONDS_MAX = 86_400;

/** An option with a time in seconds, read as milliseconds. */
export function seconds<T extends number | undefined>(
  name: string,
  settings: {
    readonly fallback: T;
    readonly help: string;
    /** The shortest that makes sense, in seconds. */
    readonly min: number;
  },
): Option<T | number> {
  return {
    name,
    placeholder: "SECONDS",
    isNumber: true,
    help: settings.help,
    fallback: settings.fallback,
    read(value): number {
      const parsed = /^\d{1,6}(\.\d{1,3})?$/.test(value) ? Number(value) : NaN;
      if (parsed >= settings.min && parsed <= SECONDS_MAX) {
        return Math.round(parsed * 1000);
      }
      throw new UsageError(
        usage.badSeconds(`--${name}`, value, settings.min, SECONDS_MAX),
      );
    },
  };
}

/** An option with a whole number, or with a word that stands for one. */
export function count<W extends string = never>(
  name: string,
  settings: {
    readonly help: string;
    readonly min: number;
    readonly max: number;
    /** What may be said instead of a number. */
    readonly word?: W;
    /** How the help calls the number. @default {"N"} */
    readonly placeholder?: string;
  },
): Option<number | W | undefined> {
  const { help, min, max, word, placeholder = "N" } = settings;
  return {
    name,
    placeholder: word === undefined ? placeholder : `${placeholder}|${word}`,
    isNumber: true,
    help,
    fallback: undefined,
    read(value): number | W {
      if (value === word) return word;
      const parsed = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
      if (parsed >= min && parsed <= max) return parsed;
      throw new UsageError(
        usage.badCount(`--${name}`, value, { min, max, word }),
      );
    },
  };
}

/** Least rate that makes sense: below it, every server counts a client as gone. */
const RATE_MIN = 1024;
const SIZE_REGEXP = /^(\d{1,12}(?:\.\d{1,3})?)(?:([KMGT])(?:iB)?|B)?$/i;

/** Bytes, as in `500K`, `1.5MiB` and `77`; NaN if it is none. */
function readSize(value: string): number {
  const [, digits = "NaN", unit = ""] = SIZE_REGEXP.exec(value) ?? [];
  const exponent = " KMGT".indexOf(unit.toUpperCase() || " ");
  const bytes = Math.round(Number(digits) * 1024 ** exponent);
  return Number.isSafeInteger(bytes) ? bytes : NaN;
}

/** An option with bytes: `500M`, `1.5GiB`. */
export function size(name: string, help: string): Option<number | undefined> {
  return {
    name,
    placeholder: "SIZE",
    help,
    fallback: undefined,
    read(value): number {
      const bytes = readSize(value);
      if (!Number.isNaN(bytes)) return bytes;
      throw new UsageError(usage.badSize(`--${name}`, value));
    },
  };
}

/** An option with bytes a second: `500K`, `1.5MiB`, `2GiB/s`. */
export function rate(name: string, help: string): Option<number | undefined> {
  return {
    name,
    placeholder: "RATE",
    help,
    fallback: undefined,
    read(value): number {
      const bytes = readSize(value.replace(/\/s$/i, ""));
      if (bytes >= RATE_MIN) return bytes;
      throw new UsageError(usage.badRate(`--${name}`, value));
    },
  };
}
