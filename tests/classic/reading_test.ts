/** When a message without an end mark is over. */

import { assertEquals, assertRejects } from "@std/assert";
import {
  MessageReader,
  type Reader,
  SilenceError,
} from "../../lib/classic/reading.ts";
import { Wire } from "../../lib/classic/wire.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { PipeEnd } from "../helpers/pipe.ts";
import { send } from "./peers/recv.ts";

/** Any text. */
const readAny: Reader<string> = (bytes) => ({
  kind: "open",
  message: new TextDecoder().decode(bytes),
});

/** What is understood of pieces with the given pauses before them. */
async function hear(
  ...pieces: readonly (readonly [number, string])[]
): Promise<string> {
  const clock = new FakeClock();
  const [near, far] = PipeEnd.pair();
  const reader = new MessageReader(new Wire(near, clock), clock);
  let heard: string | undefined;
  const hearing = reader.receive("a text", readAny, 15_000)
    .then((text) => heard = text);
  for (const [pause, piece] of pieces) {
    await clock.advance(pause);
    if (heard === undefined) await send(far, piece);
    await settle();
  }
  await clock.run(hearing, 10);
  near.close();
  far.close();
  return heard!;
}

Deno.test("a silence of a quarter of a second ends a message", async () => {
  assertEquals(await hear([0, "a"], [240, "b"], [240, "c"]), "abc");
  assertEquals(await hear([0, "a"], [280, "b"]), "a");
});

Deno.test("what comes with the end of the silence still counts: the process may have stalled", async () => {
  assertEquals(await hear([0, "a"], [255, "b"]), "ab");
});

Deno.test("gaps that were seen make it wait longer, but not for ever", async () => {
  assertEquals(await hear([0, "a"], [240, "b"], [700, "c"]), "abc");
  assertEquals(
    await hear([0, "a"], [240, "b"], [700, "c"], [1900, "d"], [2100, "e"]),
    "abcd",
  );
});

Deno.test("nothing at all is no message", async () => {
  const clock = new FakeClock();
  const [near, far] = PipeEnd.pair();
  const reader = new MessageReader(new Wire(near, clock), clock);
  const error = await assertRejects(
    () => clock.run(reader.receive("a text", readAny, 5000)),
    SilenceError,
  );
  assertEquals(error.message, "a text did not come within 5 s");
  near.close();
  far.close();
});
