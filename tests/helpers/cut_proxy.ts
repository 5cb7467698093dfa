/**
 * A proxy between a client and a server that sees every frame before it passes,
 * and may hold it, drop it, damage it or cut the connection at it. It knows no
 * more of the protocol than the header of a frame.
 *
 * @module
 */
import {
  DATA_CODE,
  type FrameType,
  HEADER_SIZE,
  MAGIC,
  MESSAGES,
} from "../../lib/protocol/mod.ts";

const TYPES = new Map<number, FrameType>([
  [DATA_CODE, "DATA"],
  ...Object.entries(MESSAGES).map(([type, { code }]): [number, FrameType] => [
    code,
    type as FrameType,
  ]),
]);

/** A frame on its way. */
export interface Passing {
  /** The connection: 0 is the first that was accepted. */
  readonly connection: number;
  /** Who sends it. */
  readonly from: "client" | "server";
  /** What it is; `undefined` for what is no frame of Ferry's. */
  readonly type: FrameType | undefined;
  /** How many frames of this type went this way on this connection before. */
  readonly index: number;
  /** Its bytes, header included. */
  readonly bytes: Uint8Array;
}

/** What becomes of a frame. */
export type Verdict =
  | "pass"
  /** It never arrives. */
  | "drop"
  /** It never arrives, and neither does anything else on this connection. */
  | "cut"
  /** The last byte of its payload arrives wrong. */
  | "damage"
  /** The last byte of its header arrives wrong. */
  | "damage-header"
  /** The first byte of its header arrives wrong. */
  | "damage-magic"
  /** Only so many bytes of it arrive before the connection is cut. */
  | { readonly cutAfter: number };

/** Decides; a promise holds the frame, and all behind it, until it resolves. */
export type Judge = (passing: Passing) => Verdict | Promise<Verdict>;

/** Holds a frame until the test says what becomes of it. */
export class Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #verdict = Promise.withResolvers<Verdict>();

  /** Resolves when a frame waits here. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** For a {@linkcode Judge}: the frame waits. */
  hold(): Promise<Verdict> {
    this.#reached.resolve();
    return this.#verdict.promise;
  }

  /** Says what becomes of the frames that wait, and of those that come later. */
  open(verdict: Verdict = "pass"): void {
    this.#verdict.resolve(verdict);
  }
}

/** The proxy. */
export class CutProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #judge: Judge;
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<Deno.Conn>();
  readonly #ending = Promise.withResolvers<Verdict>();
  #count = 0;

  /**
   * @param target The server's port on 127.0.0.1.
   * @param judge What becomes of each frame.
   */
  constructor(target: number, judge: Judge = () => "pass") {
    this.#target = target;
    this.#judge = judge;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#keep(this.#accept());
  }

  /** Where clients connect, `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** How many connections there have been. */
  get connectionCount(): number {
    return this.#count;
  }

  /** Cuts every connection that is open; new ones are still accepted. */
  cutAll(): void {
    this.#cut(...this.#open);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#ending.resolve("cut");
    this.cutAll();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for await (const near of this.#listener) {
        this.#keep(this.#join(near, this.#count++));
      }
    } catch {
      // Closed: nobody else will come.
    }
  }

  async #join(near: Deno.TcpConn, connection: number): Promise<void> {
    this.#open.add(near);
    let far: Deno.TcpConn | undefined;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#open.add(far);
      near.setNoDelay();
      far.setNoDelay();
      await Promise.all([
        this.#pass(near, far, { connection, from: "client" }),
        this.#pass(far, near, { connection, from: "server" }),
      ]);
    } catch {
      // The server is gone; so is the connection.
    }
    this.#cut(near, far);
  }

  /** Passes frames on until an end closes or a verdict cuts. */
  async #pass(
    from: Deno.Conn,
    to: Deno.Conn,
    way: Pick<Passing, "connection" | "from">,
  ): Promise<void> {
    const counts = new Map<FrameType | undefined, number>();
    try {
      for await (const bytes of frames(from)) {
        const type = frameType(bytes);
        const index = counts.get(type) ?? 0;
        counts.set(type, index + 1);
        const verdict = await Promise.race([
          this.#judge({ ...way, type, index, bytes }),
          this.#ending.promise,
        ]);
        if (verdict === "drop") continue;
        if (verdict === "cut") return this.#cut(from, to);
        if (typeof verdict === "object") {
          await writeAll(to, bytes.subarray(0, verdict.cutAfter));
          return this.#cut(from, to);
        }
        if (verdict === "damage") bytes[bytes.length - 1]! ^= 0x01;
        if (verdict === "damage-header") bytes[HEADER_SIZE - 1]! ^= 0x01;
        if (verdict === "damage-magic") bytes[0]! ^= 0x01;
        await writeAll(to, bytes);
      }
      await to.closeWrite();
    } catch {
      // An end is gone, or the line is cut: that is what it is here for.
      this.#cut(from, to);
    }
  }

  #cut(...conns: (Deno.Conn | undefined)[]): void {
    for (const conn of conns) {
      if (conn !== undefined && this.#open.delete(conn)) conn.close();
    }
  }

  #keep(work: Promise<void>): void {
    this.#running.add(work);
    work.finally(() => this.#running.delete(work));
  }
}

const READ_SIZE = 262_144;

/** Whole frames, as copies; what is no frame comes as it was read. */
async function* frames(conn: Deno.Conn): AsyncGenerator<Uint8Array> {
  const scrap = new Uint8Array(READ_SIZE);
  let held = new Uint8Array();
  for (;;) {
    const size = frameSize(held);
    if (size !== undefined && held.length >= size) {
      yield held.slice(0, size);
      held = held.slice(size);
      continue;
    }
    const count = await conn.read(scrap);
    if (count === null) break;
    const grown = new Uint8Array(held.length + count);
    grown.set(held);
    grown.set(scrap.subarray(0, count), held.length);
    held = grown;
  }
  if (held.length > 0) yield held;
}

function frameType(bytes: Uint8Array): FrameType | undefined {
  return isFrame(bytes) ? TYPES.get(bytes[2] ?? 0) : undefined;
}

function isFrame(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_SIZE && bytes[0] === MAGIC >> 8 &&
    bytes[1] === (MAGIC & 0xff);
}

/** Bytes of the frame that begins here; `undefined` while that is not known. */
function frameSize(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return undefined;
  const isForeign = bytes[0] !== MAGIC >> 8 ||
    bytes.length > 1 && bytes[1] !== (MAGIC & 0xff);
  if (isForeign) return bytes.length;
  if (bytes.length < HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return HEADER_SIZE + view.getUint32(16);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await conn.write(rest));
  }
}
