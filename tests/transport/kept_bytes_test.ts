import { assert, assertEquals } from "@std/assert";
import { KeptBytes } from "../../lib/transport/mod.ts";

Deno.test("KeptBytes keeps what the source forgets, small pieces in few buffers", () => {
  const kept = new KeptBytes();
  const source = new Uint8Array(40_000);
  const pieces: Uint8Array[] = [];
  const sizes = [0, 1, 4096, 32_768, 32_769, 40_000];
  for (let at = 0; at < 300; at++) {
    const piece = source.subarray(0, sizes[at % sizes.length]);
    piece.fill(at);
    pieces.push(kept.keep(piece));
  }
  source.fill(255);
  for (const [at, piece] of pieces.entries()) {
    assertEquals(piece.length, sizes[at % sizes.length]);
    assert(piece.every((byte) => byte === at % 256));
  }
  const small = pieces.filter(({ length }) => length <= 32_768);
  const buffers = new Set(small.map(({ buffer }) => buffer));
  assert(small.length > 20 * buffers.size);
});
