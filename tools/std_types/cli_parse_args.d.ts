/**
 * What Ferry uses of `@std/cli/parse-args`. JSR serves types that infer each
 * flag's type; here a flag is `unknown`, so it has to be narrowed in any case.
 *
 * @module
 */

export interface ParseOptions {
  "--"?: boolean;
  alias?: Record<string, string | readonly string[]>;
  boolean?: boolean | string | readonly string[];
  collect?: string | readonly string[];
  default?: Record<string, unknown>;
  negatable?: string | readonly string[];
  stopEarly?: boolean;
  string?: string | readonly string[];
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

export interface Args {
  _: Array<string | number>;
  "--"?: string[];
  [name: string]: unknown;
}

export function parseArgs(args: string[], options?: ParseOptions): Args;
