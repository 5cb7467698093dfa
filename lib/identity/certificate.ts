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
