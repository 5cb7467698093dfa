/**
 * Moves the files of a tree, several at once. A file that fails does not stop
 * the others; a connection that is gone for good does.
 *
 * @module
 */

import { folderOf } from "../../protocol/mod.ts";
import { openLocalSource, setLocalAttributes } from "../../storage/mod.ts";
import type { Digest } from "../../storage/mod.ts";
import { type FerryError, toFerryError } from "../errors.ts";
import type { Receipt, TransferOptions } from "../types.ts";
import {
  CONCURRENCY_DEFAULT,
  CONCURRENCY_MAX,
  SMALL_COUNT_MAX,
  SMALL_SIZE_MAX,
} from "./limits.ts";
import type { Plan } from "./plan.ts";
import { BoundedQueue } from "./queue.ts";
import { isLost, type TreeRun } from "./run.ts";
import type { TreeFile } from "./types.ts";

/** A file to move. */
export interface Task {
  /** The file. */
  readonly file: TreeFile;
  /** The local file to read, where that is not what the file is called. */
  readonly source?: string;
  /** What to do with it. */
  readonly plan: Extract<Plan, { kind: "move" | "compare" }>;
  /** Whether its folder is there. */
  readonly ready: Promise<boolean>;
  /** A last look at the folder that it goes into; one does for several of one folder. */
  readonly verify: () => Promise<void>;
  /** Whether a directory under its name is a link that is left out. */
  readonly isLink: boolean;
}

/** Moves files. */
export class Transfers {
  readonly #run: TreeRun;
  readonly #queue: BoundedQueue<Task>;
  readonly #workers: Promise<void>[];
  /** What is queued or under way, by path. */
  readonly #pending = new Map<string, PromiseWithResolvers<void>>();
  readonly #touched: (path: string) => void;

  /**
   * @param run Whose files.
   * @param touched Told the path of each file that is moved.
   */
  constructor(run: TreeRun, touched: (path: string) => void) {
    this.#run = run;
    this.#touched = touched;
    this.#queue = new BoundedQueue(run.limits.queue);
    const { concurrency = CONCURRENCY_DEFAULT } = run.options;
    const allowed = Math.max(1, run.client.info.dataConnections);
    const count = Math.min(Math.max(1, concurrency), allowed, CONCURRENCY_MAX);
    this.#workers = Array.from({ length: count }, () => this.#work());
  }

  /** Adds a file; waits while many wait already. */
  async push(task: Task): Promise<void> {
    this.#run.check();
    if (this.#run.ended !== undefined) {
      this.#run.counts.notTried++;
      return;
    }
    this.#run.totals.add(task.file);
    this.#pending.set(task.file.path, Promise.withResolvers());
    await this.#queue.push(task);
  }

  /** Waits until a file that was added is through; for others not at all. */
  async whenThrough(path: string): Promise<void> {
    await this.#pending.get(path)?.promise;
  }

  /** Waits until everything that was added is through. */
  async finish(): Promise<void> {
    this.#queue.close();
    await Promise.all(this.#workers);
    this.#run.check();
  }

  async #work(): Promise<void> {
    for (;;) {
      const task = await this.#queue.take();
      if (task === undefined) return;
      const tasks = [task, ...this.#companions(task)];
      try {
        await this.#moveAll(tasks);
      } catch (error) {
        this.#run.crash(error);
      } finally {
        for (const { file } of tasks) this.#settle(file);
      }
    }
  }

  #settle({ path }: TreeFile): void {
    this.#pending.get(path)?.resolve();
    this.#pending.delete(path);
  }

