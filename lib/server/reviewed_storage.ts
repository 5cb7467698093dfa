/**
 * Files that somebody looks at when they are whole and verified, and before they
 * get their names: the upload hook.
 *
 * @module
 */

import { type Clock, sleep } from "../platform/mod.ts";
import {
  type Attributes,
  type ConflictPolicy,
  type DigestAlgorithm,
  type DiskAccess,
  type Durability,
  type Entry,
  type KnownFolders,
  type LocateIntent,
  type Outcome,
  type Publication,
  type ReceiveRequest,
  type ReceiveStart,
  type Review,
  type SafePath,
  type SmallFile,
  type Source,
  type StagedFile,
  type Storage,
  StorageError,
} from "../storage/mod.ts";

/** A file that was received and is not published yet. */
export interface ReceivedFile extends StagedFile {
  /** Who sent it. */
  readonly user: string;
  /** Address and port that it came from. */
  readonly peer: string;
  /** The protocol that it came by. */
  readonly protocol: string;
}

/** What is to become of a received file. */
export type Verdict =
  | { readonly verdict: "accept" }
  /** It is removed, and its sender told why. */
  | { readonly verdict: "reject"; readonly reason: string }
  /** It is published under another path, relative to the user's root, where the user may write. */
  | { readonly verdict: "rename"; readonly path: string };

/**
 * Looks at a received file. Whatever it throws rejects the file.
 *
 * @param file The file; its bytes must not be changed.
 * @param signal Aborted when it takes too long; the file is rejected then.
 */
export type OnReceived = (
  file: ReceivedFile,
  signal: AbortSignal,
) => Promise<Verdict>;

/** What a {@linkcode ReviewedStorage} works with. */
export interface ReviewOptions {
  /** Who looks. */
  readonly onReceived: OnReceived;
  /** Who sends. */
  readonly sender: Pick<ReceivedFile, "user" | "peer" | "protocol">;
  /** The time. */
  readonly clock: Clock;
  /** Milliseconds that a look may take. */
  readonly timeout: number;
  /** Told of a look that failed, for the log. */
  readonly onFault: (error: unknown) => void;
}

/** Small files that are looked at at the same time. */
const REVIEW_COUNT_MAX = 4;

type SmallItem = SmallFile & { readonly path: SafePath };

/** {@linkcode Storage} whose uploads are looked at. */
export class ReviewedStorage implements Storage {
  readonly #inner: Storage;
  readonly #options: ReviewOptions;

  /**
   * @param inner The files, which are not closed with this.
   * @param options Who looks, and at whose files.
   */
  constructor(inner: Storage, options: ReviewOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  /** What may be done at all. */
  get access(): DiskAccess {
    return this.#inner.access;
  }

  /** Prepares to receive a file that is to be looked at. */
  receive(path: SafePath, request: ReceiveRequest): Promise<ReceiveStart> {
    const review: Review = (file) => this.#review(file);
    return this.#inner.receive(path, { ...request, review });
  }

  /** Receives small files, each by itself. */
  async receiveSmall(
    items: readonly SmallItem[],
  ): Promise<readonly (Outcome | StorageError)[]> {
    const results: (Outcome | StorageError)[] = [];
    for (let at = 0; at < items.length; at += REVIEW_COUNT_MAX) {
      const some = items.slice(at, at + REVIEW_COUNT_MAX);
      results.push(
        ...await Promise.all(some.map((item) => this.#receiveOne(item))),
      );
    }
    return results;
  }

  async #receiveOne(
    { path, request, bytes, checksum }: SmallItem,
  ): Promise<Outcome | StorageError> {
    try {
      const start = await this.receive(path, request);
      if (start.kind === "settled") return start.outcome;
      const { receiving } = start;
      try {
        if (bytes.length > 0) await receiving.writeChunk(0, bytes, checksum);
        return await receiving.commit(bytes.length);
      } finally {
        await receiving.abort();
      }
    } catch (error) {
      if (error instanceof StorageError) return error;
      throw error;
    }
  }

  async #review(file: StagedFile): Promise<SafePath | undefined> {
    const verdict = await this.#judge(file);
    switch (verdict.verdict) {
      case "accept":
        return undefined;
      case "reject":
        throw new StorageError(
          "denied",
          `the server rejected the file: ${verdict.reason}`,
        );
      case "rename":
        return await this.#inner.locate(verdict.path, "write");
    }
  }

  async #judge(file: StagedFile): Promise<Verdict> {
    const { clock, onFault, onReceived, sender, timeout } = this.#options;
    const late = new AbortController();
    const done = new AbortController();
    const judged = onReceived({ ...file, ...sender }, late.signal);
    const lateness = sleep(clock, timeout, done.signal).then(() => {
      const seconds = timeout / 1000;
      const reason = `nobody has judged it within ${seconds} s`;
      late.abort(new StorageError("denied", reason));
      return { verdict: "reject", reason } as const;
    });
    lateness.catch(() => {});
    // One that is late may fail later; nobody is interested then.
    judged.catch(() => {});
    try {
      return await Promise.race([judged, lateness]);
    } catch (error) {
      onFault(error);
      return { verdict: "reject", reason: "it could not be looked at" };
    } finally {
      done.abort();
    }
  }

  /** As the files have it. */
  locate(
    name: string,
    intent: LocateIntent,
    known?: KnownFolders,
  ): Promise<SafePath> {
    return this.#inner.locate(name, intent, known);
  }

  /** As the files have it. */
  stat(path: SafePath): Promise<Entry> {
    return this.#inner.stat(path);
  }

  /** As the files have it. */
  list(path: SafePath): AsyncIterable<Entry> {
    return this.#inner.list(path);
  }

  /** As the files have it. */
  openSource(path: SafePath, algorithm: DigestAlgorithm): Promise<Source> {
    return this.#inner.openSource(path, algorithm);
  }

  /** As the files have it. */
  acknowledge(id: string): Promise<void> {
    return this.#inner.acknowledge(id);
  }

  /** As the files have it. */
  makeDirectory(
    path: SafePath,
    options: { readonly parents: boolean; readonly durability: Durability },
  ): Promise<void> {
    return this.#inner.makeDirectory(path, options);
  }

  /** As the files have it. */
  setAttributes(path: SafePath, attributes: Attributes): Promise<void> {
    return this.#inner.setAttributes(path, attributes);
  }

  /** As the files have it. */
  twin(path: SafePath): Promise<string | undefined> {
    return this.#inner.twin(path);
  }

  /** As the files have it. */
  remove(
    path: SafePath,
    options: {
      readonly recursive: boolean;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<number> {
    return this.#inner.remove(path, options);
  }

  /** As the files have it. */
  rename(
    from: SafePath,
    to: SafePath,
    onConflict: ConflictPolicy,
  ): Promise<{ readonly path: string; readonly publication: Publication }> {
    return this.#inner.rename(from, to, onConflict);
  }

  /** As the files have it. */
  sweep(): Promise<void> {
    return this.#inner.sweep();
  }

  /** As the files have it. */
  freeSpace(): Promise<number | undefined> {
    return this.#inner.freeSpace();
  }

  /** Nothing: the files are shared. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
