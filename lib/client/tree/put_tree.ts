/**
 * Sends a folder: what is there on the server is listed once, and each local
 * folder is compared with its counterpart as soon as that is complete. What has
 * no counterpart is sent without a question.
 *
 * @module
 */

import { joinName, remoteNameProblem } from "../../protocol/mod.ts";
import { FerryError, toFerryError } from "../errors.ts";
import type { Client, RemoteEntry } from "../types.ts";
import { FolderTimes } from "./attributes.ts";
import { Extras } from "./extras.ts";
import { RemoteFolders } from "./folders.ts";
import type { Mirror } from "./get_tree.ts";
import {
  type LocalEntry,
  type LocalFolder,
  type LocalItem,
  LocalWalk,
} from "./local_walk.ts";
import { isOwnName, NameSet } from "./names.ts";
import { planFile } from "./plan.ts";
import { type RemoteItem, RemoteTree } from "./remote_tree.ts";
import { isAboutOneEntry, TreeRun } from "./run.ts";
import { keepMode, settlePlan, Transfers } from "./transfers.ts";
import type {
  TreeFile,
  TreeOptions,
  TreePlaces,
  TreeSummary,
} from "./types.ts";

/**
 * Sends a folder with everything in it, or a file. What is there already and
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
 * await disk.makeDirectory("/photos", 0o777);
 * const file = await disk.open("/photos/hello.txt", "create");
 * await file.write(new TextEncoder().encode("hello"), 0);
 * file.close();
 * await using client = await connect({ ...server.addresses[0]!, disk });
 *
 * const places = { remote: "backup/photos", local: "/photos" };
 * const first = await putTree(client, places, { disk });
 * assertEquals([first.files, first.folders], [1, 1]);
 * const again = await putTree(client, places, { disk });
 * assertEquals([again.files, again.equal], [0, 1]);
 * ```
 *
 * @param client The session.
 * @param places What and where to.
 * @param options How.
 * @returns What became of it; files that failed are counted there and told by `onEvent`.
 * @throws {FerryError} when it cannot begin, and `cancelled`.
 */
export async function putTree(
  client: Client,
  places: TreePlaces,
  options: TreeOptions = {},
): Promise<TreeSummary> {
  return await new PutTree(new TreeRun(client, "put", places, options)).run();
}

/** What is at the root of the destination; `unknown` to those who may not look. */
type RootState = "missing" | "directory" | "unknown";

/** The entries of one remote folder, by name. */
type Group = ReadonlyMap<string, RemoteEntry>;

const NOTHING: Group = new Map();

/** What a remote folder is to the run. */
type Counterpart =
  /** There is a local folder of that path. */
  | { readonly kind: "shared"; readonly folder: LocalFolder }
  /** There is nothing of that path, and it is to go. */
  | { readonly kind: "extra"; readonly verdict: "take" | "pass" };

/** One run of {@linkcode putTree}. */
export class PutTree {
  readonly #run: TreeRun;
  readonly #folders: RemoteFolders;
  readonly #times: FolderTimes;
  readonly #transfers: Transfers;
  readonly #extras: Extras | undefined;
  readonly #mirror: Mirror | undefined;
  /** Remote folders that matter and are not complete; others are ignored. */
  readonly #counterparts = new Map<string, Counterpart>();
  #walk: LocalWalk | undefined;

  /**
   * @param run What was asked.
   * @param mirror What makes a sync of it.
   */
  constructor(run: TreeRun, mirror?: Mirror) {
    this.#run = run;
    this.#folders = new RemoteFolders(run);
    this.#times = new FolderTimes(run);
    this.#transfers = new Transfers(run, this.#times.touchAbove);
    this.#mirror = mirror;
    if (!mirror?.deleteExtra) return;
    this.#extras = new Extras(run, (path) => this.#remove(path));
  }

