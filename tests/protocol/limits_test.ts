import { assert, assertEquals } from "@std/assert";
import {
  CHUNK_COUNT_MAX,
  CHUNK_SIZE,
  ERROR_CODES,
  errorCodeName,
  HEADER_SIZE,
  malformed,
  MESSAGE_SIZE_MAX,
  NAME_SIZE_MAX,
  PATH_DEPTH_MAX,
  PATH_SIZE_MAX,
  ProtocolError,
  RESERVED_NAME,
  RUN_COUNT_MAX,
  SUM_COUNT_MAX,
  TEXT_SIZE_MAX,
} from "../../lib/protocol/mod.ts";
import * as storage from "../../lib/storage/limits.ts";
import { STAGING_NAME } from "../../lib/storage/names.ts";

Deno.test("wire and storage mean the same by a chunk and by a name", () => {
  assertEquals(CHUNK_SIZE, storage.CHUNK_SIZE);
  assertEquals(CHUNK_COUNT_MAX, storage.CHUNK_COUNT_MAX);
  assertEquals(NAME_SIZE_MAX, storage.NAME_BYTES_MAX);
  assertEquals(PATH_SIZE_MAX, storage.PATH_BYTES_MAX);
  assertEquals(PATH_DEPTH_MAX, storage.PATH_DEPTH_MAX);
  assertEquals(RESERVED_NAME, STAGING_NAME);
});

Deno.test("every offset in the largest file is a safe integer", () => {
  assert(Number.isSafeInteger(CHUNK_COUNT_MAX * CHUNK_SIZE));
});

Deno.test("a message has room for the longest error", () => {
  assert(2 * PATH_SIZE_MAX + TEXT_SIZE_MAX + HEADER_SIZE < MESSAGE_SIZE_MAX);
});

Deno.test("a message has room for the most runs, and for the most sums", () => {
  assert(RUN_COUNT_MAX * (3 + 2 * (3 + 4)) < MESSAGE_SIZE_MAX);
  assert(SUM_COUNT_MAX * 4 + 2 * (3 + 4) < MESSAGE_SIZE_MAX);
});

Deno.test("errorCodeName() gives every code's name, and internal for others", () => {
  for (const [name, code] of Object.entries(ERROR_CODES)) {
    assertEquals(errorCodeName(code), name);
  }
  assertEquals(errorCodeName(0), "internal");
  assertEquals(errorCodeName(65_535), "internal");
});

Deno.test("malformed() blames the peer", () => {
  const error = malformed("not so");
  assert(error instanceof ProtocolError);
  assertEquals(error.name, "ProtocolError");
  assertEquals([error.fault, error.code], ["remote", "protocol"]);
});
