/**
 * An older server: it answers what it was asked when it was recorded, with the
 * bytes that it answered then.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Frame } from "../../lib/protocol/mod.ts";
import type { Listener } from "../../lib/transport/mod.ts";
import { RawPeer } from "../helpers/raw_peer.ts";
import {
  assertSays,
  bytesOf,
  decode,
  PASSING,
  type Recorded,
  rewritten,
} from "./recording.ts";

/** What came and went of one exchange. */
interface Script {
  readonly entries: readonly Recorded[];
  at: number;
}

/** What a client sends when it likes. */
const UNASKED: ReadonlySet<string> = new Set(["MORE", "CANCEL"]);

/** Answers of the connection itself. */
const GREETINGS: Readonly<Record<string, string>> = {
  HELLO: "GREETING",
  LOGIN: "READY",
  ATTACH: "ATTACHED",
};

/** An older server. */
export class PinnedServer {
  readonly #recording: readonly Recorded[];
  readonly #listener: Listener;
  readonly #scripts: Script[];
  readonly #running = new Map<number, Script>();
  readonly #peers: RawPeer[] = [];
  readonly #work: Promise<void>[] = [];

  /**
   * @param recording What it knows.
   * @param listener Where it listens.
   */
  constructor(recording: readonly Recorded[], listener: Listener) {
    this.#recording = recording;
    this.#listener = listener;
    this.#scripts = scriptsOf(recording);
    this.#work.push(this.#acceptAll());
  }

  /** Ends it; everything that it knows must have been asked. */
  async end(): Promise<void> {
    this.#listener.close();
    for (const peer of this.#peers) peer.close();
    await Promise.all(this.#work);
    const left = this.#scripts.map(({ entries }) => entries[0]!.type);
    assertEquals(left, [], "nobody asked for these");
    for (const { entries, at } of this.#running.values()) {
      assertEquals(at, entries.length, `${entries[0]!.type} was left`);
    }
  }

  async #acceptAll(): Promise<void> {
    for (;;) {
      const connection = await this.#listener.accept();
      if (connection === undefined) return;
      const peer = new RawPeer(connection);
      this.#peers.push(peer);
      this.#work.push(this.#serve(peer));
    }
  }

  async #serve(peer: RawPeer): Promise<void> {
    for (;;) {
      const frame = await peer.receive().catch(() => undefined);
      if (frame === undefined || frame.type === "GOODBYE") return peer.close();
      if (UNASKED.has(frame.type)) continue;
      const isOpen = await this.#answer(peer, frame);
      if (!isOpen) return peer.close();
    }
  }

  /** Whether the connection goes on. */
  async #answer(peer: RawPeer, frame: Frame): Promise<boolean> {
    if (frame.type === "PING") {
      await peer.send("PONG", frame.body);
      return true;
    }
    const greeting = GREETINGS[frame.type];
    if (greeting !== undefined) {
      const answer = this.#recording.find(({ type }) => type === greeting);
      await peer.sendBytes(bytesOf(answer!));
      return true;
    }
    const script = this.#running.get(frame.id) ?? this.#begin(frame);
    const expected = script.entries[script.at++];
    assert(expected?.sender === "client", `${frame.type} was not expected`);
    assertSays(frame, decode(bytesOf(expected)), new Map());
    for (;;) {
      const entry = script.entries[script.at];
      if (entry === undefined) return true;
      if (entry.type !== "BREAK" && entry.sender === "client") return true;
      script.at++;
      if (entry.type === "BREAK") return false;
      await peer.sendBytes(rewritten(bytesOf(entry), frame.id, new Map()));
    }
  }

  /** The first script of this request that was not played yet. */
  #begin(frame: Frame): Script {
    const at = this.#scripts.findIndex(({ entries }) => {
      const request = decode(bytesOf(entries[0]!));
      return request.type === frame.type && pathOf(request) === pathOf(frame);
    });
    assert(at >= 0, `${frame.type} ${pathOf(frame)} was never asked`);
    const [script] = this.#scripts.splice(at, 1);
    this.#running.set(frame.id, script!);
    return script!;
  }
}

function pathOf(frame: Frame): string | undefined {
  if (frame.type === "DATA") return undefined;
  if ("from" in frame.body) return frame.body.from;
  return "path" in frame.body ? frame.body.path : undefined;
}

/** What belongs to each exchange; a break belongs to what its connection did last. */
function scriptsOf(recording: readonly Recorded[]): Script[] {
  const scripts = new Map<number, Recorded[]>();
  const last = new Map<number, number>();
  for (const entry of recording) {
    const { type, connection } = entry;
    if (UNASKED.has(type) || PASSING.has(type)) continue;
    const id = type === "BREAK"
      ? last.get(connection) ?? 0
      : decode(bytesOf(entry)).id;
    last.set(connection, id);
    scripts.set(id, [...scripts.get(id) ?? [], entry]);
  }
  scripts.delete(0);
  return [...scripts.values()].map((entries) => ({ entries, at: 0 }));
}
