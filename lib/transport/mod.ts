/**
 * Bytes and frames over connections.
 *
 * @module
 */
export { DATA_HEADROOM, FrameChannel } from "./frame_channel.ts";
export {
  type Connection,
  formatAddress,
  isLoopback,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
  type NetworkErrorKind,
} from "./network.ts";
export { Pacer, type PacerLimits } from "./pacer.ts";
export { networkError, tcpNetwork } from "./tcp_network.ts";
