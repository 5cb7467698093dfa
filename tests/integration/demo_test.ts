/**
 * The parts of `deno task demo` on which its proofs rest. The demo itself takes
 * too long to run with the tests; continuous integration runs it by itself.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { quoteWord } from "../../tools/demo/narrator.ts";
import { SlowLine } from "../../tools/demo/relay.ts";
import {
  differences,
  proveTree,
  unfinished,
} from "../../tools/demo/samples.ts";
import { tempDir } from "../helpers/temp_dir.ts";

Deno.test("the demo's proof finds changed, missing and additional files", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  for (const name of ["same", "changed", "missing"]) {
    await Deno.writeTextFile(join(folder, name), name);
  }
  const sent = await proveTree(folder);
  assertEquals(differences(sent, await proveTree(folder)), []);
  await Deno.writeTextFile(join(folder, "changed"), "Changed");
  await Deno.remove(join(folder, "missing"));
  await Deno.writeTextFile(join(folder, "more"), "");
  const found = differences(sent, await proveTree(folder));
  assertEquals(found.length, 3);
  assert(found[0]?.startsWith('"changed" has 7 bytes, SHA-256 '));
  assertEquals(found.slice(1), [
    '"missing" is missing',
    '"more" was never sent',
  ]);
});

Deno.test("the demo's proof is the SHA-256 that everybody computes", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  await Deno.mkdir(join(folder, "a"));
  await Deno.writeTextFile(join(folder, "a", "b"), "abc");
  assertEquals([...await proveTree(folder)], [["a/b", {
    size: 3,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  }]]);
});

Deno.test("the demo knows unfinished files from files of the tree", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  await Deno.mkdir(join(folder, ".ferry", "id"), { recursive: true });
  await Deno.writeTextFile(join(folder, ".ferry", "id", "data"), "12345");
  await Deno.writeTextFile(join(folder, ".ferry-0a.part"), "123");
  await Deno.writeTextFile(join(folder, ".ferry-0a.map"), "12");
  await Deno.writeTextFile(join(folder, "ferry.part"), "");
  assertEquals([...(await proveTree(folder)).keys()], ["ferry.part"]);
  assertEquals(await unfinished(folder), { files: 3, bytes: 10 });
});

Deno.test("quoteWord() quotes what a shell would take apart", () => {
  const words: readonly (readonly [string, string])[] = [
    ["put", "put"],
    ["127.0.0.1:1", "127.0.0.1:1"],
    ["", "''"],
    ["a b", "'a b'"],
    ["it's", "'it'\\''s'"],
    ["a\nb\x1b'", "$'a\\nb\\x1b\\''"],
  ];
  for (const [word, quoted] of words) assertEquals(quoteWord(word), quoted);
});

Deno.test("SlowLine passes bytes on in both directions, and cuts", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const line = new SlowLine(port, 1024 ** 3);
  using near = await Deno.connect({ hostname: "127.0.0.1", port: line.port });
  using far = await listener.accept();
  for (const [from, to] of [[near, far], [far, near]] as const) {
    await from.write(new Uint8Array([1, 2, 3]));
    const buffer = new Uint8Array(8);
    assertEquals(await to.read(buffer), 3);
    assertEquals(buffer.subarray(0, 3), new Uint8Array([1, 2, 3]));
  }
  await line[Symbol.asyncDispose]();
  assertEquals(await far.read(new Uint8Array(1)), null);
});
