/**
 * Bytes and frames over connections.
 *
 * @module
 */
export * from "./plain.ts";
export {
  DATA_HEADROOM,
  FrameChannel,
  JOINED_FRAME_MAX,
} from "./frame_channel.ts";
export { KeptBytes } from "./kept_bytes.ts";
export { type Pace, Pacer, type PacerLimits } from "./pacer.ts";
export { networkError, tcpNetwork } from "./tcp_network.ts";
export {
  type PeerCertificate,
  PINNED_NAME,
  type TlsClient,
  type TlsIdentity,
  tlsNetwork,
  type TlsParts,
  type TlsVerdict,
  UntrustedError,
} from "./tls_network.ts";
