/**
 * Certificates and keys in PEM: whether they can be shown to clients.
 *
 * @module
 */

import {
  createHash,
  createPrivateKey,
  type KeyObject,
  X509Certificate,
} from "node:crypto";
import { IdentityError } from "./errors.ts";
import { formatFingerprint, shortForm } from "./fingerprint.ts";

/** Who a server is, and the proof. */
export interface Identity {
  /** The certificate and those above it, in PEM. */
  readonly certificate: string;
  /** The private key, in PEM. */
  readonly key: string;
  /** SHA-256 of the certificate in DER. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  /** The fingerprint as `SHA256:` and base64 without padding. */
  readonly fingerprintText: string;
  /** A form of the fingerprint that people can compare aloud. */
  readonly shortForm: string;
  /** When the certificate ends, in milliseconds since 1970. */
  readonly expires: number;
}

/** Where PEM comes from, for messages. */
export interface PemNames {
  /** What to call the certificate. */
  readonly certificate: string;
  /** What to call the key. */
  readonly key: string;
}

const CERTIFICATE_REGEXP =
  /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const KEY_REGEXP =
  /-----BEGIN (?<kind>[A-Z ]*)PRIVATE KEY-----[^-]*-----END \k<kind>PRIVATE KEY-----/;

/**
 * Checks a certificate and its key.
 *
 * @param pem The certificate with those above it, and the key.
 * @param now Milliseconds since 1970.
 * @param names What to call them in messages.
 * @throws {IdentityError} With the reason.
 */
export function identityFromPem(
  pem: { readonly certificate: string; readonly key: string },
  now: number,
  names: PemNames = { certificate: "the certificate", key: "the key" },
): Identity {
  const chain = readChain(pem.certificate, names.certificate);
  const [leaf] = chain;
  if (leaf === undefined) throw noCertificate(names.certificate);
  const { key, text } = readKey(pem.key, names.key);
  checkKind(key, names.key);
  if (!leaf.checkPrivateKey(key)) {
    throw new IdentityError(
      "mismatch",
      `${names.key} is not the key of ${names.certificate}; give the two that were made together (the server's own certificate comes first in its file)`,
    );
  }
  const expires = checkTime(leaf, now, names.certificate);
  const fingerprint = new Uint8Array(
    createHash("sha256").update(leaf.raw).digest(),
  );
  return {
    certificate: chain.map(String).join(""),
    key: text,
    fingerprint,
    fingerprintText: formatFingerprint(fingerprint),
    shortForm: shortForm(fingerprint),
    expires,
  };
}

/**
 * The certificates in a text, in PEM and nothing else.
 *
 * @param pem The text.
 * @param name What to call it in messages.
 * @throws {IdentityError} `certificate` if there is none, or a damaged one.
 */
export function certificatesIn(pem: string, name: string): string {
  const chain = readChain(pem, name);
  if (chain.length === 0) throw noCertificate(name);
  return chain.map(String).join("");
}

function noCertificate(name: string): IdentityError {
  return new IdentityError(
    "certificate",
    `${name} holds no whole certificate in PEM, which begins with "-----BEGIN CERTIFICATE-----" and has an end; is the file complete?`,
  );
}

function readChain(pem: string, name: string): readonly X509Certificate[] {
  const blocks = pem.match(CERTIFICATE_REGEXP) ?? [];
  const begun = pem.split("-----BEGIN CERTIFICATE-----").length - 1;
  if (blocks.length !== begun) {
    throw new IdentityError(
      "certificate",
      `a certificate in ${name} begins and does not end; is the file complete?`,
    );
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new IdentityError(
        "certificate",
        `certificate ${index + 1} in ${name} is damaged; write the file again`,
        { cause },
      );
    }
  });
}

/** The block of the key alone, whatever stands around it in its file. */
function readKey(pem: string, name: string): { text: string; key: KeyObject } {
  const [text, kind] = KEY_REGEXP.exec(pem) ?? [];
  if (text === undefined) {
    throw new IdentityError(
      "key",
      `${name} holds no whole private key in PEM, which begins with "-----BEGIN PRIVATE KEY-----" and has an end; is the file complete?`,
    );
  }
  if (kind === "ENCRYPTED " || text.includes("ENCRYPTED")) {
    throw new IdentityError(
      "key",
      `${name} is locked with a password; a server needs one without ("openssl pkey" takes it off), readable only by the user it runs as`,
    );
  }
  try {
    return { text: `${text}\n`, key: createPrivateKey(text) };
  } catch (cause) {
    throw new IdentityError(
      "key",
      `the private key in ${name} is damaged, or of a kind that cannot be used; EC P-256, Ed25519 and RSA can`,
      { cause },
    );
  }
}

/** The curves that TLS 1.3 signs with (RFC 8446, section 4.2.3), by their names in OpenSSL. */
const CURVES: ReadonlySet<string | undefined> = new Set([
  "prime256v1",
  "secp384r1",
  "secp521r1",
]);

/** Bits of an RSA key at least: what OpenSSL and browsers insist on. */
const RSA_BITS_MIN = 2048;

function checkKind(key: KeyObject, name: string): void {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details = {} } = key;
  const { namedCurve, modulusLength = 0 } = details;
  const isUsable = kind === "ed25519" ||
    kind === "ec" && CURVES.has(namedCurve) ||
    kind === "rsa" && modulusLength >= RSA_BITS_MIN;
  if (isUsable) return;
  throw new IdentityError(
    "key",
    `the private key in ${name} is of a kind that TLS 1.3 cannot use; EC P-256, P-384 and P-521, Ed25519, and RSA from ${RSA_BITS_MIN} bits can`,
  );
}

/** When it ends, if it has begun and not ended yet. */
function checkTime(
  { validFrom, validTo }: X509Certificate,
  now: number,
  name: string,
): number {
  const [begins, ends] = [Date.parse(validFrom), Date.parse(validTo)];
  if (now < begins) {
    throw new IdentityError(
      "not-yet-valid",
      `${name} is not valid before ${validFrom}; is the clock of this machine right?`,
    );
  }
  if (now > ends) {
    throw new IdentityError(
      "expired",
      `${name} has expired on ${validTo}; renew it`,
    );
  }
  return ends;
}
