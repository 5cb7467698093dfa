import { assertEquals, assertStringIncludes } from "@std/assert";
import { tempDir } from "../helpers/temp_dir.ts";
import {
  documents,
  readDocument,
  runBlocks,
  runnableBlocks,
} from "./runnable.ts";

Deno.test("runnableBlocks() takes the blocks that are marked, and no others", () => {
  const markdown =
    "```sh runnable\na\n```\n\n```sh\nb\n```\n\n```sh runnable\nc\nd\n```\n";
  assertEquals(runnableBlocks(markdown), "a\nc\nd\n");
});

Deno.test({
  name: "a command of the documentation that fails is noticed",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using folder = await tempDir();
    const script = "echo before\nferry get 127.0.0.1:1 a\necho after\n";
    const { code, output } = await runBlocks(script, folder.path);
    assertEquals(code, 3, output);
    assertStringIncludes(output, "before");
    assertEquals(output.includes("after"), false);
  },
});

for (const name of await documents()) {
  const script = runnableBlocks(await readDocument(name));
  Deno.test({
    name: `every runnable command in ${name} works`,
    // The blocks are for a Unix shell.
    ignore: script === "" || Deno.build.os === "windows",
    async fn() {
      await using folder = await tempDir();
      const { code, output } = await runBlocks(script, folder.path);
      assertEquals(code, 0, output);
    },
  });
}
