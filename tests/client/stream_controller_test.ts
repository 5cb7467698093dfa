/** How many connections are used on links of different kinds. */

import { assert, assertEquals } from "@std/assert";
import { StreamController } from "../../lib/client/stream_controller.ts";

/** A link: its round trip in milliseconds, and MB/s by the number of connections. */
interface Link {
  readonly roundTrip: number;
  readonly rate: (count: number) => number;
  /** The number that is best. */
  readonly best: number;
  /** Intervals after which it must have been found. */
  readonly found: number;
}

const LINKS: Readonly<Record<string, Link>> = {
  "loopback, where one has all of it": {
    roundTrip: 0.2,
    rate: () => 2000,
    best: 1,
    found: 0,
  },
  "loopback, where more would be faster by chance": {
    roundTrip: 1,
    rate: (count) => 500 * count,
    best: 1,
    found: 0,
  },
  "a short link that one fills": {
    roundTrip: 10,
    rate: () => 125,
    best: 1,
    found: 3,
  },
  "a short link with a cap on each": {
    roundTrip: 10,
    rate: (count) => 20 * count,
    best: 8,
    found: 3,
  },
  "a long link with a cap on each": {
    roundTrip: 120,
    rate: (count) => 20 * count,
    best: 8,
    found: 2,
  },
  "a long link with a cap on each and one on all": {
    roundTrip: 120,
    rate: (count) => Math.min(20 * count, 70),
    best: 4,
    found: 4,
  },
  "a long link that one fills": {
    roundTrip: 120,
    rate: () => 12,
    best: 1,
    found: 5,
  },
  "a slow disk at the end of a long link": {
    roundTrip: 120,
    rate: (count) => 120 / count,
    best: 1,
    found: 5,
  },
  "a slow disk nearby": {
    roundTrip: 10,
    rate: (count) => 120 / count,
    best: 1,
    found: 3,
  },
};

for (const [name, { roundTrip, rate, best, found }] of Object.entries(LINKS)) {
  Deno.test(`StreamController settles where it pays: ${name}`, () => {
    const controller = new StreamController({ countMax: 8, roundTrip });
    let moved = 0;
    const intervals = 300;
    for (let interval = 0; interval < intervals; interval++) {
      if (interval === found) assertEquals(controller.count, best);
      const now = rate(controller.count);
      moved += now;
      controller.measured(now);
    }
    // With what it costs to find out, and to look again now and then.
    assert(moved >= 0.95 * rate(best) * intervals);
  });
}

Deno.test("StreamController is not misled for long by what is slow by chance", () => {
  for (const [length, share] of [[1, 0.9], [4, 0.6]] as const) {
    for (let slow = 0; slow < 12; slow++) {
      const controller = new StreamController({ countMax: 8, roundTrip: 120 });
      let moved = 0;
      for (let interval = 0; interval < 40; interval++) {
        const isSlow = interval >= slow && interval < slow + length;
        const rate = isSlow ? 1 : 20 * controller.count;
        moved += rate;
        controller.measured(rate);
      }
      const label = `${length} from ${slow} on: ${moved}`;
      assertEquals(controller.count, 8, label);
      assert(moved >= share * 160 * 40, label);
    }
  }
});

Deno.test("StreamController finds out when a link has changed", () => {
  const controller = new StreamController({ countMax: 8, roundTrip: 10 });
  for (let interval = 0; interval < 10; interval++) controller.measured(100);
  assertEquals(controller.count, 1);
  for (let interval = 0; interval < 100; interval++) {
    controller.measured(20 * controller.count);
  }
  assertEquals(controller.count, 8);
});

Deno.test("StreamController never uses more than it may, nor less than one", () => {
  for (const countMax of [0, 1, 2, 3, 5, 8]) {
    for (
      const rate of [(count: number) => count, (count: number) => 1 / count]
    ) {
      const controller = new StreamController({ countMax, roundTrip: 120 });
      for (let interval = 0; interval < 200; interval++) {
        assert(controller.count >= 1);
        assert(controller.count <= Math.max(1, countMax));
        assert(Number.isInteger(controller.count));
        controller.measured(rate(controller.count));
      }
    }
  }
});
