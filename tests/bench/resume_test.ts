import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseResumeOptions, resumeHelp } from "../../bench/resume/options.ts";
import { formatResults, verdicts } from "../../bench/resume/report.ts";
import type { ResumeResult } from "../../bench/resume/run.ts";
import { randomStops, VICTIMS } from "../../bench/resume/stops.ts";

const GIBIBYTE = 1024 ** 3;

function result(firstByte: number, wireBytes: number): ResumeResult {
  return {
    direction: "put",
    size: GIBIBYTE,
    recoveries: [{ victim: "client", at: 0.99 * GIBIBYTE, firstByte }],
    end: 900,
    wireBytes,
    backBytes: 0,
    result: {
      milliseconds: 900,
      size: GIBIBYTE,
      wireBytes: 0,
      resumedFrom: GIBIBYTE / 2,
      moments: [],
    },
  };
}

Deno.test("parseResumeOptions() has defaults for everything", () => {
  assertEquals(parseResumeOptions([]), {
    size: 4 * GIBIBYTE,
    kills: 10,
    seed: 1,
    only: ["get", "put"],
    dir: undefined,
    json: false,
    help: false,
  });
  for (const option of ["--size", "--kills", "--seed", "--dir"]) {
    assertStringIncludes(resumeHelp(), option);
  }
});

Deno.test("randomStops() are in order, and the same for the same seed", () => {
  const stops = randomStops(7, 30);
  assertEquals(stops, randomStops(7, 30));
  const points = stops.map(({ at }) => at);
  assertEquals(points, points.toSorted((a, b) => a - b));
  assert(points.every((at) => at >= 0.02 && at < 0.98));
  for (const victim of VICTIMS) {
    const own = stops.filter((stop) => stop.victim === victim);
    assertEquals(own.length, 10, victim);
  }
});

Deno.test("verdicts() hold the time and the bytes against the limits", () => {
  const good = verdicts(result(300, 1.01 * GIBIBYTE));
  assertEquals(good.map((line) => line.startsWith("met: ")), [true, true]);
  const bad = verdicts(result(1000, 1.2 * GIBIBYTE));
  assertEquals(bad.map((line) => line.startsWith("met: ")), [false, false]);
});

Deno.test("formatResults() says where it was, and what it cost", () => {
  const text = formatResults([result(300, 1.25 * GIBIBYTE)]).join("\n");
  for (const part of ["put, client at 99.0 %", "25.00 %", "512 MiB"]) {
    assertStringIncludes(text, part);
  }
});
