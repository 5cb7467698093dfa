import { assertEquals, assertMatch } from "@std/assert";
import { runClient } from "../../lib/cli/mod.ts";
import { formatAge } from "../../lib/cli/format.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { makeWorld, StillClock, type World } from "./world.ts";

const PART = ".ferry-0123456789abcdef.part";
const OTHER = ".ferry-fedcba9876543210.part";

async function write(disk: MemoryDisk, path: string, size: number) {
  const file = await disk.open(path, "create");
  await file.write(new Uint8Array(size), 0);
  file.close();
}

/** A disk with two partial downloads, one of them in a directory below. */
async function littered(): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ clock: new StillClock() });
  await disk.makeDirectory("/d", 0o755);
  await disk.makeDirectory("/d/sub", 0o755);
  await write(disk, `/d/${PART}`, 2048);
  await write(disk, `/d/sub/${OTHER}`, 10);
  await write(disk, "/d/.ferry-mine.part", 10);
  return disk;
}

async function names(disk: MemoryDisk, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of disk.list(path)) found.push(name);
  return found.sort();
}

async function run(world: World, code: number, ...args: string[]) {
  const found = await runClient(args, world.environment);
  assertEquals(found, code, world.stderr.text);
  assertEquals([world.listeners(), world.clock.pending], [0, 0]);
  assertEquals(world.connects, []);
}

Deno.test("clean only lists where nobody can be asked", async () => {
  const disk = await littered();
  const world = makeWorld({ disk });
  await world.clock.advance(7_200_000);
  await run(world, 0, "clean", "/d");
  assertEquals(world.stdout.text, `2.00 KiB     2 h  /d/${PART}\n`);
  assertEquals(
    world.stderr.text,
    "ferry: Nothing is removed without --yes\n",
  );
  assertEquals((await names(disk, "/d")).includes(PART), true);
  const quiet = makeWorld({ disk });
  await run(quiet, 0, "clean", "-q", "/d");
  assertEquals(quiet.stderr.text, "");
});

Deno.test("clean asks on a terminal, and removes only after a yes", async () => {
  for (const [answer, isYes] of [["y", true], ["", false]] as const) {
    const disk = await littered();
    const world = makeWorld({ disk, answer });
    await run(world, 0, "clean", "-r", "/d");
    assertMatch(world.stderr.text, /^Remove these 2, 2\.01 KiB\? \[y\/N\] /);
    const said = /Removed 2 partial downloads, 2\.01 KiB\n$/;
    assertEquals(said.test(world.stderr.text), isYes);
    assertEquals((await names(disk, "/d")).includes(PART), !isYes);
    assertEquals((await names(disk, "/d/sub")).length, isYes ? 0 : 1);
    assertEquals((await names(disk, "/d")).includes(".ferry-mine.part"), true);
  }
});

Deno.test("clean --yes removes what is not in use, and tells programs", async () => {
  const disk = await littered();
  const busy = await disk.open(`/d/sub/${OTHER}`, "write");
  assertEquals(await busy.tryLock(), true);
  const world = makeWorld({ disk });
  await run(world, 0, "clean", "--yes", "--json", "-r", "/d");
  const part = { path: `/d/${PART}`, name: null, size: 2048 };
  const other = { path: `/d/sub/${OTHER}`, name: null, size: 10 };
  const when = { mtime: "2026-08-18T00:00:00.000Z", age: 0 };
  assertEquals(world.stdout.events(), [
    { event: "leftover", ...part, ...when, inUse: false },
    { event: "leftover", ...other, ...when, inUse: true },
    { event: "cleaned", ...part },
    {
      event: "done",
      command: "clean",
      found: 2,
      removed: 1,
      bytes: 2048,
      failed: 0,
    },
  ]);
  busy.close();
});

Deno.test("clean says that there is nothing, or why it cannot look", async () => {
  const disk = await littered();
  const world = makeWorld({ disk, answer: "y" });
  await disk.makeDirectory("/empty", 0o755);
  await run(world, 0, "clean", "/empty");
  assertEquals(world.stderr.text, "No partial downloads there\n");
  const missing = makeWorld({ disk });
  await run(missing, 5, "clean", "/none");
  assertEquals(
    missing.stderr.text,
    'ferry: Cannot look into "/none": not found on this machine\n',
  );
});

Deno.test("clean --yes forgets uploads of long ago", async () => {
  const disk = await littered();
  const folder = "/s/ferry/uploads";
  for (const path of ["/s", "/s/ferry", folder]) {
    await disk.makeDirectory(path, 0o755);
  }
  const record = `${"0".repeat(32)}.json`;
  await write(disk, `${folder}/${record}`, 1);
  await write(disk, `${folder}/notes.json`, 1);
  const variables = { XDG_STATE_HOME: "/s" };
  const early = makeWorld({ disk, variables });
  await run(early, 0, "clean", "--yes", "/d");
  assertEquals((await names(disk, folder)).length, 2);
  const late = makeWorld({ disk, variables });
  await late.clock.advance(31 * 86_400_000);
  await run(late, 0, "clean", "--yes", "/d");
  assertEquals(await names(disk, folder), ["notes.json"]);
});

Deno.test("formatAge() is as exact as it is interesting", () => {
  const cases: ReadonlyArray<readonly [number | undefined, string]> = [
    [undefined, "?"],
    [0, "<1 min"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [3_600_000, "1 h"],
    [172_799_999, "47 h"],
    [172_800_000, "2 d"],
  ];
  for (const [age, shown] of cases) assertEquals(formatAge(age), shown);
});
