/**
 * What a log-in by key signs. The key is that of RFC 8032 section 7.1, test 1.
 *
 * @module
 */
import { createPrivateKey, sign } from "node:crypto";
import { parseHex, utf8 } from "./assembler.ts";

/** A log-in by key. All but `user` is hexadecimal. */
export interface LogInVector {
  readonly name: string;
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly user: string;
  readonly publicKey: string;
  /** SHA-256 of the certificate; `null` in plain TCP. */
  readonly certificate: string | null;
  /** What is signed. */
  readonly message: string;
  readonly signature: string;
}

/** The seed of the key, in hexadecimal. */
export const SEED =
  "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

const PUBLIC_KEY =
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

function logIn(
  name: string,
  user: string,
  certificate: string | null,
): LogInVector {
  const clientNonce = "c1".repeat(32);
  const serverNonce = "5e".repeat(32);
  const userBytes = parseHex(utf8(user));
  const message = [
    utf8("ferry log-in 1\n"),
    clientNonce,
    serverNonce,
    userBytes.length.toString(16).padStart(4, "0"),
    utf8(user),
    PUBLIC_KEY,
    certificate === null ? "00" : "20",
    certificate ?? "",
  ].map((part) => parseHex(part).toHex()).join("");
  const der = parseHex(`302e020100300506032b657004220420${SEED}`).toBase64();
  const pem = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----`;
  const bytes = sign(null, parseHex(message), createPrivateKey(pem));
  return {
    name,
    clientNonce,
    serverNonce,
    user,
    publicKey: PUBLIC_KEY,
    certificate,
    message,
    signature: new Uint8Array(bytes).toHex(),
  };
}

/** Log-ins by key. */
export function logInVectors(): LogInVector[] {
  return [
    logIn("in plain TCP", "alice", null),
    logIn("inside TLS", "alice", "ce".repeat(32)),
    logIn("a user whose name is not ASCII", "Zoë", "ce".repeat(32)),
  ];
}
