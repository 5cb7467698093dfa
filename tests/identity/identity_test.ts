import { assert, assertEquals, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import {
  certificatesFromFile,
  formatFingerprint,
  IdentityError,
  type IdentityErrorKind,
  identityFromFiles,
  identityFromFolder,
  identityFromPem,
  makeIdentity,
  parseFingerprint,
  SHORT_FORM_BITS,
  shortForm,
} from "../../lib/identity/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import {
  PINNED_NAME,
  tcpNetwork,
  tlsNetwork,
} from "../../lib/transport/mod.ts";
import { makeAuthority, makeCertificate } from "../helpers/certificates.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { patched } from "../helpers/patched.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const NOW = Date.UTC(2026, 7, 18);

Deno.test("makeIdentity() makes a certificate for ferry.invalid that signs nothing else", async () => {
  const identity = await makeIdentity();
  const certificate = new X509Certificate(identity.certificate);
  assertEquals(PINNED_NAME, "ferry.invalid");
  assertEquals(certificate.subjectAltName, `DNS:${PINNED_NAME}`);
  assertEquals(certificate.ca, false);
  assertEquals(
    certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    [
      identity.fingerprint.toHex(),
    ][0],
  );
  assertEquals(
    identity.fingerprintText,
    formatFingerprint(identity.fingerprint),
  );
  assertEquals(identity.expires, Date.UTC(9999, 11, 31, 23, 59, 59));
  const other = await makeIdentity();
  assert(other.fingerprintText !== identity.fingerprintText);
  // At any time: a machine without a clock thinks it is 1970.
  identityFromPem(identity, 0);
});

Deno.test("formatFingerprint() writes what ssh-keygen would, parseFingerprint() reads only that", () => {
  const bytes = new Uint8Array(32).fill(0xfb);
  const text = formatFingerprint(bytes);
  assertEquals(text, "SHA256:+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s");
  assertEquals(parseFingerprint(text), bytes);
  const wrong = [
    "",
    "SHA256:",
    text.slice(0, -1),
    `${text}=`,
    `${text}A`,
    text.replace("SHA256", "sha256"),
    text.replace("SHA256", "MD5"),
    // Bits that no byte has.
    `${text.slice(0, -1)}t`,
    ` ${text}`,
    text.replaceAll("+", "-"),
  ];
  for (const bad of wrong) assertEquals(parseFingerprint(bad), undefined, bad);
});

Deno.test("shortForm() keeps the bits that it promises", () => {
  assertEquals(
    shortForm(new Uint8Array(32)),
    "00000 00000 00000 00000 00000 00000",
  );
  const bytes = new Uint8Array(32);
  bytes[31] = 7;
  bytes[30] = 1;
  assertEquals(shortForm(bytes), "00263 00000 00000 00000 00000 00000");
  assertEquals(SHORT_FORM_BITS, Math.floor(Math.log2(10 ** 30)));
});

async function assertRefused(
  work: () => unknown,
  kind: IdentityErrorKind,
  text: string,
): Promise<void> {
  const error = await assertRejects(
    () => Promise.resolve().then(work),
    IdentityError,
    text,
  );
  assertEquals(error.kind, kind);
  // A key is named, never shown.
  assert(!error.message.includes("MIG"), error.message);
}

