/** Small files on their way while the server is being restarted. */

import { assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import type { Receipt } from "../../lib/client/mod.ts";
import { ERROR_CODES } from "../../lib/protocol/mod.ts";
import { settle } from "../helpers/fake_clock.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import { digestOf, sample } from "../storage/transfer.ts";
import { FakeServer } from "./hostile.ts";

const BYTES = sample(5);
const DIGEST = Uint8Array.fromHex(digestOf(BYTES).value);
const UNAVAILABLE = {
  code: ERROR_CODES.unavailable,
  message: "the server is shutting down",
  path: undefined,
};

/** A request that a server has taken. */
interface Taken {
  /** What tells it from the others, the same in every try. */
  readonly name: string;
  /** Answers it as a server does. */
  readonly answer: () => Promise<void>;
  /** Answers that the server is shutting down. */
  readonly refuse: () => Promise<void>;
}

/** Takes the next `STORE`. */
async function takeStore(data: RawPeer): Promise<Taken> {
  const { id, body: { path, upload } } = await data.await("STORE");
  await data.expect("DATA");
  return {
    name: `${path} ${upload.toHex()}`,
    refuse: () => data.send("ERROR", UNAVAILABLE, id),
    answer: () =>
      data.send("RECEIPT", {
        path,
        publication: "created",
        size: BYTES.length,
        durable: true,
        digest: DIGEST,
        resumedFrom: undefined,
        repaired: undefined,
      }, id),
  };
}

/** Takes the next `GET`. */
async function takeGet(data: RawPeer): Promise<Taken> {
  const { id, body: { path } } = await data.await("GET");
  return {
    name: path,
    refuse: () => data.send("ERROR", UNAVAILABLE, id),
    answer: async () => {
      await data.send("OPENED", {
        size: BYTES.length,
        modified: undefined,
        fingerprint: new Uint8Array(32),
        mode: undefined,
      }, id);
      await data.sendData(id, 0, BYTES, crc32(BYTES));
      await data.send("END", { size: BYTES.length, digest: DIGEST }, id);
    },
  };
}

for (const direction of ["put", "get"] as const) {
  Deno.test(`Client.moveSmall() moves again what a server that shuts down did not take: ${direction}`, async () => {
    await using server = new FakeServer();
    const { client, control } = await server.connect();
    const take = direction === "put" ? takeStore : takeGet;
    const names = ["a", "b", "c"];
    for (const name of names) {
      if (direction === "put") await server.write(`/${name}`, BYTES);
    }
    const results: PromiseSettledResult<Receipt>[] = [];
    const work = client.moveSmall({
      direction,
      files: names.map((path) => ({
        path,
        local: `/${path}`,
        mode: undefined,
      })),
      options: {},
      settled: (index, result) => results[index] = result,
    });
    const serve = async (): Promise<void> => {
      const data = await server.attach(control);
      const taken = [await take(data), await take(data), await take(data)];
      await taken[0]!.answer();
      await taken[1]!.refuse();
      await taken[2]!.refuse();
      await data.expect("ACKNOWLEDGE");
      await settle();
      control.close();
      data.close();
      const again = await server.attach(await server.acceptLogin());
      const rest = [await take(again), await take(again)];
      // The same files, under the same ids.
      assertEquals(
        rest.map(({ name }) => name),
        taken.slice(1).map(({ name }) => name),
      );
      for (const { answer } of rest) await answer();
    };
    await server.clock.run(Promise.all([work, serve()]));
    assertEquals(results.map(({ status }) => status), [
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    await server.clock.run(client.close());
  });
}
