/**
 * Clients that do what is allowed in an order that nobody thought of, and now
 * and then what is not. Whatever they do, the server serves others and leaves
 * nothing open: {@linkcode TestServer} checks that at the end of each seed.
 */
import { CHUNK_SIZE, type Message } from "../../lib/protocol/mod.ts";
import { encode } from "../fuzz/random_frames.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import {
  type Login,
  putBody,
  startServer,
  type TestServer,
} from "../helpers/test_server.ts";
import { digestOf, sample } from "../storage/transfer.ts";

const SEED_COUNT = 150;
const STEP_COUNT = 40;
const NAMES = ["", "a", "b", "folder", "folder/c", "../x", "link"];

/** One client with its connections, and what it does next. */
class Wild {
  readonly #server: TestServer;
  readonly #random: SeededRandom;
  #login: Login;
  #data: RawPeer[] = [];
  #id = 10;

  constructor(server: TestServer, random: SeededRandom, login: Login) {
    this.#server = server;
    this.#random = random;
    this.#login = login;
  }

  async step(): Promise<void> {
    const random = this.#random;
    const choice = random.below(20);
    if (choice < 6) return await this.#control(this.#request());
    if (choice === 6) return await this.#attach();
    if (choice < 14) return await this.#transfer();
    if (choice < 16) return this.#drain();
    if (choice === 16) return await this.#server.clock.advance(5000);
    if (choice === 17) return this.#data.pop()?.close();
    if (choice === 18) {
      return await this.#send(this.#pick(), this.#any());
    }
    if (random.below(4) > 0) return;
    this.#login.control.close();
    this.#login = await this.#server.logIn();
  }

  #request(): Message {
    const random = this.#random;
    const path = random.pick(NAMES);
    const id = ++this.#id;
    const recent = Math.max(1, this.#id - random.below(6));
    return random.pick<Message>([
      { type: "LIST", id, body: { path, recursive: true } },
      { type: "STAT", id, body: { path, algorithm: "sha256" } },
      { type: "MAKE_DIRECTORY", id, body: { path, parents: true } },
      { type: "REMOVE", id, body: { path, recursive: true } },
      {
        type: "RENAME",
        id,
        body: { from: path, to: random.pick(NAMES), onConflict: "overwrite" },
      },
      { type: "CANCEL", id: recent, body: {} },
      { type: "CANCEL", id: recent, body: {} },
      { type: "MORE", id: recent, body: { pages: 2 } },
      { type: "PING", id: 0, body: { cookie: 1 } },
    ]);
  }

  #any(): Message {
    const id = this.#id;
    return this.#random.pick<Message>([
      { type: "END", id, body: { size: 5, digest: new Uint8Array(32) } },
      { type: "ACKNOWLEDGE", id, body: {} },
      { type: "FAIL", id: 0, body: { code: 1, message: "no" } },
      { type: "GOODBYE", id: 0, body: { reason: "" } },
      { type: "GRANTED", id, body: { token: new Uint8Array(32) } },
      { type: "OPENED", id, body: {} },
      this.#request(),
    ]);
  }

  /** Without waiting: the control connection may have other frames to give. */
  async #attach(): Promise<void> {
    this.#server.attach(this.#login, ++this.#id)
      .then((data) => this.#data.push(data), () => {});
    await settle();
  }

  /** Frames of an upload or a download, without a look at what comes back. */
  async #transfer(): Promise<void> {
    const random = this.#random;
    const data = this.#pick();
    const id = ++this.#id;
    const path = random.pick(NAMES);
    if (random.chance(0.3)) {
      const body = { path, algorithm: "crc32-chunks" } as const;
      await this.#send(data, { type: "GET", id, body });
      await settle();
      if (random.chance(0.5)) {
        await this.#send(data, { type: "ACKNOWLEDGE", id, body: {} });
      }
      return;
    }
    const upload = sample(16, random.below(3));
    const body = putBody(path, { upload, onConflict: "rename" });
    await this.#send(data, { type: "PUT", id, body });
    if (random.chance(0.8)) await settle();
    const bytes = sample(random.pick([0, 10, CHUNK_SIZE + 3]));
    for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
      const chunk = bytes.subarray(at, at + CHUNK_SIZE);
      const checksum = random.chance(0.9) ? undefined : 1;
      data.sendData(id, at, chunk, checksum).catch(() => {});
      await settle();
    }
    if (random.chance(0.2)) return;
    if (random.chance(0.2)) {
      await this.#control({ type: "CANCEL", id, body: {} });
    }
    const digest = Uint8Array.fromHex(digestOf(bytes).value);
    const end = { size: bytes.length, digest };
    await this.#send(data, { type: "END", id, body: end });
    await settle();
    if (random.chance(0.8)) {
      await this.#send(data, { type: "ACKNOWLEDGE", id, body: {} });
    }
  }

  /** Reads for a while, in the background. */
  #drain(): void {
    const read = async (peer: RawPeer) => {
      for (let count = 0; count < 20; count++) await peer.receive();
    };
    read(this.#pick()).catch(() => {});
  }

  #pick(): RawPeer {
    return this.#random.pick([this.#login.control, ...this.#data]);
  }

  #control(frame: Message): Promise<void> {
    return this.#send(this.#login.control, frame);
  }

  /** Sends without waiting for room: the server may have stopped reading. */
  async #send(peer: RawPeer, frame: Message): Promise<void> {
    peer.sendBytes(encode(frame)).catch(() => {});
    if (this.#random.chance(0.5)) await settle();
  }
}

async function run(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  await using server = await startServer({
    limits: { checkInterval: 4000, dataConnectionCountMax: 3 },
  });
  await server.disk.makeDirectory("/folder", 0o755);
  await server.write("/a", sample(3 * CHUNK_SIZE));
  server.disk.symlink("folder", "/link");
  const wild = new Wild(server, random, await server.logIn());
  for (let step = 0; step < STEP_COUNT; step++) await wild.step();
  await server.assertServes();
}

Deno.test("FerryServer survives clients that know no order", async () => {
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    await run(seed).catch((error) => {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    });
  }
});
