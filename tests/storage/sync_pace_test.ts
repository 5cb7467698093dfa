import { assertEquals, assertRejects } from "@std/assert";
import { SyncPace } from "../../lib/storage/sync_pace.ts";

/** A file whose syncs in place take so many milliseconds. */
class TimedFile {
  now = 0;
  cost = 0;
  log = "";

  sync(): Promise<void> {
    this.log += "a";
    return Promise.resolve();
  }

  syncSync(): void {
    this.log += "s";
    this.now += this.cost;
  }
}

Deno.test("SyncPace syncs in place as long as that costs nothing", async () => {
  const file = new TimedFile();
  const pace = new SyncPace(() => file.now);
  for (let at = 0; at < 100; at++) await pace.file(file, 4096);
  await pace.directory(file);
  assertEquals(file.log, "s".repeat(101));
});

Deno.test("SyncPace leaves a slow disk to other threads, and looks ever less often", async () => {
  const file = new TimedFile();
  const pace = new SyncPace(() => file.now);
  file.cost = 5;
  const total = 100_000;
  for (let at = 0; at < total; at++) {
    await (at % 5 === 0 ? pace.directory(file) : pace.file(file, 10));
  }
  const inPlace = file.log.replaceAll("a", "");
  assertEquals([file.log.length, inPlace.length], [total, 13]);
  assertEquals(file.log.slice(0, 18), `s${"a".repeat(16)}s`);
});

Deno.test("SyncPace goes by what had something to write", async () => {
  const file = new TimedFile();
  const pace = new SyncPace(() => file.now);
  const slow = async () => {
    file.cost = 5;
    await pace.file(file, 1);
    file.cost = 0;
  };
  // Twice as long each time, though what is clean is quick in between.
  for (const pause of [16, 32, 64]) {
    await slow();
    for (let at = 0; at < pause; at++) await pace.file(file, 1);
    file.log = "";
    await pace.directory(file);
    await pace.file(file, 0);
    assertEquals(file.log, "ss");
  }
  await pace.file(file, 1);
  await slow();
  file.log = "";
  for (let at = 0; at < 17; at++) await pace.file(file, 1);
  assertEquals(file.log, `${"a".repeat(16)}s`);
});

Deno.test("SyncPace never waits in place for much, and passes failures on", async () => {
  const file = new TimedFile();
  const pace = new SyncPace(() => file.now);
  await pace.file(file, 65_537);
  assertEquals(file.log, "a");
  file.syncSync = () => {
    throw new TypeError("broken");
  };
  await assertRejects(() => pace.file(file, 1), TypeError);
  await assertRejects(() => pace.directory(file), TypeError);
});
