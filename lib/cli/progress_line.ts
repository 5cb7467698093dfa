/**
 * Shows how far everything is, in as many columns as there are: one line for the
 * whole command, and one for the file that is being moved if that is one of
 * several.
 *
 * @module
 */

import { escapeName } from "./escape.ts";
import {
  formatCount,
  formatCountdown,
  formatDuration,
  formatRate,
  formatSize,
} from "./format.ts";
import type { MeterReading } from "./transfer_meter.ts";
import { textWidth, truncateStart } from "./width.ts";

/** A reading, and what is waited for. */
export interface Shown {
  /** How far everything is. */
  readonly reading: MeterReading;
  /** Milliseconds until a lost connection is tried again; `undefined` while there is one. */
  readonly retryIn?: number | undefined;
}

const GAP = "  ";
/** Columns below which a name says nothing. */
const NAME_COLUMNS_MIN = 8;
/** Columns from which on names stand below what is said of the whole. */
const INDENTED_COLUMNS_MIN = 36;
/** Columns of a bar: fewer show nothing, more show no more. */
const BAR_COLUMNS_MIN = 12;
const BAR_COLUMNS_MAX = 40;
/** Milliseconds without a byte that are worth a word. */
const STANDSTILL_MIN = 3000;

/** Marks a total that may still grow. */
function more({ isCounting }: MeterReading): string {
  return isCounting ? "+" : "";
}

function amount(reading: MeterReading): string {
  const { bytes, bytesTotal } = reading;
  return bytesTotal === undefined
    ? formatSize(bytes)
    : `${formatSize(bytes)} of ${formatSize(bytesTotal)}${more(reading)}`;
}

function remaining({ percent, remaining }: MeterReading): string {
  if (percent === undefined) return "";
  return remaining === undefined
    ? "--:-- left"
    : `${formatCountdown(remaining)} left`;
}

/** Why nothing moves, if nothing does. */
function pause({ reading, retryIn }: Shown): string | undefined {
  if (retryIn !== undefined) {
    return retryIn > 0
      ? `trying again in ${Math.ceil(retryIn / 1000)} s`
      : "connecting again";
  }
  return reading.standstill < STANDSTILL_MIN
    ? undefined
    : `no data for ${formatDuration(reading.standstill)}`;
}

interface Part {
  readonly text: string;
  /** The lowest is the last to go. */
  readonly rank: number;
}

function percentPart({ percent }: MeterReading): Part {
  const text = percent === undefined ? "" : `${percent}%`.padStart(4);
  return { text, rank: 0 };
}

/** Every part of the line for the whole command. */
function parts(shown: Shown): Part[] {
  const { reading } = shown;
  const { rate, files, filesTotal } = reading;
  const current = Math.min(files + 1, filesTotal);
  const reason = pause(shown);
  const pace = reason === undefined
    ? [
      { text: rate === undefined ? "" : formatRate(rate), rank: 2 },
      { text: remaining(reading), rank: 3 },
    ]
    : [{ text: reason, rank: 1 }];
  return [
    percentPart(reading),
    { text: amount(reading), rank: 2 },
    ...pace,
    {
      text: filesTotal < 2
        ? ""
        : `file ${current} of ${filesTotal}${more(reading)}`,
      rank: 4,
    },
  ].filter(({ text }) => text !== "");
}

function join(shown: readonly Part[]): string {
  return shown.map(({ text }) => text).join(GAP);
}

/** What fits, the least important left out first. */
function fit(all: readonly Part[], columns: number): Part[] {
  const kept = [...all];
  while (kept.length > 1 && textWidth(join(kept)) > columns) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept.splice(kept.findLastIndex(({ rank }) => rank === last), 1);
  }
  return kept;
}

/** A name as it fits behind a line, if it does. */
function withName(line: string, name: string, columns: number): string {
  const left = columns - textWidth(line) - GAP.length;
  if (left < NAME_COLUMNS_MIN || name === "") return line;
  return `${line}${GAP}${truncateStart(escapeName(name), left)}`;
}

/**
 * Writes a reading out on one line, for logs.
 *
 * @param shown What to show.
 * @param columns What the line may take; what does not fit is left out, the least important first.
 */
export function progressLine(shown: Shown, columns: number): string {
  const line = join(fit(parts(shown), columns));
  return withName(line, shown.reading.name, columns);
}

/** A bar; of plain signs, for others take one column here and two there. */
function bar(percent: number, columns: number): string {
  const inside = columns - 2;
  const filled = Math.floor(inside * percent / 100);
  const head = filled < inside && percent > 0 ? ">" : "";
  const body = "=".repeat(Math.max(0, filled - (head === "" ? 0 : 1))) + head;
  return `[${body.padEnd(inside)}]`;
}

/** The file that is being moved, and how many others are. */
function fileLine(reading: MeterReading, columns: number): string {
  const { name, filePercent, streams = 1, active = 1 } = reading;
  const notes = [
    ...active > 1 ? [`and ${active - 1} more`] : [],
    ...filePercent === undefined ? [] : [`${filePercent}%`],
    ...streams > 1 ? [formatCount(streams, "stream")] : [],
  ];
  const indent = columns < INDENTED_COLUMNS_MIN ? "" : " ".repeat(4) + GAP;
  const suffix = notes.length === 0 ? "" : `${GAP}${notes.join(", ")}`;
  const left = columns - indent.length - suffix.length;
  return left < NAME_COLUMNS_MIN
    ? truncateStart(escapeName(name), columns)
    : `${indent}${truncateStart(escapeName(name), left)}${suffix}`;
}

/**
 * Writes a reading out for a terminal.
 *
 * @param shown What to show.
 * @param columns What a line may take.
 * @returns One line, or two.
 */
export function progressLines(
  shown: Shown,
  columns: number,
): readonly string[] {
  const { reading } = shown;
  const { percent, name, streams = 1 } = reading;
  const isOne = reading.filesTotal < 2;
  const kept = fit(parts(shown), columns);
  const line = join(kept);
  const left = columns - textWidth(line) - GAP.length;
  // Where there is one file, its name needs room as well.
  const size = Math.min(isOne ? Math.floor(left / 2) : left, BAR_COLUMNS_MAX);
  const total = percent === undefined || size < BAR_COLUMNS_MIN ||
      kept.length < 2
    ? line
    : join([
      ...kept.slice(0, 1),
      { text: bar(percent, size), rank: 0 },
      ...kept.slice(1),
    ]);
  if (!isOne) {
    return name === "" ? [total] : [total, fileLine(reading, columns)];
  }
  const many = streams > 1 ? `${total}${GAP}${streams} streams` : total;
  const isWide = textWidth(many) + GAP.length + NAME_COLUMNS_MIN <= columns;
  return [withName(isWide ? many : total, name, columns)];
}
