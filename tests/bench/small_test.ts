import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "@std/path";
import { formatMemory } from "../../bench/small/memory.ts";
import { parseSmallOptions, smallHelp } from "../../bench/small/options.ts";
import {
  countFiles,
  treeDigest,
  treePaths,
  writeTree,
} from "../../bench/small/tree.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const PEERS = ["ferry", "rsync"];
const SHAPE = { files: 5, folders: 2, size: 100 };

Deno.test("parseSmallOptions() has defaults for everything", () => {
  assertEquals(parseSmallOptions([], PEERS), {
    shape: { files: 10_000, folders: 100, size: 4096 },
    runs: 3,
    dir: undefined,
    only: ["get", "put"],
    peers: PEERS,
    memory: false,
    json: false,
    help: false,
  });
});

Deno.test("parseSmallOptions() refuses large files", () => {
  assertThrows(
    () => parseSmallOptions(["--size=2MiB"], PEERS),
    RangeError,
    "small files have at most 1 MiB",
  );
  assertEquals(parseSmallOptions(["--size=1MiB"], PEERS).shape.size, 1024 ** 2);
  for (const option of ["--files", "--folders", "--memory", "rsync"]) {
    assertStringIncludes(smallHelp(PEERS), option);
  }
});

Deno.test("treePaths() shares the files out", () => {
  assertEquals([...treePaths(SHAPE)], [
    "folder-0/file-0.bin",
    "folder-1/file-1.bin",
    "folder-0/file-2.bin",
    "folder-1/file-3.bin",
    "folder-0/file-4.bin",
  ]);
});

Deno.test("writeTree() writes what can be told apart again", async () => {
  await using temp = await tempDir();
  const [one, two] = [join(temp.path, "one"), join(temp.path, "two")];
  await writeTree(one, SHAPE);
  await writeTree(two, SHAPE);
  assertEquals(await countFiles(one), 5);
  assertEquals(await treeDigest(one, SHAPE), await treeDigest(one, SHAPE));
  assertNotEquals(await treeDigest(one, SHAPE), await treeDigest(two, SHAPE));
  await Deno.remove(join(one, "folder-1/file-3.bin"));
  await assertRejects(() => treeDigest(one, SHAPE), Deno.errors.NotFound);
});

Deno.test("formatMemory() shows what it knows", () => {
  const lines = formatMemory({
    machine: "m",
    storage: "s",
    rows: [{
      what: "one file",
      direction: "get",
      milliseconds: 1500,
      client: 1024 ** 2,
      server: undefined,
    }],
  });
  assertEquals(
    lines.at(-1)?.replaceAll(/ +/g, " "),
    "one file get 1.00 MiB n/a 1.500 s",
  );
});
