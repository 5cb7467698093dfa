/**
 * The configuration file of `ferryd`: JSON with comments. Every option of the
 * command line is a setting of the same name in camel case, read by the same
 * rules, so that the two cannot drift.
 *
 * @module
 */

import {
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { SERVER_LIMIT_TABLE, type ServerLimits } from "../server/mod.ts";
import { quoteName } from "./escape.ts";
import { config as text } from "./config_messages.ts";
import { nearest } from "./nearest.ts";
import type { AnyOption } from "./option.ts";
import { UsageError } from "./usage_error.ts";

/** Bytes of a file beyond which it is no configuration. */
export const CONFIG_SIZE_MAX = 1_048_576;

/** The setting for the folder to serve, which the command line has as an operand. */
export const ROOT_KEY = "root";

/** The setting for what has no option: {@linkcode ServerLimits}. */
export const LIMITS_KEY = "limits";

/** The setting that holds the address of the schema, for editors. */
export const SCHEMA_KEY = "$schema";

/** What a configuration file says. */
export interface Config {
  /** The values of options that it sets. */
  readonly values: ReadonlyMap<AnyOption, unknown>;
  /** The folder to serve, if it says. */
  readonly root: string | undefined;
  /** The limits that it sets. */
  readonly limits: Partial<ServerLimits>;
}

/** How a setting is called: the name of its option in camel case. */
export function settingName({ name }: AnyOption): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A configuration that makes no sense: says which file, line and key. */
class Reader {
  readonly #content: string;
  readonly #file: string;

  constructor(content: string, file: string) {
    this.#content = content;
    this.#file = file;
  }

  /** The error at a place of the file. */
  problem(offset: number, message: string): UsageError {
    const line = this.#content.slice(0, offset).split("\n").length;
    return new UsageError(text.at(this.#file, line, message));
  }

  /** The keys and values of an object; a key twice is an error. */
  *entries(
    node: Node,
    what: string,
  ): Iterable<
    { readonly key: Node; readonly name: string; readonly value: Node }
  > {
    if (node.type !== "object") {
      throw this.problem(node.offset, text.notObject(what));
    }
    const seen = new Set<string>();
    for (const { children = [], offset } of node.children ?? []) {
      const [key, value] = children;
      if (key === undefined || value === undefined) {
        throw this.problem(offset, text.noValue);
      }
      const name = String(key.value);
      if (seen.has(name)) throw this.problem(key.offset, text.twice(name));
      seen.add(name);
      yield { key, name, value };
    }
  }
}

/** The words for the parser of the option that a value of JSON stands for. */
function wordsOf(option: AnyOption, node: Node): readonly string[] | undefined {
  const value: unknown = getNodeValue(node);
  if (option.placeholder === undefined) {
    return typeof value === "boolean" ? (value ? [""] : []) : undefined;
  }
  if (option.isRepeated) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const isText = list.every((word) => typeof word === "string");
    return isText ? list as readonly string[] : undefined;
  }
  if (option.isNumber && typeof value === "number") return [String(value)];
  return typeof value === "string" ? [value] : undefined;
}

function readOption(reader: Reader, option: AnyOption, node: Node): unknown {
  const words = wordsOf(option, node);
  const key = settingName(option);
  if (words === undefined) {
    throw reader.problem(node.offset, text.wrongType(key, kindOf(option)));
  }
  try {
    let value: unknown = option.fallback;
    for (const word of words) value = option.read(word, value);
    return value;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw reader.problem(node.offset, `${quoteName(key)}: ${error.message}`);
  }
}

/** What a setting must be, in words. */
function kindOf({ placeholder, isRepeated, isNumber }: AnyOption): string {
  if (placeholder === undefined) return "true or false";
  if (isRepeated) return "a list of strings";
  return isNumber ? "a number" : "a string";
}

function readLimits(reader: Reader, node: Node): Partial<ServerLimits> {
  const limits: Record<string, number> = {};
  const names = Object.keys(SERVER_LIMIT_TABLE);
  for (const { key, name, value } of reader.entries(node, LIMITS_KEY)) {
    if (!names.includes(name)) {
      throw reader.problem(
        key.offset,
        text.unknown(name, nearest(name, names)),
      );
    }
    const number: unknown = getNodeValue(value);
    const isLimit = typeof number === "number" && number >= 0 &&
      Number.isSafeInteger(number);
    if (!isLimit) {
      throw reader.problem(
        value.offset,
        text.wrongType(name, "a whole number"),
      );
    }
    limits[name] = number;
  }
  return limits;
}

/**
 * Reads a configuration.
 *
 * @param content The content of the file.
 * @param file Its name, for messages.
 * @param options The options that are settings.
 * @throws {UsageError} that names file, line and key, if anything in it makes no
 * sense: half a configuration is none.
 */
export function readConfig(
  content: string,
  file: string,
  options: readonly AnyOption[],
): Config {
  const reader = new Reader(content, file);
  const errors: ParseError[] = [];
  const tree = parseTree(content, errors, { allowTrailingComma: true });
  if (tree === undefined) throw reader.problem(0, text.empty);
  const [first] = errors;
  if (first !== undefined) {
    const code = printParseErrorCode(first.error);
    throw reader.problem(first.offset, text.notJson(code));
  }
  const byName = new Map(
    options.map((option) => [settingName(option), option]),
  );
  const names = [...byName.keys(), ROOT_KEY, LIMITS_KEY, SCHEMA_KEY];
  const values = new Map<AnyOption, unknown>();
  let root: string | undefined;
  let limits: Partial<ServerLimits> = {};
  for (const { key, name, value } of reader.entries(tree, "the file")) {
    const option = byName.get(name);
    if (option !== undefined) {
      values.set(option, readOption(reader, option, value));
    } else if (name === LIMITS_KEY) limits = readLimits(reader, value);
    else if (name === ROOT_KEY || name === SCHEMA_KEY) {
      const given: unknown = getNodeValue(value);
      if (typeof given !== "string" || given === "") {
        throw reader.problem(value.offset, text.wrongType(name, "a string"));
      }
      if (name === ROOT_KEY) root = given;
    } else {
      throw reader.problem(
        key.offset,
        text.unknown(name, nearest(name, names)),
      );
    }
  }
  return { values, root, limits };
}
