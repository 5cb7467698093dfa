/**
 * A client that may be killed.
 *
 * @module
 */
import {
  type Job,
  jobCommand,
  type JobResult,
  readResult,
} from "../ferry/job.ts";

const TEXT = new TextDecoder();

/** A client process at work on a job. */
export class ClientRun {
  /** When it was made, by `performance.now()`. */
  readonly started: number;
  /** What came of it; `undefined` after {@linkcode ClientRun.kill}. */
  readonly result: Promise<JobResult | undefined>;
  readonly #child: Deno.ChildProcess;
  #isKilled = false;
  #isOver = false;

  /** @param job What it is to do. */
  constructor(job: Job) {
    const { program, args } = jobCommand(job);
    this.started = performance.now();
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.result = this.#finish();
    this.result.catch(() => {});
  }

  /** Whether the process has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    if (!this.#isOver) this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async #finish(): Promise<JobResult | undefined> {
    const { code, stdout, stderr } = await this.#child.output();
    this.#isOver = true;
    if (this.#isKilled) return undefined;
    if (code === 0) return readResult(TEXT.decode(stdout));
    throw new Error(`the client ended with ${code}: ${TEXT.decode(stderr)}`);
  }
}
