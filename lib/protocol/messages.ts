/**
 * Every frame of the protocol: its type code, who may send it, where, and the
 * fields of its body. This table *is* the vocabulary; `docs/protocol.md`
 * section 6 shows the same.
 *
 * @module
 */

import {
  blob,
  type Body,
  bytes,
  checked,
  type Fields,
  flag,
  label,
  oneOf,
  optional,
  record,
  repeated,
  required,
  text,
  time,
  u16,
  u32,
  u64,
} from "./fields.ts";
import {
  AGENT_SIZE_MAX,
  CHUNK_COUNT_MAX,
  DIGEST_SIZE,
  FINGERPRINT_SIZE,
  NONCE_SIZE,
  OFFER_COUNT_MAX,
  PAGE_ENTRY_COUNT_MAX,
  PASSWORD_SIZE_MAX,
  PATH_SIZE_MAX,
  PUBLIC_KEY_SIZE,
  RUN_COUNT_MAX,
  SESSION_ID_SIZE,
  SIGNATURE_SIZE,
  SUM_COUNT_MAX,
  TEXT_SIZE_MAX,
  TOKEN_SIZE,
  UPLOAD_ID_SIZE,
  USER_SIZE_MAX,
} from "./limits.ts";

/** One thing that a user may be allowed to do. */
export type Right = "list" | "read" | "write" | "rename" | "delete";

/** What users may be allowed to do, in the order of their numbers. */
export const RIGHTS: readonly Right[] = [
  "list",
  "read",
  "write",
  "rename",
  "delete",
];

/** What to do when a name is taken, in the order of their numbers. */
export const CONFLICT_POLICIES = [
  "fail",
  "overwrite",
  "rename",
  "skip",
] as const;

/** Whether a receipt waits for stable storage, in the order of their numbers. */
export const DURABILITIES = ["full", "none"] as const;

/** How whole files are summed up, in the order of their numbers. */
export const DIGESTS = ["crc32-chunks", "sha256"] as const;

/** What an entry is, in the order of their numbers. */
export const ENTRY_KINDS = ["file", "directory", "link", "other"] as const;

/** How a name was published, in the order of their numbers. */
export const PUBLICATIONS = [
  "created",
  "replaced",
  "renamed",
  "skipped",
] as const;

const path = text(PATH_SIZE_MAX);
const reason = label(TEXT_SIZE_MAX);
const right = oneOf(RIGHTS);
const onConflict = oneOf(CONFLICT_POLICIES);
const durability = oneOf(DURABILITIES);
const algorithm = oneOf(DIGESTS);
const publication = oneOf(PUBLICATIONS);
const digest = bytes(DIGEST_SIZE);

const refusal = record("refusal", {
  right: required(1, right),
  reason: required(2, reason),
});

const entryFields = {
  path: required(1, path),
  kind: required(2, oneOf(ENTRY_KINDS)),
  size: required(3, u64),
  modified: optional(4, time),
  mode: required(5, u16),
  addressable: required(6, flag),
};

const problem = record("problem", {
  path: required(1, path),
  code: required(2, u16),
  message: required(3, reason),
});

const runFields = { first: required(1, u32), count: required(2, u32) };
const run = checked(
  record("run", runFields),
  ({ first, count }) =>
    count === 0
      ? "run of no chunk"
      : first + count > CHUNK_COUNT_MAX
      ? `run of ${count} chunks from ${first} on, beyond the largest file`
      : undefined,
);
const runs = repeated(
  1,
  run,
  RUN_COUNT_MAX,
  (before, next) => next.first >= before.first + before.count,
);

/** Bytes of a chunk's sum in `HAVE`. */
const SUM_SIZE = 4;

/** Which kind of connection a frame travels on: control (P), data (Q). */
export type ConnectionKind = "control" | "data";

/** Who sends a frame. */
export type Role = "client" | "server";

interface MessageSpec {
  /** Type code on the wire. */
  readonly code: number;
  /** Whether it belongs to an exchange, and so has an id other than 0. */
  readonly exchange: boolean;
  /** The fields of its body. */
  readonly fields: Fields;
}

