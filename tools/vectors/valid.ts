// deno-lint-ignore-file ferry/file-length -- a table
/**
 * Frames that a decoder must take.
 *
 * @module
 */
import { crc32 } from "node:zlib";
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

/** Bytes in the value of a frame: text as {@linkcode parseHex} reads it. */
export interface HexValue {
  readonly hex: string;
}

/** A frame as `docs/protocol.md` names its parts; enumerations by name. */
export interface FrameValue {
  readonly type: string;
  readonly id: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly offset?: number;
  readonly checksum?: number;
  readonly payload?: HexValue;
}

/** Bytes that are one frame. */
export interface ValidVector {
  readonly name: string;
  readonly bytes: readonly string[];
  /** `null` when the frame is skipped. */
  readonly frame: FrameValue | null;
}

/** Type codes, as in `docs/protocol.md` section 6. */
export const CODES = {
  HELLO: 0x01,
  GREETING: 0x02,
  LOGIN: 0x03,
  READY: 0x04,
  ATTACH: 0x05,
  ATTACHED: 0x06,
  PING: 0x07,
  PONG: 0x08,
  GOODBYE: 0x09,
  FAIL: 0x0a,
  DIALLED: 0x0b,
  GRANT: 0x10,
  GRANTED: 0x11,
  LIST: 0x12,
  PAGE: 0x13,
  MORE: 0x14,
  STAT: 0x15,
  ENTRY: 0x16,
  MAKE_DIRECTORY: 0x17,
  REMOVE: 0x18,
  RENAME: 0x19,
  SPACE: 0x1a,
  SPACE_LEFT: 0x1b,
  DONE: 0x1c,
  ERROR: 0x1d,
  CANCEL: 0x1e,
  SET_ATTRIBUTES: 0x1f,
  PUT: 0x20,
  GET: 0x21,
  OPENED: 0x22,
  DATA: 0x23,
  END: 0x24,
  PROGRESS: 0x25,
  RECEIPT: 0x26,
  ACKNOWLEDGE: 0x27,
  FETCH: 0x28,
  WANT: 0x29,
  SENT: 0x2a,
  SUMS: 0x2b,
  HAVE: 0x2c,
  AGAIN: 0x2d,
  JOIN: 0x2e,
  FLUSH: 0x2f,
  FLUSHED: 0x30,
  STORE: 0x31,
  DIAL: 0x32,
} as const;

/** The name of a frame. */
export type TypeName = keyof typeof CODES;

type Value = Readonly<Record<string, unknown>>;

const NONCE =
  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_NONCE = "ff*32";
const SESSION = "00112233445566778899aabbccddeeff";
const TOKEN = "a5*32";
const UPLOAD = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const RESUME_TOKEN = "5e*32";
const FINGERPRINT = "f1*32";
const DIGEST =
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SAFE_MAX = Number.MAX_SAFE_INTEGER;
const CHUNK_SIZE = 1_048_576;
const CHUNK_COUNT_MAX = 2 ** 24;
const FLAG = { [u8(0)]: false, [u8(1)]: true };

/** The smallest body of every message: its required fields, by their numbers. */
export const SMALLEST: Readonly<
  Record<Exclude<TypeName, "DATA">, readonly [lines: string[], body: Value]>
