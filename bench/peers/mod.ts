/**
 * All peers.
 *
 * @module
 */
import { FerryPeer } from "./ferry.ts";
import { LftpPeer } from "./lftp.ts";
import { NginxPeer } from "./nginx.ts";
import type { Peer } from "./peer.ts";
import { RsyncPeer } from "./rsync.ts";
import { ScpPeer } from "./scp.ts";
import { TarPeer } from "./tar.ts";
import { VsftpdPeer } from "./vsftpd.ts";

/** Makes one of each; Ferry comes first, and the others are compared with it. */
export function allPeers(): readonly [Peer, ...Peer[]] {
  return [
    new FerryPeer("usual"),
    new FerryPeer("none"),
    new FerryPeer("tls"),
    new NginxPeer(),
    new VsftpdPeer(),
    new RsyncPeer(),
    new ScpPeer(),
  ];
}

/** Makes one of each that moves folders, in the same order. */
export function smallPeers(): readonly [Peer, ...Peer[]] {
  return [
    new FerryPeer("usual"),
    new FerryPeer("none"),
    new FerryPeer("tls"),
    new RsyncPeer(),
    new ScpPeer(),
    new LftpPeer(),
    new TarPeer(),
  ];
}
