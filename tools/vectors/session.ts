/**
 * A whole session: the worked example of `docs/protocol.md`.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { field, frame, parseHex, u16, u64, u8, utf8 } from "./assembler.ts";
import { digestVectors } from "./digests.ts";
import { CODES, type TypeName } from "./valid.ts";

/** One frame of the session. */
export interface SessionVector {
  /** `P` is the control connection, `Q` the data connection. */
  readonly connection: "P" | "Q";
  readonly sender: "client" | "server";
  readonly type: TypeName;
  readonly id: number;
  readonly bytes: readonly string[];
  /** What each line of bytes says. */
  readonly notes: readonly string[];
}

type Line = readonly [bytes: string, note: string];

const CLIENT_NONCE =
  "c000000000000000000000000000000000000000000000000000000000000001";
const SERVER_NONCE =
  "5000000000000000000000000000000000000000000000000000000000000002";
const SESSION = "53455353494f4e2d4944204f46203136";
const TOKEN =
  "544f4b454e20746f4b454e20746f6b454e20746f6b656e20746f6b656e203332";
const UPLOAD = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const HELLO = utf8("hello");
const DIGEST = digestVectors().find(({ content }) => content === HELLO)!.digest;

function step(
  [connection, sender, type]: readonly [
    "P" | "Q",
    "client" | "server",
    TypeName,
  ],
  id: number,
  lines: readonly Line[] = [],
): SessionVector {
  const payload = lines.map(([bytes]) => bytes);
  const bytes = frame({ code: CODES[type], id }, payload);
  const size = parseHex(payload.join(" ")).length;
  const header = `${type}${id === 0 ? "" : `, exchange ${id}`}, ${size} bytes`;
  const notes = [header, ...lines.map(([, note]) => note)];
  return { connection, sender, type, id, bytes, notes };
}

function openSession(): SessionVector[] {
  return [
    step(["P", "client", "HELLO"], 0, [
      [field(1, u16(1)), "versions: 1"],
      [field(2, utf8("example/1")), 'agent: "example/1"'],
      [field(3, CLIENT_NONCE), "nonce"],
    ]),
    step(["P", "server", "GREETING"], 0, [
      [field(1, u16(1)), "version: 1"],
      [field(2, utf8("ferryd/0.1.0")), 'agent: "ferryd/0.1.0"'],
      [field(3, SERVER_NONCE), "nonce"],
      [field(4, utf8("anonymous")), 'methods: "anonymous"'],
    ]),
    step(["P", "client", "LOGIN"], 0, [
      [field(1, utf8("anonymous")), 'method: "anonymous"'],
    ]),
    step(["P", "server", "READY"], 0, [
      [field(1, SESSION), "session"],
      [field(2, utf8("anonymous")), 'user: "anonymous"'],
      [field(3, u8(0)), "rights: list"],
      [field(3, u8(1)), "rights: read"],
      [field(3, u8(2)), "rights: write"],
      [
        field(4, `${field(1, u8(3))} ${field(2, utf8("no"))}`),
        'refusals: rename, "no"',
      ],
      [
        field(4, `${field(1, u8(4))} ${field(2, utf8("no"))}`),
        'refusals: delete, "no"',
      ],
      [field(5, u8(0)), "digests: crc32-chunks"],
      [field(5, u8(1)), "digests: sha256"],
      [field(6, u16(8)), "dataConnections: 8"],
    ]),
    step(["P", "client", "GRANT"], 1),
    step(["P", "server", "GRANTED"], 1, [[field(1, TOKEN), "token"]]),
    step(["Q", "client", "ATTACH"], 0, [
      [field(1, u16(1)), "version: 1"],
      [field(2, SESSION), "session"],
      [field(3, TOKEN), "token"],
    ]),
    step(["Q", "server", "ATTACHED"], 0),
  ];
}

/** The session. */
export function sessionVectors(): SessionVector[] {
  const checksum = crc32(parseHex(HELLO)).toString(16).padStart(8, "0");
  return [
    ...openSession(),
    step(["Q", "client", "PUT"], 2, [
      [field(1, utf8("hello.txt")), 'path: "hello.txt"'],
      [field(2, UPLOAD), "upload"],
      [field(3, u64(5)), "size: 5"],
      [field(5, u8(0)), "onConflict: fail"],
      [field(6, u8(0)), "durability: full"],
      [field(7, u8(0)), "algorithm: crc32-chunks"],
    ]),
    step(["Q", "server", "OPENED"], 2),
    step(["Q", "client", "DATA"], 2, [
      [HELLO, `"hello", its CRC-32 is ${checksum}`],
    ]),
    step(["Q", "client", "END"], 2, [
      [field(1, u64(5)), "size: 5"],
      [field(2, DIGEST), "digest"],
    ]),
    step(["Q", "server", "RECEIPT"], 2, [
      [field(1, utf8("hello.txt")), 'path: "hello.txt"'],
      [field(2, u8(0)), "publication: created"],
      [field(3, u64(5)), "size: 5"],
      [field(4, u8(1)), "durable: yes"],
      [field(5, DIGEST), "digest"],
    ]),
    step(["Q", "client", "ACKNOWLEDGE"], 2),
    step(["P", "client", "STAT"], 3, [
      [field(1, utf8("nothing")), 'path: "nothing"'],
    ]),
    step(["P", "server", "ERROR"], 3, [
      [field(1, u16(7)), "code: not-found"],
      [field(2, utf8("not found")), 'message: "not found"'],
      [field(3, utf8("nothing")), 'path: "nothing"'],
    ]),
    step(["P", "client", "GOODBYE"], 0, [
      [field(1, utf8("done")), 'reason: "done"'],
    ]),
  ];
}

/** The session as `docs/protocol.md` shows it. */
export function sessionText(vectors: readonly SessionVector[]): string {
  const lines: string[] = [];
  for (const { connection, sender, bytes, notes } of vectors) {
    lines.push(`${connection} ${sender}:`);
    bytes.forEach((hex, at) => lines.push(`  ${hex}  ; ${notes[at]}`));
  }
  return lines.join("\n") + "\n";
}
