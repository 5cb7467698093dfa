import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { proofOf, verify, writeSample } from "../../bench/sample.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const MEBIBYTE = 1024 ** 2;

Deno.test("writeSample() writes what its proof says", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const path = join(folder, "sample.bin");
  const proof = await writeSample(path, 2 * MEBIBYTE + 7);
  assertEquals(proof.size, 2 * MEBIBYTE + 7);
  assertEquals(await proofOf(path), proof);
  await verify(path, proof);
});

Deno.test("writeSample() repeats no block", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const path = join(folder, "sample.bin");
  await writeSample(path, 2 * MEBIBYTE);
  const bytes = await Deno.readFile(path);
  assertNotEquals(bytes.subarray(0, MEBIBYTE), bytes.subarray(MEBIBYTE));
});

Deno.test("verify() refuses a single wrong byte, and a missing one", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const path = join(folder, "sample.bin");
  const proof = await writeSample(path, MEBIBYTE);
  await Deno.truncate(path, MEBIBYTE - 1);
  await assertRejects(() => verify(path, proof), Error, "not what was sent");
  await writeSample(join(folder, "other.bin"), MEBIBYTE);
  await assertRejects(
    () => verify(join(folder, "other.bin"), proof),
    Error,
    "not what was sent",
  );
});
