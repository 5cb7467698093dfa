/**
 * What `get` and `put` have in common: one file after the other, counted,
 * shown and summed up.
 *
 * @module
 */

import type { Receipt, TransferOptions } from "../../client/mod.ts";
import {
  CHECKSUM,
  type ConflictChoice,
  DURABILITY,
  JSON_OUTPUT,
  NO_RESUME,
  ON_CONFLICT,
  PROGRESS,
  QUIET,
  STREAMS,
  TRANSFER_DIGEST,
} from "../client_options.ts";
import type { CommandLine } from "../command_line.ts";
import type { Environment } from "../environment.ts";
import { type Conflicts, settled } from "../conflicts.ts";
import type { ExitCode } from "../exit_codes.ts";
import type { Direction, TransferSummary } from "../reporter.ts";
import type { Session } from "../session.ts";
import { TransferMeter } from "../transfer_meter.ts";

/** One file to move. */
export interface Job {
  /** What to call it. */
  readonly name: string;
  /** The local file to write, if that is what it does. */
  readonly target?: string | undefined;
  /** Moves it. */
  readonly run: (options: TransferOptions) => Promise<Receipt>;
  /** Its size, where that is known beforehand. */
  readonly size: number | undefined;
}

/** How to move files. */
export interface TransferSettings {
  /** Which way. */
  readonly direction: Direction;
  /** What the client is told for each. */
  readonly options: TransferOptions;
  /** Whether somebody watches. */
  readonly isProgressShown: boolean;
  /** Whether the digest was asked for by name. */
  readonly isDigestShown: boolean;
}

/**
 * How a command line wants files moved.
 *
 * @param line The command line.
 * @param direction Which way.
 * @param environment Tells whether somebody watches.
 */
export function transferSettings(
  line: CommandLine,
  direction: Direction,
  environment: Environment,
): TransferSettings {
  const digest = line.value(TRANSFER_DIGEST);
  const base = {
    onConflict: line.value(ON_CONFLICT),
    durability: line.value(DURABILITY),
    ...networkOptions(line),
  };
  return {
    direction,
    options: digest === "auto" ? base : { ...base, digest },
    isProgressShown: isProgressShown(line, environment),
    isDigestShown: digest !== "auto",
  };
}

/** How files cross the network, as far as that is told with each. */
export function networkOptions(
  line: CommandLine,
): Pick<TransferOptions, "resume" | "checksum" | "streams"> {
  const streams = line.value(STREAMS);
  return {
    ...line.value(NO_RESUME) ? { resume: false } : {},
    ...line.value(CHECKSUM) ? { checksum: true } : {},
    ...streams === undefined ? {} : { streams },
  };
}

/** Whether somebody watches. */
export function isProgressShown(
  line: CommandLine,
  environment: Environment,
): boolean {
  const choice = line.value(PROGRESS);
  if (choice !== "auto") return choice === "always";
  if (line.value(JSON_OUTPUT)) return true;
  const { stderr } = environment;
  return stderr.isTerminal && environment.variable("TERM") !== "dumb" &&
    !line.value(QUIET);
}

/**
 * Moves files.
 *
 * @param session Over which.
 * @param jobs The files.
 * @param settings How.
 */
export async function runTransfers(
  session: Session,
  jobs: readonly Job[],
  settings: TransferSettings,
): Promise<ExitCode> {
  const { reporter, signal, environment } = session;
  const { direction, isProgressShown, isDigestShown } = settings;
  const meter = new TransferMeter(
    environment.clock,
    jobs.map(({ size }) => size),
  );
  const receipts: Receipt[] = [];
  await reporter.transfersBegin(direction, meter, isProgressShown);
  try {
    return await session.forEach(jobs, {
      noun: "file",
      attempt: ({ name, target }) => ({ doing: direction, path: name, target }),
      work: async (job) => {
        const receipt = await runOne(session, job, meter, {
          ...settings.options,
          signal,
          onSourceChanged: () => reporter.sourceChanged(job.name),
        });
        receipts.push(receipt);
        await reporter.receipt(direction, receipt, isDigestShown);
      },
      done: () => {
        const failed = jobs.length - receipts.length;
        const rest = { failed, elapsed: meter.elapsed };
        return reporter.transfersEnd(summarize(direction, receipts, rest));
      },
    });
  } finally {
    await reporter.transfersStop();
  }
}

async function runOne(
  { conflicts }: Session,
  job: Job,
  meter: TransferMeter,
  options: TransferOptions,
): Promise<Receipt> {
  meter.begin(job.name);
  try {
    const receipt = await settled(
      untimed(conflicts, meter),
      job.target ?? job.name,
      (onConflict = options.onConflict ?? "fail") =>
        job.run({
          ...options,
          onConflict,
          onProgress: ({ transferred, total, streams }) =>
            meter.advance(transferred, total, streams),
        }),
    );
    // Clients may not report the last bytes, nor any of an empty file.
    const { size, publication } = receipt;
    if (publication !== "skipped") meter.advance(size, size);
    return receipt;
  } finally {
    // Who was interrupted wants to know where.
    if (!options.signal?.aborted) meter.end();
  }
}

/** Time in which somebody thinks is no time in which anything moves. */
function untimed(
  conflicts: Conflicts | undefined,
  meter: TransferMeter,
): Conflicts | undefined {
  return conflicts && {
    async choose(error, name): Promise<ConflictChoice> {
      const before = meter.elapsed;
      try {
        return await conflicts.choose(error, name);
      } finally {
        meter.leaveOut(meter.elapsed - before);
      }
    },
  };
}

function summarize(
  direction: Direction,
  receipts: readonly Receipt[],
  rest: { readonly failed: number; readonly elapsed: number },
): TransferSummary {
  const moved = receipts.filter(({ publication }) => publication !== "skipped");
  // What went to stdout was not kept by anybody here.
  const kept = moved.filter(({ local }) =>
    direction === "put" || local !== undefined
  );
  return {
    direction,
    files: moved.length,
    skipped: receipts.length - moved.length,
    bytes: moved.reduce((sum, { size }) => sum + size, 0),
    wireBytes: receipts.reduce((sum, { wireBytes }) => sum + wireBytes, 0),
    resumedFrom: moved.reduce((sum, { resumedFrom }) => sum + resumedFrom, 0),
    repaired: receipts.reduce((sum, { repaired }) => sum + repaired, 0),
    isDurable: kept.length === 0
      ? undefined
      : kept.every(({ durable }) => durable),
    isVerified: moved.every(({ verified = true }) => verified),
    isAcknowledged: moved.every(({ acknowledged = true }) => acknowledged),
    ...rest,
  };
}
