/** What the chaos proxy settles in advance: positions, and the rate limit. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { draw } from "../../tools/chaos/chance.ts";
import {
  checkFaults,
  type Direction,
  type Faults,
} from "../../tools/chaos/faults.ts";
import { LanePlan } from "../../tools/chaos/lane_plan.ts";
import { BURST_MS, TokenBucket } from "../../tools/chaos/token_bucket.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const MIB = 1024 ** 2;

function plan(
  faults: Faults,
  { seed = 1, connection = 1, direction = "up" as Direction } = {},
): LanePlan {
  return new LanePlan({ seed, connection, direction }, faults);
}

Deno.test("draw() is even, and depends on every key and on their order", () => {
  const tenths = new Array<number>(10).fill(0);
  for (let index = 0; index < 20_000; index++) {
    tenths[Math.floor(draw(7, 1, index) * 10)]!++;
  }
  assert(tenths.every((count) => count > 1800 && count < 2200), `${tenths}`);
  assertEquals(draw(1, 2, 3), draw(1, 2, 3));
  assertNotEquals(draw(1, 2, 3), draw(2, 2, 3));
  assertNotEquals(draw(1, 2, 3), draw(1, 3, 2));
  assertNotEquals(draw(1, 5), draw(1, 5 + 2 ** 32));
});

Deno.test("LanePlan has one flip in each block, wherever the reads are split", () => {
  const faults = { flip: { every: 1000, from: 500 } };
  const whole = plan(faults).flips(0, 50_500);
  assertEquals(whole.length, 50);
  for (const [block, { position, mask }] of whole.entries()) {
    assertEquals(Math.floor((position - 500) / 1000), block);
    assert([1, 2, 4, 8, 16, 32, 64, 128].includes(mask));
  }
  const random = new SeededRandom(3);
  const split = [];
  for (let at = 0; at < 50_500;) {
    const end = Math.min(50_500, at + random.integer(1, 1500));
    split.push(...plan(faults).flips(at, end));
    at = end;
  }
  assertEquals(split, whole);
});

Deno.test("LanePlan flips by seed, connection and direction", () => {
  const flip = { every: MIB };
  const flips = (place: Parameters<typeof plan>[1], more = {}) =>
    plan({ flip: { ...flip, ...more } }, place).flips(0, 20 * MIB);
  assertEquals(flips({ seed: 5 }), flips({ seed: 5 }));
  assertNotEquals(flips({ seed: 5 }), flips({ seed: 6 }));
  assertNotEquals(flips({ connection: 1 }), flips({ connection: 2 }));
  assertNotEquals(flips({ direction: "up" }), flips({ direction: "down" }));
  assertEquals(flips({ direction: "up" }, { direction: "down" }), []);
  assertEquals(flips({ connection: 3 }, { connection: 2 }), []);
  assertEquals(flips({ connection: 2 }, { connection: 2 }).length, 20);
  assertEquals(flips({}, { times: 3 }), flips({}).slice(0, 3));
});

Deno.test("LanePlan has blocks beyond 32 bits", () => {
  const every = 8 * 1024 ** 3;
  const flips = plan({ flip: { every } }).flips(0, 20 * every);
  assertEquals(flips.length, 20);
  assert(flips.some(({ position }) => position % every > 2 ** 32));
});

Deno.test("LanePlan places cuts exactly, or by seed between two points", () => {
  assertEquals(plan({ reset: { after: 7 } }).cutAt("reset"), 7);
  assertEquals(plan({ reset: { after: 7 } }).cutAt("close"), undefined);
  assertEquals(plan({ reset: { total: 7 } }).cutAt("reset"), undefined);
  const down = { reset: { after: 7, direction: "down" } } as const;
  assertEquals(plan(down).cutAt("reset"), undefined);
  const second = { reset: { after: 7, connection: 2 } };
  assertEquals(plan(second).cutAt("reset"), undefined);
  assertEquals(plan(second, { connection: 2 }).cutAt("reset"), 7);
  const points = new Set<number>();
  for (let connection = 1; connection <= 300; connection++) {
    const between = { reset: { between: [10, 19] } } as const;
    const point = plan(between, { connection }).cutAt("reset") ?? NaN;
    assertEquals(plan(between, { connection }).cutAt("reset"), point);
    assert(point >= 10 && point <= 19);
    points.add(point);
  }
  assertEquals(points.size, 10);
});

Deno.test("LanePlan knows how far the next cut is", () => {
  const faults = { reset: { after: 30 }, silence: { after: 10 } };
  assertEquals(plan(faults).bytesToCut(0), 10);
  assertEquals(plan(faults).bytesToCut(10), 20);
  assertEquals(plan(faults).bytesToCut(30), Infinity);
});

Deno.test("LanePlan stammers in pieces of every size up to the largest", () => {
  const stammer = plan({ stammer: { sizeMax: 4 } });
  const sizes = Array.from({ length: 200 }, (_, at) => stammer.pieceSize(at));
  assertEquals(new Set(sizes), new Set([1, 2, 3, 4]));
  const other = plan({ stammer: { sizeMax: 4, direction: "down" } });
  assertEquals(other.pieceSize(0), undefined);
});

Deno.test("TokenBucket lets pass a burst, and then the rate exactly", () => {
  const bucket = new TokenBucket(1000);
  assertEquals(bucket.take(BURST_MS, 0), 0);
  assertEquals(bucket.take(100, 0), 100);
  assertEquals(bucket.take(100, 0), 200);
  // Idle time is worth the burst, not more.
  assertEquals(bucket.take(100, 250), 100 - BURST_MS);
  assertEquals(bucket.take(100, 100_000), 100 - BURST_MS);
});

Deno.test("TokenBucket makes up for late timers, and never passes more than its rate", () => {
  const random = new SeededRandom(11);
  const rate = 20 * MIB;
  const bucket = new TokenBucket(rate);
  let now = 0;
  let bytes = 0;
  while (now < 10_000) {
    const size = random.integer(1, 200_000);
    const wait = bucket.take(size, now);
    if (wait > 0) now += wait + random.unit() * (BURST_MS - 1);
    bytes += size;
    assert(bytes <= (now + BURST_MS) * rate / 1000 + 1);
  }
  assert(bytes > 0.99 * now * rate / 1000, `${bytes} bytes in ${now} ms`);
});

Deno.test("TokenBucket takes a new rate over for what comes then", () => {
  const bucket = new TokenBucket(1000);
  bucket.take(125, 0);
  bucket.rate = 10_000;
  assertEquals(bucket.take(1000, 0), 200);
});

const NONSENSE: readonly [name: string, faults: Faults][] = [
  ["a delay below 0", { delay: -1 }],
  ["a rate of 0", { rate: { up: 0 } }],
  ["a total rate that is no number", { totalRate: NaN }],
  ["a stammer of nothing", { stammer: { sizeMax: 0 } }],
  ["a flip in no bytes", { flip: { every: 0 } }],
  ["a flip in half bytes", { flip: { every: 1.5 } }],
  ["a flip on connection 0", { flip: { every: 1, connection: 0 } }],
  ["a cut at no point", { reset: {} }],
  ["a cut at two points", { close: { after: 1, total: 1 } }],
  ["a range that goes back", { silence: { between: [2, 1] } }],
  ["a total of one connection", { reset: { total: 1, connection: 1 } }],
  ["a total of nothing", { reset: { total: 0 } }],
  ["a refusal before now", { refuse: { after: -1 } }],
  ["half a connection", { connectionsMax: 0.5 }],
];

for (const [name, faults] of NONSENSE) {
  Deno.test(`checkFaults() refuses ${name}`, () => {
    assertThrows(() => checkFaults(faults), RangeError, "Cannot use ");
  });
}
