/**
 * Records a session of this version, for later ones to be tried with. By hand,
 * when a version is finished, never again for an older one:
 *
 * ```sh
 * deno run --allow-env tests/versions/record.ts > tests/testdata/sessions/version_N.json
 * ```
 *
 * @module
 */
import { type Frame, HEADER_SIZE } from "../../lib/protocol/mod.ts";
import { startServer } from "../helpers/test_server.ts";
import { BROKEN, decode, type Recorded, toText } from "./recording.ts";
import { runSession } from "./session.ts";

/** Splits writes into frames. */
class Splitter {
  #held = new Uint8Array(0);

  /** Takes a write; gives the frames that are whole now. */
  *take(bytes: Uint8Array): Iterable<Uint8Array> {
    const grown = new Uint8Array(this.#held.length + bytes.length);
    grown.set(this.#held);
    grown.set(bytes, this.#held.length);
    this.#held = grown;
    while (this.#held.length >= HEADER_SIZE) {
      const size = HEADER_SIZE + new DataView(this.#held.buffer).getUint32(16);
      if (this.#held.length < size) return;
      yield this.#held.slice(0, size);
      this.#held = this.#held.slice(size);
    }
  }
}

/** Breaks the connection of one file, once each way. */
class Breaker {
  readonly #paths = new Map<number, string>();
  readonly #done = new Set<string>();

  /** Whether the connection breaks in place of this frame. */
  isDue(connection: number, sender: string, frame: Frame): boolean {
    if (frame.type === "PUT" || frame.type === "GET") {
      this.#paths.set(connection, frame.body.path);
    }
    const isIt = frame.type === "DATA" && frame.offset > 0 &&
      this.#paths.get(connection) === BROKEN && !this.#done.has(sender);
    if (isIt) this.#done.add(sender);
    return isIt;
  }
}

const breaker = new Breaker();
const recorded: Recorded[] = [];
await using server = await startServer();
const { address, network, clock } = server;
network.onDial = (dialled, connection) => {
  for (const sender of ["client", "server"] as const) {
    const splitter = new Splitter();
    dialled[sender].tap = (bytes) => {
      for (const frame of splitter.take(bytes)) {
        const { type } = decode(frame);
        if (breaker.isDue(connection, sender, decode(frame))) {
          recorded.push({ connection, sender, type: "BREAK", bytes: "" });
          return "reset";
        }
        recorded.push({ connection, sender, type, bytes: toText(frame) });
      }
    };
  }
};
await clock.run(runSession({ address, network, clock }), 100);
const lines = recorded.map((frame) => JSON.stringify(frame));
Deno.stdout.writeSync(
  new TextEncoder().encode(`[\n${lines.join(",\n")}\n]\n`),
);
