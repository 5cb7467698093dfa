/**
 * TLS over any network: what is above does not see the difference.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { systemClock } from "../platform/mod.ts";
import {
  type Connection,
  type ConnectionPurpose,
  formatAddress,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
} from "./network.ts";
import { TlsConnection } from "./tls_connection.ts";

/**
 * The name in every certificate that Ferry makes for itself: no public
 * authority signs for `.invalid` (RFC 2606), so that whoever trusts this name
 * and one certificate trusts nothing else.
 */
export const PINNED_NAME = "ferry.invalid";

/** What a server shows: who it is, and the proof. */
export interface TlsIdentity {
  /** The certificate and those above it, in PEM. */
  readonly certificate: string;
  /** The private key, in PEM. */
  readonly key: string;
  /** SHA-256 of the certificate in DER. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
}

/** What a server has shown. */
export interface PeerCertificate {
  /** The certificate in DER. */
  readonly der: Uint8Array<ArrayBuffer>;
  /** SHA-256 of it. */
  readonly fingerprint: Uint8Array<ArrayBuffer>;
  /** Why no authority that counts here vouches for it under the server's name; `undefined` if one does. */
  readonly problem: string | undefined;
}

/**
 * What a server is trusted for: this very `certificate`, or any that an
 * `authority` vouches for under its name.
 */
export type TlsVerdict = "certificate" | "authority";

/** How the client's side decides. */
export interface TlsClient {
  /** Authorities in PEM that count instead of the host's. */
  readonly ca?: string | undefined;
  /**
   * Decides on a control connection whom to trust; data connections follow.
   *
   * @throws {UntrustedError} To refuse.
   */
  judge(peer: PeerCertificate): TlsVerdict;
}

/** The server is not proved to be who it should be. */
export class UntrustedError extends NetworkError {
  /** What it has shown. */
  readonly peer: PeerCertificate;

  /**
   * Makes an error.
   *
   * @param peer What the server has shown.
   * @param message Why that is not enough.
   */
  constructor(peer: PeerCertificate, message: string) {
    super("untrusted", message);
    this.name = "UntrustedError";
    this.peer = peer;
  }
}

/** What the two sides of {@linkcode tlsNetwork} need. */
export interface TlsParts {
  /** What a listener shows; asked anew for every connection. */
  readonly identity?: () => TlsIdentity;
  /** How a dialler decides. */
  readonly client?: TlsClient;
}

/**
 * TLS 1.3 over another network.
 *
 * @param base What carries the records.
 * @param parts What listeners show, how diallers decide; without one of them
 * that side throws a `TypeError`.
 */
export function tlsNetwork(base: Network, parts: TlsParts): Network {
  const { identity, client } = parts;
  const dialler = client && new Dialler(base, client);
  return {
    listen(address) {
      if (identity === undefined) throw new TypeError("No identity to show");
      return new TlsListener(base.listen(address), identity);
    },
    dial(address, signal, purpose = "control") {
      if (dialler === undefined) throw new TypeError("Nobody to trust");
      return dialler.dial(address, signal, purpose);
    },
  };
}

class TlsListener implements Listener {
  readonly address: NetworkAddress;
  readonly #base: Listener;
  readonly #identity: () => TlsIdentity;
  #shown: { identity: TlsIdentity; context: SecureContext };

  constructor(base: Listener, identity: () => TlsIdentity) {
    this.#base = base;
    this.address = base.address;
    this.#identity = identity;
    try {
      this.#shown = prepare(identity());
    } catch (error) {
      base.close();
      throw error;
    }
  }

