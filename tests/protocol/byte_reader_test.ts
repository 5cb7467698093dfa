import { assertEquals } from "@std/assert";
import { ByteReader } from "../../lib/protocol/byte_reader.ts";

Deno.test("ByteReader reads big-endian integers", () => {
  const reader = new ByteReader(
    Uint8Array.fromHex(
      "01" + "0203" + "04050607" + "001fffffffffffff" + "ffe0000000000001",
    ),
  );
  assertEquals(reader.u8(), 1);
  assertEquals(reader.u16(), 0x0203);
  assertEquals(reader.u32(), 0x04050607);
  assertEquals(reader.u64(), Number.MAX_SAFE_INTEGER);
  assertEquals(reader.i64(), Number.MIN_SAFE_INTEGER);
  assertEquals(reader.remaining, 0);
  assertEquals(reader.failure, undefined);
});

Deno.test("ByteReader keeps to its view of a larger buffer", () => {
  const whole = Uint8Array.fromHex("ffff0102ffff");
  const reader = new ByteReader(whole.subarray(2, 4));
  assertEquals(reader.u16(), 0x0102);
  assertEquals(reader.u8(), 0);
  assertEquals(reader.failure, "ends too early");
});

Deno.test("ByteReader.bytes() gives a view, not a copy", () => {
  const whole = Uint8Array.fromHex("0102");
  const view = new ByteReader(whole).bytes(2);
  whole[0] = 9;
  assertEquals(view, Uint8Array.fromHex("0902"));
});

Deno.test("ByteReader keeps its first failure and reads zeros after it", () => {
  const reader = new ByteReader(new Uint8Array([1, 2, 3]));
  assertEquals(reader.u32(), 0);
  assertEquals(reader.failure, "ends too early");
  assertEquals(reader.remaining, 0);
  reader.fail("something else");
  assertEquals(reader.failure, "ends too early");
  assertEquals(
    [reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.i64()],
    [0, 0, 0, 0, 0],
  );
  assertEquals(reader.bytes(1), new Uint8Array(0));
  assertEquals(reader.text(1), "");
});

const UNSAFE = [
  ["u64", "0020000000000000"],
  ["u64", "ffffffffffffffff"],
  ["i64", "0020000000000000"],
  ["i64", "ffe0000000000000"],
  ["i64", "8000000000000000"],
] as const;

for (const [method, hex] of UNSAFE) {
  Deno.test(`ByteReader.${method}() fails for ${hex}`, () => {
    const reader = new ByteReader(Uint8Array.fromHex(hex));
    assertEquals(reader[method](), 0);
    assertEquals(reader.failure, "integer is beyond 2^53-1");
  });
}

Deno.test("ByteReader.text() keeps a byte order mark and NUL", () => {
  const reader = new ByteReader(Uint8Array.fromHex("efbbbf6100"));
  assertEquals(reader.text(5), "\ufeffa\0");
  assertEquals(reader.failure, undefined);
});

for (const hex of ["ff", "c080", "eda080", "e282", "f4908080"]) {
  Deno.test(`ByteReader.text() fails for ${hex}`, () => {
    const reader = new ByteReader(Uint8Array.fromHex(hex));
    assertEquals(reader.text(hex.length / 2), "");
    assertEquals(reader.failure, "text is not valid UTF-8");
  });
}
