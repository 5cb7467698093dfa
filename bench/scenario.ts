/**
 * What the bench can measure, by name.
 *
 * @module
 */

/** One of the things that the bench can measure. */
export interface Scenario {
  /** The first word of the command line. */
  readonly name: string;
  /** What `--help` shows. */
  help(): string;
  /**
   * Measures, and writes what came of it.
   *
   * @param args The words after the name.
   * @param signal Ends it early; it cleans up then.
   */
  run(args: readonly string[], signal: AbortSignal): Promise<void>;
}

/** The command line, taken apart. */
export interface Choice {
  /** The scenario. */
  readonly name: string;
  /** What follows it. */
  readonly rest: readonly string[];
  /** Whether the help of all scenarios is wanted. */
  readonly helpForAll: boolean;
}

/**
 * Finds out which scenario is wanted.
 *
 * @param args The words of the command line.
 * @param names All scenarios; the first one is meant where none is named.
 * @throws {RangeError} if there is no such scenario.
 */
export function chooseScenario(
  args: readonly string[],
  names: readonly [string, ...string[]],
): Choice {
  const [first = ""] = args;
  const isNamed = first !== "" && !first.startsWith("-");
  if (isNamed && !names.includes(first)) {
    throw new RangeError(
      `Cannot measure "${first}": choose from ${names.join(", ")}`,
    );
  }
  return {
    name: isNamed ? first : names[0],
    rest: isNamed ? args.slice(1) : args,
    helpForAll: !isNamed && args.some((word) => /^(--help|-h)$/.test(word)),
  };
}
