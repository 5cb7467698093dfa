import { assert, assertEquals } from "@std/assert";
import { readMemory } from "../helpers/test_server.ts";
import { sample } from "../storage/transfer.ts";
import { CHUNK, ResumeScene, type Write } from "./resume_scene.ts";

const BYTES = sample(2 * CHUNK + 10);

/** Bytes of a header that a wrong bit may hit: magic, type, id, length, sums. */
const PLACES = [0, 1, 2, 7, 18, 23, 27];

/** Frames of the control connection after the log-in, by their codes. */
const CODES: Readonly<Record<string, number>> = {
  GRANT: 0x10,
  GRANTED: 0x11,
  STAT: 0x15,
  ENTRY: 0x16,
};

for (const command of ["put", "get"] as const) {
  Deno.test(`Client.${command}() goes on after a wrong bit anywhere in a frame of the control connection`, async () => {
    for (const [type, code] of Object.entries(CODES)) {
      for (const place of [...PLACES, Infinity]) {
        await using scene = await ResumeScene.make();
        await scene.local("/local", BYTES);
        await scene.server.write("/f", BYTES);
        let damaged = 0;
        scene.damage = ({ bytes, chunk }: Write) => {
          if (bytes[2] !== code || chunk !== undefined) return undefined;
          if (damaged++ > 0) return undefined;
          return Math.min(place, bytes.length - 1);
        };
        const client = await scene.client();
        const label = `${type}, byte ${place}`;
        const work = command === "put"
          ? client.put("/local", "x")
          // Over one connection nobody asks how large a file is.
          : client.get("f", "/x", { streams: 2 });
        await scene.run(work.catch((error) => {
          throw new Error(`${label}: ${error.code}: ${error.message}`);
        }));
        const arrived = command === "put"
          ? await scene.server.read("/x")
          : await readMemory(scene.disk, "/x");
        assertEquals(arrived, BYTES, label);
        // A put asks nothing but for its connection.
        const isSent = command === "get" || code < 0x15;
        assertEquals(damaged > 0, isSent, label);
        if (isSent) assertEquals(scene.events.length, 1, label);
        assert(scene.events.every(({ error }) => error.message !== ""), label);
      }
    }
  });
}

/** Frames of a log-in, and of a data connection that begins, by their codes. */
const GREETINGS: Readonly<Record<string, number>> = {
  HELLO: 0x01,
  GREETING: 0x02,
  LOGIN: 0x03,
  READY: 0x04,
  ATTACH: 0x05,
  ATTACHED: 0x06,
};

Deno.test("Client.put() goes on after a wrong bit in the log-in of a later try", async () => {
  for (const [type, code] of Object.entries(GREETINGS)) {
    for (const place of [...PLACES, Infinity]) {
      await using scene = await ResumeScene.make();
      await scene.local("/local", BYTES);
      scene.cutAt(1);
      const client = await scene.client();
      let damaged = 0;
      scene.damage = ({ bytes, chunk }: Write) => {
        const isIt = bytes[2] === code && chunk === undefined;
        if (!isIt || scene.events.length === 0 || damaged > 0) return undefined;
        damaged++;
        return Math.min(place, bytes.length - 1);
      };
      const label = `${type}, byte ${place}`;
      const work = client.put("/local", "x").catch((error) => {
        throw new Error(`${label}: ${error.code}: ${error.message}`);
      });
      await scene.run(work);
      assertEquals(await scene.server.read("/x"), BYTES, label);
      assertEquals([damaged, scene.events.length], [1, 2], label);
    }
  }
});
