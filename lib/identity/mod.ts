/**
 * Who a server is: certificates, their fingerprints, and the servers that a
 * user knows.
 *
 * @module
 */
export * from "./plain.ts";
export {
  type Identity,
  identityFromPem,
  type PemNames,
} from "./certificate.ts";
export {
  certificatesFromFile,
  type FileParts,
  identityFromFiles,
  type IdentityPaths,
} from "./files.ts";
export {
  type KnownHost,
  KnownHosts,
  type KnownHostsProblem,
} from "./known_hosts.ts";
export { addKnownHost, readKnownHosts } from "./known_hosts_file.ts";
export { makeIdentity } from "./self_made.ts";
export { identityFromFolder, type KeptIdentity } from "./state_folder.ts";
