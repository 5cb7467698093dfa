/**
 * Bytes that a decoder must refuse, one rule at a time.
 *
 * @module
 */
import {
  field,
  frame,
  type Header,
  parseHex,
  u16,
  u32,
  u64,
  u8,
  utf8,
} from "./assembler.ts";
import {
  CODES,
  ENUM_FIELDS,
  headerOf,
  run,
  SMALLEST,
  type TypeName,
} from "./valid.ts";

/** Bytes that are refused. */
export interface InvalidVector {
  readonly name: string;
  readonly bytes: readonly string[];
  /** The error code to answer with. */
  readonly code: string;
}

type MessageName = Exclude<TypeName, "DATA">;

const CHUNK_SIZE = 1_048_576;
const CHUNK_COUNT_MAX = 2 ** 24;

function bad(
  name: string,
  code: string,
  header: Header,
  payload: readonly string[] = [],
): InvalidVector {
  return { name, bytes: frame(header, payload), code };
}

/** A body that breaks a rule. */
function body(
  type: MessageName,
  name: string,
  lines: readonly string[],
  code = "protocol",
): InvalidVector {
  return bad(`${type}: ${name}`, code, headerOf(type), lines);
}

/** The smallest body with one value changed or added. */
function value(
  type: MessageName,
  [number, bytes]: readonly [number, string],
  name: string,
): InvalidVector {
  const lines = SMALLEST[type][0].filter((line) =>
    !line.startsWith(u8(number) + " ")
  );
  const all = [...lines, field(number, bytes)].sort((a, b) =>
    parseInt(a, 16) - parseInt(b, 16)
  );
  return body(type, name, all);
}

function headers(): InvalidVector[] {
  const ping = headerOf("PING");
  const pingBody = SMALLEST.PING[0];
  return [
    {
      name: "header: an HTTP answer",
      bytes: [utf8("HTTP/1.1 400 Bad Request\r\n\r\n")],
      code: "protocol",
    },
    {
      name: "header: a TLS ClientHello",
      bytes: ["16030100c2010000be0303", "00*17"],
      code: "protocol",
    },
    bad("header: its checksum does not fit", "integrity", {
      ...ping,
      damage: 1,
    }, pingBody),
    ...[0x00, 0x0c, 0x0f, 0x33, 0x7f].map((code) =>
      bad(`header: unknown type ${code}`, "unsupported", { code, id: 1 })
    ),
    ...[0x10, 0x20, 0x40, 0x80].map((flags) =>
      bad(`header: unknown critical flag ${flags}`, "unsupported", {
        ...ping,
        flags,
      }, pingBody)
    ),
    bad("header: critical flag on an unknown optional type", "unsupported", {
      code: 0x80,
      flags: 0x10,
    }),
    bad("header: message that is too large", "limit", {
      ...headerOf("PAGE"),
      length: 65_537,
      checksum: 0,
    }),
    bad("header: unknown optional type that is too large", "limit", {
      code: 0x80,
      length: 65_537,
      checksum: 0,
    }),
    bad("header: length of 4 GiB", "limit", {
      ...headerOf("PAGE"),
      length: 0xffff_ffff,
      checksum: 0,
    }),
  ];
}