  /** Other small files that wait. */
  #companions(task: Task): Task[] {
    const { smallFiles } = this.#run.options;
    if (smallFiles === undefined) return [];
    const { sizeMax = SMALL_SIZE_MAX, countMax = SMALL_COUNT_MAX } = smallFiles;
    const isSmall = ({ file }: Task): boolean =>
      file.size !== undefined && file.size <= sizeMax;
    const companions: Task[] = [];
    while (isSmall(task) && companions.length < countMax - 1) {
      const next = this.#queue.takeIf(isSmall);
      if (next === undefined) break;
      companions.push(next);
    }
    return companions;
  }

  async #moveAll(tasks: readonly Task[]): Promise<void> {
    const wanted: Task[] = [];
    const looks = new Map<string, Promise<void>>();
    for (const task of tasks) {
      if (await this.#prepare(task, looks)) wanted.push(task);
    }
    const [only] = wanted;
    if (wanted.length > 1) await this.#moveTogether(wanted);
    else if (only !== undefined) await this.#moveOne(only);
  }

  /** Whether a file is to be moved after all; if not, that was told. */
  async #prepare(
    task: Task,
    looks: Map<string, Promise<void>>,
  ): Promise<boolean> {
    const run = this.#run;
    const { file } = task;
    if (run.signal.aborted || run.ended || !await task.ready) {
      run.counts.notTried++;
      run.totals.drop(file);
      return false;
    }
    try {
      const folder = folderOf(file.path);
      const look = looks.get(folder) ?? task.verify();
      looks.set(folder, look);
      await look;
      const plan = await run.persist(() => this.#decide(task));
      if (plan.kind === "move") {
        if (!run.isDry) return true;
        await this.#count(task, plan.publication, undefined);
        run.totals.drop(file);
        return false;
      }
      await settlePlan(run, file, plan);
      run.totals.drop(file);
    } catch (error) {
      run.totals.drop(file);
      await this.#fail(task, toFerryError(error));
    }
    return false;
  }

  async #decide({ file, source, plan }: Task): Promise<Plan> {
    if (plan.kind === "move") return plan;
    const isEqual = await isSameContent(this.#run, file, source);
    return isEqual ? { kind: "equal" } : plan.otherwise;
  }

  async #moveOne(task: Task): Promise<void> {
    this.#run.totals.begin(task.file);
    await this.#moveBegun(
      task,
      () => this.#run.persist(() => this.#transfer(task)),
    );
  }

  async #moveBegun(task: Task, move: () => Promise<Receipt>): Promise<void> {
    const { file } = task;
    try {
      const receipt = await move();
      this.#run.totals.advance(file, receipt.size, receipt.size);
      this.#run.totals.end(file);
      await this.#moved(task, receipt);
    } catch (error) {
      this.#run.totals.end(file);
      await this.#fail(task, toFerryError(error));
    }
  }

  #transfer({ file, source }: Task): Promise<Receipt> {
    const { client, direction, totals } = this.#run;
    const options: TransferOptions = {
      ...transferOptions(this.#run),
      size: file.size,
      onProgress: ({ transferred, total }) =>
        totals.advance(file, transferred, total),
    };
    return direction === "get"
      ? client.get(file.remote, file.local, options)
      : client.put(source ?? file.local, file.remote, options);
  }

  async #moveTogether(tasks: readonly Task[]): Promise<void> {
    const { options, direction, totals } = this.#run;
    const results = new Map<number, PromiseSettledResult<Receipt>>();
    const files = tasks.map(({ file, source }) =>
      source === undefined ? file : { ...file, local: source }
    );
    for (const { file } of tasks) totals.begin(file);
    let left: unknown = new Error("A batch told nothing of a file");
    await options.smallFiles!.transfer(
      direction,
      files,
      transferOptions(this.#run),
      (index, result) => {
        results.set(index, result);
        const file = tasks[index]?.file;
        if (file === undefined || result.status === "rejected") return;
        totals.advance(file, result.value.size, result.value.size);
      },
    ).catch((error) => left = error);
    for (const [index, task] of tasks.entries()) {
      const result = results.get(index) ?? { status: "rejected", reason: left };
      await this.#moveBegun(task, () => this.#settled(task, result));
    }
  }

  /** What became of one of a batch; what was lost with the others is tried again alone. */
  async #settled(
    task: Task,
    result: PromiseSettledResult<Receipt>,
  ): Promise<Receipt> {
    if (result.status === "fulfilled") return result.value;
    const { signal, ended } = this.#run;
    if (!isLost(result.reason) || signal.aborted || ended) throw result.reason;
    return await this.#run.persist(() => this.#transfer(task));
  }

  async #moved(task: Task, receipt: Receipt): Promise<void> {
    const run = this.#run;
    const { file } = task;
    const { publication } = receipt;
    run.counts.wireBytes += receipt.wireBytes;
    if (publication !== "skipped") {
      run.isDurable = (run.isDurable ?? true) && receipt.durable;
      this.#touched(file.path);
    }
    // What was read may be what a link leads to: it is called by its own name.
    const told = run.direction === "get"
      ? receipt
      : { ...receipt, local: file.local };
    await this.#count(task, publication, told);
    if (publication === "skipped") return;
    const path = run.direction === "get"
      ? receipt.local ?? file.local
      : receipt.path;
    await keepMode(run, file, path);
  }

  async #count(
    { file }: Task,
    publication: Receipt["publication"],
    receipt: Receipt | undefined,
  ): Promise<void> {
    const { counts } = this.#run;
    if (publication === "skipped") counts.skipped++;
    else {
      counts.files++;
      counts.bytes += receipt?.size ?? file.size ?? 0;
    }
    await this.#run.tell({ kind: "file", file, publication, receipt });
  }

  async #fail(task: Task, error: FerryError): Promise<void> {
    const run = this.#run;
    const { path } = task.file;
    if (run.signal.aborted) return;
    if (task.isLink && error.code === "is-directory") {
      return await run.leaveOut(path, "link");
    }
    await run.fail({ doing: run.direction, path }, error);
  }
}