  async accept(): Promise<Connection | undefined> {
    const connection = await this.#base.accept();
    if (connection === undefined) return undefined;
    try {
      const identity = this.#identity();
      if (identity !== this.#shown.identity) this.#shown = prepare(identity);
      const { context } = this.#shown;
      return new AcceptedConnection(connection, context, identity.fingerprint);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  close(): void {
    this.#base.close();
  }
}

/**
 * The server's end, which begins TLS a turn later, if it is not closed by then:
 * that costs more than all the rest, and of those who come in crowds most are
 * turned away without a word.
 */
class AcceptedConnection implements Connection {
  readonly remote: NetworkAddress;
  readonly certificate: Uint8Array<ArrayBuffer>;
  readonly #base: Connection;
  readonly #context: SecureContext;
  #secure: TlsConnection | undefined;
  #isClosed = false;

  constructor(
    base: Connection,
    context: SecureContext,
    certificate: Uint8Array<ArrayBuffer>,
  ) {
    this.remote = base.remote;
    this.certificate = certificate;
    this.#base = base;
    this.#context = context;
    this.#beginSoon().catch(() => {});
  }

  async #beginSoon(): Promise<void> {
    await this.#base.turn?.();
    if (!this.#isClosed) this.#begin();
  }

  #begin(): TlsConnection {
    if (this.#isClosed) {
      throw new NetworkError("closed", "connection is closed");
    }
    return this.#secure ??= TlsConnection.accept(this.#base, this.#context);
  }

  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    return await this.#begin().read(buffer);
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return await this.#begin().write(bytes);
  }

  async endWrite(): Promise<void> {
    if (!this.#isClosed) await this.#begin().endWrite();
  }

  close(): void {
    this.#isClosed = true;
    (this.#secure ?? this.#base).close();
  }
}

function prepare(
  identity: TlsIdentity,
): { identity: TlsIdentity; context: SecureContext } {
  const { certificate: cert, key } = identity;
  try {
    const context = createSecureContext({ cert, key, minVersion: "TLSv1.3" });
    return { identity, context };
  } catch (cause) {
    throw new NetworkError(
      "tls",
      "the certificate and its key cannot be used for TLS",
      { cause },
    );
  }
}

/** Dials one server; what its control connection proves holds for the others. */
class Dialler {
  readonly #base: Network;
  readonly #client: TlsClient;
  #trusted: { peer: PeerCertificate; verdict: TlsVerdict } | undefined;

  constructor(base: Network, client: TlsClient) {
    this.#base = base;
    this.#client = client;
  }

  async dial(
    address: NetworkAddress,
    signal: AbortSignal | undefined,
    purpose: ConnectionPurpose,
  ): Promise<Connection> {
    const plain = await this.#base.dial(address, signal, purpose);
    const trusted = this.#trusted;
    const fast = purpose === "data" && trusted !== undefined
      ? this.#fastWay(plain, address, trusted)
      : undefined;
    if (fast !== undefined) return await fast(signal);
    const { hostname } = address;
    const { ca } = this.#client;
    const connection = await TlsConnection.connect(
      plain,
      { hostname, ca },
      signal,
    );
    try {
      const peer = peerOf(connection);
      if (purpose === "data" && trusted !== undefined) follow(peer, trusted);
      else {
        const verdict = this.#client.judge(peer);
        this.#trusted = { peer, verdict };
      }
      connection.certificate = peer.fingerprint;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /**
   * The host's own TLS moves data almost twice as fast, and cannot show the
   * certificate. It proves as much only where that does not matter: for a
   * certificate that is its own authority under a name that no other authority
   * signs for, and for those who trust the host's authorities anyway.
   */
  #fastWay(
    plain: Connection,
    { hostname }: NetworkAddress,
    { peer, verdict }: { peer: PeerCertificate; verdict: TlsVerdict },
  ): ((signal: AbortSignal | undefined) => Promise<Connection>) | undefined {
    const { startTls } = plain;
    if (startTls === undefined) return undefined;
    if (verdict === "authority") {
      if (this.#client.ca !== undefined) return undefined;
      return (signal) => startTls.call(plain, hostname, undefined, signal);
    }
    const pem = pinnable(peer.der);
    if (pem === undefined) return undefined;
    return (signal) => startTls.call(plain, PINNED_NAME, pem, signal);
  }
}

/** A data connection must show what the control connection was trusted for. */
function follow(
  peer: PeerCertificate,
  trusted: { peer: PeerCertificate; verdict: TlsVerdict },
): void {
  const isSame = peer.fingerprint.toHex() === trusted.peer.fingerprint.toHex();
  const isVouched = trusted.verdict === "authority" &&
    peer.problem === undefined;
  if (isSame || isVouched) return;
  throw new UntrustedError(
    peer,
    "a data connection shows another certificate than the control connection: somebody may be in between",
  );
}

/** The certificate in PEM, if it can be its own authority for {@linkcode PINNED_NAME}. */
function pinnable(der: Uint8Array<ArrayBuffer>): string | undefined {
  const certificate = new X509Certificate(der);
  const isPinnable = !certificate.ca &&
    certificate.subjectAltName === `DNS:${PINNED_NAME}`;
  return isPinnable ? certificate.toString() : undefined;
}

function peerOf(connection: TlsConnection): PeerCertificate {
  const { socket, remote } = connection;
  const { raw, fingerprint256 } = socket.getPeerCertificate();
  if (raw === undefined || fingerprint256 === undefined) {
    throw new NetworkError(
      "tls",
      `${formatAddress(remote)} has shown no certificate`,
    );
  }
  const der = new Uint8Array(raw);
  return {
    der,
    fingerprint: Uint8Array.fromHex(fingerprint256.replaceAll(":", "")),
    problem: socket.authorized
      ? undefined
      : describeProblem(String(socket.authorizationError), der),
  };
}

/** What `node:tls` finds wrong with a certificate, in words. */
const PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it vouches for itself only",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  SELF_SIGNED_CERT_IN_CHAIN: "its authority is not known here",
  UNABLE_TO_GET_ISSUER_CERT: "its authority is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its authority is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its authority is not known here",
};

function describeProblem(code: string, der: Uint8Array<ArrayBuffer>): string {
  const phrase = PROBLEMS[code] ??
    `its certificate cannot be verified (${code})`;
  // Deno does not tell these from an unknown authority.
  if (phrase !== PROBLEMS["UNABLE_TO_GET_ISSUER_CERT"]) return phrase;
  const { validFrom, validTo } = new X509Certificate(der);
  const now = systemClock.now();
  if (now > Date.parse(validTo)) return "its certificate has expired";
  if (now < Date.parse(validFrom)) return "its certificate is not valid yet";
  return phrase;
}
