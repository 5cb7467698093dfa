import { assertEquals } from "@std/assert";
import { ByteReader } from "../../lib/protocol/byte_reader.ts";
import { ByteWriter } from "../../lib/protocol/byte_writer.ts";

Deno.test("ByteWriter writes big-endian fields", () => {
  const writer = new ByteWriter();
  writer.u8(1);
  const at = writer.skip(2);
  writer.u16(0x0203);
  writer.u32(0xfffffffe);
  writer.u64(2 ** 32 + 1);
  writer.i64(-2);
  writer.text("ä");
  writer.bytes(new Uint8Array([9]));
  writer.patchU16(at, 0xabcd);
  assertEquals(writer.length, 28);
  assertEquals(
    writer.finish().toHex(),
    "01abcd0203fffffffe0000000100000001fffffffffffffffec3a409",
  );
});

Deno.test("ByteWriter grows as much as one append needs", () => {
  const writer = new ByteWriter();
  const large = new Uint8Array(100_000).fill(7);
  writer.u8(1);
  writer.bytes(large);
  writer.u8(2);
  const reader = new ByteReader(writer.finish());
  assertEquals(reader.u8(), 1);
  assertEquals(reader.bytes(large.length), large);
  assertEquals(reader.u8(), 2);
  assertEquals(reader.remaining, 0);
});

Deno.test("ByteWriter keeps what it wrote when it grows by one byte at a time", () => {
  const writer = new ByteWriter();
  for (let at = 0; at < 2000; at++) writer.u8(at & 0xff);
  const bytes = writer.finish();
  assertEquals(bytes.length, 2000);
  assertEquals(bytes.every((byte, at) => byte === (at & 0xff)), true);
});
