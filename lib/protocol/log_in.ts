/**
 * What a log-in by key signs.
 *
 * @module
 */

/** What the signature is about: this log-in on this connection, and no other. */
export interface KeyLogIn {
  /** The nonce of `HELLO`. */
  readonly clientNonce: Uint8Array;
  /** The nonce of `GREETING`. */
  readonly serverNonce: Uint8Array;
  /** Who logs in. */
  readonly user: string;
  /** The key. */
  readonly publicKey: Uint8Array;
  /**
   * SHA-256 of the certificate that the server has shown on this very
   * connection, in DER; `undefined` in plain TCP.
   */
  readonly certificate: Uint8Array | undefined;
}

/** What no other protocol signs. */
const CONTEXT = "ferry log-in 1\n";

const UTF8 = new TextEncoder();

/**
 * The bytes to sign for a log-in by key.
 *
 * @param logIn What they are about.
 */
export function keyLogInMessage(logIn: KeyLogIn): Uint8Array {
  const { clientNonce, serverNonce, publicKey } = logIn;
  const { certificate = new Uint8Array(0) } = logIn;
  const user = UTF8.encode(logIn.user);
  return Uint8Array.from([
    ...UTF8.encode(CONTEXT),
    ...clientNonce,
    ...serverNonce,
    user.length >> 8,
    user.length & 0xff,
    ...user,
    ...publicKey,
    certificate.length,
    ...certificate,
  ]);
}
