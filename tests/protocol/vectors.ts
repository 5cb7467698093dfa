/**
 * The golden vectors, as values of `lib/protocol`.
 *
 * @module
 */
import type { ErrorCode, Frame } from "../../lib/protocol/mod.ts";
import { parseHex } from "../../tools/vectors/assembler.ts";
import type { DigestVector } from "../../tools/vectors/digests.ts";
import type { InvalidVector } from "../../tools/vectors/invalid.ts";
import type { LogInVector } from "../../tools/vectors/log_in.ts";
import type { NameVector } from "../../tools/vectors/names.ts";
import type { SessionVector } from "../../tools/vectors/session.ts";
import type { ValidVector } from "../../tools/vectors/valid.ts";
import canonicalJson from "../testdata/vectors/canonical.json" with {
  type: "json",
};
import digestsJson from "../testdata/vectors/digests.json" with {
  type: "json",
};
import invalidJson from "../testdata/vectors/invalid.json" with {
  type: "json",
};
import lenientJson from "../testdata/vectors/lenient.json" with {
  type: "json",
};
import logInJson from "../testdata/vectors/log_in.json" with { type: "json" };
import namesJson from "../testdata/vectors/names.json" with { type: "json" };
import sessionJson from "../testdata/vectors/session.json" with {
  type: "json",
};

/** The files as they are stored. */
export const STORED: Readonly<Record<string, readonly unknown[]>> = {
  "canonical.json": canonicalJson,
  "lenient.json": lenientJson,
  "invalid.json": invalidJson,
  "names.json": namesJson,
  "digests.json": digestsJson,
  "log_in.json": logInJson,
  "session.json": sessionJson,
};

/** Names, and whether they may stand in a request. */
export const NAMES: readonly NameVector[] = namesJson;

/** Files and their digests. */
export const DIGEST_CASES: readonly DigestVector[] = digestsJson;

/** Log-ins by key. */
export const LOG_INS: readonly LogInVector[] = logInJson;

/** A whole session. */
export const SESSION: readonly SessionVector[] =
  sessionJson as readonly SessionVector[];

/** Bytes that are one frame. */
export interface ValidCase {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `undefined` when the frame is skipped. */
  readonly frame: Frame | undefined;
}

/** Bytes that are refused. */
export interface InvalidCase {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly code: ErrorCode;
}

/** Replaces `{hex}` by bytes, at any depth. */
function reviveBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reviveBytes);
  if (typeof value !== "object" || value === null) return value;
  if ("hex" in value) return parseHex(String(value.hex));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, reviveBytes(part)]),
  );
}

function validCases(vectors: readonly ValidVector[]): ValidCase[] {
  return vectors.map(({ name, bytes, frame }) => ({
    name,
    bytes: parseHex(bytes.join(" ")),
    frame: frame === null ? undefined : reviveBytes(frame) as Frame,
  }));
}

/** Frames that an encoder must write exactly so. */
export const CANONICAL: readonly ValidCase[] = validCases(
  canonicalJson as readonly ValidVector[],
);

/** Frames that a decoder must take although this version never writes them. */
export const LENIENT: readonly ValidCase[] = validCases(
  lenientJson as readonly ValidVector[],
);

/** Everything that a decoder must refuse. */
export const INVALID: readonly InvalidCase[] =
  (invalidJson as readonly InvalidVector[]).map(({ name, bytes, code }) => ({
    name,
    bytes: parseHex(bytes.join(" ")),
    code: code as ErrorCode,
  }));
