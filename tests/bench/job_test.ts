import { assertEquals, assertThrows } from "@std/assert";
import {
  describeStreams,
  type Moment,
  readResult,
  settledRate,
} from "../../bench/ferry/job.ts";

/** As if doubling paid twice. */
const MOMENTS: readonly Moment[] = [
  { at: 200, bytes: 0, streams: 1 },
  { at: 1000, bytes: 10, streams: 1 },
  { at: 1100, bytes: 12, streams: 2 },
  { at: 2000, bytes: 50, streams: 2 },
  { at: 2600, bytes: 60, streams: 4 },
  { at: 3000, bytes: 100, streams: 4 },
];

Deno.test("describeStreams() tells each change once", () => {
  assertEquals(describeStreams(MOMENTS), "1, 2 at 1.1 s, 4 at 2.6 s");
  assertEquals(describeStreams([]), "");
});

Deno.test("settledRate() is that of the second half of the bytes", () => {
  assertEquals(settledRate(MOMENTS), 50);
});

Deno.test("settledRate() does not know what was over too soon", () => {
  assertEquals(settledRate([]), undefined);
  assertEquals(settledRate(MOMENTS.slice(0, 1)), undefined);
});

Deno.test("readResult() finds the result behind other lines", () => {
  const result = readResult('a warning\n{"milliseconds":7}\nanother\n');
  assertEquals(result.milliseconds, 7);
  assertThrows(() => readResult("nothing"), Error, 'no result in "nothing"');
});
