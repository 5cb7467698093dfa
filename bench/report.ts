/**
 * What the bench says in the end: tables for people, JSON for programs.
 *
 * @module
 */
import { formatDuration, formatRate, formatSize } from "../lib/cli/format.ts";
import type { Direction } from "./peers/peer.ts";
import type { Measurement } from "./rounds.ts";
import { median, speedRatios, summarize } from "./statistics.ts";
import { type Column, formatTable } from "./table.ts";

/** All that is known after a run. */
export interface Outcome {
  /** What was moved, and over what. */
  readonly title: string;
  /** Bytes of all files. */
  readonly size: number;
  /** How many they were. */
  readonly files: number;
  /** Rounds that counted. */
  readonly runs: number;
  /** Which ways. */
  readonly directions: readonly Direction[];
  /** The machine, in a line. */
  readonly machine: string;
  /** Where the files were. */
  readonly storage: string;
  /** What was measured; Ferry comes first. */
  readonly measurements: readonly Measurement[];
  /** Who was not measured, and why. */
  readonly notes: readonly string[];
}

const SPEED_COLUMNS: readonly Column[] = [
  { title: "" },
  { title: "rate", align: "right" },
  { title: "slowest - fastest", align: "right" },
  { title: "time", align: "right" },
  { title: "ferry is", align: "right" },
  { title: "from - to", align: "right" },
];
const NOT_MEASURED = "n/a";
/** curl names every library that it was built with. */
const VERSION_COLUMNS = 60;

/**
 * Tables and notes, as lines.
 *
 * @param outcome What was measured.
 */
export function formatOutcome(outcome: Outcome): string[] {
  const { title, runs, directions, machine, storage, notes } = outcome;
  return [
    `${title}: medians of ${runs} interleaved ${
      runs === 1 ? "run" : "runs"
    } after a warm-up.`,
    "Time and rate include starting the client. Ratios compare within a round.",
    `machine  ${machine}`,
    `storage  ${storage}`,
    ...directions.flatMap((direction) => [
      "",
      ...speedTable(outcome, direction),
    ]),
    "",
    ...startUpTable(outcome),
    ...memoryTable(outcome),
    ...notes.flatMap((note) => ["", note]),
  ];
}

function speedTable(outcome: Outcome, direction: Direction): string[] {
  const ours = outcome.measurements[0]?.durations.get(direction) ?? [];
  const rows = outcome.measurements.map(({ peer, durations }) => {
    const samples = durations.get(direction);
    if (samples === undefined) {
      return [peer.title, NOT_MEASURED, "", "", "", ""];
    }
    const time = summarize(samples);
    const ratio = summarize(speedRatios(ours, samples));
    const rate = (milliseconds: number): string =>
      outcome.files === 1
        ? formatRate(outcome.size * 1000 / milliseconds)
        : `${Math.round(outcome.files * 1000 / milliseconds)} files/s`;
    return [
      peer.title,
      rate(time.median),
      `${rate(time.max)} - ${rate(time.min)}`,
      formatSeconds(time.median),
      `${ratio.median.toFixed(2)} x`,
      `${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)}`,
    ];
  });
  const [first, ...rest] = SPEED_COLUMNS;
  const columns = [{ ...first, title: direction.toUpperCase() }, ...rest];
  return formatTable(columns, rows);
}

/** Seconds with three digits behind the point, as long as they mean something. */
export function formatSeconds(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${(milliseconds / 1000).toFixed(3)} s`
    : formatDuration(milliseconds);
}

/** Small files cost mostly this; of a large one it is a small part. */
function startUpTable({ measurements }: Outcome): string[] {
  const rows = new Map(
    measurements.map(({ peer, startUps, version }) => [
      peer.client,
      [
        peer.client,
        formatSeconds(median(startUps)),
        truncateEnd(version, VERSION_COLUMNS),
      ],
    ]),
  );
  return formatTable([
    { title: "START of the client" },
    { title: "time", align: "right" },
    { title: "version" },
  ], [...rows.values()]);
}

function truncateEnd(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, columns - 3)}...` : text;
}

function memoryTable({ measurements, directions }: Outcome): string[] {
  const ferries = measurements.filter(({ peer }) =>
    peer.name.startsWith("ferry")
  );
  const show = (bytes: number | undefined): string =>
    bytes === undefined ? NOT_MEASURED : formatSize(bytes);
  return [
    "",
    ...formatTable([
      { title: "PEAK MEMORY" },
      ...directions.map((direction): Column => ({
        title: `client, ${direction}`,
        align: "right",
      })),
      { title: "server, all runs", align: "right" },
    ], [
      ...ferries.map(({ peer, clientPeaks, serverPeak }) => [
        peer.title,
        ...directions.map((direction) => show(clientPeaks.get(direction))),
        show(serverPeak),
      ]),
    ]),
  ];
}

/**
 * One object with every sample.
 *
 * @param outcome What was measured.
 */
export function outcomeToJson(outcome: Outcome): string {
  return JSON.stringify({
    size: outcome.size,
    files: outcome.files,
    runs: outcome.runs,
    machine: outcome.machine,
    storage: outcome.storage,
    peers: outcome.measurements.map((measurement) => ({
      name: measurement.peer.name,
      title: measurement.peer.title,
      version: measurement.version,
      milliseconds: Object.fromEntries(measurement.durations),
      startUpMilliseconds: measurement.startUps,
      clientPeakBytes: Object.fromEntries(measurement.clientPeaks),
      serverPeakBytes: measurement.serverPeak ?? null,
    })),
    notes: outcome.notes,
  });
}
