import { assertEquals } from "@std/assert";
import { formatBytes } from "../../lib/storage/mod.ts";
import {
  nameBytes,
  numberedName,
  segmentFault,
} from "../../lib/storage/names.ts";
import { NameLocks } from "../../lib/storage/name_locks.ts";

Deno.test("numberedName() keeps the extension and the limit", () => {
  const table: [string, number, string][] = [
    ["a.txt", 1, "a-1.txt"],
    ["a", 12, "a-12"],
    [".profile", 1, ".profile-1"],
    ["a.tar.gz", 2, "a.tar-2.gz"],
    [`${"x".repeat(251)}.txt`, 1, `${"x".repeat(249)}-1.txt`],
    ["é".repeat(127), 1, `${"é".repeat(126)}-1`],
    [`a.${"x".repeat(253)}`, 1, `a.${"x".repeat(251)}-1`],
  ];
  for (const [name, number, expected] of table) {
    assertEquals(numberedName(name, number), expected);
    assertEquals(nameBytes(expected) <= 255, true);
  }
});

Deno.test("segmentFault() knows the rules of Windows", () => {
  const bad = [
    "CON",
    "con.txt",
    "NUL",
    "Com1",
    "LPT9.log",
    "a:b",
    "a.",
    "a ",
    "a?",
    "a\u0001",
  ];
  for (const name of bad) {
    assertEquals(
      segmentFault(name, true),
      "is not a file name on this host",
      name,
    );
    assertEquals(segmentFault(name, false), undefined, name);
  }
  for (const name of ["console", "COM", "a.b", "nul1"]) {
    assertEquals(segmentFault(name, true), undefined, name);
  }
});

Deno.test("formatBytes() shows IEC units", () => {
  assertEquals([0, 1023, 1024, 1.5 * 2 ** 30, 2 ** 54].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 GiB",
    "16384.0 TiB",
  ]);
});

Deno.test("NameLocks gives a name to one after the other, without circles", async () => {
  const locks = new NameLocks();
  const order: string[] = [];
  const hold = async (who: string, ...paths: string[]) => {
    using _lock = await locks.acquire(...paths);
    order.push(`${who} has`);
    await Promise.resolve();
    order.push(`${who} leaves`);
  };
  await Promise.all([
    hold("1", "/a", "/b"),
    hold("2", "/b", "/a"),
    hold("3", "/A", "/a"),
  ]);
  assertEquals(order.length, 6);
  for (let at = 0; at < 6; at += 2) {
    assertEquals(order[at]!.slice(0, 1), order[at + 1]!.slice(0, 1));
  }
  const lock = locks.tryAcquire("/a")!;
  assertEquals(locks.tryAcquire("/A"), undefined);
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  assertEquals(locks.tryAcquire("/a") === undefined, false);
});
