/**
 * Thousands of connections from one address that never log in: those from
 * elsewhere are served as if nothing were, and afterwards nothing is left.
 */
import { assert } from "@std/assert";
import { encodeMessage } from "../../lib/protocol/mod.ts";
import { SERVER_LIMITS } from "../../lib/server/mod.ts";
import { Crowd } from "../helpers/crowd.ts";
import {
  NEEDS_LINUX,
  only,
  type Scene,
  type ServerProgram,
  until,
  writeLarge,
} from "../integration/scene.ts";
import { HELLO } from "../helpers/test_server.ts";
import { IS_FULL, MIB, SCALE, tell, tortureTest } from "./scale.ts";

const { addressPendingCountMax, loginTimeout } = SERVER_LIMITS;

/**
 * MiB that a server has at most after all crowds. Its heap goes back to what it
 * was (11 MiB in plain TCP, 15 in TLS, seen after forced collections); the
 * process keeps some 200 MiB, and no more after five crowds than after three.
 */
const MEMORY_MAX = 400;

/** The first bytes of a ClientHello of 512 bytes. */
const CLIENT_HELLO = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

async function memory(pid: number): Promise<number> {
  const path = `/proc/${pid}/status`;
  const { stdout } = await new Deno.Command("cat", { args: [path] }).output();
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(new TextDecoder().decode(stdout));
  return Number(found?.[1]) / 1024;
}

async function descriptors(pid: number): Promise<number> {
  const path = `/proc/${pid}/fd`;
  const { stdout } = await new Deno.Command("ls", { args: [path] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

/** Gets for a rate: a disk that writes back makes some slow, with or without a crowd. */
const RATE_RUNS = 4;

/** Bytes a second of the fastest get, each from its first byte to its last. */
async function rate(scene: Scene, host: string): Promise<number> {
  let best = 0;
  for (let run = 0; run < RATE_RUNS; run++) {
    const events = await scene.events([
      ...["get", "--streams", "1", "--on-conflict", "overwrite"],
      ...["--durability", "none", host, "large", "-o", "back"],
    ]);
    const { size } = only(events, "receipt");
    const { seconds } = only(events, "done");
    best = Math.max(best, Number(size) / Number(seconds));
  }
  return best;
}

/** A crowd comes, and goes when the work is done. */
async function crowded(
  { port }: ServerProgram,
  words: Uint8Array,
  work: (crowd: Crowd) => Promise<void>,
): Promise<void> {
  using crowd = new Crowd();
  const count = SCALE.crowd;
  await crowd.come({
    ...{ port, from: "127.0.0.2", words },
    ...{ silent: count, trickling: count },
  });
  await until(
    "those who are too many to be turned away",
    () => crowd.open <= addressPendingCountMax,
  );
  assert(crowd.ended >= 2 * count - addressPendingCountMax);
  await work(crowd);
}

async function withstands(
  scene: Scene,
  server: ServerProgram,
  words: Uint8Array,
): Promise<void> {
  const { host, pid } = server;
  const undisturbed = await rate(scene, host);
  const [before, open] = [await memory(pid), await descriptors(pid)];
  await crowded(server, words, async () => {
    const began = performance.now();
    await scene.ferry(["ls", host]);
    const logIn = performance.now() - began;
    const during = await rate(scene, host);
    tell(
      `${host}: ls after ${Math.round(logIn)} ms; ${
        Math.round(during / MIB)
      } of ${Math.round(undisturbed / MIB)} MiB/s`,
    );
    assert(logIn < loginTimeout, `${logIn} ms`);
    if (IS_FULL) assert(logIn < 1000 && during > undisturbed / 2);
  });
  const quiet = (): Promise<void> =>
    until(
      "the connections to be closed",
      async () => await descriptors(pid) <= open,
    );
  await quiet();
  // What a crowd takes is not given back at once; many take no more than some.
  const after = await memory(pid);
  for (let again = 0; again < SCALE.crowdsMore; again++) {
    await crowded(server, words, () => Promise.resolve());
    await quiet();
  }
  const last = await memory(pid);
  tell(
    `memory: ${Math.round(before)} MiB before, ${
      Math.round(after)
    } after a crowd, ${Math.round(last)} after ${SCALE.crowdsMore} more`,
  );
  if (IS_FULL) assert(last < MEMORY_MAX, `${after} MiB, then ${last}`);
  await scene.ferry(["ls", host]);
}

tortureTest(
  "a crowd that says nothing in plain TCP keeps nobody from elsewhere waiting",
  async (scene) => {
    await writeLarge(`${scene.root}/large`, 1, SCALE.crowdFileSize);
    const server = await scene.server();
    const words = encodeMessage({ type: "HELLO", id: 0, body: HELLO });
    await withstands(scene, server, words);
    // Some are told why; the log says it, too.
    await server.says(/limit: "your address has as many connections/, "stderr");
  },
  NEEDS_LINUX,
);

tortureTest(
  "a crowd that says nothing in TLS keeps nobody from elsewhere waiting",
  async (scene) => {
    await writeLarge(`${scene.root}/large`, 1, SCALE.crowdFileSize);
    const server = await scene.server({
      args: ["-q", "-l", "tls://127.0.0.1:0"],
    });
    await scene.ferry(["ls", "--accept-new", server.host]);
    await withstands(scene, server, CLIENT_HELLO);
  },
  NEEDS_LINUX,
);
