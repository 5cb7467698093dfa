import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { countUsage, QuotaLedger } from "../../lib/accounts/mod.ts";
import { MemoryDisk, StorageError } from "../../lib/storage/mod.ts";
import { FakeClock, settle } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";

const ID = "0".repeat(32);
const OTHER = "1".repeat(32);
const LIMIT = { root: "/r", quota: { bytes: 100, files: undefined } };

async function world(path?: string) {
  const clock = new FakeClock();
  const disk = new MemoryDisk({ clock });
  await disk.makeDirectory("/r", 0o755);
  const parts = { disk, clock, random: new SeededRandom(1), path };
  return {
    clock,
    disk,
    open: (...roots: string[]) =>
      QuotaLedger.open(parts, roots.length === 0 ? ["/r"] : roots),
    write: (path: string, size: number) =>
      writeMemory(disk, path, new Uint8Array(size)),
  };
}

Deno.test("countUsage() counts files, folders and links, and what is unfinished for itself", async () => {
  const at = await world();
  await at.disk.makeDirectory("/r/d", 0o755);
  await at.disk.makeDirectory("/r/.ferry", 0o700);
  await at.write("/r/a", 10);
  await at.write("/r/d/b", 20);
  at.disk.symlink("/r/d", "/r/link");
  await at.write(`/r/.ferry/${ID}`, 40);
  await at.write(`/r/.ferry/${ID}.map`, 80);
  assertEquals(await countUsage(at.disk, "/r"), {
    used: { bytes: 30, files: 4 },
    staged: new Map([[ID, 40]]),
  });
  assertEquals((await countUsage(at.disk, "/nothing")).used.files, 0);
});

Deno.test("QuotaLedger: what is reserved is taken, until it is settled or released", async () => {
  const at = await world();
  const ledger = await at.open();
  const share = { bytes: 60, files: 1 };
  const first = await ledger.reserve("/r/a", ID, share, LIMIT);
  await assertRejects(
    () => ledger.reserve("/r/b", OTHER, share, LIMIT),
    StorageError,
    "40 B left, it needs 60 B",
  );
  assertThrows(() => first.grow(41), StorageError);
  first.grow(40);
  assertEquals((await ledger.usage("/r"))?.bytes, 100);
  first.settle({ bytes: 90, files: 1 });
  first.settle({ bytes: 0, files: 0 });
  assertEquals(await ledger.usage("/r"), { bytes: 90, files: 1 });
  const second = await ledger.reserve(
    "/r/b",
    OTHER,
    { bytes: 10, files: 1 },
    LIMIT,
  );
  second.release(0);
  second.release(7);
  assertEquals(await ledger.usage("/r"), { bytes: 90, files: 1 });
  await ledger.close();
});

Deno.test("QuotaLedger: whoever goes on with an upload has its share", async () => {
  const at = await world();
  const ledger = await at.open();
  const share = { bytes: 80, files: 1 };
  const old = await ledger.reserve("/r/a", ID, share, LIMIT);
  const next = await ledger.reserve("/r/a", ID, share, LIMIT);
  // The predecessor ends late.
  old.release(30);
  old.grow(1000);
  assertEquals((await ledger.usage("/r"))?.bytes, 80);
  next.release(30);
  assertEquals((await ledger.usage("/r"))?.bytes, 30);
  const again = await ledger.reserve(
    "/r/a",
    ID,
    { bytes: 100, files: 1 },
    LIMIT,
  );
  assertEquals((await ledger.usage("/r"))?.bytes, 100);
  again.release(0);
  await ledger.close();
});

Deno.test("QuotaLedger: a user without a quota is counted, not limited", async () => {
  const at = await world();
  const ledger = await at.open();
  const big = { bytes: 1e12, files: 1 };
  const one = await ledger.reserve("/r/a", ID, big, undefined);
  one.settle(big);
  assertEquals(ledger.counts("/r/x/y"), true);
  assertEquals(ledger.counts("/rest"), false);
  assertEquals(ledger.counts("/"), false);
  await assertRejects(
    () => ledger.change("/r/d", { bytes: 1, files: 1 }, LIMIT),
    StorageError,
  );
  // What takes nothing is let through.
  await ledger.change("/r/d", { bytes: 0, files: 1 }, LIMIT);
  await ledger.close();
});

Deno.test("QuotaLedger: a walk that met a change counts for nothing", async () => {
  const at = await world();
  const ledger = await at.open();
  await at.write("/r/a", 10);
  assertEquals((await ledger.usage("/r"))?.bytes, 10);
  await at.clock.advance(86_400_001);
  const list = at.disk.list.bind(at.disk);
  let walks = 0;
  at.disk.list = async function* (path) {
    yield* list(path);
    if (++walks > 3) return;
    await ledger.change("/r/b", { bytes: 5, files: 1 });
  };
  await at.write("/r/foreign", 1000);
  await ledger.usage("/r");
  for (let turn = 0; turn < 10; turn++) await settle();
  assertEquals(walks, 3);
  assertEquals((await ledger.usage("/r"))?.bytes, 25);
  // That look has begun another walk, which is not spoilt.
  await settle();
  assertEquals((await ledger.usage("/r"))?.bytes, 1010);
  await ledger.close();
});

Deno.test("QuotaLedger: counts are trusted after a clean end only, and for whom they were kept", async () => {
  const at = await world("/q.json");
  await at.disk.makeDirectory("/s", 0o755);
  await at.write("/r/a", 10);
  const first = await at.open("/r");
  await first.usage("/r");
  await first.close();
  await at.write("/r/b", 10);
  await at.write("/s/c", 10);
  const second = await at.open("/r", "/s");
  assertEquals((await second.usage("/r"))?.bytes, 10);
  assertEquals((await second.usage("/s"))?.bytes, 10);
  // It is killed: no close. Somebody else writes meanwhile.
  const third = await at.open("/r");
  assertEquals((await third.usage("/r"))?.bytes, 20);
  await third.close();
  // Watched later, so nobody has kept count since the start.
  const fourth = await at.open("/s");
  await at.write("/r/d", 10);
  fourth.watch("/r");
  assertEquals((await fourth.usage("/r"))?.bytes, 30);
  await fourth.close();
});

Deno.test("QuotaLedger: a damaged file of counts costs a walk", async () => {
  for (
    const text of [
      "",
      "{",
      "[]",
      '{"format":2,"isClosed":true,"meters":{}}',
      '{"format":1,"isClosed":true,"meters":{"/r":{"used":{"bytes":-5,"files":0},"staged":{},"counted":1}}}',
    ]
  ) {
    const at = await world("/q.json");
    await at.write("/r/a", 10);
    await writeMemory(at.disk, "/q.json", new TextEncoder().encode(text));
    const ledger = await at.open();
    assertEquals((await ledger.usage("/r"))?.bytes, 10, text);
    await ledger.close();
    const kept = new TextDecoder().decode(await readMemory(at.disk, "/q.json"));
    assertEquals(JSON.parse(kept).isClosed, true);
  }
});
