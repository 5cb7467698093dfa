import { assertEquals, assertThrows } from "@std/assert";
import { resolve } from "@std/path";
import { parseStartOptions } from "../../bench/start/options.ts";

Deno.test("parseStartOptions() takes the executables from dist, unless told otherwise", () => {
  const options = { runs: 15, dist: resolve("dist"), help: false };
  assertEquals(parseStartOptions([]), options);
  assertEquals(parseStartOptions(["--runs", "3", "--dist", "/x", "-h"]), {
    runs: 3,
    dist: resolve("/x"),
    help: true,
  });
  assertThrows(() => parseStartOptions(["--runs", "0"]), RangeError, "--runs");
});
