/**
 * Makes an identity that needs no authority: clients pin the certificate.
 *
 * @module
 */

import { type Random, systemRandom } from "../platform/mod.ts";
import { type Identity, identityFromPem } from "./certificate.ts";

/**
 * The name in every certificate that Ferry makes: no public authority signs for
 * `.invalid` (RFC 2606).
 */
const NAME = "ferry.invalid";

/** ECDSA over P-256: what every TLS library of today takes (RFC 8446, section 9.1). */
const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING_ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

/**
 * Valid at every time: it is trusted for what it is, not for how long, and a
 * machine may not know the time. The end is what RFC 5280 (4.1.2.5) has for
 * certificates without one.
 */
const BEGIN = 0;
const END = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Bytes of a serial number (RFC 5280, 4.1.2.2: at most 20, positive). */
const SERIAL_SIZE = 16;

/**
 * Makes a key and a certificate for it.
 *
 * @param random Where the serial number comes from; the key is the host's own. @default {the machine's random source}
 */
export async function makeIdentity(
  random: Random = systemRandom,
): Promise<Identity> {
  // Only who makes a certificate waits for this library to load. It needs the
  // other one, which must be there first.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  const serial = random.bytes(SERIAL_SIZE);
  serial[0] = (serial[0] ?? 0) & 0x7f | 0x40;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${NAME}`,
    serialNumber: serial.toHex(),
    keys,
    notBefore: new Date(BEGIN),
    notAfter: new Date(END),
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: NAME }]),
    ],
  });
  const key = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", keys.privateKey),
  );
  return identityFromPem({
    certificate: `${certificate.toString("pem")}\n`,
    key: pem("PRIVATE KEY", key),
  }, BEGIN);
}

function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${
    lines.join("\n")
  }\n-----END ${label}-----\n`;
}
