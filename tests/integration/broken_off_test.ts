/**
 * Clients that are broken off at any moment, over TCP: the sanitizer of
 * resources sees every descriptor that somebody forgets.
 *
 * @module
 */
import { connect, serve } from "../../lib/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const ROUNDS = 12;
const AT_ONCE = 60;

Deno.test("sessions and transfers that are broken off at any moment leave no connection open", async () => {
  await using folder = await tempDir();
  const { path } = folder;
  const bytes = new Uint8Array(300_000);
  await Deno.writeFile(`${path}/down.bin`, bytes);
  await Deno.writeFile(`${path}/up.bin`, bytes);
  await using server = await serve({
    root: path,
    listen: [{ hostname: "127.0.0.1", port: 0 }],
  });
  const [address] = server.addresses;
  const random = new SeededRandom(21);
  const visit = async (name: string, delay: number): Promise<void> => {
    const kill = new AbortController();
    const { signal } = kill;
    const timer = setTimeout(() => kill.abort(), delay);
    try {
      await using client = await connect({ ...address!, signal });
      if (delay % 2 === 0) {
        await client.get("down.bin", `${path}/get-${name}`, { signal });
      } else await client.put(`${path}/up.bin`, `put-${name}`, { signal });
    } finally {
      clearTimeout(timer);
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    const delays = [...random.bytes(AT_ONCE)];
    await Promise.allSettled(
      delays.map((delay, index) => visit(`${round}-${index}`, delay / 2)),
    );
  }
});
