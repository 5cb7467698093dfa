/**
 * What of the transport loads at once: it needs nothing that is built in.
 *
 * @module
 */
export {
  type Connection,
  type ConnectionPurpose,
  formatAddress,
  isLoopback,
  type Listener,
  type Network,
  type NetworkAddress,
  NetworkError,
  type NetworkErrorKind,
  type Scheme,
  usualScheme,
} from "./network.ts";
