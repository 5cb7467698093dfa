// deno-lint-ignore-file no-console -- a program; what it says is for the bench
/**
 * The client of the scenarios: a process of its own that uses the library. Its
 * only argument is a job, and the last line that it writes is the result.
 *
 * @module
 */
import {
  type Client,
  connect,
  type Receipt,
  type TransferProgress,
} from "../../lib/mod.ts";
import type { FileJob, Job, JobResult, Moment, TreeJob } from "./job.ts";

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
}

/** Does the job on a session. */
type Work = (client: Client, diary: Diary) => Promise<Totals>;
type Totals = Pick<JobResult, "size" | "files" | "wireBytes" | "resumedFrom">;

function fileWork(job: FileJob): Work {
  return async (client, diary) => {
    const options = {
      streams: job.streams,
      durability: job.durability,
      onProgress: (progress: TransferProgress) => diary.note(progress),
    };
    const { size, wireBytes, resumedFrom } = job.direction === "get"
      ? await client.get(job.remote, job.local, options)
      : await client.put(job.local, job.remote, options);
    diary.note({
      transferred: size,
      total: size,
      streams: diary.moments.at(-1)?.streams ?? 1,
    });
    return { size, wireBytes, resumedFrom, files: 1 };
  };
}

type SmallName = { readonly path: string; readonly local: string };

/** Makes the folders, and tells the files. */
async function prepare(client: Client, job: TreeJob): Promise<SmallName[]> {
  const files: SmallName[] = [];
  if (job.direction === "get") {
    await Deno.mkdir(job.local);
    for await (const page of client.list(job.remote, { recursive: true })) {
      for (const { path, kind } of page.entries) {
        const local = `${job.local}${path.slice(job.remote.length)}`;
        if (kind === "directory") await Deno.mkdir(local);
        else files.push({ path, local });
      }
    }
    return files;
  }
  await client.makeDirectory(job.remote);
  await prepareRemote(client, job.local, job.remote, files);
  return files;
}

async function prepareRemote(
  client: Client,
  local: string,
  remote: string,
  files: SmallName[],
): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(local)) {
    const names = { local: `${local}/${name}`, path: `${remote}/${name}` };
    if (!isDirectory) {
      files.push(names);
      continue;
    }
    await client.makeDirectory(names.path);
    await prepareRemote(client, names.local, names.path, files);
  }
}

function treeWork(job: TreeJob): Work {
  return async (client) => {
    const files = await prepare(client, job);
    const totals = { size: 0, files: 0, wireBytes: 0, resumedFrom: 0 };
    let failure: unknown;
    const count = (receipt: Receipt): void => {
      totals.files++;
      totals.size += receipt.size;
      totals.wireBytes += receipt.wireBytes;
    };
    await client.moveSmall({
      direction: job.direction,
      files: files.map((file) => ({ ...file, mode: undefined })),
      options: { durability: job.durability },
      settled: (_, result) => {
        if (result.status === "fulfilled") count(result.value);
        else failure = result.reason;
      },
    });
    if (failure !== undefined) throw failure;
    return totals;
  };
}

async function run(job: Job): Promise<JobResult> {
  const start = performance.now();
  const diary = new Diary(start);
  await using client = await connect({
    hostname: "127.0.0.1",
    port: job.port,
    retries: Infinity,
    ...(job.kind === "file" && job.stateFolder !== undefined
      ? { stateFolder: job.stateFolder }
      : {}),
  });
  const work = job.kind === "file" ? fileWork(job) : treeWork(job);
  const totals = await work(client, diary);
  const milliseconds = performance.now() - start;
  return { milliseconds, moments: diary.moments, ...totals };
}

if (import.meta.main) {
  console.log(JSON.stringify(await run(JSON.parse(Deno.args[0] ?? "{}"))));
}
