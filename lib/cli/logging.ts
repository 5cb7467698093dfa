/**
 * Where log records go: to stderr, as text for people or as JSON lines for
 * machines. No record can forge another one, or reach a terminal.
 *
 * @module
 */

import {
  configure,
  type LogLevel,
  type LogRecord,
  reset,
} from "@logtape/logtape";
import type { Environment, Output } from "./environment.ts";
import { escapeText, jsonLine } from "./escape.ts";
import { stackOf } from "./stack.ts";

/** What a log shows, and how. */
export interface LoggingOptions {
  /** The least important level that is shown. */
  readonly level: LogLevel;
  /** How a record looks. */
  readonly format: "text" | "json";
}

/** What values look like that JSON has no form for. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return value;
}

const BARE_PATTERN = /^[\w.:/@[\]-]+$/;

function textValue(value: unknown): string {
  if (typeof value === "string" && BARE_PATTERN.test(value)) return value;
  const json = JSON.stringify(plain("", value), plain);
  return escapeText(json ?? String(value));
}

/** The sentence of a record, its values filled in. */
function sentence({ message }: LogRecord): string {
  return message.map((part, index) =>
    index % 2 === 0 ? escapeText(String(part)) : textValue(part)
  ).join("");
}

/** Properties that the sentence does not hold already. */
function details({ rawMessage, properties }: LogRecord): string {
  const template = typeof rawMessage === "string" ? rawMessage : "";
  return Object.entries(properties)
    .filter(([name]) => !template.includes(`{${name}}`))
    .map(([name, value]) => ` ${escapeText(name)}=${textValue(value)}`)
    .join("");
}

function stacks({ properties }: LogRecord): string {
  return Object.values(properties)
    .filter((value) => value instanceof Error).map(stackOf).join("");
}

/**
 * A record as people read it: time, level, sentence and properties.
 *
 * @param record The record.
 * @param hasStacks Whether the stacks of errors follow.
 */
export function textRecord(record: LogRecord, hasStacks: boolean): string {
  const time = new Date(record.timestamp).toISOString();
  const head = `${time} ${record.level.padEnd(7)}`;
  return `${head} ${sentence(record)}${details(record)}\n${
    hasStacks ? stacks(record) : ""
  }`;
}

/**
 * A record as machines read it: one JSON object on a line.
 *
 * @param record The record.
 */
export function jsonRecord(record: LogRecord): string {
  const { timestamp, level, category, properties } = record;
  const safe = JSON.parse(JSON.stringify(properties, plain));
  return jsonLine({
    time: new Date(timestamp).toISOString(),
    level,
    category,
    message: sentence(record),
    properties: safe,
  });
}

/**
 * Sends the records of Ferry to stderr until it is disposed of.
 *
 * @param environment The world around.
 * @param options What to show, and how.
 */
export async function startLogging(
  environment: Environment,
  options: LoggingOptions,
): Promise<AsyncDisposable> {
  const hasStacks = options.level === "debug";
  const write = (record: LogRecord): void => {
    const text = options.format === "json"
      ? jsonRecord(record)
      : textRecord(record, hasStacks);
    writeQuietly(environment.stderr, text);
  };
  await configure({
    reset: true,
    sinks: { stderr: write },
    loggers: [
      { category: "ferry", lowestLevel: options.level, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: [] },
    ],
  });
  return { [Symbol.asyncDispose]: reset };
}

/** A log that nobody can read must not end what it tells of. */
function writeQuietly(output: Output, text: string): void {
  output.write(text).catch(() => {});
}
