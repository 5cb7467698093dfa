import { assertEquals } from "@std/assert";
import { GENERATED } from "../../tools/docs.ts";

for (const [path, make] of Object.entries(GENERATED)) {
  Deno.test(`${path} is what "deno task docs" writes`, async () => {
    const url = new URL(`../../${path}`, import.meta.url);
    assertEquals(await Deno.readTextFile(url), make());
  });
}
