import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { median, speedRatios, summarize } from "../../bench/statistics.ts";

Deno.test("median() is the sample in the middle, whatever the order", () => {
  assertEquals(median([3]), 3);
  assertEquals(median([9, 1, 5]), 5);
  // As text, 10 would come before 9.
  assertEquals(median([10, 9, 1000]), 10);
});

Deno.test("median() of an even number is the mean of the middle two", () => {
  assertEquals(median([4, 1, 3, 2]), 2.5);
});

Deno.test("median() refuses to say anything of nothing", () => {
  assertThrows(() => median([]), RangeError, "Cannot take the median");
});

Deno.test("median() leaves its samples as they are", () => {
  const samples = [3, 1, 2];
  median(samples);
  assertEquals(samples, [3, 1, 2]);
});

Deno.test("summarize() gives the middle and the ends", () => {
  assertEquals(summarize([5, 1, 9, 4]), {
    count: 4,
    median: 4.5,
    min: 1,
    max: 9,
  });
});

Deno.test("speedRatios() compares within each round", () => {
  // The machine was busy in the second round, and both took twice as long.
  const ratios = speedRatios([1, 2], [3, 6]);
  assertEquals(ratios, [3, 3]);
  assertAlmostEquals(speedRatios([4], [1])[0] ?? NaN, 0.25);
});

Deno.test("speedRatios() refuses series of different lengths", () => {
  assertThrows(() => speedRatios([1, 2], [1]), RangeError, "2 rounds with 1");
});