  /** Runs. */
  async run(): Promise<TreeSummary> {
    const run = this.#run;
    try {
      await this.#send();
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

  async #remove(path: string): Promise<void> {
    const { client, signal } = this.#run;
    try {
      await client.remove(this.#run.remote(path), { signal });
    } catch (error) {
      // Somebody else was faster, or the answer to the first try was lost.
      if (toFerryError(error).code !== "not-found") throw error;
    }
  }

  async #send(): Promise<void> {
    const run = this.#run;
    const { preserve, setAttributes } = run.options;
    if (preserve && setAttributes === undefined) {
      throw new FerryError(
        "unsupported",
        "permission bits cannot be set on the server yet",
        { side: "local", path: run.places.local },
      );
    }
    const real = await run.disk.realPath(run.places.local);
    const stat = await run.disk.stat(real);
    if (stat.kind !== "directory") return await this.#putRootFile(real, stat);
    this.#walk = new LocalWalk(run, real);
    const { root } = this.#walk;
    this.#times.want("", stat);
    const state = await this.#lookAtRoot();
    if (state !== "directory") {
      if (root.verdict === "take" && !await this.#folders.ensure("")) return;
      return await this.#sendFolder(root, NOTHING);
    }
    this.#folders.found("");
    this.#counterparts.set("", { kind: "shared", folder: root });
    await this.#compare();
  }

  async #putRootFile(
    real: string,
    stat: LocalEntry["stat"],
  ): Promise<void> {
    const run = this.#run;
    const { local } = run.places;
    if (stat.kind !== "file" || this.#mirror !== undefined) {
      const isFile = stat.kind === "file";
      throw new FerryError(
        isFile ? "not-directory" : "not-file",
        isFile ? "it is not a directory" : "it is no file",
        { side: "local", path: local },
      );
    }
    const there = await this.#statIfAny("");
    await this.#file({
      path: "",
      remote: run.remote(""),
      local,
      size: stat.size,
      modified: stat.modified,
      mode: stat.mode,
    }, { real, there, ready: Promise.resolve(true) });
  }

  async #lookAtRoot(): Promise<RootState> {
    const { places, rules } = this.#run;
    try {
      const there = await this.#statIfAny("");
      if (there === undefined) return "missing";
      if (there.kind === "directory") return "directory";
      const what = there.kind === "link" ? "a link" : "a file";
      throw new FerryError(
        "not-directory",
        `${what} is where a directory is needed`,
        { side: rules.side, path: places.remote },
      );
    } catch (error) {
      // Who may not look, may still send; a mirror needs to see both sides.
      const isDenied = toFerryError(error).code === "denied";
      if (isDenied && this.#mirror === undefined) return "unknown";
      throw error;
    }
  }

  async #statIfAny(path: string): Promise<RemoteEntry | undefined> {
    const { client, signal } = this.#run;
    try {
      return await client.stat(this.#run.remote(path), { signal });
    } catch (error) {
      if (toFerryError(error).code === "not-found") return undefined;
      throw error;
    }
  }

  /** Goes through what is on the server, folder by folder. */
  async #compare(): Promise<void> {
    const run = this.#run;
    const tree = new RemoteTree(run);
    let group = new Map<string, RemoteEntry>();
    const groups = new Map<string, Map<string, RemoteEntry>>();
    try {
      for await (const item of tree.items()) {
        run.check();
        if (run.ended !== undefined) return;
        if (item.kind === "entry") {
          if (!this.#counterparts.has(item.folder)) continue;
          group = groups.get(item.folder) ?? new Map();
          groups.set(item.folder, group.set(item.entry.name, item.entry));
        } else if (item.kind === "complete") {
          group = groups.get(item.folder) ?? new Map();
          groups.delete(item.folder);
          await this.#complete(item.folder, group);
        } else {
          await this.#unreadable(item);
        }
      }
    } catch (cause) {
      run.check();
      const error = toFerryError(cause);
      const isOurs = error.side === "local" && error.code !== "limit";
      if (!tree.hasAnswered || isOurs) throw cause;
      run.ended ??= error;
      const subject = run.remote("");
      await run.fail({ doing: "list", path: "", subject }, error);
    }
  }

  async #unreadable(
    item: Extract<RemoteItem, { kind: "problem" | "refused" }>,
  ): Promise<void> {
    const path = item.kind === "problem" ? item.folder : item.path;
    if (item.kind === "problem" && !this.#counterparts.delete(path)) return;
    const subject = this.#run.remote(path);
    await this.#run.fail({ doing: "list", path, subject }, item.error);
  }

  /** A remote folder is known with all that is in it. */
  async #complete(path: string, group: Group): Promise<void> {
    const counterpart = this.#counterparts.get(path);
    this.#counterparts.delete(path);
    if (counterpart?.kind === "shared") {
      await this.#sendFolder(counterpart.folder, group);
    } else if (counterpart?.kind === "extra") {
      for (const entry of group.values()) {
        this.#extra(path, entry, counterpart.verdict);
      }
    }
  }

  /** Sends what is in a folder, and in those below it that the server has not. */
  async #sendFolder(root: LocalFolder, known: Group): Promise<void> {
    const run = this.#run;
    const fresh: LocalFolder[] = [];
    let group = known;
    for (
      let folder: LocalFolder | undefined = root;
      folder !== undefined;
      folder = fresh.pop()
    ) {
      if (run.ended !== undefined) return;
      const names = new NameSet();
      try {
        for await (const item of this.#walk!.entries(folder)) {
          run.check();
          await this.#item(folder, item, { group, names, fresh });
        }
      } catch (error) {
        if (!isAboutOneEntry(error)) throw error;
        await run.fail({ doing: "list", path: folder.path }, error);
      }
      this.#findExtras(folder, group, names);
      group = NOTHING;
    }
  }

  #findExtras(folder: LocalFolder, group: Group, names: NameSet): void {
    const { verdict } = folder;
    if (this.#extras === undefined || verdict === "drop") return;
    for (const entry of group.values()) {
      if (!names.has(entry.name)) this.#extra(folder.path, entry, verdict);
    }
  }

  #extra(
    folder: string,
    entry: RemoteEntry,
    above: "take" | "pass",
  ): void {
    const isFolder = entry.kind === "directory";
    const path = joinName(folder, entry.name);
    const verdict = this.#run.filter.judge(path, isFolder, above);
    // What cannot be named cannot be removed.
    const isOurs = entry.addressable && !isOwnName(entry.name);
    if (verdict === "take" && isOurs) this.#extras?.add(path, isFolder);
    else this.#extras?.keep(path);
    if (isFolder && isOurs && verdict !== "drop") {
      this.#counterparts.set(path, { kind: "extra", verdict });
    }
  }

  async #item(
    folder: LocalFolder,
    item: LocalItem,
    around: {
      readonly group: Group;
      readonly names: NameSet;
      readonly fresh: LocalFolder[];
    },
  ): Promise<void> {
    const run = this.#run;
    const { path, name } = item.kind === "entry" ? item.entry : item;
    const { group, names } = around;
    const twin = names.twin(name);
    names.add(name);
    const isFolder = item.kind === "entry" &&
      item.entry.stat.kind === "directory";
    const verdict = run.filter.judge(path, isFolder, folder.verdict);
    if (verdict === "drop") return;
    if (item.kind === "link") return await run.leaveOut(path, "link");
    try {
      if (item.kind === "failed") throw item.error;
      this.#checkName(path);
      await this.#checkTwin(path, name, { group, twin });
      if (isFolder) {
        const { real } = item.entry;
        const below = { path, real, above: folder, verdict };
        this.#folder(below, item.entry, around);
      } else await this.#entry(folder, item.entry, group);
    } catch (error) {
      if (!isAboutOneEntry(error)) throw error;
      await run.fail({ doing: "put", path }, error);
    }
  }

  #checkName(path: string): void {
    const problem = remoteNameProblem(this.#run.remote(path));
    if (problem === undefined) return;
    throw new FerryError("bad-name", `the name ${problem}`, {
      side: "local",
      path: this.#run.local(path),
    });
  }

  /** Finds out whether the server takes a name and a like one for the same. */
  async #checkTwin(
    path: string,
    name: string,
    { group, twin }: {
      readonly group: Group;
      readonly twin: string | undefined;
    },
  ): Promise<void> {
    if (twin === undefined || group.has(name)) return;
    const folder = path.slice(0, path.length - name.length);
    await this.#transfers.whenThrough(folder + twin);
    await this.#folders.settled(folder + twin);
    if (this.#run.isDry || await this.#statIfAny(path) === undefined) return;
    throw new FerryError(
      "exists",
      "another entry of the folder has the same name for the server's file system",
      { path: this.#run.remote(path) },
    );
  }

  #folder(
    folder: LocalFolder,
    { name, stat }: LocalEntry,
    { group, fresh }: { readonly group: Group; readonly fresh: LocalFolder[] },
  ): void {
    const { path, verdict } = folder;
    const there = group.get(name);
    if (there === undefined) {
      if (verdict === "take") {
        this.#times.want(path, stat);
        this.#times.touch(path);
        this.#times.touchAbove(path);
        // Why it cannot be made is told there.
        this.#folders.ensure(path).catch((error) => this.#run.crash(error));
      }
      fresh.push(folder);
      return;
    }
    if (there.kind !== "directory") {
      const what = there.kind === "link" ? "a link" : "a file";
      throw new FerryError(
        "not-directory",
        `${what} is where a directory is needed`,
        { path: this.#run.remote(path) },
      );
    }
    if (verdict === "take") {
      this.#times.want(path, stat);
      this.#times.found(path, there);
    }
    this.#folders.found(path);
    this.#counterparts.set(path, { kind: "shared", folder });
  }

  async #entry(
    folder: LocalFolder,
    { path, name, real, stat }: LocalEntry,
    group: Group,
  ): Promise<void> {
    const run = this.#run;
    if (stat.kind !== "file") return await run.leaveOut(path, "special");
    const ready = this.#folders.ensure(folder.path);
    // It is looked at when the file's turn comes.
    ready.catch(() => {});
    await this.#file({
      path,
      remote: run.remote(path),
      local: run.local(path),
      size: stat.size,
      modified: stat.modified,
      mode: stat.mode,
    }, { real, there: group.get(name), ready });
  }

  async #file(
    file: TreeFile,
    { real, there, ready }: {
      readonly real: string;
      readonly there: RemoteEntry | undefined;
      readonly ready: Promise<boolean>;
    },
  ): Promise<void> {
    const run = this.#run;
    const plan = planFile(file, there, run.rules);
    if (plan.kind === "move" || plan.kind === "compare") {
      return await this.#transfers.push({
        file,
        source: real,
        plan,
        isLink: false,
        ready,
        verify: () => Promise.resolve(),
      });
    }
    await settlePlan(run, file, plan);
    const isModeSame = there === undefined || there.mode === 0 ||
      there.mode === (file.mode & 0o777);
    if (plan.kind === "equal" && !isModeSame) {
      await keepMode(run, file, file.remote);
    }
  }
}