> = {
  HELLO: [
    [field(2, ""), field(3, NONCE)],
    { versions: [], agent: "", nonce: { hex: NONCE } },
  ],
  GREETING: [
    [field(1, u16(1)), field(2, ""), field(3, NONCE)],
    { version: 1, agent: "", nonce: { hex: NONCE }, methods: [] },
  ],
  LOGIN: [[field(1, "")], { method: "" }],
  READY: [
    [field(1, SESSION), field(2, ""), field(6, u16(0))],
    {
      session: { hex: SESSION },
      user: "",
      rights: [],
      refusals: [],
      digests: [],
      dataConnections: 0,
    },
  ],
  ATTACH: [
    [field(1, u16(1)), field(2, SESSION), field(3, TOKEN)],
    { version: 1, session: { hex: SESSION }, token: { hex: TOKEN } },
  ],
  ATTACHED: [[], {}],
  PING: [[field(1, u32(0))], { cookie: 0 }],
  PONG: [[field(1, u32(0))], { cookie: 0 }],
  GOODBYE: [[field(1, "")], { reason: "" }],
  FAIL: [[field(1, u16(1)), field(2, "")], { code: 1, message: "" }],
  DIALLED: [
    [field(1, SESSION), field(2, TOKEN)],
    { session: { hex: SESSION }, token: { hex: TOKEN } },
  ],
  GRANT: [[], {}],
  GRANTED: [[field(1, TOKEN)], { token: { hex: TOKEN } }],
  LIST: [[field(1, ""), field(2, u8(0))], { path: "", recursive: false }],
  PAGE: [[], { entries: [], problems: [] }],
  MORE: [[field(1, u16(0))], { pages: 0 }],
  STAT: [[field(1, "")], { path: "" }],
  ENTRY: [
    [
      field(1, ""),
      field(2, u8(0)),
      field(3, u64(0)),
      field(5, u16(0)),
      field(6, u8(0)),
    ],
    { path: "", kind: "file", size: 0, mode: 0, addressable: false },
  ],
  MAKE_DIRECTORY: [
    [field(1, ""), field(2, u8(0))],
    { path: "", parents: false },
  ],
  REMOVE: [[field(1, ""), field(2, u8(0))], { path: "", recursive: false }],
  RENAME: [
    [field(1, ""), field(2, ""), field(3, u8(0))],
    { from: "", to: "", onConflict: "fail" },
  ],
  SPACE: [[], {}],
  SPACE_LEFT: [[], {}],
  DONE: [[], {}],
  ERROR: [[field(1, u16(1)), field(2, "")], { code: 1, message: "" }],
  CANCEL: [[], {}],
  SET_ATTRIBUTES: [[field(1, "")], { path: "" }],
  PUT: [
    [
      field(1, ""),
      field(2, UPLOAD),
      field(5, u8(0)),
      field(6, u8(0)),
      field(7, u8(0)),
    ],
    {
      path: "",
      upload: { hex: UPLOAD },
      onConflict: "fail",
      durability: "full",
      algorithm: "crc32-chunks",
    },
  ],
  GET: [
    [field(1, ""), field(2, u8(0))],
    { path: "", algorithm: "crc32-chunks" },
  ],
  OPENED: [[], {}],
  END: [
    [field(1, u64(0)), field(2, DIGEST)],
    { size: 0, digest: { hex: DIGEST } },
  ],
  PROGRESS: [[field(1, u64(0))], { verified: 0 }],
  RECEIPT: [
    [field(1, ""), field(2, u8(0)), field(3, u64(0)), field(4, u8(0))],
    { path: "", publication: "created", size: 0, durable: false },
  ],
  ACKNOWLEDGE: [[], {}],
  FETCH: [[field(1, "")], { path: "" }],
  WANT: [[], { runs: [] }],
  SENT: [[], {}],
  SUMS: [[], { runs: [] }],
  HAVE: [
    [field(1, u32(0)), field(2, "00000000")],
    { first: 0, sums: { hex: "00000000" } },
  ],
  AGAIN: [[], { runs: [] }],
  JOIN: [[field(1, UPLOAD)], { upload: { hex: UPLOAD } }],
  FLUSH: [[], {}],
  FLUSHED: [[], {}],
  STORE: [
    [
      field(1, ""),
      field(2, UPLOAD),
      field(3, u32(0)),
      field(5, u8(0)),
      field(6, u8(0)),
    ],
    {
      path: "",
      upload: { hex: UPLOAD },
      size: 0,
      onConflict: "fail",
      durability: "full",
    },
  ],
  DIAL: [
    [field(1, u16(1024)), field(2, TOKEN)],
    { port: 1024, token: { hex: TOKEN } },
  ],
};

