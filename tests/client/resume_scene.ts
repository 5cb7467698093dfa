/** A server and clients that come back: what goes over the wire, and when it breaks. */

import {
  type Client,
  connect,
  type ConnectOptions,
  type ReconnectEvent,
} from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { assertEquals } from "@std/assert";
import { settle } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  startServer,
  type TestServer,
  type TestServerOptions,
  writeMemory,
} from "../helpers/test_server.ts";

export const CHUNK = 1_048_576;

/** A byte of the first chunk that lies between two samples of a fingerprint. */
const UNSEEN = 100_000;

/** Where the clients keep what another process needs. */
export const STATE = "/state";

const DATA = 0x23;

/** One write of either end. */
export interface Write {
  readonly from: "client" | "server";
  readonly bytes: Uint8Array;
  /** How many of either end came before it. */
  readonly at: number;
  /** The chunk, if it is one. */
  readonly chunk: number | undefined;
}

/** What becomes of a write: it is cut off and everything with it, or changed. */
export type Judge = (write: Write) => "cut" | "damage" | void;

/** The frames of one write, as views; what is none is one by itself. */
function* framesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const isFrame = rest.length >= 28 && rest[0] === 0xfe && rest[1] === 0x79;
    const payload = isFrame
      ? new DataView(rest.buffer, rest.byteOffset).getUint32(16)
      : rest.length;
    yield rest.subarray(0, 28 + payload);
    at += 28 + payload;
  }
}

/** A server, and a machine with clients. */
export class ResumeScene implements AsyncDisposable {
  readonly server: TestServer;
  /** The disk of the clients. */
  readonly disk: MemoryDisk;
  /** The chunks that went over the wire since this was emptied. */
  readonly chunks: number[] = [];
  readonly events: ReconnectEvent[] = [];
  judge: Judge = () => {};
  /** Says which byte of a write arrives wrong. */
  damage: (write: Write) => number | undefined = () => undefined;
  #writes = 0;
  #seed = 100;
  readonly #clients: Client[] = [];

  private constructor(server: TestServer, disk: MemoryDisk) {
    this.server = server;
    this.disk = disk;
    this.#watch();
  }

  static async make(options: TestServerOptions = {}): Promise<ResumeScene> {
    const server = await startServer(options);
    return new ResumeScene(server, new MemoryDisk({ clock: server.clock }));
  }

  /** How many writes there were. */
  get writes(): number {
    return this.#writes;
  }

  /** A client, as a process of its own. */
  async client(more: Partial<ConnectOptions> = {}): Promise<Client> {
    const { server, disk } = this;
    const client = await connect({
      ...server.address,
      network: server.network,
      clock: server.clock,
      disk,
      stateFolder: STATE,
      random: new SeededRandom(this.#seed++),
      onReconnect: (event) => this.events.push(event),
      ...more,
    });
    this.#clients.push(client);
    return client;
  }

  /** Waits for something while time passes. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.server.clock.run(work, 100);
  }

  /** Breaks every connection. */
  cut(): void {
    for (const { client } of this.server.network.dialled) client.reset();
  }

  /** Replaces a local file. */
  async local(path: string, bytes: Uint8Array): Promise<void> {
    await this.disk.removeFile(path).catch(() => {});
    await writeMemory(this.disk, path, bytes);
  }

  /**
   * Changes a byte of a file that no sample looks at, while time stands still:
   * size, times and inode are what they were.
   */
  async editUnseen(disk: MemoryDisk, path: string): Promise<void> {
    const { size, modified, changed } = await disk.stat(path);
    const file = await disk.open(path, "write");
    const byte = new Uint8Array(1);
    await file.read(byte, UNSEEN);
    byte[0]! ^= 0xff;
    await file.write(byte, UNSEEN);
    file.close();
    const now = await disk.stat(path);
    assertEquals([now.size, now.modified, now.changed], [
      size,
      modified,
      changed,
    ]);
  }

  /** Names on the clients' disk. */
  async names(path = "/"): Promise<string[]> {
    const names = await Array.fromAsync(this.disk.list(path));
    return names.map(({ name }) => name).sort();
  }

  /**
   * Cuts everything at one of the writes that are to come.
   *
   * @returns Says whether it has come.
   */
  cutAtWrite(index: number): () => boolean {
    const first = this.writes;
    let isDone = false;
    this.judge = ({ at }) => {
      if (isDone || at - first !== index) return;
      isDone = true;
      return "cut";
    };
    return () => isDone;
  }

  /** Cuts everything when chunk `index` is sent for the first time. */
  cutAt(index: number): void {
    let isDone = false;
    this.judge = ({ chunk }) => {
      if (isDone || chunk !== index) return;
      isDone = true;
      return "cut";
    };
  }

  #watch(): void {
    this.server.network.onDial = ({ client, server }) => {
      for (
        const [end, from] of [[client, "client"], [server, "server"]] as const
      ) {
        end.tap = (bytes) => this.#pass(from, bytes);
      }
    };
  }

  #pass(
    from: "client" | "server",
    bytes: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> | "reset" | void {
    const passed = bytes.slice();
    for (const frame of framesOf(passed)) {
      const view = new DataView(frame.buffer, frame.byteOffset);
      const isChunk = frame.length > 28 && frame[2] === DATA;
      const chunk = isChunk ? Number(view.getBigUint64(8)) / CHUNK : undefined;
      const write = { from, bytes: frame, at: this.#writes++, chunk };
      const place = this.damage(write);
      const verdict = place === undefined ? this.judge(write) : "damage";
      if (verdict === "cut") {
        this.cut();
        return "reset";
      }
      if (chunk !== undefined) this.chunks.push(chunk);
      if (verdict === "damage") frame[place ?? frame.length - 1]! ^= 1;
    }
    return passed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.judge = () => {};
    for (const client of this.#clients) await this.run(client.close());
    await settle();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Bytes with some of them changed. */
export function edited(
  bytes: Uint8Array,
  ...places: number[]
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice() as Uint8Array<ArrayBuffer>;
  for (const at of places) copy[at]! ^= 0xff;
  return copy;
}
