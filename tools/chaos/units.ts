/**
 * Numbers with units, as they are typed.
 *
 * @module
 */
import { UsageError } from "../../lib/cli/usage_error.ts";

const SIZE_REGEXP = /^(?<digits>\d+(?:\.\d+)?)(?<unit>[kmgt]?)(?:i?b)?$/i;
const UNITS = ["", "k", "m", "g", "t"];

const TIME_REGEXP = /^(?<digits>\d+(?:\.\d+)?)(?<unit>ms|s|min|)$/;
const MILLISECONDS: Readonly<Record<string, number>> = {
  "": 1,
  ms: 1,
  s: 1000,
  min: 60_000,
};

/**
 * Reads a size in bytes; units are binary, as everywhere in Ferry.
 *
 * @param option For the message.
 * @param text Such as `100M`, `1.5GiB` or `4096`.
 * @throws {UsageError} if it is no size.
 */
export function readSize(option: string, text: string): number {
  const groups = SIZE_REGEXP.exec(text)?.groups;
  const power = UNITS.indexOf(groups?.["unit"]?.toLowerCase() ?? "");
  const size = Math.round(Number(groups?.["digits"]) * 1024 ** power);
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(
    `Cannot use "${text}" for --${option}: give a size such as 4096, 100M or 1.5GiB`,
  );
}

/**
 * Reads a time in milliseconds.
 *
 * @param option For the message.
 * @param text Such as `60ms`, `2s`, `1min` or `60`, which is milliseconds.
 * @throws {UsageError} if it is no time.
 */
export function readTime(option: string, text: string): number {
  const groups = TIME_REGEXP.exec(text)?.groups;
  const unit = MILLISECONDS[groups?.["unit"] ?? ""] ?? NaN;
  const time = Number(groups?.["digits"]) * unit;
  if (Number.isFinite(time)) return time;
  throw new UsageError(
    `Cannot use "${text}" for --${option}: give a time such as 60ms or 2s`,
  );
}

/**
 * Reads a whole number.
 *
 * @param option For the message.
 * @param text Digits.
 * @throws {UsageError} if it is none.
 */
export function readCount(option: string, text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new UsageError(
    `Cannot use "${text}" for --${option}: give a whole number`,
  );
}
