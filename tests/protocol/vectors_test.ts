import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  CHUNK_SIZE,
  encodeMessage,
  type Frame,
  FrameBuffer,
} from "../../lib/protocol/mod.ts";
import { ChunkDigest } from "../../lib/storage/chunk_digest.ts";
import { parseHex } from "../../tools/vectors/assembler.ts";
import { vectorFiles } from "../../tools/vectors.ts";
import { feed } from "../helpers/chunked.ts";
import { Conversation, type Role } from "../../lib/protocol/mod.ts";
import { DIGEST_CASES, SESSION, STORED } from "./vectors.ts";

Deno.test("the vector files are what tools/vectors.ts writes", () => {
  assertEquals(JSON.parse(JSON.stringify(vectorFiles())), STORED);
});

for (const { name, content, size, sums, digest } of DIGEST_CASES) {
  Deno.test(`crc32-chunks digest: ${name}`, () => {
    const bytes = parseHex(content);
    assertEquals(bytes.length, size);
    const chunks = new ChunkDigest();
    // Last chunk first: the order does not matter.
    for (let index = sums.length - 1; index >= 0; index--) {
      const at = index * CHUNK_SIZE;
      const sum = crc32(bytes.subarray(at, at + CHUNK_SIZE));
      assertEquals(sum.toString(16).padStart(8, "0"), sums[index]);
      chunks.set(index, sum);
    }
    assertEquals(chunks.value(size), digest);
  });
}

Deno.test("the digest of an empty file is that of its description", () => {
  const text = "ferry crc32-chunks 1\n\0\0\0\0\0\0\0\0\0\x10\0\0";
  const digest = createHash("sha256").update(text).digest("hex");
  assertEquals(DIGEST_CASES[0]?.digest, digest);
});

Deno.test("the example session is one that both ends allow", () => {
  assert(SESSION.length >= 17);
  const ends = (role: Role) => ({
    P: new Conversation("control", role),
    Q: new Conversation("data", role),
  });
  const [client, server] = [ends("client"), ends("server")];
  for (const { connection, sender, type, id, bytes } of SESSION) {
    const frames: Frame[] = feed(
      new FrameBuffer(),
      parseHex(bytes.join(" ")),
    );
    const [frame] = frames;
    assert(frame !== undefined && frames.length === 1);
    assertEquals([frame.type, frame.id], [type, id]);
    if (frame.type !== "DATA") {
      const hex = parseHex(bytes.join(" ")).toHex();
      assertEquals(encodeMessage(frame).toHex(), hex);
    }
    client[connection].step(sender, frame);
    server[connection].step(sender, frame);
  }
  assertEquals([client.P.state, server.P.state], ["leaving", "leaving"]);
  assertEquals([client.Q.open, server.Q.open, client.P.open], [0, 0, 0]);
});