function offsetsAndIds(): InvalidVector[] {
  const ping = headerOf("PING");
  const pingBody = SMALLEST.PING[0];
  const { DATA } = CODES;
  return [
    bad("header: message with an offset", "protocol", {
      ...ping,
      offset: 1,
    }, pingBody),
    bad("header: unknown optional type with an offset", "protocol", {
      code: 0x80,
      offset: CHUNK_SIZE,
    }),
    bad("header: message of the connection with an exchange id", "protocol", {
      ...ping,
      id: 1,
    }, pingBody),
    bad("header: message of an exchange without an id", "protocol", {
      code: CODES.GRANT,
    }),
    bad("header: DATA without an id", "protocol", { code: DATA }, ["00"]),
    bad("header: DATA without bytes", "protocol", { code: DATA, id: 1 }),
    bad("header: DATA larger than a chunk", "limit", {
      code: DATA,
      id: 1,
      length: CHUNK_SIZE + 1,
      checksum: 0,
    }),
    bad("header: DATA inside a chunk", "protocol", {
      code: DATA,
      id: 1,
      offset: 1,
    }, ["00"]),
    bad("header: DATA beyond the largest file", "limit", {
      code: DATA,
      id: 1,
      offset: 2 ** 24 * CHUNK_SIZE,
    }, ["00"]),
    bad("header: offset of 2^53", "protocol", {
      code: DATA,
      id: 1,
      offset: 2n ** 53n,
    }, ["00"]),
    bad("header: offset of 2^64 - 1", "protocol", {
      code: DATA,
      id: 1,
      offset: 2n ** 64n - 1n,
    }, ["00"]),
    bad("payload: its checksum does not fit", "integrity", {
      ...ping,
      checksum: 1,
    }, pingBody),
  ];
}

function structure(): InvalidVector[] {
  const [session, user, connections] = SMALLEST.READY[0];
  return [
    body("PING", "ends after a field's number", ["01"]),
    body("PING", "ends inside a field's length", ["0100"]),
    body("PING", "value longer than what is left", ["01 0005 00000000"]),
    body("PING", "bytes after the last field", ["01 0004 00000000", "02"]),
    body("FAIL", "fields out of order", [field(2, ""), field(1, u16(1))]),
    body("PING", "required field twice", [
      field(1, u32(1)),
      field(1, u32(1)),
    ]),
    body("SPACE_LEFT", "optional field twice", [
      field(1, u64(1)),
      field(1, u64(1)),
    ]),
    body("READY", "repeated field that comes back", [
      session!,
      user!,
      field(3, u8(0)),
      field(5, u8(0)),
      field(3, u8(1)),
      connections!,
    ]),
    body("PING", "unknown fields out of order", [
      field(1, u32(1)),
      field(9, ""),
      field(8, ""),
    ]),
    ...[128, 255].map((number) =>
      body("PING", `unknown critical field ${number}`, [
        field(1, u32(1)),
        field(number, ""),
      ], "unsupported")
    ),
    body("PING", "ends inside the length of a critical field", ["c800"]),
    body("PAGE", "unknown critical field in a record", [
      field(1, `${SMALLEST.ENTRY[0].join(" ")} ${field(200, "")}`),
    ], "unsupported"),
    body("PAGE", "record with a missing field", [
      field(1, SMALLEST.ENTRY[0].slice(1).join(" ")),
    ]),
    body("PAGE", "field that reaches beyond its record", [
      field(1, "01 0010 61"),
      field(2, "00*16"),
    ]),
    body("PAGE", "empty record", [field(2, "")]),
  ];
}

function missingFields(): InvalidVector[] {
  const types = Object.keys(SMALLEST) as MessageName[];
  return types.flatMap((type) =>
    SMALLEST[type][0].map((line, at, all) =>
      body(
        type,
        `field ${parseHex(line)[0]} is missing`,
        all.toSpliced(at, 1),
      )
    )
  );
}

function counts(): InvalidVector[] {
  const [hello, greeting] = [SMALLEST.HELLO[0], SMALLEST.GREETING[0]];
  const [session, user, connections] = SMALLEST.READY[0];
  const entry = field(1, SMALLEST.ENTRY[0].join(" ")).replaceAll(" ", "");
  const refusal = field(4, `${field(1, u8(0))} ${field(2, "")}`)
    .replaceAll(" ", "");
  const problem = field(
    2,
    `${field(1, "")} ${field(2, u16(1))} ${field(3, "")}`,
  )
    .replaceAll(" ", "");
  const ready = (line: string): string[] => [
    session!,
    user!,
    line,
    connections!,
  ];
  return [
    body("HELLO", "17 versions", ["0100020001*17", ...hello]),
    body("GREETING", "17 methods", [...greeting, "04000161*17"]),
    body("READY", "6 rights", ready("03000100*6")),
    body("READY", "6 refusals", ready(`${refusal}*6`)),
    body("READY", "17 digests", ready("05000100*17")),
    body("PAGE", "513 entries", [`${entry}*513`]),
    body("PAGE", "513 problems", [`${problem}*513`]),
  ];
}