/** The value of a run of chunks. */
export function run(first: number, count: number): string {
  return `${field(1, u32(first))} ${field(2, u32(count))}`;
}

/** Whether frames of a type belong to an exchange. */
export function isExchange(type: TypeName): boolean {
  return CODES[type] >= 0x10;
}

/** A header for a type, with an id where there must be one. */
export function headerOf(type: TypeName): Header {
  return { code: CODES[type], id: isExchange(type) ? 1 : 0 };
}

function valid(
  name: string,
  type: Exclude<TypeName, "DATA">,
  lines: readonly string[],
  body: Value,
  header: Partial<Header> = {},
): ValidVector {
  const whole = { ...headerOf(type), ...header };
  return {
    name: `${type}: ${name}`,
    bytes: frame(whole, lines),
    frame: { type, id: whole.id ?? 0, body },
  };
}

/** The smallest body of a type with one value added or changed. */
function changed(
  name: string,
  type: Exclude<TypeName, "DATA">,
  [number, bytes]: readonly [number, string],
  value: Value,
): ValidVector {
  const [lines, body] = SMALLEST[type];
  const line = field(number, bytes);
  const all = [
    ...lines.filter((other) => !other.startsWith(u8(number) + " ")),
    line,
  ].sort((a, b) => parseInt(a, 16) - parseInt(b, 16));
  return valid(name, type, all, { ...body, ...value });
}

function data(
  name: string,
  payload: string,
  header: Partial<Header> & { readonly offset?: number } = {},
): ValidVector {
  const id = header.id ?? 1;
  const checksum = header.checksum ?? crc32(parseHex(payload));
  return {
    name: `DATA: ${name}`,
    bytes: frame({ code: CODES.DATA, id, ...header }, [payload]),
    frame: {
      type: "DATA",
      id,
      offset: header.offset ?? 0,
      checksum,
      payload: { hex: payload },
    },
  };
}

const NAMED: readonly (readonly [string, string, readonly string[]])[] = [
  ["RENAME", "onConflict", ["fail", "overwrite", "rename", "skip"]],
  ["PUT", "onConflict", ["fail", "overwrite", "rename", "skip"]],
  ["PUT", "durability", ["full", "none"]],
  ["PUT", "algorithm", ["crc32-chunks", "sha256"]],
  ["GET", "algorithm", ["crc32-chunks", "sha256"]],
  ["STAT", "algorithm", ["crc32-chunks", "sha256"]],
  ["ENTRY", "kind", ["file", "directory", "link", "other"]],
  ["ENTRY", "algorithm", ["crc32-chunks", "sha256"]],
  ["DONE", "publication", ["created", "replaced", "renamed", "skipped"]],
  ["RECEIPT", "publication", ["created", "replaced", "renamed", "skipped"]],
  ["STORE", "onConflict", ["fail", "overwrite", "rename", "skip"]],
  ["STORE", "durability", ["full", "none"]],
];

/** Numbers of the enumerated fields. */
export const ENUM_FIELDS: Readonly<Record<string, number>> = {
  "RENAME onConflict": 3,
  "PUT onConflict": 5,
  "PUT durability": 6,
  "PUT algorithm": 7,
  "GET algorithm": 2,
  "STAT algorithm": 2,
  "ENTRY kind": 2,
  "ENTRY algorithm": 7,
  "DONE publication": 2,
  "RECEIPT publication": 2,
  "STORE onConflict": 5,
  "STORE durability": 6,
};

function everyEnumValue(): ValidVector[] {
  return NAMED.flatMap(([type, name, values]) =>
    values.map((value, number) =>
      changed(
        `${name} ${value}`,
        type as Exclude<TypeName, "DATA">,
        [ENUM_FIELDS[`${type} ${name}`]!, u8(number)],
        { [name]: value },
      )
    )
  );
}