/** What the client is told for each file. */
function transferOptions({ options, signal }: TreeRun): TransferOptions {
  const { onConflict, durability, digest } = options;
  return {
    signal,
    ...onConflict === undefined ? {} : { onConflict },
    ...durability === undefined ? {} : { durability },
    ...digest === undefined ? {} : { digest },
  };
}

/** Counts and tells of a file with which nothing is to be done. */
export async function settlePlan(
  run: TreeRun,
  file: TreeFile,
  plan: Plan,
): Promise<void> {
  if (plan.kind === "equal") {
    run.counts.equal++;
    await run.tell({ kind: "equal", file });
  } else if (plan.kind === "skip") {
    run.counts.skipped++;
    const [publication, receipt] = ["skipped" as const, undefined];
    await run.tell({ kind: "file", file, publication, receipt });
  } else if (plan.kind === "fail") {
    await run.fail({ doing: run.direction, path: file.path }, plan.error);
  }
}

/** Gives a file at the destination the permission bits of its source, if that is asked for. */
export async function keepMode(
  run: TreeRun,
  { mode, path }: TreeFile,
  target: string,
): Promise<void> {
  const { preserve, setAttributes } = run.options;
  const bits = mode & 0o777;
  if (!preserve || run.isDry || bits === 0) return;
  try {
    if (run.direction === "get") {
      await setLocalAttributes(run.disk, target, { mode: bits });
    } else {
      await setAttributes?.(target, { mode: bits }, { signal: run.signal });
    }
  } catch (error) {
    await run.fail({ doing: run.direction, path }, error);
  }
}

async function isSameContent(
  run: TreeRun,
  file: TreeFile,
  source: string | undefined,
): Promise<boolean> {
  const digest = run.options.digest ?? "crc32-chunks";
  const asked = run.client.stat(file.remote, { digest, signal: run.signal });
  const own = localDigest(run, source ?? file.local, digest);
  // Neither is left alone when the other fails.
  await Promise.allSettled([asked, own]);
  return (await asked).digest?.value === (await own).value;
}

async function localDigest(
  { disk }: TreeRun,
  path: string,
  algorithm: Digest["algorithm"],
): Promise<Digest> {
  using source = await openLocalSource(disk, path, algorithm);
  return await source.digest();
}
