import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { JobResult } from "../../bench/ferry/job.ts";
import {
  linkHelp,
  parseLinkOptions,
  type Streams,
  type Way,
} from "../../bench/link/options.ts";
import { formatSizeOutcome, verdicts } from "../../bench/link/report.ts";
import { type LaneSeries, lanesFor } from "../../bench/link/run.ts";

function series(way: Way, streams: Streams, times: number[]): LaneSeries {
  const results = times.map((milliseconds): JobResult => ({
    milliseconds,
    size: 1000,
    wireBytes: 1000,
    resumedFrom: 0,
    moments: [{ at: 0, bytes: 0, streams: 1 }],
  }));
  return { way, streams, direction: "get", results };
}

Deno.test("parseLinkOptions() has defaults for everything", () => {
  assertEquals(parseLinkOptions([]), {
    sizes: [256 * 1024 ** 2, 1024 ** 3],
    runs: 3,
    rate: 20_000_000,
    delay: 60,
    streams: ["1", "2", "4", "8", "auto"],
    over: ["link", "loopback"],
    only: ["get", "put"],
    dir: undefined,
    json: false,
    help: false,
  });
});

Deno.test("parseLinkOptions() refuses what it does not know", () => {
  for (const word of ["--streams=3", "--delay=-1", "--size=1GiB,", "extra"]) {
    assertThrows(() => parseLinkOptions([word]), Error, undefined, word);
  }
  for (const option of ["--size", "--rate", "--delay", "--streams"]) {
    assertStringIncludes(linkHelp(), option);
  }
});

Deno.test("lanesFor() compares on loopback only one and auto", () => {
  assertEquals(lanesFor(["link", "loopback"], ["1", "8", "auto"]), [
    { way: "link", streams: "1" },
    { way: "link", streams: "8" },
    { way: "link", streams: "auto" },
    { way: "loopback", streams: "1" },
    { way: "loopback", streams: "auto" },
  ]);
});

Deno.test("verdicts() hold what was measured against what has to be", () => {
  const rows = [
    series("link", "1", [700, 1400]),
    series("link", "4", [200, 400]),
    series("link", "8", [100, 200]),
    series("link", "auto", [150, 300]),
    series("loopback", "1", [10, 10]),
    series("loopback", "auto", [10, 10]),
  ];
  const found = verdicts(rows, "get");
  assertEquals(found.map(({ isMet }) => isMet), [true, false, true]);
  assertStringIncludes(found[0]?.text ?? "", "7.00 x one");
  assertStringIncludes(found[1]?.text ?? "", "0.67 x the best fixed number, 8");
});

Deno.test("verdicts() say nothing of what was not measured", () => {
  assertEquals(verdicts([series("link", "auto", [1])], "get"), []);
});

Deno.test("formatSizeOutcome() has a row for each lane", () => {
  const lines = formatSizeOutcome({
    size: 1000,
    series: [series("link", "1", [1000]), series("link", "8", [100])],
  });
  assertStringIncludes(lines.join("\n"), "GET 1000 B");
  assertStringIncludes(lines.join("\n"), "10.00 x");
  assertStringIncludes(lines.join("\n"), "met: get, 8 connections");
});
