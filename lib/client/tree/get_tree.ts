/**
 * Fetches a folder: what the server lists is judged, made and fetched while the
 * listing goes on.
 *
 * @module
 */

import { folderOf } from "../../protocol/mod.ts";
import { lstatIfAny } from "../../storage/mod.ts";
import { FerryError, toFerryError } from "../errors.ts";
import type { Client, RemoteEntry } from "../types.ts";
import { FolderTimes } from "./attributes.ts";
import { Extras, isOneEntry, LocalExtras, removeLocal } from "./extras.ts";
import type { Verdict } from "./filter.ts";
import { LocalFolders } from "./folders.ts";
import { isWindowsPath, localNameProblem } from "./names.ts";
import { planFile } from "./plan.ts";
import { type RemoteItem, RemoteTree } from "./remote_tree.ts";
import { isAboutOneEntry, TreeRun } from "./run.ts";
import { keepMode, settlePlan, Transfers } from "./transfers.ts";
import type {
  SyncOptions,
  TreeFile,
  TreeOptions,
  TreePlaces,
  TreeSummary,
} from "./types.ts";

/**
 * Fetches a folder with everything in it, or a file. What is there already and
 * equal is skipped: who runs it again continues it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, MemoryDisk, openMemoryStorage, serve } from "../../mod.ts";
 *
 * await using server = await serve({
 *   root: await openMemoryStorage(),
 *   listen: [{ hostname: "127.0.0.1", port: 0 }],
 * });
 * const disk = new MemoryDisk();
 * await using client = await connect({ ...server.addresses[0]!, disk });
 * await client.makeDirectory("photos");
 * await client.put(new Blob(["hello"]).stream(), "photos/hello.txt");
 *
 * const places = { remote: "photos", local: "/photos" };
 * const first = await getTree(client, places, { disk });
 * assertEquals([first.files, first.folders], [1, 1]);
 * const again = await getTree(client, places, { disk });
 * assertEquals([again.files, again.equal], [0, 1]);
 * ```
 *
 * @param client The session.
 * @param places What and where to.
 * @param options How.
 * @returns What became of it; files that failed are counted there and told by `onEvent`.
 * @throws {FerryError} when it cannot begin, and `cancelled`.
 */
export async function getTree(
  client: Client,
  places: TreePlaces,
  options: TreeOptions = {},
): Promise<TreeSummary> {
  return await new GetTree(new TreeRun(client, "get", places, options)).run();
}

/** What makes a sync of it. */
export type Mirror = Pick<SyncOptions, "deleteExtra" | "confirmDelete">;

interface FolderState {
  /** `failed`: it is not there, and why was told. */
  readonly verdict: Verdict | "failed";
}

/** One run of {@linkcode getTree}. */
export class GetTree {
  readonly #run: TreeRun;
  readonly #folders: LocalFolders;
  readonly #times: FolderTimes;
  readonly #transfers: Transfers;
  readonly #states = new Map<string, FolderState>();
  readonly #extras: Extras | undefined;
  readonly #mirror: Mirror | undefined;
  #comparison: LocalExtras | undefined;
  #isWindows = false;

  /**
   * @param run What was asked.
   * @param mirror What makes a sync of it.
   */
  constructor(run: TreeRun, mirror?: Mirror) {
    this.#run = run;
    this.#folders = new LocalFolders(run);
    this.#times = new FolderTimes(run);
    this.#transfers = new Transfers(run, this.#times.touchAbove);
    this.#mirror = mirror;
    if (!mirror?.deleteExtra) return;
    this.#extras = new Extras(
      run,
      (path, isFolder) => removeLocal(run, this.#folders, path, isFolder),
    );
    this.#comparison = new LocalExtras(run, this.#folders, this.#extras);
  }

