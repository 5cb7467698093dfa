/** Certificates of all kinds, made when a test needs them. */

import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { type Identity, identityFromPem } from "../../lib/identity/mod.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** What a certificate is to be. */
export interface CertificateOptions {
  /** Names; addresses are recognised. @default `["ferry.invalid"]` */
  readonly names?: readonly string[];
  /** Who signs it. @default itself */
  readonly issuer?: Authority;
  /** Whether it may sign others. */
  readonly isAuthority?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** A certificate with its key. */
export interface Made {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate that signs others. */
export interface Authority extends Made {
  readonly parsed: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
}

/** Makes a certificate. */
export async function makeCertificate(
  options: CertificateOptions = {},
): Promise<Authority> {
  const { names = ["ferry.invalid"], issuer, isAuthority = false } = options;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  const extensions = [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.SubjectAlternativeNameExtension(
      names.map((value) => ({
        type: /^[\d.]+$/.test(value) ? "ip" as const : "dns" as const,
        value,
      })),
    ),
  ];
  const common = {
    serialNumber: crypto.getRandomValues(new Uint8Array(8)).toHex()
      .replace(/^../, "4f"),
    notBefore: options.notBefore ?? new Date(0),
    notAfter: options.notAfter ?? new Date(Date.UTC(2099, 0, 1)),
    signingAlgorithm: SIGNING,
    extensions,
  };
  const name = `CN=${names[0]}, O=Test ${isAuthority ? "authority" : "leaf"}`;
  const parsed = issuer === undefined
    ? await x509.X509CertificateGenerator.createSelfSigned({
      ...common,
      name,
      keys,
    })
    : await x509.X509CertificateGenerator.create({
      ...common,
      subject: name,
      issuer: issuer.parsed.subject,
      publicKey: keys.publicKey,
      signingKey: issuer.keys.privateKey,
    });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    parsed,
    keys,
    certificate: `${parsed.toString("pem")}\n`,
    key: x509.PemConverter.encode(der, "PRIVATE KEY") + "\n",
  };
}

/** An identity for a server. */
export async function makeTestIdentity(
  options: CertificateOptions = {},
): Promise<Identity> {
  return identityFromPem(await makeCertificate(options), Date.now());
}

/** An authority of its own. */
export function makeAuthority(): Promise<Authority> {
  return makeCertificate({ names: ["Test authority"], isAuthority: true });
}
