/**
 * What the scenario `resume` says in the end.
 *
 * @module
 */
import { formatSize } from "../../lib/cli/format.ts";
import { formatSeconds } from "../report.ts";
import { summarize } from "../statistics.ts";
import { formatTable } from "../table.ts";
import type { ResumeResult } from "./run.ts";

/** Milliseconds in which new bytes have to move. */
const FIRST_BYTE_MAX = 1000;

/** The most bytes on the wire: so many times the size, and so many for each try. */
const WIRE_FACTOR_MAX = 1.02;
const WIRE_PER_TRY_MAX = 64 * 1024 ** 2;

/**
 * A table with a row for each transfer, and what it means.
 *
 * @param results What was measured.
 */
export function formatResults(results: readonly ResumeResult[]): string[] {
  const rows = results.map((result) => {
    const { direction, recoveries, size, end, wireBytes } = result;
    const first = summarize(recoveries.map(({ firstByte }) => firstByte));
    return [
      `${direction}, ${describeStops(result)}`,
      formatSeconds(first.median),
      formatSeconds(first.max),
      formatSeconds(end),
      formatSize(wireBytes),
      `${((wireBytes / size - 1) * 100).toFixed(2)} %`,
      formatSize(Math.max(0, wireBytes - size) / recoveries.length),
      formatSize(result.result.resumedFrom),
    ];
  });
  return [
    ...formatTable([
      { title: "INTERRUPTED" },
      { title: "first byte", align: "right" },
      { title: "slowest", align: "right" },
      { title: "end", align: "right" },
      { title: "on the wire", align: "right" },
      { title: "more", align: "right" },
      { title: "a try", align: "right" },
      { title: "resumed from", align: "right" },
    ], rows),
    "",
    ...results.flatMap(verdicts),
  ];
}

function describeStops({ recoveries, size }: ResumeResult): string {
  const [first, ...others] = recoveries;
  if (first === undefined) return "not at all";
  return others.length > 0
    ? `${recoveries.length} times at random`
    : `${first.victim} at ${(100 * first.at / size).toFixed(1)} %`;
}

/**
 * Holds what was measured against what has to be.
 *
 * @param result What was measured.
 */
export function verdicts(result: ResumeResult): string[] {
  const { direction, recoveries, size, wireBytes, backBytes } = result;
  const slowest = Math.max(...recoveries.map(({ firstByte }) => firstByte));
  const tries = recoveries.length + 1;
  const allowed = WIRE_FACTOR_MAX * size + tries * WIRE_PER_TRY_MAX;
  const total = wireBytes + backBytes;
  const say = (isMet: boolean, text: string): string =>
    `${isMet ? "met" : "NOT MET"}: ${direction}, ${
      describeStops(result)
    }, ${text}`;
  return [
    say(
      slowest < FIRST_BYTE_MAX,
      `first new byte within ${formatSeconds(slowest)} (less than 1 s)`,
    ),
    say(
      total <= allowed,
      `${formatSize(total)} on the wire both ways (at most ${
        formatSize(allowed)
      })`,
    ),
  ];
}