function everyFlag(): ValidVector[] {
  const flags = [
    ["LIST", "recursive", 2],
    ["MAKE_DIRECTORY", "parents", 2],
    ["REMOVE", "recursive", 2],
    ["ENTRY", "addressable", 6],
    ["RECEIPT", "durable", 4],
    ["READY", "active", 7],
  ] as const;
  return flags.flatMap(([type, name, number]) =>
    Object.entries(FLAG).map(([byte, value]) =>
      changed(`${name} ${value}`, type, [number, byte], { [name]: value })
    )
  );
}

function everyErrorCode(): ValidVector[] {
  return Array.from({ length: 23 }, (_, at) => at + 1).map((code) =>
    changed(`code ${code}`, "ERROR", [1, u16(code)], { code })
  );
}

function greetings(): ValidVector[] {
  const versions = Array.from({ length: 16 }, (_, at) => 16 - at);
  return [
    valid("one version", "HELLO", [
      field(1, u16(1)),
      field(2, utf8("ferry/0.1.0")),
      field(3, NONCE),
    ], { versions: [1], agent: "ferry/0.1.0", nonce: { hex: NONCE } }),
    valid("as many versions as may be, longest agent", "HELLO", [
      ...versions.map((version) => field(1, u16(version))),
      field(2, "41*128"),
      field(3, OTHER_NONCE),
    ], { versions, agent: "A".repeat(128), nonce: { hex: OTHER_NONCE } }),
    valid("two methods", "GREETING", [
      field(1, u16(1)),
      field(2, utf8("ferryd/0.1.0")),
      field(3, OTHER_NONCE),
      field(4, utf8("anonymous")),
      field(4, utf8("password")),
    ], {
      version: 1,
      agent: "ferryd/0.1.0",
      nonce: { hex: OTHER_NONCE },
      methods: ["anonymous", "password"],
    }),
    valid("anonymous", "LOGIN", [field(1, utf8("anonymous"))], {
      method: "anonymous",
    }),
    valid("longest user, in two-byte characters", "LOGIN", [
      field(1, utf8("password")),
      field(2, "c3a4*127 61"),
    ], { method: "password", user: "ä".repeat(127) + "a" }),
    valid("longest password", "LOGIN", [
      field(1, utf8("password")),
      field(2, utf8("alice")),
      field(3, "70*1024"),
    ], { method: "password", user: "alice", password: "p".repeat(1024) }),
    valid("by key", "LOGIN", [
      field(1, utf8("key")),
      field(2, utf8("alice")),
      field(4, "a1*32"),
      field(5, "51*64"),
    ], {
      method: "key",
      user: "alice",
      publicKey: { hex: "a1*32" },
      signature: { hex: "51*64" },
    }),
  ];
}

function sessionMessages(): ValidVector[] {
  const rights = ["list", "read", "write", "rename", "delete"];
  return [
    valid("every right, every digest", "READY", [
      field(1, SESSION),
      field(2, utf8("anonymous")),
      ...rights.map((_, number) => field(3, u8(number))),
      field(5, u8(0)),
      field(5, u8(1)),
      field(6, u16(0xffff)),
    ], {
      session: { hex: SESSION },
      user: "anonymous",
      rights,
      refusals: [],
      digests: ["crc32-chunks", "sha256"],
      dataConnections: 65_535,
    }),
    valid("every refusal", "READY", [
      field(1, SESSION),
      field(2, utf8("anonymous")),
      ...rights.map((right, number) =>
        field(4, `${field(1, u8(number))} ${field(2, utf8(`no ${right}`))}`)
      ),
      field(5, u8(0)),
      field(6, u16(1)),
    ], {
      session: { hex: SESSION },
      user: "anonymous",
      rights: [],
      refusals: rights.map((right) => ({ right, reason: `no ${right}` })),
      digests: ["crc32-chunks"],
      dataConnections: 1,
    }),
    changed("largest cookie", "PING", [1, u32(0xffff_ffff)], {
      cookie: 0xffff_ffff,
    }),
    changed("largest cookie", "PONG", [1, u32(0xffff_ffff)], {
      cookie: 0xffff_ffff,
    }),
    changed("longest reason", "GOODBYE", [1, "62*1024"], {
      reason: "b".repeat(1024),
    }),
    valid("with a text in several scripts", "FAIL", [
      field(1, u16(2)),
      field(2, utf8("nicht unterstützt 不支持 🚢")),
    ], { code: 2, message: "nicht unterstützt 不支持 🚢" }),
    changed("a code that this version does not know", "FAIL", [1, "ffff"], {
      code: 65_535,
    }),
    changed("a byte order mark is a character like others", "GOODBYE", [
      1,
      "efbbbf61",
    ], { reason: "\ufeffa" }),
  ];
}

