import { assertEquals, assertThrows } from "@std/assert";
import { chooseScenario } from "../../bench/scenario.ts";

const NAMES = ["large", "link", "small"] as const;

Deno.test("chooseScenario() means the first where none is named", () => {
  const large = { name: "large", helpForAll: false };
  assertEquals(chooseScenario([], NAMES), { ...large, rest: [] });
  const rest = ["--size", "1GiB"];
  assertEquals(chooseScenario(rest, NAMES), { ...large, rest });
  assertEquals(chooseScenario(["large", ...rest], NAMES), { ...large, rest });
});

Deno.test("chooseScenario() takes the name away", () => {
  assertEquals(chooseScenario(["link", "--runs=1"], NAMES), {
    name: "link",
    rest: ["--runs=1"],
    helpForAll: false,
  });
});

Deno.test("chooseScenario() tells the help of one from that of all", () => {
  assertEquals(chooseScenario(["--help"], NAMES).helpForAll, true);
  assertEquals(chooseScenario(["--json", "-h"], NAMES).helpForAll, true);
  assertEquals(chooseScenario(["small", "--help"], NAMES), {
    name: "small",
    rest: ["--help"],
    helpForAll: false,
  });
});

Deno.test("chooseScenario() refuses what it does not know", () => {
  assertThrows(
    () => chooseScenario(["fast"], NAMES),
    RangeError,
    'Cannot measure "fast": choose from large, link, small',
  );
});
