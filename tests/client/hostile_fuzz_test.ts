/**
 * Servers that answer with what they like. Whatever they do, each operation of
 * a client ends with a typed error or a receipt for what was really sent, at
 * the latest when its caller gives up, and publishes nothing but that.
 */
import { assert, assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { type Client, FerryError } from "../../lib/client/mod.ts";
import {
  type Frame,
  type Message,
  type MessageBody,
  TOKEN_SIZE,
} from "../../lib/protocol/mod.ts";
import { encode } from "../fuzz/random_frames.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory } from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { FakeServer, GREETING, READY, streamOf } from "./hostile.ts";

const SEED_COUNT = 300;
const BYTES = sample(1_048_576 + 10);
const DIGEST = Uint8Array.fromHex(digestOf(BYTES).value);
const CHUNK = BYTES.subarray(0, 1_048_576);

const ENTRY: MessageBody<"ENTRY"> = {
  path: "a",
  kind: "file",
  size: 5,
  modified: undefined,
  mode: 0,
  addressable: true,
};

const RECEIPT: MessageBody<"RECEIPT"> = {
  path: "a",
  publication: "created",
  size: BYTES.length,
  durable: true,
  digest: DIGEST,
};

/** What a well-meaning server would say to a frame. */
function answersTo(frame: Frame): readonly Frame[] {
  const { id } = frame;
  switch (frame.type) {
    case "HELLO":
      return [{ type: "GREETING", id: 0, body: GREETING }];
    case "LOGIN":
      return [{ type: "READY", id: 0, body: READY }];
    case "PING":
      return [{ type: "PONG", id: 0, body: frame.body }];
    case "GRANT": {
      const token = new Uint8Array(TOKEN_SIZE);
      return [{ type: "GRANTED", id, body: { token } }];
    }
    case "ATTACH":
      return [{ type: "ATTACHED", id: 0, body: {} }];
    case "STAT":
      return [{ type: "ENTRY", id, body: ENTRY }];
    case "LIST":
      return [
        { type: "PAGE", id, body: { entries: [ENTRY], problems: [] } },
        { type: "DONE", id, body: {} },
      ];
    case "PUT":
      return [{ type: "OPENED", id, body: {} }];
    case "END":
      return [{ type: "RECEIPT", id, body: RECEIPT }];
    case "FETCH":
      return [{
        type: "OPENED",
        id,
        body: { size: BYTES.length, fingerprint: DIGEST },
      }];
    case "WANT":
      return [
        ...indexesOf(frame.body.runs).map((index) => {
          const at = index * CHUNK.length;
          return data(id, at, BYTES.subarray(at, at + CHUNK.length));
        }),
        { type: "SENT", id, body: {} },
      ];
    case "SUMS":
      return [
        ...indexesOf(frame.body.runs).map((first): Message => ({
          type: "HAVE",
          id,
          body: { first, sums: new Uint8Array(4) },
        })),
        { type: "SENT", id, body: {} },
      ];
    case "GET":
      return [
        {
          type: "OPENED",
          id,
          body: { size: BYTES.length, fingerprint: DIGEST },
        },
        data(id, 0, CHUNK),
        data(id, CHUNK.length, BYTES.subarray(CHUNK.length)),
        { type: "END", id, body: { size: BYTES.length, digest: DIGEST } },
      ];
    default:
      return [];
  }
}

/** The chunks of some runs, as far as there are such. */
function indexesOf(
  runs: readonly { readonly first: number; readonly count: number }[],
): number[] {
  return [0, 1].filter((index) =>
    runs.some(({ first, count }) => index >= first && index < first + count)
  );
}

function data(id: number, offset: number, payload: Uint8Array): Frame {
  return { type: "DATA", id, offset, payload, checksum: crc32(payload) };
}

/** Something else that a server may send. */
function whim(random: SeededRandom, id: number): Message {
  return random.pick<Message>([
    { type: "ERROR", id, body: { code: 14, message: "full" } },
    { type: "ERROR", id, body: { code: 21, message: "cancelled" } },
    { type: "FAIL", id: 0, body: { code: 19, message: "enough" } },
    { type: "GOODBYE", id: 0, body: { reason: "bye" } },
    { type: "PING", id: 0, body: { cookie: 1 } },
    { type: "DONE", id, body: {} },
    { type: "SENT", id, body: {} },
    { type: "HAVE", id, body: { first: 1, sums: new Uint8Array(8) } },
    { type: "AGAIN", id, body: { runs: [{ first: 0, count: 2 }] } },
    { type: "AGAIN", id, body: { runs: [{ first: 9, count: 2 ** 23 }] } },
    { type: "OPENED", id, body: { size: 3 } },
    { type: "RECEIPT", id, body: { ...RECEIPT, size: 3 } },
    { type: "RECEIPT", id, body: { ...RECEIPT, publication: "skipped" } },
    { type: "PROGRESS", id, body: { verified: 2 ** 50 } },
    { type: "END", id, body: { size: 3, digest: DIGEST } },
    { type: "PAGE", id, body: { entries: [ENTRY, ENTRY], problems: [] } },
  ]);
}

/** Answers on one connection, with a whim here and there. */
async function answer(peer: RawPeer, random: SeededRandom): Promise<void> {
  for (;;) {
    const frame = await peer.receive();
    if (frame === undefined) return peer.close();
    for (const reply of answersTo(frame)) {
      if (random.chance(0.05)) continue;
      if (random.chance(0.03)) return peer.close();
      if (random.chance(0.08)) {
        await peer.sendBytes(encode(whim(random, frame.id || 1)));
      }
      await peer.sendBytes(encode(reply));
    }
  }
}

async function operate(
  server: FakeServer,
  client: Client,
  random: SeededRandom,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const work = random.pick([
    () => client.put("/local", "a", { signal }),
    () => client.put(streamOf(BYTES), "a", { signal }),
    () => client.get("a", "/new", { signal, onConflict: "overwrite" }),
    () => client.get("a", new WritableStream(), { signal }),
    () => client.stat("a", { signal }),
    () => Array.fromAsync(client.list("", { signal })),
  ])();
  const result = work.then(
    (receipt) => receipt,
    (error: Error) => error,
  );
  await server.clock.advance(10_000);
  controller.abort();
  const end = await server.clock.run(result, 1000);
  if (end instanceof Error) assert(end instanceof FerryError, String(end));
  else if ("digest" in end && "wireBytes" in end) {
    assertEquals(end.digest, digestOf(BYTES));
  }
}

async function run(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await using server = new FakeServer();
  await server.write("/local", BYTES);
  const { client, control } = await server.connect({ retries: 2 });
  answer(control, random).catch(() => {});
  const accepting = (async () => {
    for (;;) answer(await server.accept(), random).catch(() => {});
  })().catch(() => {});
  for (let count = 0; count < 4; count++) {
    await operate(server, client, random);
  }
  await server.clock.run(client.close());
  const found = await readMemory(server.disk, "/new").catch(() => undefined);
  if (found !== undefined) assertEquals(found, BYTES);
  const names = await server.names();
  // What was interrupted stays to be continued.
  assert(
    names.every((name) => /^(local|new|\.ferry-.*\.(part|map))$/.test(name)),
    names.join(),
  );
  await settle();
  server.stop();
  await accepting;
}

Deno.test("Client survives servers that answer with what they like", async () => {
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    await run(seed).catch((error) => {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    });
  }
});
