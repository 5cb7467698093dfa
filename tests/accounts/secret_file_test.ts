import { assertEquals, assertRejects } from "@std/assert";
import { AccountsError, SecretFile } from "../../lib/accounts/mod.ts";
import { DenoDisk, MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { systemClock } from "../../lib/platform/mod.ts";

function secretFile(disk = new MemoryDisk(), path = "/s") {
  const clock = new FakeClock();
  const random = new SeededRandom(1);
  return {
    disk,
    clock,
    file: new SecretFile({ disk, clock, random, path, sizeMax: 100 }),
  };
}

Deno.test("SecretFile is for its owner only, and whole", async () => {
  const { disk, file } = secretFile();
  assertEquals(await file.read(), undefined);
  await file.write("one");
  await file.write("two");
  assertEquals((await file.read())?.text, "two");
  assertEquals((await disk.stat("/s")).mode & 0o777, 0o600);
  await assertRejects(
    () => file.write("three", { isNew: true }),
    AccountsError,
    "/s: the name is taken",
  );
  const names: string[] = [];
  for await (const { name } of disk.list("/")) names.push(name);
  assertEquals(names, ["s"]);
  assertEquals(disk.openHandles, 0);
});

Deno.test("SecretFile refuses what is too large or no text", async () => {
  const { disk, file } = secretFile();
  await file.write("x".repeat(100));
  assertEquals((await file.read())?.text.length, 100);
  await file.write("x".repeat(101));
  await assertRejects(() => file.read(), AccountsError, "at most 100");
  const open = await disk.open("/s", "write");
  await open.truncate(0);
  await open.write(new Uint8Array([0xff, 0xfe]), 0);
  open.close();
  await assertRejects(() => file.read(), AccountsError, "not UTF-8");
  assertEquals(disk.openHandles, 0);
});

Deno.test("SecretFile behind a link is replaced where it is", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/d", 0o755);
  disk.symlink("/d/real", "/s");
  const target = secretFile(disk, "/d/real");
  await target.file.write("one");
  const { file } = secretFile(disk);
  await file.write("two");
  assertEquals((await disk.lstat("/s")).kind, "link");
  assertEquals((await target.file.read())?.text, "two");
});

Deno.test("SecretFile.update() loses no change of others", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/s`;
  const parts = {
    disk: new DenoDisk(),
    clock: systemClock,
    path,
    sizeMax: 9999,
  };
  const files = Array.from(
    { length: 4 },
    (_, n) => new SecretFile({ ...parts, random: new SeededRandom(n) }),
  );
  await files[0]!.write("");
  const changes = files.flatMap((file, n) =>
    Array.from({ length: 3 }, (_, count) => {
      const change = () => file.update((text = "") => `${text}${n}${count} `);
      // Nobody waits for ever: who is turned away comes back.
      const retry = (): Promise<void> =>
        change().catch((error) => {
          if (error instanceof AccountsError) return retry();
          throw error;
        });
      return retry();
    })
  );
  await Promise.all(changes);
  const words = (await files[0]!.read())!.text.trim().split(" ").sort();
  assertEquals(
    words,
    files.flatMap((_, n) => [0, 1, 2].map((count) => `${n}${count}`)),
  );
});

Deno.test("SecretFile.update() tells when others never let go", async () => {
  const { disk, clock, file } = secretFile();
  await file.write("one");
  const other = await disk.open("/s", "read");
  await other.tryLock();
  await assertRejects(
    () => clock.run(file.update(() => "two"), 50),
    AccountsError,
    "another program is changing it",
  );
  other.close();
  assertEquals((await file.read())?.text, "one");
  assertEquals(disk.openHandles, 0);
});
