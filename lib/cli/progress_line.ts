/**
 * One line that shows how far everything is, in as many columns as there are.
 *
 * @module
 */

import { escapeName } from "./escape.ts";
import { formatCountdown, formatRate, formatSize } from "./format.ts";
import type { MeterReading } from "./transfer_meter.ts";
import { textWidth, truncateStart } from "./width.ts";

const GAP = "  ";
/** Columns below which a name says nothing. */
const NAME_COLUMNS_MIN = 8;

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

function remaining(reading: MeterReading): string {
  return reading.remaining === undefined
    ? "--:-- left"
    : `${formatCountdown(reading.remaining)} left`;
}

/** Every part of the line, each with its rank: the lowest is the last to go. */
function parts(reading: MeterReading): Array<{ text: string; rank: number }> {
  const { percent, rate, files, filesTotal } = reading;
  const isOne = filesTotal < 2;
  const current = Math.min(files + 1, filesTotal);
  return [
    {
      text: percent === undefined ? "" : `${percent}%`.padStart(4),
      rank: 0,
    },
    { text: amount(reading), rank: 1 },
    { text: rate === undefined ? "" : formatRate(rate), rank: 2 },
    { text: percent === undefined ? "" : remaining(reading), rank: 3 },
    {
      text: isOne ? "" : `file ${current} of ${filesTotal}${more(reading)}`,
      rank: 4,
    },
  ].filter(({ text }) => text !== "");
}

/**
 * Writes a reading out.
 *
 * @param reading What to show.
 * @param columns What the line may take; what does not fit is left out, the least important first.
 */
export function progressLine(reading: MeterReading, columns: number): string {
  const shown = parts(reading);
  const width = (): number =>
    textWidth(shown.map(({ text }) => text).join(GAP));
  while (shown.length > 1 && width() > columns) {
    const last = Math.max(...shown.map(({ rank }) => rank));
    shown.splice(shown.findIndex(({ rank }) => rank === last), 1);
  }
  const line = shown.map(({ text }) => text).join(GAP);
  const left = columns - textWidth(line) - GAP.length;
  if (left < NAME_COLUMNS_MIN || reading.name === "") return line;
  return `${line}${GAP}${truncateStart(escapeName(reading.name), left)}`;
}
