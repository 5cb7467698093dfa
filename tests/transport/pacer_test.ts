import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Pacer, type PacerLimits } from "../../lib/transport/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";

/** Takes again and again; says how much. */
function taker(
  pacer: Pacer,
  owner: object,
  size: number,
): { readonly moved: number; stop(): void } {
  const controller = new AbortController();
  const state = { moved: 0, stop: () => controller.abort() };
  (async () => {
    while (!controller.signal.aborted) {
      await pacer.take(owner, size, controller.signal);
      if (!controller.signal.aborted) state.moved += size;
    }
  })();
  return state;
}

Deno.test("Pacer lets everything go where there is no limit", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock);
  for (let count = 0; count < 100; count++) await pacer.take({}, 2 ** 30);
  assertEquals(clock.pending, 0);
});

Deno.test("Pacer holds the rate, with a tenth of a second at once", async () => {
  const clock = new FakeClock();
  const one = taker(new Pacer(clock, { total: 1000 }), {}, 10);
  await clock.advance(10_000);
  assert(one.moved >= 9_900 && one.moved <= 10_200, String(one.moved));
  // Nobody saves up while he is away.
  one.stop();
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("Pacer gives two who want all one half each, whatever they ask for at a time", async () => {
  for (const [first, second] of [[10, 10], [100, 10], [7, 250]] as const) {
    const clock = new FakeClock();
    const pacer = new Pacer(clock, { total: 1000 });
    const one = taker(pacer, {}, first);
    const two = taker(pacer, {}, second);
    await clock.advance(20_000);
    assertAlmostEquals(one.moved / (one.moved + two.moved), 0.5, 0.05);
    one.stop();
    two.stop();
    await settle();
    assertEquals(clock.pending, 0);
  }
});

Deno.test("Pacer gives an owner no more for asking several times at once", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, { total: 1000 });
  const owner = {};
  const many = [1, 2, 3, 4].map(() => taker(pacer, owner, 10));
  const one = taker(pacer, {}, 10);
  await clock.advance(20_000);
  const moved = many.reduce((sum, { moved }) => sum + moved, 0);
  assertAlmostEquals(one.moved / (one.moved + moved), 0.5, 0.05);
  for (const { stop } of [...many, one]) stop();
  await settle();
});

Deno.test("Pacer gives a newcomer its half at once, and no more for having waited", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, { total: 1000 });
  const one = taker(pacer, {}, 10);
  await clock.advance(20_000);
  const before = one.moved;
  const two = taker(pacer, {}, 10);
  await clock.advance(10_000);
  assertAlmostEquals(two.moved, 5000, 300);
  assertAlmostEquals(one.moved - before, 5000, 300);
  one.stop();
  two.stop();
  await settle();
});

Deno.test("Pacer limits each owner, and none waits for another's limit", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, { each: 1000 });
  const slow = {};
  await pacer.take(slow, 1_000_000);
  const waiting = taker(pacer, slow, 10);
  await settle();
  const other = taker(pacer, {}, 10);
  await clock.advance(10_000);
  assertEquals(waiting.moved, 0);
  assertAlmostEquals(other.moved, 10_000, 300);
  waiting.stop();
  other.stop();
  await settle();
  assertEquals(clock.pending, 0);
});

Deno.test("Pacer has one timer, and lets go whoever is going to end", async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock, { total: 1 });
  await pacer.take({}, 1000);
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = [1, 2, 3].map(() => pacer.take({}, 1000, signal));
  await settle();
  assertEquals(clock.pending, 1);
  controller.abort();
  await Promise.all(waiting);
  assertEquals(clock.pending, 0);
  await pacer.take({}, 1000, signal);
});

Deno.test("Pacer.pieceSize is what the lowest limit lets pass in a moment", () => {
  const pieceSize = (limits: PacerLimits): number =>
    new Pacer(new FakeClock(), limits).pieceSize;
  assertEquals(pieceSize({}), Infinity);
  assertEquals(pieceSize({ total: 1_000_000 }), 100_000);
  assertEquals(pieceSize({ total: 1_000_000, each: 50_000 }), 5000);
  assertEquals(pieceSize({ each: 1 }), 512);
});
