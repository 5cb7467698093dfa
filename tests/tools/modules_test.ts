/**
 * Loads every module of the library. Coverage counts only what is loaded, so
 * without this a file that no test imports would not lower it.
 *
 * @module
 */
import { assert } from "@std/assert";
import { walk } from "@std/fs/walk";
import { fromFileUrl, toFileUrl } from "@std/path";

const LIB = fromFileUrl(new URL("../../lib/", import.meta.url));

Deno.test("every module of lib/ can be imported by itself", async () => {
  let count = 0;
  for await (const entry of walk(LIB, { exts: [".ts"], includeDirs: false })) {
    await import(toFileUrl(entry.path).href);
    count++;
  }
  assert(count > 0);
});
