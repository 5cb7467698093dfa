import { assertEquals, assertRejects } from "@std/assert";
import { withStallWatch } from "../../lib/client/stall_watch.ts";
import { FerryError } from "../../lib/client/mod.ts";
import { FrameChannel } from "../../lib/transport/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { PipeEnd } from "../helpers/pipe.ts";

Deno.test("withStallWatch() closes a connection on which the server is silent", async () => {
  const clock = new FakeClock();
  const [near, far] = PipeEnd.pair();
  const channel = new FrameChannel(near, "data", "client");
  const work = withStallWatch(
    channel,
    { clock, timeout: 3000 },
    () => channel.isReading,
    channel.receive(),
  );
  const failed = assertRejects(() => work, FerryError, "silent for 3 s");
  await clock.advance(4100);
  const error = await failed;
  assertEquals(error.code, "connection-lost");
  far.close();
});

Deno.test("withStallWatch() waits while it is not the server's turn", async () => {
  const clock = new FakeClock();
  const [near, far] = PipeEnd.pair();
  const channel = new FrameChannel(near, "data", "client");
  const { promise, resolve } = Promise.withResolvers<string>();
  const work = withStallWatch(
    channel,
    { clock, timeout: 3000 },
    () => false,
    promise,
  );
  await clock.advance(60_000);
  resolve("done");
  assertEquals(await work, "done");
  assertEquals(clock.pending, 0);
  near.close();
  far.close();
});
