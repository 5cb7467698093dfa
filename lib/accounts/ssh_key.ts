/**
 * Ed25519 keys in the forms that people have them: OpenSSH's public-key line,
 * PKCS#8 in PEM, and OpenSSH's own private form.
 *
 * @module
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import type { Random } from "../platform/mod.ts";
import { PUBLIC_KEY_SIZE, SIGNATURE_SIZE } from "../protocol/mod.ts";
import { AccountsError } from "./errors.ts";

const SEED_SIZE = 32;
const TYPE = "ssh-ed25519";

/** Characters of the longest line or file that is looked at. */
const TEXT_SIZE_MAX = 16_384;

/** What RFC 8410 puts before the seed of a private key, in PKCS#8. */
const PRIVATE_PREFIX = "302e020100300506032b657004220420";

/** What RFC 8410 puts before a public key. */
const PUBLIC_PREFIX = "302a300506032b6570032100";

/** What PROTOCOL.key of OpenSSH puts before everything. */
const OPENSSH_MAGIC = "openssh-key-v1\0";

/** A public key, and what its owner calls it. */
export interface PublicKey {
  /** Its 32 bytes. */
  readonly bytes: Uint8Array;
  /** What its owner calls it; may be empty. */
  readonly comment: string;
}

/** A key to log in with. */
export interface KeyPair {
  /** The 32 bytes that the server knows. */
  readonly publicKey: Uint8Array;
  /** Signs; only the owner of the private key can. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * Reads a line such as `ssh-ed25519 AAAA… alice@laptop`.
 *
 * @throws {AccountsError} When it is something else; it says what.
 */
export function parsePublicKey(line: string): PublicKey {
  const text = line.trim();
  if (text.length > TEXT_SIZE_MAX || /[\r\n]/.test(text)) {
    throw new AccountsError("a public key is one line");
  }
  if (text.includes("PRIVATE KEY")) {
    throw new AccountsError(
      "that is a private key, which nobody else should see; give the line of its .pub file",
    );
  }
  const [type = "", base64 = "", ...rest] = text.split(/[ \t]+/);
  if (type !== TYPE) {
    const isOther = /^(ssh|ecdsa|sk-ssh|sk-ecdsa)-/.test(type);
    throw new AccountsError(
      isOther
        ? `only ${TYPE} keys are taken; make one with "ferry keygen" or "ssh-keygen -t ed25519"`
        : `a public key is a line such as "${TYPE} AAAA… comment", without options before it`,
    );
  }
  const reader = new WireReader(decodeBase64(base64));
  if (reader.text() !== TYPE) throw malformedKey();
  const bytes = reader.bytes();
  if (bytes.length !== PUBLIC_KEY_SIZE || !reader.isAtEnd) throw malformedKey();
  // A comment is shown to people: nothing in it may move their cursor.
  const comment = rest.join(" ").replace(/[\p{C}]/gu, "");
  return { bytes, comment };
}

/** The line for a key, as OpenSSH writes it. */
export function formatPublicKey({ bytes, comment }: PublicKey): string {
  const line = `${TYPE} ${publicBlob(bytes).toBase64()}`;
  return comment === "" ? line : `${line} ${comment}`;
}

/** The fingerprint of a key, as `ssh-keygen -l` shows it. */
export function keyFingerprint(publicKey: Uint8Array): string {
  const hash = createHash("sha256").update(publicBlob(publicKey)).digest();
  return `SHA256:${new Uint8Array(hash).toBase64({ omitPadding: true })}`;
}

/** Makes a key. Returns it and the PEM text to keep secret. */
export function generateKeyPair(
  random: Random,
): { readonly pair: KeyPair; readonly pem: string } {
  const key = keyFromSeed(random.bytes(SEED_SIZE));
  const pem = key.export({ format: "pem", type: "pkcs8" }).toString();
  return { pair: toPair(key), pem };
}

/**
 * Reads a private key: PKCS#8 in PEM, or OpenSSH's form without a passphrase.
 *
 * @throws {AccountsError} When it is something else; the message holds nothing of it.
 */
export function parsePrivateKey(text: string): KeyPair {
  if (text.length > TEXT_SIZE_MAX) {
    throw new AccountsError("it is too large for a private key");
  }
  if (text.trimStart().startsWith("ssh-")) {
    throw new AccountsError("it is a public key; name the private one");
  }
  const found =
    /-----BEGIN (?<label>[A-Z ]{3,40})-----(?<body>[A-Za-z0-9+/=\s]+)-----END \k<label>-----/
      .exec(text)?.groups;
  if (found === undefined) throw new AccountsError("it holds no private key");
  const body = (found.body ?? "").replace(/\s/g, "");
  switch (found.label) {
    case "PRIVATE KEY":
      return toPair(readPkcs8(decodeBase64(body)));
    case "OPENSSH PRIVATE KEY":
      return toPair(readOpenssh(decodeBase64(body)));
    case "ENCRYPTED PRIVATE KEY":
      throw passphrase();
    default:
      throw wrongType();
  }
}

/** Whether a signature over a message was made with the key of these 32 bytes. */
export function verifySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (
    publicKey.length !== PUBLIC_KEY_SIZE || signature.length !== SIGNATURE_SIZE
  ) return false;
  try {
    return verify(null, message, publicKeyObject(publicKey), signature);
  } catch {
    // 32 bytes that are no point of the curve.
    return false;
  }
}

