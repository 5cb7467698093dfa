import { assertEquals, assertThrows } from "@std/assert";
import { ByteReader } from "../../lib/protocol/byte_reader.ts";
import { ByteWriter } from "../../lib/protocol/byte_writer.ts";
import {
  blob,
  bytes,
  checked,
  type Fields,
  flag,
  label,
  oneOf,
  optional,
  readBody,
  record,
  repeated,
  required,
  text,
  time,
  u16,
  u32,
  u64,
  type ValueCodec,
  writeBody,
} from "../../lib/protocol/fields.ts";
import { MESSAGES, ProtocolError } from "../../lib/protocol/mod.ts";

function written<T>(codec: ValueCodec<T>, value: T): Uint8Array {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.finish();
}

function roundTrip<T>(codec: ValueCodec<T>, value: T): T {
  const bytes = written(codec, value);
  const reader = new ByteReader(bytes);
  const result = codec.read(reader, bytes.length);
  assertEquals(reader.failure, undefined);
  assertEquals(reader.remaining, 0);
  return result;
}

function even(value: number): string | undefined {
  return value % 2 === 0 ? undefined : `${value} is odd`;
}

const VALUES: readonly (readonly [ValueCodec<unknown>, readonly unknown[]])[] =
  [
    [u16, [0, 1, 65_535]],
    [u32, [0, 2 ** 31, 2 ** 32 - 1]],
    [u64, [0, 2 ** 32, Number.MAX_SAFE_INTEGER]],
    [time, [0, -1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
    [flag, [true, false]],
    [text(4), ["", "abcd", "ää", "🚢"]],
    [label(4), ["", "abcd", "ää", "🚢"]],
    [bytes(2), [new Uint8Array([0, 255])]],
    [blob(4, 2), [new Uint8Array(2), new Uint8Array([1, 2, 3, 4])]],
    [checked(u16, even), [0, 2]],
    [oneOf(["a", "b"]), ["a", "b"]],
    [record("pair", { a: required(1, u16), b: optional(2, flag) }), [
      { a: 1 },
      { a: 1, b: false },
    ]],
  ] as readonly (readonly [ValueCodec<unknown>, readonly unknown[]])[];

for (const [codec, values] of VALUES) {
  Deno.test(`${codec.name} reads what it writes`, () => {
    for (const value of values) assertEquals(roundTrip(codec, value), value);
  });
}

const UNWRITABLE:
  readonly (readonly [ValueCodec<unknown>, readonly unknown[]])[] = [
    [u16, [-1, 65_536, 1.5, NaN]],
    [u32, [-1, 2 ** 32, 0.1, Infinity]],
    [u64, [-1, 2 ** 53, 0.5, NaN]],
    [time, [2 ** 53, -(2 ** 53), NaN, Infinity]],
    [text(3), ["abcd", "ää"]],
    [bytes(2), [new Uint8Array(1), new Uint8Array(3)]],
    [blob(4, 2), [0, 1, 3, 5, 6].map((size) => new Uint8Array(size))],
    [checked(u16, even), [1, 65_536]],
    [oneOf(["a", "b"]), ["c", ""]],
  ] as readonly (readonly [ValueCodec<unknown>, readonly unknown[]])[];

for (const [codec, values] of UNWRITABLE) {
  Deno.test(`${codec.name} does not write what the peer would refuse`, () => {
    for (const value of values) {
      const error = assertThrows(() => written(codec, value), ProtocolError);
      assertEquals(error.fault, "local");
    }
  });
}

Deno.test("time cuts off fractions of a millisecond", () => {
  assertEquals(roundTrip(time, 1.9), 1);
  assertEquals(roundTrip(time, -1.9), -1);
});

Deno.test("label() cuts long texts between characters", () => {
  assertEquals(roundTrip(label(8), "12345678"), "12345678");
  assertEquals(roundTrip(label(8), "123456789"), "12345…");
  assertEquals(roundTrip(label(8), "1234🚢🚢"), "1234…");
  assertEquals(roundTrip(label(1024), "ä".repeat(5000)).length, 511);
  assertEquals(roundTrip(label(8), "a\ud800"), "a\ufffd");
});

Deno.test("an error with the longest name can be sent", () => {
  const message = `Cannot put "${"x".repeat(4096)}": exists`;
  const writer = new ByteWriter();
  writeBody(writer, MESSAGES.ERROR.fields, { code: 8, message });
  const body = readBody(
    new ByteReader(writer.finish()),
    MESSAGES.ERROR.fields,
  );
  assertEquals(new TextEncoder().encode(body.message).length, 1024);
});

Deno.test("bytes() copies out of the receive buffer", () => {
  const received = new Uint8Array([1, 2]);
  const value = bytes(2).read(new ByteReader(received), 2);
  received.fill(0);
  assertEquals(value, new Uint8Array([1, 2]));
});

const SHAPE = {
  one: required(1, u16),
  maybe: optional(3, u16),
  many: repeated(5, u16, 2),
  rising: repeated(6, u16, 3, (before, next) => before < next),
} satisfies Fields;

function readShape(hex: string) {
  const reader = new ByteReader(Uint8Array.fromHex(hex.replaceAll(" ", "")));
  const body = readBody(reader, SHAPE);
  return { body, failure: reader.failure };
}

Deno.test("writeBody() writes fields in the order of their numbers", () => {
  const writer = new ByteWriter();
  writeBody(writer, SHAPE, {
    rising: [],
    many: [8, 9],
    maybe: undefined,
    one: 7,
  });
  assertEquals(
    writer.finish().toHex(),
    "0100020007" + "0500020008" + "0500020009",
  );
});

Deno.test("writeBody() refuses a body that lacks a required field", () => {
  const error = assertThrows(
    () => writeBody(new ByteWriter(), SHAPE, { many: [] } as never),
    ProtocolError,
    '"one" is missing',
  );
  assertEquals(error.fault, "local");
});

Deno.test("writeBody() refuses more repetitions than may be", () => {
  const error = assertThrows(
    () =>
      writeBody(new ByteWriter(), SHAPE, {
        one: 1,
        many: [1, 2, 3],
        rising: [],
      }),
    ProtocolError,
  );
  assertEquals([error.fault, error.code], ["local", "limit"]);
});

Deno.test("writeBody() refuses what is out of order", () => {
  const fields = { many: repeated(1, u16, 9, (before, next) => before < next) };
  writeBody(new ByteWriter(), fields, { many: [1, 2, 5] });
  const error = assertThrows(
    () => writeBody(new ByteWriter(), fields, { many: [1, 5, 5] }),
    ProtocolError,
    '"many" is out of order',
  );
  assertEquals(error.fault, "local");
});

Deno.test("runs that the peer would refuse are not written", () => {
  const last = { first: 2 ** 24 - 1, count: 1 };
  const wrong = [
    [{ first: 0, count: 0 }],
    [{ ...last, count: 2 }],
    [{ first: 1, count: 2 }, { first: 2, count: 1 }],
    Array.from({ length: 1025 }, (_, first) => ({ first, count: 1 })),
  ];
  for (const runs of wrong) {
    assertThrows(
      () => writeBody(new ByteWriter(), MESSAGES.WANT.fields, { runs }),
      ProtocolError,
    );
  }
  writeBody(new ByteWriter(), MESSAGES.WANT.fields, { runs: [last] });
});

Deno.test("writeBody() refuses a field longer than its length can say", () => {
  const fields = { large: required(1, bytes(65_534)) };
  const body = { large: new Uint8Array(65_534) };
  const error = assertThrows(
    () => writeBody(new ByteWriter(), fields, body),
    ProtocolError,
  );
  assertEquals([error.fault, error.code], ["local", "limit"]);
});

Deno.test("readBody() leaves optional fields out and repeated ones empty", () => {
  assertEquals(readShape("0100020007"), {
    body: { one: 7, many: [], rising: [] },
    failure: undefined,
  });
});

const UNREADABLE: readonly (readonly [hex: string, failure: string])[] = [
  ["", 'field 1 ("one") is missing'],
  ["01", "ends too early"],
  ["0100", "ends too early"],
  ["01000200", "ends too early"],
  ["0100020007 0100020007", "field 1 stands out of order or twice"],
  ["0300020007 0100020007", "field 1 stands out of order or twice"],
  ["0100020007 0300020007 0300020007", "field 3 stands out of order or twice"],
  ["0100020007 0500020007 0300020007", "field 3 stands out of order or twice"],
  [
    "0100020007 0500020007 0500020007 0500020007",
    "field 5 stands more than 2 times",
  ],
  ["01000107", "value has 1 bytes, not 2"],
  [
    "0100020007 0600020007 0600020008 0600020008",
    "field 6 stands in the wrong order",
  ],
];

for (const [hex, failure] of UNREADABLE) {
  Deno.test(`readBody() of "${hex}" fails: ${failure}`, () => {
    assertEquals(readShape(hex).failure, failure);
  });
}

Deno.test("the fields of every message stand in ascending order", () => {
  for (const [type, { fields }] of Object.entries(MESSAGES)) {
    const numbers = Object.values(fields as Fields).map(({ number }) => number);
    assertEquals(numbers, [...new Set(numbers)].sort((a, b) => a - b), type);
    assertEquals(numbers.every((number) => number > 0 && number < 256), true);
  }
});
