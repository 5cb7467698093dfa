/**
 * What the scenario `link` says in the end.
 *
 * @module
 */
import { formatRate, formatSize } from "../../lib/cli/format.ts";
import { describeStreams, settledRate } from "../ferry/job.ts";
import type { Direction } from "../peers/peer.ts";
import { formatSeconds } from "../report.ts";
import { median, speedRatios, summarize } from "../statistics.ts";
import { type Column, formatTable } from "../table.ts";
import type { Way } from "./options.ts";
import type { LaneSeries } from "./run.ts";

/** How many times as fast as one connection eight have to be. */
const GAIN_WANTED = 6;

/** How much slower than the best fixed number `auto` may be. */
const AUTO_SHARE_WANTED = 0.8;

/** On loopback: as fast as one connection, but for what rates vary by chance. */
const LOOPBACK_SHARE_WANTED = 0.95;

/** One series of rounds with a file of one size. */
export interface SizeOutcome {
  /** Bytes of the file. */
  readonly size: number;
  /** What was measured. */
  readonly series: readonly LaneSeries[];
}

/** Whether something is as it has to be. */
export interface Verdict {
  /** What was found, in a sentence. */
  readonly text: string;
  /** Whether that is enough. */
  readonly isMet: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "" },
  { title: "rate", align: "right" },
  { title: "time", align: "right" },
  { title: "x one", align: "right" },
  { title: "from - to", align: "right" },
  { title: "2nd half", align: "right" },
  { title: "connections" },
];

/**
 * A table for each direction, and what they mean.
 *
 * @param outcome What was measured.
 */
export function formatSizeOutcome({ size, series }: SizeOutcome): string[] {
  const directions = [...new Set(series.map(({ direction }) => direction))];
  return directions.flatMap((direction) => {
    const rows = series.filter((one) => one.direction === direction);
    return [
      "",
      ...formatTable(
        [
          {
            ...COLUMNS[0],
            title: `${direction.toUpperCase()} ${formatSize(size)}`,
          },
          ...COLUMNS.slice(1),
        ],
        rows.map((row) => formatRow(row, rows, size)),
      ),
      ...verdicts(rows, direction).map(({ text, isMet }) =>
        `${isMet ? "met" : "NOT MET"}: ${text}`
      ),
    ];
  });
}

function formatRow(
  row: LaneSeries,
  rows: readonly LaneSeries[],
  size: number,
): string[] {
  const times = durations(row);
  const { median: time } = summarize(times);
  const one = find(rows, row.way, "1");
  const ratio = one && summarize(speedRatios(times, durations(one)));
  const settled = row.results.flatMap(({ moments }) =>
    settledRate(moments) ?? []
  );
  const last = row.results.at(-1);
  return [
    `${row.way}, ${row.streams}`,
    formatRate(size * 1000 / time),
    formatSeconds(time),
    ratio === undefined ? "" : `${ratio.median.toFixed(2)} x`,
    ratio === undefined
      ? ""
      : `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`,
    settled.length === 0 ? "" : formatRate(median(settled)),
    last === undefined ? "" : describeStreams(last.moments),
  ];
}

function durations({ results }: LaneSeries): number[] {
  return results.map(({ milliseconds }) => milliseconds);
}

function find(
  rows: readonly LaneSeries[],
  way: Way,
  streams: string,
): LaneSeries | undefined {
  return rows.find((row) => row.way === way && row.streams === streams);
}

/** Median of how many times as fast `a` was as `b`, round by round. */
function ratioOf(a: LaneSeries, b: LaneSeries): number {
  return median(speedRatios(durations(a), durations(b)));
}

/**
 * Holds what was measured against what has to be.
 *
 * @param rows All lanes of one direction.
 * @param direction Which way, for the sentences.
 * @returns Only what can be told of these lanes.
 */
export function verdicts(
  rows: readonly LaneSeries[],
  direction: Direction,
): Verdict[] {
  const found: Verdict[] = [];
  const one = find(rows, "link", "1");
  const eight = find(rows, "link", "8");
  const auto = find(rows, "link", "auto");
  if (one !== undefined && eight !== undefined) {
    const ratio = ratioOf(eight, one);
    found.push({
      text: `${direction}, 8 connections are ${ratio.toFixed(2)} x one ` +
        `(at least ${GAIN_WANTED})`,
      isMet: ratio >= GAIN_WANTED,
    });
  }
  const best = bestFixed(rows);
  if (auto !== undefined && best !== undefined) {
    const ratio = ratioOf(auto, best);
    found.push({
      text: `${direction}, auto is ${ratio.toFixed(2)} x the best fixed ` +
        `number, ${best.streams} (at least ${AUTO_SHARE_WANTED})`,
      isMet: ratio >= AUTO_SHARE_WANTED,
    });
  }
  const here = find(rows, "loopback", "1");
  const autoHere = find(rows, "loopback", "auto");
  if (here !== undefined && autoHere !== undefined) {
    const ratio = ratioOf(autoHere, here);
    found.push({
      text: `${direction} on loopback, auto is ${ratio.toFixed(2)} x one ` +
        `(at least ${LOOPBACK_SHARE_WANTED}, 1 less the noise)`,
      isMet: ratio >= LOOPBACK_SHARE_WANTED,
    });
  }
  return found;
}

/** The fixed number with the shortest median time over the link. */
function bestFixed(rows: readonly LaneSeries[]): LaneSeries | undefined {
  return rows
    .filter(({ way, streams }) => way === "link" && streams !== "auto")
    .toSorted((a, b) => median(durations(a)) - median(durations(b)))[0];
}