const ENTRY_LINES = [
  field(1, utf8("docs/ä b.txt")),
  field(2, u8(0)),
  field(3, u64(1234)),
  field(4, u64(1_700_000_000_123)),
  field(5, u16(0o644)),
  field(6, u8(1)),
];
const ENTRY_VALUE = {
  path: "docs/ä b.txt",
  kind: "file",
  size: 1234,
  modified: 1_700_000_000_123,
  mode: 0o644,
  addressable: true,
};

function controlMessages(): ValidVector[] {
  const longest = "6e*255";
  return [
    changed("credit for the most pages", "MORE", [1, "ffff"], {
      pages: 65_535,
    }),
    changed("longest path", "LIST", [1, "61*4096"], {
      path: "a".repeat(4096),
    }),
    changed("a name with line feed, quotes and ESC", "STAT", [
      1,
      utf8('-a "b"\n\u001b[31m'),
    ], { path: '-a "b"\n\u001b[31m' }),
    changed("largest size", "ENTRY", [3, u64(SAFE_MAX)], { size: SAFE_MAX }),
    valid("with a digest", "ENTRY", [
      ...ENTRY_LINES,
      field(7, u8(1)),
      field(8, DIGEST),
    ], { ...ENTRY_VALUE, algorithm: "sha256", digest: { hex: DIGEST } }),
    valid("an entry and a problem", "PAGE", [
      field(1, ENTRY_LINES.join(" ")),
      field(
        2,
        [field(1, utf8("private")), field(2, u16(4)), field(3, utf8("no"))]
          .join(" "),
      ),
    ], {
      entries: [ENTRY_VALUE],
      problems: [{ path: "private", code: 4, message: "no" }],
    }),
    valid("with both names", "RENAME", [
      field(1, utf8("old")),
      field(2, longest),
      field(3, u8(0)),
    ], { from: "old", to: "n".repeat(255), onConflict: "fail" }),
    changed("bytes left", "SPACE_LEFT", [1, u64(SAFE_MAX)], {
      bytes: SAFE_MAX,
    }),
    valid("of a rename", "DONE", [
      field(1, utf8("b-1")),
      field(2, u8(2)),
    ], { path: "b-1", publication: "renamed" }),
    valid("of a removal", "DONE", [field(3, u64(12))], { count: 12 }),
    changed("with a path", "ERROR", [3, utf8("a/b")], { path: "a/b" }),
    valid("largest id", "CANCEL", [], {}, { id: 0xffff_ffff }),
    valid("time and mode", "SET_ATTRIBUTES", [
      field(1, utf8("a/b")),
      field(2, u64(-1)),
      field(3, u16(0o755)),
    ], { path: "a/b", modified: -1, mode: 0o755 }),
    changed("a mode of 0 is not a missing mode", "SET_ATTRIBUTES", [
      3,
      u16(0),
    ], { mode: 0 }),
    changed("bits that the server does not set", "SET_ATTRIBUTES", [
      3,
      u16(0xffff),
    ], { mode: 0xffff }),
    changed("largest port", "DIAL", [1, "ffff"], { port: 65_535 }),
    changed("a port that the server denies", "DIAL", [1, u16(22)], {
      port: 22,
    }),
  ];
}

