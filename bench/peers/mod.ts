/**
 * All peers.
 *
 * @module
 */
import { FerryPeer } from "./ferry.ts";
import { NginxPeer } from "./nginx.ts";
import type { Peer } from "./peer.ts";
import { RsyncPeer } from "./rsync.ts";
import { ScpPeer } from "./scp.ts";
import { VsftpdPeer } from "./vsftpd.ts";

/** Makes one of each; Ferry comes first, and the others are compared with it. */
export function allPeers(): readonly [Peer, ...Peer[]] {
  return [
    new FerryPeer("full"),
    new FerryPeer("none"),
    new NginxPeer(),
    new VsftpdPeer(),
    new RsyncPeer(),
    new ScpPeer(),
  ];
}
