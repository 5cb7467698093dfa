/** A server and a client in memory, and trees at both ends. */

import { assertEquals } from "@std/assert";
import type {
  Client,
  ConnectOptions,
  ListPage,
  RemoteEntry,
  TreeEvent,
  TreeSummary,
} from "../../../lib/client/mod.ts";
import { type Disk, MemoryDisk } from "../../../lib/storage/mod.ts";
import type { FakeClock } from "../../helpers/fake_clock.ts";
import { patched } from "../../helpers/patched.ts";
import {
  readMemory,
  startServer,
  type TestServer,
  type TestServerOptions,
  writeMemory,
} from "../../helpers/test_server.ts";
import { clientOf } from "../hostile.ts";

/** What a tree holds: text is a file, `null` a folder, an array a link to its element. */
export type Tree = Readonly<Record<string, string | null | readonly [string]>>;

const UTF8 = new TextEncoder();

/** Makes a tree below an existing folder; folders above entries are made too. */
export async function plant(
  disk: MemoryDisk,
  root: string,
  tree: Tree,
): Promise<void> {
  for (const [path, content] of Object.entries(tree)) {
    const full = `${root === "/" ? "" : root}/${path}`;
    const segments = full.split("/").slice(1);
    const depth = content === null ? segments.length : segments.length - 1;
    for (let count = 1; count <= depth; count++) {
      const folder = `/${segments.slice(0, count).join("/")}`;
      const isThere = await disk.lstat(folder).then(() => true, () => false);
      if (!isThere) await disk.makeDirectory(folder, 0o755);
    }
    if (content === null) continue;
    if (typeof content !== "string") disk.symlink(content[0], full);
    else {
      await disk.removeFile(full).catch(() => {});
      await writeMemory(disk, full, UTF8.encode(content));
    }
  }
}

/** What is below a folder; staging is left out. */
export async function harvest(
  disk: MemoryDisk,
  root: string,
): Promise<Record<string, string | null | readonly [string]>> {
  const found: Record<string, string | null | readonly [string]> = {};
  const folders = [""];
  for (
    let folder = folders.pop();
    folder !== undefined;
    folder = folders.pop()
  ) {
    const base = `${root === "/" ? "" : root}/${folder}`.replace(/\/$/, "");
    for await (const { name, kind } of disk.list(base || "/")) {
      if (name === ".ferry") continue;
      const path = folder === "" ? name : `${folder}/${name}`;
      if (kind === "directory") {
        found[path] = null;
        folders.push(path);
      } else if (kind === "link") found[path] = ["?"];
      else {
        const bytes = await readMemory(disk, `${base}/${name}`);
        found[path] = new TextDecoder().decode(bytes);
      }
    }
  }
  return Object.fromEntries(Object.entries(found).sort());
}

/** A tree with the folders that its paths imply, in order. */
export function whole(
  tree: Tree,
): Record<string, string | null | readonly [string]> {
  const all: Record<string, string | null | readonly [string]> = {};
  for (const [path, content] of Object.entries(tree)) {
    const segments = path.split("/");
    for (let count = 1; count < segments.length; count++) {
      all[segments.slice(0, count).join("/")] = null;
    }
    all[path] = content;
  }
  return Object.fromEntries(Object.entries(all).sort());
}

/** Keeps events, as short lines. */
export class Log {
  readonly lines: string[] = [];
  readonly errors: string[] = [];

  /** To be given as `onEvent`. */
  readonly tell = (event: TreeEvent): void => {
    switch (event.kind) {
      case "file":
        this.lines.push(`${event.publication} ${event.file.path}`);
        break;
      case "equal":
        this.lines.push(`equal ${event.file.path}`);
        break;
      case "left-out":
        this.lines.push(`${event.reason} ${event.path}`);
        break;
      case "failed":
        this.lines.push(`failed ${event.path}`);
        this.errors.push(
          `${event.doing} ${event.subject}: ${event.error.code}: ${event.error.message}`,
        );
        break;
      default:
        this.lines.push(`${event.kind} ${event.path}`);
    }
  };

  /** The lines in alphabetic order, for several files move at once. */
  get sorted(): string[] {
    return [...this.lines].sort();
  }
}

/** The counts of a summary that are not 0. */
export function counts(summary: TreeSummary): Record<string, number> {
  return Object.fromEntries(
    Object.entries(summary).filter(([name, value]) =>
      typeof value === "number" && value !== 0 &&
      !["bytes", "wireBytes"].includes(name)
    ),
  );
}

/** A server, a client of it, and both disks. */
export class TreeWorld {
  readonly server: TestServer;
  readonly client: Client;
  readonly disk: MemoryDisk;
  readonly clock: FakeClock;

  constructor(parts: { server: TestServer; client: Client; disk: MemoryDisk }) {
    this.server = parts.server;
    this.client = parts.client;
    this.disk = parts.disk;
    this.clock = parts.server.clock;
  }

  /** The server's disk. */
  get remote(): MemoryDisk {
    return this.server.disk;
  }

  /** The ports of the client's side. */
  get ports(): { readonly disk: Disk; readonly clock: FakeClock } {
    return { disk: this.disk, clock: this.clock };
  }

  /** Bytes of file data that the server has sent or received so far. */
  get dataConnections(): number {
    return this.server.network.dialled.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    assertEquals(this.disk.openHandles, 0, "local files are left open");
    await this.server[Symbol.asyncDispose]();
  }
}

/** Begins a {@linkcode TreeWorld}. */
export async function treeWorld(
  options: TestServerOptions = {},
  more: Partial<ConnectOptions> = {},
): Promise<TreeWorld> {
  const server = await startServer(options);
  const disk = new MemoryDisk({ clock: server.clock });
  const { client } = await clientOf(server, { disk, ...more });
  return new TreeWorld({ server, client, disk });
}

/** A client whose listing is what a test says; everything else is the real one's. */
export function listing(
  client: Client,
  list: () => AsyncIterable<ListPage>,
): Client {
  return patched(client, { list });
}

/** A remote entry, a file unless told otherwise. */
export function remoteEntry(
  path: string,
  changes: Partial<RemoteEntry> = {},
): RemoteEntry {
  return {
    path,
    name: path.slice(path.lastIndexOf("/") + 1),
    kind: "file",
    size: 1,
    modified: 1_700_000_000_000,
    mode: 0o644,
    addressable: true,
    ...changes,
  };
}