function transferMessages(): ValidVector[] {
  return [
    valid("size and time known", "PUT", [
      field(1, utf8("a.bin")),
      field(2, UPLOAD),
      field(3, u64(5)),
      field(4, u64(1_700_000_000_123)),
      field(5, u8(1)),
      field(6, u8(1)),
      field(7, u8(1)),
    ], {
      path: "a.bin",
      upload: { hex: UPLOAD },
      size: 5,
      modified: 1_700_000_000_123,
      onConflict: "overwrite",
      durability: "none",
      algorithm: "sha256",
    }),
    changed("a size of 0 is not a missing size", "PUT", [3, u64(0)], {
      size: 0,
    }),
    changed("a time before 1970", "PUT", [4, u64(-1)], { modified: -1 }),
    changed("earliest time", "OPENED", [2, u64(-SAFE_MAX)], {
      modified: -SAFE_MAX,
    }),
    changed("latest time", "OPENED", [2, u64(SAFE_MAX)], {
      modified: SAFE_MAX,
    }),
    changed("largest size", "OPENED", [1, u64(SAFE_MAX)], { size: SAFE_MAX }),
    changed("largest size", "END", [1, u64(SAFE_MAX)], { size: SAFE_MAX }),
    changed("a number beyond 32 bits", "PROGRESS", [1, u64(2 ** 32 + 1)], {
      verified: 2 ** 32 + 1,
    }),
    valid("durable, with a digest", "RECEIPT", [
      field(1, utf8("a.bin")),
      field(2, u8(0)),
      field(3, u64(5)),
      field(4, u8(1)),
      field(5, DIGEST),
    ], {
      path: "a.bin",
      publication: "created",
      size: 5,
      durable: true,
      digest: { hex: DIGEST },
    }),
    data("one byte", "00"),
    data("a short last chunk", utf8("hello"), { offset: CHUNK_SIZE }),
    data("a whole chunk", `5a*${CHUNK_SIZE}`, { id: 0xffff_ffff }),
    data("an offset beyond 32 bits", "ff*3", { offset: 4097 * CHUNK_SIZE }),
    data("the last chunk that a file can have", "00", {
      offset: (2 ** 24 - 1) * CHUNK_SIZE,
    }),
    data(
      "a damaged payload: decoders pass it on, whoever stores it refuses it",
      utf8("hello"),
      { checksum: 0x3610a687 },
    ),
  ];
}

/** Resume, repair, parts of files and streams, small files. */
function partMessages(): ValidVector[] {
  const sums = "deadbeef 00000000 ffffffff";
  return [
    changed("one that can be continued", "PUT", [9, RESUME_TOKEN], {
      resume: { hex: RESUME_TOKEN },
    }),
    changed("with a mode", "PUT", [8, u16(0o644)], { mode: 0o644 }),
    changed("with a mode", "STORE", [7, u16(0o600)], { mode: 0o600 }),
    changed("with a time", "STORE", [4, u64(1_700_000_000_123)], {
      modified: 1_700_000_000_123,
    }),
    changed("a whole chunk", "STORE", [3, u32(CHUNK_SIZE)], {
      size: CHUNK_SIZE,
    }),
    changed("larger than servers take: not the decoder's business", "STORE", [
      3,
      u32(0xffff_ffff),
    ], { size: 0xffff_ffff }),
    valid("of a GET or a FETCH", "OPENED", [
      field(1, u64(5)),
      field(2, u64(1_700_000_000_123)),
      field(3, FINGERPRINT),
      field(4, u16(0o640)),
    ], {
      size: 5,
      modified: 1_700_000_000_123,
      fingerprint: { hex: FINGERPRINT },
      mode: 0o640,
    }),
    valid("of an upload that was continued and repaired", "RECEIPT", [
      field(1, utf8("a.bin")),
      field(2, u8(1)),
      field(3, u64(SAFE_MAX)),
      field(4, u8(1)),
      field(5, DIGEST),
      field(6, u64(4 * CHUNK_SIZE)),
      field(7, u64(2)),
    ], {
      path: "a.bin",
      publication: "replaced",
      size: SAFE_MAX,
      durable: true,
      digest: { hex: DIGEST },
      resumedFrom: 4 * CHUNK_SIZE,
      repaired: 2,
    }),
    changed("only as it was", "FETCH", [2, FINGERPRINT], {
      fingerprint: { hex: FINGERPRINT },
    }),
    valid("three sums", "HAVE", [field(1, u32(7)), field(2, sums)], {
      first: 7,
      sums: { hex: sums },
    }),
    valid("the most sums, to the last chunk of the largest file", "HAVE", [
      field(1, u32(CHUNK_COUNT_MAX - 8192)),
      field(2, "0badcafe*8192"),
    ], { first: CHUNK_COUNT_MAX - 8192, sums: { hex: "0badcafe*8192" } }),
  ];
}

