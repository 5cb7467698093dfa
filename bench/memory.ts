/**
 * How much memory other processes took at their peak. Linux only; Deno itself
 * may not read `/proc` without being allowed everything, but `sed` may.
 *
 * @module
 */
import { runTimed } from "./processes.ts";

const PEAK_SCRIPT = "s/^VmHWM:[^0-9]*\\([0-9]*\\) kB$/\\1/p";

/**
 * How often a client is looked at. The peak only grows, so what is missed is
 * what it grew by in its last moment.
 */
const SAMPLE_INTERVAL_S = 0.01;

/** Prints the peak again and again, until the process is gone. */
const SAMPLER =
  `while kill -0 "$1" 2>/dev/null && sed -n '${PEAK_SCRIPT}' "/proc/$1/status" 2>/dev/null; do sleep ${SAMPLE_INTERVAL_S}; done`;

/**
 * The peak so far of a process that runs.
 *
 * @param pid Its id.
 * @returns Bytes, or `undefined` where nobody knows.
 */
export async function peakMemory(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const args = ["-n", PEAK_SCRIPT, `/proc/${pid}/status`];
  return await runTimed({ program: "sed", args }).then(
    ({ output }) => readPeak(output),
    () => undefined,
  );
}

/**
 * Watches a process until it ends.
 *
 * @param pid Its id.
 * @returns Its peak in bytes, or `undefined` where nobody knows.
 */
export async function watchPeakMemory(
  pid: number,
): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const args = ["-c", SAMPLER, "sampler", String(pid)];
  return await runTimed({ program: "sh", args }).then(
    ({ output }) => readPeak(output),
    () => undefined,
  );
}

/** The last number of kilobytes. */
function readPeak(text: string): number | undefined {
  const last = text.trim().split("\n").at(-1) ?? "";
  return /^\d+$/.test(last) ? Number(last) * 1024 : undefined;
}
