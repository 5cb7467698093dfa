/**
 * Whom a client takes for the server that it means.
 *
 * @module
 */

import {
  formatFingerprint,
  parseFingerprint,
  shortForm,
} from "../identity/mod.ts";
import {
  type PeerCertificate,
  type TlsClient,
  type TlsVerdict,
  UntrustedError,
} from "../transport/mod.ts";
import { FerryError } from "./errors.ts";

/** How a client decides whether to trust a server. */
export interface TlsOptions {
  /**
   * The server must show the certificate with this fingerprint, as `SHA256:` and
   * base64 without padding; nobody else's word counts then.
   */
  readonly fingerprint?: string | undefined;
  /** Authorities in PEM that count instead of the host's. @default {those of the host} */
  readonly ca?: string | undefined;
  /**
   * Asked about a server that no authority vouches for; `true` trusts its
   * certificate, and no other one, for this session. May take its time.
   * @default {nobody is asked, and the server is not trusted}
   */
  readonly trust?: ((server: UnknownServer) => Promise<boolean>) | undefined;
}

/** A server that somebody may trust. */
export interface UnknownServer {
  /** Its name or address. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** SHA-256 of its certificate, as `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** A form of the fingerprint that people can compare aloud. */
  readonly shortForm: string;
  /** Why no authority vouches for it; a phrase. */
  readonly problem: string;
}

/** Decides on every control connection of one client. */
export class ServerTrust implements TlsClient {
  readonly ca: string | undefined;
  #pin: Uint8Array | undefined;

  /**
   * @param options What the user says.
   * @throws {FerryError} `untrusted` for a fingerprint that is none.
   */
  constructor({ ca, fingerprint }: TlsOptions) {
    this.ca = ca;
    this.#pin = fingerprint === undefined
      ? undefined
      : parseFingerprint(fingerprint);
    if (fingerprint === undefined || this.#pin !== undefined) return;
    throw new FerryError(
      "untrusted",
      "the fingerprint that the server must have is not SHA256: and 43 letters of base64",
      { side: "local" },
    );
  }

  /** Trusts one certificate from now on, and no other. */
  pin({ fingerprint }: PeerCertificate): void {
    this.#pin = fingerprint;
  }

  judge(peer: PeerCertificate): TlsVerdict {
    if (this.#pin !== undefined) return this.#compare(peer, this.#pin);
    if (peer.problem === undefined) return "authority";
    throw new UntrustedError(
      peer,
      `the server is not known: ${peer.problem}; its certificate has ${
        formatFingerprint(peer.fingerprint)
      }`,
    );
  }

  #compare(peer: PeerCertificate, pin: Uint8Array): TlsVerdict {
    const [found, expected] = [peer.fingerprint, pin].map(formatFingerprint);
    if (found === expected) return "certificate";
    throw new UntrustedError(
      peer,
      `the server shows another identity, ${found}, than the one that is trusted, ${expected}: it was set up anew, or somebody is in between`,
    );
  }

  /**
   * The server to ask about, if that is why a connection failed.
   *
   * @param error What was thrown.
   * @param address The server.
   */
  unknown(
    error: unknown,
    address: { readonly hostname: string; readonly port: number },
  ): { server: UnknownServer; peer: PeerCertificate } | undefined {
    const cause = error instanceof FerryError ? error.cause : undefined;
    if (this.#pin !== undefined || !(cause instanceof UntrustedError)) {
      return undefined;
    }
    const { peer } = cause;
    const server = {
      ...address,
      fingerprint: formatFingerprint(peer.fingerprint),
      shortForm: shortForm(peer.fingerprint),
      problem: peer.problem ?? "",
    };
    return { server, peer };
  }
}