/** A field of every type of value, and lengths that it cannot have. */
const WRONG_LENGTHS: readonly [MessageName, number, string, number[]][] = [
  ["MORE", 1, "u16", [0, 1, 3]],
  ["PING", 1, "u32", [0, 3, 5]],
  ["PROGRESS", 1, "u64", [0, 7, 9]],
  ["OPENED", 2, "time", [0, 7, 9]],
  ["LIST", 2, "flag", [0, 2]],
  ["GET", 2, "enumeration", [0, 2]],
  ["HELLO", 3, "bytes(32)", [0, 31, 33]],
  ["READY", 1, "bytes(16)", [0, 15, 17]],
  ["GRANTED", 1, "bytes(32)", [0, 31, 33]],
  ["PUT", 2, "bytes(16)", [0, 15, 17]],
  ["END", 2, "bytes(32)", [0, 31, 33]],
  ["DIALLED", 1, "bytes(16)", [0, 15, 17]],
  ["DIALLED", 2, "bytes(32)", [0, 31, 33]],
  ["DIAL", 1, "u16", [0, 1, 3]],
  ["DIAL", 2, "bytes(32)", [0, 31, 33]],
  ["READY", 7, "flag", [0, 2]],
  ["SET_ATTRIBUTES", 2, "time", [0, 7, 9]],
  ["SET_ATTRIBUTES", 3, "u16", [0, 1, 3]],
  ["PUT", 8, "u16", [0, 1, 3]],
  ["PUT", 9, "bytes(32)", [0, 31, 33]],
  ["OPENED", 3, "bytes(32)", [0, 31, 33]],
  ["OPENED", 4, "u16", [0, 1, 3]],
  ["RECEIPT", 6, "resumedFrom", [0, 7, 9]],
  ["RECEIPT", 7, "repaired", [0, 7, 9]],
  ["FETCH", 2, "bytes(32)", [0, 31, 33]],
  ["HAVE", 1, "u32", [0, 3, 5]],
  ["HAVE", 2, "blob(32768, 4)", [0, 1, 3, 5, 32_769, 32_772]],
  ["JOIN", 1, "bytes(16)", [0, 15, 17]],
  ["STORE", 2, "bytes(16)", [0, 15, 17]],
  ["STORE", 3, "u32", [0, 3, 5]],
  ["STORE", 7, "u16", [0, 1, 3]],
  ["LOGIN", 4, "bytes(32)", [0, 31, 33]],
  ["LOGIN", 5, "bytes(64)", [0, 63, 65]],
];