/** Lists of runs. */
function runMessages(): ValidVector[] {
  const last = CHUNK_COUNT_MAX - 1;
  const most = Array.from({ length: 1024 }, (_, at) => 2 * at);
  return [
    ...(["WANT", "SUMS", "AGAIN"] as const).flatMap((type) => [
      valid("a chunk, and some that touch it", type, [
        field(1, run(0, 1)),
        field(1, run(1, 3)),
      ], { runs: [{ first: 0, count: 1 }, { first: 1, count: 3 }] }),
      valid("all that the largest file has", type, [
        field(1, run(0, CHUNK_COUNT_MAX)),
      ], { runs: [{ first: 0, count: CHUNK_COUNT_MAX }] }),
      valid("the last chunk of the largest file", type, [
        field(1, run(last, 1)),
      ], { runs: [{ first: last, count: 1 }] }),
    ]),
    valid("the most runs", "WANT", most.map((at) => field(1, run(at, 1))), {
      runs: most.map((first) => ({ first, count: 1 })),
    }),
  ];
}

/** Frames that an encoder must write exactly so. */
export function canonicalVectors(): ValidVector[] {
  const types = Object.keys(SMALLEST) as Exclude<TypeName, "DATA">[];
  return [
    ...types.map((type) => valid("smallest", type, ...SMALLEST[type])),
    ...greetings(),
    ...sessionMessages(),
    ...controlMessages(),
    ...transferMessages(),
    ...partMessages(),
    ...runMessages(),
    ...everyEnumValue(),
    ...everyFlag(),
    ...everyErrorCode(),
  ];
}

function skipped(
  name: string,
  header: Header,
  payload: readonly string[],
): ValidVector {
  return { name, bytes: frame(header, payload), frame: null };
}

/** Frames that a decoder must take although this version never writes them. */
export function lenientVectors(): ValidVector[] {
  const entry = `${ENTRY_LINES.join(" ")} ${field(99, "00")}`;
  return [
    valid("unknown optional field in an empty body", "ATTACHED", [
      field(1, "0102"),
    ], {}),
    valid("unknown optional fields before and after the known ones", "PING", [
      field(0, ""),
      field(1, u32(7)),
      field(127, "ff*3"),
    ], { cookie: 7 }),
    valid("unknown optional field that stands twice", "PONG", [
      field(1, u32(7)),
      field(2, "01"),
      field(2, "02"),
    ], { cookie: 7 }),
    valid("unknown optional field in a record", "PAGE", [field(1, entry)], {
      entries: [ENTRY_VALUE],
      problems: [],
    }),
    valid("unknown optional field in a run", "AGAIN", [
      field(1, `${run(2, 1)} ${field(3, "00")}`),
    ], { runs: [{ first: 2, count: 1 }] }),
    valid("unknown flags that are not critical", "GRANT", [], {}, {
      flags: 0x0f,
    }),
    skipped("unknown optional type, smallest", { code: 0x80 }, []),
    skipped("unknown optional type of an exchange", { code: 0xff, id: 9 }, [
      "0102030405",
    ]),
    skipped("unknown optional type, largest", { code: 0xc0 }, ["00*65536"]),
    skipped("unknown optional type, whose payload nobody checks", {
      code: 0x81,
      checksum: 1,
    }, ["0102"]),
  ];
}