Deno.test("identityFromPem() says what is wrong with a certificate or key", async () => {
  const good = await makeCertificate();
  const other = await makeCertificate();
  const { certificate, key } = good;
  const check = (pem: Partial<typeof good>, now = NOW) => () =>
    identityFromPem({ certificate, key, ...pem }, now);
  const half = (text: string) => text.slice(0, text.length / 2);
  await assertRefused(check({ key: other.key }), "mismatch", "not the key of");
  await assertRefused(check({ certificate: "" }), "certificate", "no whole");
  const cut = half(certificate);
  await assertRefused(check({ certificate: cut }), "certificate", "complete?");
  const twice = certificate + cut;
  await assertRefused(
    check({ certificate: twice }),
    "certificate",
    "complete?",
  );
  const noise = certificate.replace(/M/g, "N");
  await assertRefused(check({ certificate: noise }), "certificate", "damaged");
  await assertRefused(check({ key: "" }), "key", "no whole private key");
  await assertRefused(check({ key: half(key) }), "key", "complete?");
  await assertRefused(
    check({ key: key.replace(/[a-e]/g, "f") }),
    "key",
    "damaged",
  );
  await assertRefused(
    check({ key: key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") }),
    "key",
    "password",
  );
  const past = Date.UTC(2001, 0, 1);
  const expired = await makeCertificate({ notAfter: new Date(past) });
  await assertRefused(check(expired), "expired", "renew it");
  assertEquals(check(expired, past - 1)().expires, past);
  const future = new Date(NOW + 86_400_000);
  const early = await makeCertificate({ notBefore: future });
  await assertRefused(check(early), "not-yet-valid", "clock");
});

Deno.test("identityFromPem() takes chains, and keys among other things", async () => {
  const authority = await makeAuthority();
  const leaf = await makeCertificate({ issuer: authority });
  const chain = `# ours\n${leaf.certificate}\n${authority.certificate}`;
  const identity = identityFromPem({
    certificate: chain,
    key: `${chain}\n${leaf.key}\nrest`,
  }, NOW);
  assertEquals(identity.key, leaf.key);
  assertEquals(identity.certificate.match(/BEGIN/g)?.length, 2);
  assertEquals(
    identity.fingerprint,
    identityFromPem(leaf, NOW).fingerprint,
  );
});

Deno.test("identityFromFiles() names the file that is wrong", async () => {
  await using folder = await tempDir();
  const { certificate, key } = await makeCertificate();
  const paths = {
    certificate: `${folder.path}/cert.pem`,
    key: `${folder.path}/key.pem`,
  };
  await assertRefused(() => identityFromFiles(paths), "file", "cert.pem");
  await Deno.writeTextFile(paths.certificate, certificate);
  await assertRefused(() => identityFromFiles(paths), "file", "key.pem");
  await Deno.writeTextFile(paths.key, "nothing");
  await assertRefused(() => identityFromFiles(paths), "key", "key.pem");
  await Deno.writeTextFile(paths.key, key);
  const identity = await identityFromFiles(paths);
  assertEquals(identity.key, key);
  const found = await certificatesFromFile(paths.certificate);
  assertEquals(found, identity.certificate);
  await Deno.writeTextFile(paths.key, "x".repeat(1_048_577));
  await assertRefused(() => identityFromFiles(paths), "file", "too large");
});

function memory(): {
  disk: MemoryDisk;
  clock: FakeClock;
  random: SeededRandom;
} {
  const clock = new FakeClock();
  return {
    disk: new MemoryDisk({ clock }),
    clock,
    random: new SeededRandom(5),
  };
}

Deno.test("identityFromFolder() makes an identity once, for its owner's eyes only", async () => {
  const parts = memory();
  const first = await identityFromFolder("/state/ferryd", parts);
  assertEquals(first.file, "/state/ferryd/identity.pem");
  const again = await identityFromFolder("/state/ferryd", parts);
  assertEquals(
    again.identity.fingerprintText,
    first.identity.fingerprintText,
  );
  const { disk } = parts;
  assertEquals((await disk.stat("/state/ferryd")).mode & 0o777, 0o700);
  for (const name of ["identity.pem", "identity.lock"]) {
    const { mode } = await disk.stat(`/state/ferryd/${name}`);
    assertEquals(mode & 0o777, 0o600, name);
  }
  assertEquals(disk.openHandles, 0);
});

Deno.test("identityFromFolder() gives two servers at once the same identity", async () => {
  await using folder = await tempDir();
  const found = await Promise.all(
    Array.from({ length: 4 }, () => identityFromFolder(`${folder.path}/s`)),
  );
  const fingerprints = found.map(({ identity }) => identity.fingerprintText);
  assertEquals(new Set(fingerprints).size, 1);
});

Deno.test("identityFromFolder() keeps nothing where it may not write, and replaces nothing", async () => {
  const parts = memory();
  const homeless = await identityFromFolder(undefined, parts);
  assertEquals(homeless.file, undefined);
  const { disk } = parts;
  const denied = patched(disk, {
    access: () =>
      Promise.resolve({ read: true, write: false, freeSpace: false }),
  });
  const unkept = await identityFromFolder("/s", { ...parts, disk: denied });
  assertEquals(unkept.file, undefined);
  const kept = await identityFromFolder("/s", parts);
  const still = await identityFromFolder("/s", { ...parts, disk: denied });
  assertEquals(
    still.identity.fingerprintText,
    kept.identity.fingerprintText,
  );
  const file = await disk.open("/s/identity.pem", "write");
  await file.truncate(300);
  file.close();
  await assertRefused(
    () => identityFromFolder("/s", parts),
    "certificate",
    "/s/identity.pem",
  );
});

/** Why keys of other kinds cannot be had. */
const NEEDS_OPENSSL: string | undefined = await new Deno.Command("openssl", {
  args: ["version"],
  stdout: "null",
  stderr: "null",
}).output().then(({ success }) => success ? undefined : "openssl fails")
  .catch(() => "openssl is not here");

/** Kinds of keys, how openssl makes them, and whether TLS can use them. */
const KINDS: readonly (readonly [string, readonly string[], boolean])[] = [
  ["RSA", ["rsa:2048"], true],
  ["short RSA", ["rsa:1024"], false],
  ["Ed25519", ["ed25519"], true],
  ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], true],
  ["secp256k1", ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], false],
];

Deno.test({
  name: `identityFromFiles() takes every kind of key that TLS takes, no other${
    NEEDS_OPENSSL === undefined ? "" : ` (skipped: ${NEEDS_OPENSSL})`
  }`,
  ignore: NEEDS_OPENSSL !== undefined,
  async fn() {
    await using folder = await tempDir();
    const paths = {
      certificate: `${folder.path}/cert.pem`,
      key: `${folder.path}/key.pem`,
    };
    for (const [, args, isUsable] of KINDS) {
      const made = await new Deno.Command("openssl", {
        args: [
          ...["req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=x"],
          ...["-keyout", paths.key, "-out", paths.certificate],
          ...["-newkey", ...args],
        ],
      }).output();
      assert(made.success, new TextDecoder().decode(made.stderr));
      if (isUsable) {
        const identity = await identityFromFiles(paths);
        tlsNetwork(tcpNetwork, { identity: () => identity })
          .listen({ hostname: "127.0.0.1", port: 0 }).close();
      } else {
        await assertRefused(() => identityFromFiles(paths), "key", "of a kind");
      }
    }
  },
});
