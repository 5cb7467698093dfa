import { assertEquals, assertThrows } from "@std/assert";
import { formatTable } from "../../bench/table.ts";

Deno.test("formatTable() makes columns as wide as their widest cell", () => {
  const table = formatTable(
    [{ title: "peer" }, { title: "rate", align: "right" }],
    [["ferry", "1 GiB/s"], ["rsync daemon", "90 MiB/s"]],
  );
  assertEquals(table, [
    "peer              rate",
    "----------------------",
    "ferry          1 GiB/s",
    "rsync daemon  90 MiB/s",
  ]);
});

Deno.test("formatTable() counts columns of the terminal, not code units", () => {
  const table = formatTable([{ title: "a" }, { title: "b" }], [
    ["漢字", "x"],
    ["e\u0301", "y"],
  ]);
  assertEquals(table.slice(2), ["漢字  x", "e\u0301     y"]);
});

Deno.test("formatTable() leaves no spaces at the end of a line", () => {
  const table = formatTable([{ title: "a" }, { title: "long" }], [["x", ""]]);
  assertEquals(table.at(-1), "x");
});

Deno.test("formatTable() refuses a row that does not fit", () => {
  assertThrows(
    () => formatTable([{ title: "a" }], [["x", "y"]]),
    RangeError,
    "2 cells in 1 column",
  );
});
