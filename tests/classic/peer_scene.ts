/** A classic client, in memory, and a server that the test writes. */

import { assertEquals, AssertionError } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import type {
  ClassicClient,
  ClassicProtocol,
} from "../../lib/classic/types.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { FakeNetwork } from "../helpers/pipe.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";
import { serveOneByOne, type Socket } from "./peers/socket.ts";

/** What a client is tested with. */
export interface ClientScene extends AsyncDisposable {
  readonly client: ClassicClient;
  readonly disk: MemoryDisk;
  readonly clock: FakeClock;
  readonly network: FakeNetwork;
  /** Runs with the clock. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Makes a local file. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Reads a local file. */
  read(path: string): Promise<Uint8Array>;
  /** All local names. */
  names(): Promise<string[]>;
}

/**
 * Connects a client to a server that serves one connection after the other.
 *
 * @param capacity Bytes that fit on the client's disk.
 */
export async function openClient(
  protocol: ClassicProtocol,
  serve: (socket: Socket) => Promise<void>,
  capacity = Infinity,
): Promise<ClientScene> {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const disk = new MemoryDisk({ clock, capacity });
  const listener = network.listen({ hostname: "127.0.0.1", port: 7000 });
  const wrong: AssertionError[] = [];
  const serving = serveOneByOne(
    listener,
    (socket) =>
      serve(socket).catch((error) => {
        if (error instanceof AssertionError) wrong.push(error);
      }),
  );
  const run = <T>(work: Promise<T>) => clock.run(work, 50, 10_000);
  const client = await run(protocol.connect({
    ...listener.address,
    network,
    disk,
    clock,
    random: new SeededRandom(1),
  }));
  return {
    client,
    disk,
    clock,
    network,
    run,
    write: (path, bytes) => writeMemory(disk, path, bytes),
    read: (path) => readMemory(disk, path),
    async names() {
      const names: string[] = [];
      for await (const { name } of disk.list("/")) names.push(name);
      return names.sort();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      listener.close();
      for (const { server } of network.dialled) server.close();
      await run(serving);
      await settle();
      for (const error of wrong) throw error;
      assertEquals(network.openCount, 0, "connections are left open");
      assertEquals(disk.openHandles, 0, "files are left open");
      assertEquals(clock.pending, 0, "timers are left running");
    },
  };
}

/** The code and message that an operation fails with. */
export async function failure(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error("nothing was thrown");
}

/** A server that says prepared things, one after each piece that it must hear exactly. */
export function scripted(
  turns: readonly (
    | { readonly hear: Uint8Array }
    | { readonly say: Uint8Array }
    | "hold"
  )[],
): (socket: Socket) => Promise<void> {
  return async (socket) => {
    for (const turn of turns) {
      if (turn === "hold") {
        await socket.recvToEnd();
        return;
      }
      if ("say" in turn) await socket.send(turn.say);
      else {
        const heard = await socket.recv(turn.hear.length + 1);
        // In one send, and nothing more.
        assertEquals(heard, turn.hear);
      }
    }
    await socket.end();
    await socket.recvToEnd();
  };
}