function publicKeyObject(bytes: Uint8Array): KeyObject {
  const der = concat(Uint8Array.fromHex(PUBLIC_PREFIX), bytes);
  return createPublicKey(toPem("PUBLIC KEY", der));
}

function keyFromSeed(seed: Uint8Array): KeyObject {
  const der = concat(Uint8Array.fromHex(PRIVATE_PREFIX), seed);
  return createPrivateKey(toPem("PRIVATE KEY", der));
}

function readPkcs8(der: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(toPem("PRIVATE KEY", der));
  } catch {
    // What the library says may hold something of the key.
    throw new AccountsError("it holds no private key that can be read");
  }
  if (key.asymmetricKeyType !== "ed25519") throw wrongType();
  return key;
}

function toPem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${der.toBase64()}\n-----END ${label}-----\n`;
}

/** Reads the form of OpenSSH's PROTOCOL.key. */
function readOpenssh(bytes: Uint8Array): KeyObject {
  const magic = new TextDecoder().decode(
    bytes.subarray(0, OPENSSH_MAGIC.length),
  );
  if (magic !== OPENSSH_MAGIC) throw malformedKey();
  const reader = new WireReader(bytes.subarray(OPENSSH_MAGIC.length));
  const cipher = reader.text();
  const kdf = reader.text();
  reader.bytes();
  if (cipher !== "none" || kdf !== "none") throw passphrase();
  if (reader.number() !== 1) throw malformedKey();
  reader.bytes();
  const secret = new WireReader(reader.bytes());
  if (secret.number() !== secret.number()) throw malformedKey();
  if (secret.text() !== TYPE) throw wrongType();
  const publicKey = secret.bytes();
  const both = secret.bytes();
  const key = both.length === SEED_SIZE + PUBLIC_KEY_SIZE
    ? keyFromSeed(both.slice(0, SEED_SIZE))
    : undefined;
  if (key === undefined) throw malformedKey();
  if (toPair(key).publicKey.toHex() !== publicKey.toHex()) throw malformedKey();
  return key;
}

function toPair(key: KeyObject): KeyPair {
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(der).slice(-PUBLIC_KEY_SIZE),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** What OpenSSH hashes and writes for a public key. */
function publicBlob(key: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(TYPE);
  return concat(u32(type.length), type, u32(key.length), key);
}

/** Reads what RFC 4251 section 5 calls strings, one after the other. */
class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    const end = this.#at + 4;
    if (end > this.#bytes.length) throw malformedKey();
    const { buffer, byteOffset } = this.#bytes;
    const number = new DataView(buffer, byteOffset).getUint32(this.#at);
    this.#at = end;
    return number;
  }

  bytes(): Uint8Array {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformedKey();
    const bytes = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return bytes;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function decodeBase64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw malformedKey();
  }
}

function malformedKey(): AccountsError {
  return new AccountsError("the key is damaged or cut off");
}

function wrongType(): AccountsError {
  return new AccountsError(
    'it is no Ed25519 key; make one with "ferry keygen" or "ssh-keygen -t ed25519"',
  );
}

function passphrase(): AccountsError {
  return new AccountsError(
    'the key is protected by a passphrase, which Ferry cannot use; make one of its own with "ferry keygen"',
  );
}