function values(): InvalidVector[] {
  const zeros = (count: number): string => count === 0 ? "" : `00*${count}`;
  const tooLong: [MessageName, number, number][] = [
    ["HELLO", 2, 128],
    ["GREETING", 2, 128],
    ["LOGIN", 1, 128],
    ["LOGIN", 2, 255],
    ["LOGIN", 3, 1024],
    ["READY", 2, 255],
    ["GOODBYE", 1, 1024],
    ["FAIL", 2, 1024],
    ["ERROR", 2, 1024],
    ["ERROR", 3, 4096],
    ["LIST", 1, 4096],
    ["RENAME", 2, 4096],
    ["PUT", 1, 4096],
    ["FETCH", 1, 4096],
    ["STORE", 1, 4096],
    ["SET_ATTRIBUTES", 1, 4096],
  ];
  const notUtf8: [string, string][] = [
    ["ff", "a byte that no text has"],
    ["c080", "an overlong form"],
    ["eda080", "a surrogate"],
    ["f4908080", "a number beyond U+10FFFF"],
    ["e282", "half a character"],
    ["80", "a continuation without a start"],
  ];
  return [
    ...WRONG_LENGTHS.flatMap(([type, number, name, lengths]) =>
      lengths.map((length) =>
        value(type, [number, zeros(length)], `${name} of ${length} bytes`)
      )
    ),
    ...tooLong.map(([type, number, size]) =>
      value(type, [number, `61*${size + 1}`], `text of ${size + 1} bytes`)
    ),
    ...notUtf8.map(([bytes, name]) =>
      value("STAT", [1, bytes], `not UTF-8: ${name}`)
    ),
    value("PROGRESS", [1, u64(2n ** 53n)], "u64 of 2^53"),
    value("PROGRESS", [1, u64(2n ** 64n - 1n)], "u64 of 2^64 - 1"),
    value("OPENED", [2, u64(2n ** 53n)], "time of 2^53"),
    value("OPENED", [2, u64(-(2n ** 53n))], "time of -2^53"),
    value("REMOVE", [2, u8(2)], "flag of 2"),
    value("REMOVE", [2, u8(255)], "flag of 255"),
    value("READY", [7, u8(2)], "flag of 2"),
  ];
}

/** What no list of runs may be. */
function runs(): InvalidVector[] {
  const wrong: [string, ...string[]][] = [
    ["run of no chunk", run(3, 0)],
    ["run beyond the largest file", run(1, CHUNK_COUNT_MAX)],
    ["run that begins beyond the largest file", run(CHUNK_COUNT_MAX, 1)],
    ["run as long as may be", run(0xffff_ffff, 0xffff_ffff)],
    ["runs that overlap", run(0, 2), run(1, 2)],
    ["runs in descending order", run(5, 1), run(0, 1)],
    ["the same run twice", run(5, 1), run(5, 1)],
    ["run without a length", field(1, u32(0))],
    ["run without a beginning", field(2, u32(1))],
    ["empty run", ""],
    ["run with a first of 3 bytes", `${field(1, "000000")} 02000400000001`],
    ["run with a count twice", `${run(0, 1)} 02000400000001`],
  ];
  const types = ["WANT", "SUMS", "AGAIN"] as const;
  const tooMany = Array.from({ length: 1025 }, (_, at) => run(2 * at, 1));
  const each = types.flatMap((type) => [
    ...wrong.map(([name, ...values]) =>
      body(type, name, values.map((value) => field(1, value)))
    ),
    body(type, "unknown critical field in a run", [
      field(1, `${run(0, 1)} ${field(128, "")}`),
    ], "unsupported"),
  ]);
  const long = body("WANT", "1025 runs", tooMany.map((run) => field(1, run)));
  return [...each, long];
}

const ENUM_SIZES: Readonly<Record<string, number>> = {
  onConflict: 4,
  durability: 2,
  algorithm: 2,
  kind: 4,
  publication: 4,
};

function enumerations(): InvalidVector[] {
  const [session, user, connections] = SMALLEST.READY[0];
  return [
    ...Object.entries(ENUM_FIELDS).flatMap(([key, number]) => {
      const [type, name] = key.split(" ");
      return [ENUM_SIZES[name!]!, 255].map((byte) =>
        value(type as MessageName, [number, u8(byte)], `${name} of ${byte}`)
      );
    }),
    body("READY", "right of 5", [
      session!,
      user!,
      field(3, u8(5)),
      connections!,
    ]),
    body("READY", "digest of 2", [
      session!,
      user!,
      field(5, u8(2)),
      connections!,
    ]),
  ];
}

/** Everything that a decoder must refuse. */
export function invalidVectors(): InvalidVector[] {
  return [
    ...headers(),
    ...offsetsAndIds(),
    ...structure(),
    ...missingFields(),
    ...counts(),
    ...values(),
    ...runs(),
    ...enumerations(),
  ];
}
