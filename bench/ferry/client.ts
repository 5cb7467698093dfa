// deno-lint-ignore-file no-console -- a program; what it says is for the bench
/**
 * The client of the scenarios: a process of its own that uses the library. Its
 * only argument is a job, and the last line that it writes is the result.
 *
 * @module
 */
import { connect, type TransferProgress } from "../../lib/mod.ts";
import type { Job, JobResult, Moment } from "./job.ts";

/** Milliseconds between two moments that are told. */
const MOMENT_MS = 50;

/** Reports beyond which only a change of the number of connections is told. */
const MOMENTS_MAX = 10_000;

class Diary {
  readonly moments: Moment[] = [];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  note({ transferred: bytes, streams = 1 }: TransferProgress): void {
    const at = performance.now() - this.#start;
    const last = this.moments.at(-1);
    const isNews = last === undefined || last.streams !== streams ||
      this.moments.length < MOMENTS_MAX && at - last.at >= MOMENT_MS;
    if (isNews) this.moments.push({ at, bytes, streams });
  }

  end(bytes: number): void {
    const at = performance.now() - this.#start;
    const { streams = 1 } = this.moments.at(-1) ?? {};
    this.moments.push({ at, bytes, streams });
  }
}

async function run(job: Job): Promise<JobResult> {
  const start = performance.now();
  const diary = new Diary(start);
  const { port, stateFolder, durability, streams } = job;
  await using client = await connect({
    hostname: "127.0.0.1",
    port,
    retries: Infinity,
    ...(stateFolder === undefined ? {} : { stateFolder }),
  });
  const options = {
    streams,
    durability,
    onProgress: (progress: TransferProgress) => diary.note(progress),
  };
  const { size, wireBytes, resumedFrom } = job.direction === "get"
    ? await client.get(job.remote, job.local, options)
    : await client.put(job.local, job.remote, options);
  const milliseconds = performance.now() - start;
  diary.end(size);
  const { moments } = diary;
  return { milliseconds, size, wireBytes, resumedFrom, moments };
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(Deno.args[0] ?? "{}"))));
}