/** Every message; `DATA` is not here, for its payload has no fields. */
export const MESSAGES = {
  HELLO: {
    code: 0x01,
    exchange: false,
    fields: {
      versions: repeated(1, u16, OFFER_COUNT_MAX),
      agent: required(2, text(AGENT_SIZE_MAX)),
      nonce: required(3, bytes(NONCE_SIZE)),
    },
  },
  GREETING: {
    code: 0x02,
    exchange: false,
    fields: {
      version: required(1, u16),
      agent: required(2, text(AGENT_SIZE_MAX)),
      nonce: required(3, bytes(NONCE_SIZE)),
      methods: repeated(4, text(AGENT_SIZE_MAX), OFFER_COUNT_MAX),
    },
  },
  LOGIN: {
    code: 0x03,
    exchange: false,
    fields: {
      method: required(1, text(AGENT_SIZE_MAX)),
      user: optional(2, text(USER_SIZE_MAX)),
      password: optional(3, text(PASSWORD_SIZE_MAX)),
      publicKey: optional(4, bytes(PUBLIC_KEY_SIZE)),
      signature: optional(5, bytes(SIGNATURE_SIZE)),
    },
  },
  READY: {
    code: 0x04,
    exchange: false,
    fields: {
      session: required(1, bytes(SESSION_ID_SIZE)),
      user: required(2, text(USER_SIZE_MAX)),
      rights: repeated(3, right, RIGHTS.length),
      refusals: repeated(4, refusal, RIGHTS.length),
      digests: repeated(5, algorithm, OFFER_COUNT_MAX),
      dataConnections: required(6, u16),
      active: optional(7, flag),
    },
  },
  ATTACH: {
    code: 0x05,
    exchange: false,
    fields: {
      version: required(1, u16),
      session: required(2, bytes(SESSION_ID_SIZE)),
      token: required(3, bytes(TOKEN_SIZE)),
    },
  },
  ATTACHED: { code: 0x06, exchange: false, fields: {} },
  PING: { code: 0x07, exchange: false, fields: { cookie: required(1, u32) } },
  PONG: { code: 0x08, exchange: false, fields: { cookie: required(1, u32) } },
  GOODBYE: {
    code: 0x09,
    exchange: false,
    fields: { reason: required(1, reason) },
  },
  FAIL: {
    code: 0x0a,
    exchange: false,
    fields: { code: required(1, u16), message: required(2, reason) },
  },
  DIALLED: {
    code: 0x0b,
    exchange: false,
    fields: {
      session: required(1, bytes(SESSION_ID_SIZE)),
      token: required(2, bytes(TOKEN_SIZE)),
    },
  },
  GRANT: { code: 0x10, exchange: true, fields: {} },
  GRANTED: {
    code: 0x11,
    exchange: true,
    fields: { token: required(1, bytes(TOKEN_SIZE)) },
  },
  LIST: {
    code: 0x12,
    exchange: true,
    fields: { path: required(1, path), recursive: required(2, flag) },
  },
  PAGE: {
    code: 0x13,
    exchange: true,
    fields: {
      entries: repeated(1, record("entry", entryFields), PAGE_ENTRY_COUNT_MAX),
      problems: repeated(2, problem, PAGE_ENTRY_COUNT_MAX),
    },
  },
  MORE: { code: 0x14, exchange: true, fields: { pages: required(1, u16) } },
  STAT: {
    code: 0x15,
    exchange: true,
    fields: { path: required(1, path), algorithm: optional(2, algorithm) },
  },
  ENTRY: {
    code: 0x16,
    exchange: true,
    fields: {
      ...entryFields,
      algorithm: optional(7, algorithm),
      digest: optional(8, digest),
    },
  },
  MAKE_DIRECTORY: {
    code: 0x17,
    exchange: true,
    fields: { path: required(1, path), parents: required(2, flag) },
  },
  REMOVE: {
    code: 0x18,
    exchange: true,
    fields: { path: required(1, path), recursive: required(2, flag) },
  },
  RENAME: {
    code: 0x19,
    exchange: true,
    fields: {
      from: required(1, path),
      to: required(2, path),
      onConflict: required(3, onConflict),
    },
  },
  SPACE: { code: 0x1a, exchange: true, fields: {} },
  SPACE_LEFT: {
    code: 0x1b,
    exchange: true,
    fields: { bytes: optional(1, u64) },
  },
  DONE: {
    code: 0x1c,
    exchange: true,
    fields: {
      path: optional(1, path),
      publication: optional(2, publication),
      count: optional(3, u64),
    },
  },
  ERROR: {
    code: 0x1d,
    exchange: true,
    fields: {
      code: required(1, u16),
      message: required(2, reason),
      path: optional(3, path),
    },
  },
  CANCEL: { code: 0x1e, exchange: true, fields: {} },
  SET_ATTRIBUTES: {
    code: 0x1f,
    exchange: true,
    fields: {
      path: required(1, path),
      modified: optional(2, time),
      mode: optional(3, u16),
    },
  },
  PUT: {
    code: 0x20,
    exchange: true,
    fields: {
      path: required(1, path),
      upload: required(2, bytes(UPLOAD_ID_SIZE)),
      size: optional(3, u64),
      modified: optional(4, time),
      onConflict: required(5, onConflict),
      durability: required(6, durability),
      algorithm: required(7, algorithm),
      mode: optional(8, u16),
      resume: optional(9, bytes(TOKEN_SIZE)),
    },
  },
  GET: {
    code: 0x21,
    exchange: true,
    fields: { path: required(1, path), algorithm: required(2, algorithm) },
  },
  OPENED: {
    code: 0x22,
    exchange: true,
    fields: {
      size: optional(1, u64),
      modified: optional(2, time),
      fingerprint: optional(3, bytes(FINGERPRINT_SIZE)),
      mode: optional(4, u16),
    },
  },
  END: {
    code: 0x24,
    exchange: true,
    fields: { size: required(1, u64), digest: required(2, digest) },
  },
  PROGRESS: {
    code: 0x25,
    exchange: true,
    fields: { verified: required(1, u64) },
  },
  RECEIPT: {
    code: 0x26,
    exchange: true,
    fields: {
      path: required(1, path),
      publication: required(2, publication),
      size: required(3, u64),
      durable: required(4, flag),
      digest: optional(5, digest),
      resumedFrom: optional(6, u64),
      repaired: optional(7, u64),
    },
  },
  ACKNOWLEDGE: { code: 0x27, exchange: true, fields: {} },
  FETCH: {
    code: 0x28,
    exchange: true,
    fields: {
      path: required(1, path),
      fingerprint: optional(2, bytes(FINGERPRINT_SIZE)),
    },
  },
  WANT: { code: 0x29, exchange: true, fields: { runs } },
  SENT: { code: 0x2a, exchange: true, fields: {} },
  SUMS: { code: 0x2b, exchange: true, fields: { runs } },
  HAVE: {
    code: 0x2c,
    exchange: true,
    fields: {
      first: required(1, u32),
      sums: required(2, blob(SUM_SIZE * SUM_COUNT_MAX, SUM_SIZE)),
    },
  },
  AGAIN: { code: 0x2d, exchange: true, fields: { runs } },
  JOIN: {
    code: 0x2e,
    exchange: true,
    fields: { upload: required(1, bytes(UPLOAD_ID_SIZE)) },
  },
  FLUSH: { code: 0x2f, exchange: true, fields: {} },
  FLUSHED: { code: 0x30, exchange: true, fields: {} },
  STORE: {
    code: 0x31,
    exchange: true,
    fields: {
      path: required(1, path),
      upload: required(2, bytes(UPLOAD_ID_SIZE)),
      size: required(3, u32),
      modified: optional(4, time),
      onConflict: required(5, onConflict),
      durability: required(6, durability),
      mode: optional(7, u16),
    },
  },
  DIAL: {
    code: 0x32,
    exchange: true,
    fields: {
      port: required(1, u16),
      token: required(2, bytes(TOKEN_SIZE)),
    },
  },
} as const satisfies Readonly<Record<string, MessageSpec>>;

/** Type code of `DATA`, whose payload is a chunk as it is. */
export const DATA_CODE = 0x23;

/** Names of the messages. */
export type MessageType = keyof typeof MESSAGES;

/** Names of the frames: the messages and `DATA`. */
export type FrameType = MessageType | "DATA";

/** The body of a message. */
export type MessageBody<T extends MessageType> = Body<
  typeof MESSAGES[T]["fields"]
>;

/** Chunks that follow each other, as messages name them. */
export type WireRun = Body<typeof runFields>;

/** An entry as listings carry it; `path` is relative to the listed directory. */
export type WireEntry = Body<typeof entryFields>;