  /** Runs. */
  async run(): Promise<TreeSummary> {
    const run = this.#run;
    try {
      await this.#list();
    } catch (error) {
      // What was begun is not left running.
      run.crash(error);
    }
    run.totals.counted();
    await this.#transfers.finish();
    if (run.ended === undefined) {
      await this.#extras?.delete(
        this.#mirror?.confirmDelete,
        this.#times.touchAbove,
      );
      await this.#times.set();
    }
    return run.summary();
  }

  async #list(): Promise<void> {
    const run = this.#run;
    const { client, places, signal } = run;
    const root = await client.stat(places.remote, { signal });
    this.#isWindows = await this.#usesWindowsRules();
    const kind = root.kind === "link"
      ? await this.#kindOfLink(places.remote)
      : root.kind;
    if (kind !== "directory") return await this.#getRootFile(root, kind);
    this.#states.set("", { verdict: run.filter.root });
    // The times of a link are not those of what it leads to.
    if (root.kind === "directory") this.#times.want("", root);
    const tree = new RemoteTree(run);
    try {
      for await (const item of tree.items()) {
        run.check();
        if (run.ended !== undefined) return;
        if (run.filter.root === "take") await this.#folders.ensure("");
        await guardEntry(run, item, () => this.#item(item));
      }
    } catch (cause) {
      run.check();
      if (!tree.hasAnswered) throw cause;
      const error = toFerryError(cause);
      if (error.side === "local" && error.code !== "limit") throw cause;
      run.ended ??= error;
      await run.fail({ doing: "list", path: "" }, error);
    }
  }

  /** Where a name is not one here depends on the machine that the disk is of. */
  async #usesWindowsRules(): Promise<boolean> {
    return isWindowsPath(await this.#run.disk.realPath(".").catch(() => ""));
  }

  async #kindOfLink(path: string): Promise<"file" | "directory"> {
    const { client, signal } = this.#run;
    try {
      for await (const _page of client.list(path, { signal })) break;
      return "directory";
    } catch (error) {
      if (toFerryError(error).code === "not-directory") return "file";
      throw error;
    }
  }

  async #getRootFile(
    root: RemoteEntry,
    kind: RemoteEntry["kind"],
  ): Promise<void> {
    if (this.#mirror !== undefined) {
      throw new FerryError("not-directory", "it is not a directory", {
        path: root.path,
      });
    }
    if (kind === "other") return await this.#run.leaveOut("", "special");
    await this.#file({
      path: "",
      remote: root.path,
      local: this.#run.places.local,
      size: root.kind === "link" ? undefined : root.size,
      modified: root.modified,
      mode: root.kind === "link" ? 0 : root.mode,
    }, root.kind === "link");
  }

  async #item(item: RemoteItem): Promise<void> {
    switch (item.kind) {
      case "entry":
        return await this.#entry(item);
      case "complete": {
        const { verdict } = this.#states.get(item.folder) ?? DROPPED;
        if (verdict !== "take" && verdict !== "pass") return;
        await this.#comparison?.compare(item.folder, item.names, verdict);
        return;
      }
      case "problem": {
        const { verdict } = this.#states.get(item.folder) ?? DROPPED;
        if (verdict === "drop") return;
        const { folder: path, error } = item;
        return await this.#run.fail({ doing: "list", path }, error);
      }
      case "refused":
        return await this.#run.fail(
          { doing: "get", path: item.path },
          item.error,
        );
    }
  }

  async #entry(item: Extract<RemoteItem, { kind: "entry" }>): Promise<void> {
    const run = this.#run;
    const { path, entry } = item;
    const isFolder = entry.kind === "directory";
    const { verdict: above } = this.#states.get(item.folder) ?? DROPPED;
    if (above === "failed") {
      if (isFolder) this.#states.set(path, { verdict: above });
      else run.counts.notTried++;
      return;
    }
    const verdict = run.filter.judge(path, isFolder, above);
    if (isFolder) this.#states.set(path, { verdict });
    if (verdict === "drop") return;
    const problem = await this.#problem(item);
    if (problem !== undefined) {
      if (isFolder) this.#states.set(path, { verdict: "failed" });
      return await run.fail({ doing: "get", path }, problem);
    }
    if (isFolder) return await this.#folder(path, verdict, entry);
    if (entry.kind === "other") return await run.leaveOut(path, "special");
    const isLink = entry.kind === "link";
    if (isLink && run.options.links !== "follow") {
      return await run.leaveOut(path, "link");
    }
    if (!await this.#folders.ensure(item.folder)) {
      run.counts.notTried++;
      return;
    }
    await this.#file({
      path,
      remote: run.remote(path),
      local: run.local(path),
      size: isLink ? undefined : entry.size,
      modified: entry.modified,
      mode: isLink ? 0 : entry.mode,
    }, isLink);
  }

  /** Why an entry cannot come to this machine; `undefined` if it can. */
  async #problem(
    { path, entry, twin }: Extract<RemoteItem, { kind: "entry" }>,
  ): Promise<FerryError | undefined> {
    const run = this.#run;
    const problem = localNameProblem(path, this.#isWindows) ??
      (entry.addressable ? undefined : "cannot be asked for");
    if (problem !== undefined) {
      return new FerryError("bad-name", `the name ${problem}`, {
        side: "local",
        path: run.remote(path),
      });
    }
    if (twin === undefined) return undefined;
    // Only when the other one is there can the disk say whether it tells them apart.
    await this.#transfers.whenThrough(twin);
    if (!await isOneEntry(run, path, twin)) return undefined;
    return new FerryError(
      "exists",
      "another entry of the folder has the same name for this file system",
      { side: "local", path: run.local(path) },
    );
  }

  async #folder(
    path: string,
    verdict: Verdict,
    entry: RemoteEntry,
  ): Promise<void> {
    if (verdict === "take") {
      if (!await this.#folders.ensure(path)) {
        this.#states.set(path, { verdict: "failed" });
        return;
      }
      this.#times.want(path, entry);
    }
  }

  async #file(file: TreeFile, isLink: boolean): Promise<void> {
    const run = this.#run;
    const isNew = file.path !== "" && this.#folders.isNew(folderOf(file.path));
    const there = isNew ? undefined : await lstatIfAny(run.disk, file.local);
    const plan = planFile(file, there, run.rules);
    if (plan.kind !== "move" && plan.kind !== "compare") {
      await settlePlan(run, file, plan);
      const isModeSame = there === undefined ||
        (there.mode & 0o777) === (file.mode & 0o777);
      if (plan.kind === "equal" && !isModeSame) {
        await keepMode(run, file, file.local);
      }
      return;
    }
    await this.#transfers.push({
      file,
      plan,
      isLink,
      ready: Promise.resolve(true),
      verify: () => this.#folders.verify(folderOf(file.path)),
    });
  }
}

const DROPPED: FolderState = { verdict: "drop" };

/** What is wrong with one entry stops no other. */
async function guardEntry(
  run: TreeRun,
  item: RemoteItem,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isAboutOneEntry(error)) {
      run.crash(error);
      throw error;
    }
    const folder = "folder" in item ? item.folder : "";
    await run.fail(
      item.kind === "entry"
        ? { doing: "get", path: item.path }
        : { doing: "list", path: folder, subject: run.local(folder) },
      error,
    );
  }
}
