import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AccountsError,
  formatPublicKey,
  generateKeyPair,
  keyFingerprint,
  parsePrivateKey,
  parsePublicKey,
} from "../../lib/accounts/mod.ts";
import { verifySignature } from "../../lib/accounts/ssh_key.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

/** Made by `ssh-keygen -t ed25519` for this test. */
const OPENSSH = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACA6tNR66YOms1TIwI+hJiJ1ikoYpaeBBHXzjKThnB7ACAAAAJAo+Bo5KPga
OQAAAAtzc2gtZWQyNTUxOQAAACA6tNR66YOms1TIwI+hJiJ1ikoYpaeBBHXzjKThnB7ACA
AAAED9SBrNqkiUebGa5cZS7OxFXAaZESCNk+fKHMuRDA715Dq01Hrpg6azVMjAj6EmInWK
Shilp4EEdfOMpOGcHsAIAAAADHNvbWVvbmVAdGVzdAE=
-----END OPENSSH PRIVATE KEY-----
`;
const OPENSSH_PUBLIC =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDq01Hrpg6azVMjAj6EmInWKShilp4EEdfOMpOGcHsAI someone@test";
const OPENSSH_FINGERPRINT =
  "SHA256:o5/xJb777XyXdOO0HXTsk3cEv7OT+0xHHoMsIUmIdU0";

/** The same with a passphrase. */
const ENCRYPTED = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABABL7OAdq
qEmg0+sRaCk7GuAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIF4dMGts+UMtD3DA
SBo/h7or4fS2Ysu7jDoaoGEbPXuXAAAAkItZCPthwUvHA6lUA/l3QorrlzmUhdIezT+LqB
cWjMwvcbASSyAPKgUqHTvj+BrFY1aIKKHeULeO1AK5mgmoAW5neMeSXvlGTtWG+L4nNFym
Uf3ai/YSUzWHtAqgCsznsBvEeHs0Tac3KXfpNems2c3CLYwND8HexenXk7qZ70CU8DKq/e
ZRzn+8BUIn2S8pvQ==
-----END OPENSSH PRIVATE KEY-----
`;

Deno.test("a key of ssh-keygen is read, and means the same here", () => {
  const pair = parsePrivateKey(OPENSSH);
  const line = parsePublicKey(`${OPENSSH_PUBLIC}\n`);
  assertEquals(pair.publicKey, line.bytes);
  assertEquals(line.comment, "someone@test");
  assertEquals(formatPublicKey(line), OPENSSH_PUBLIC);
  assertEquals(keyFingerprint(line.bytes), OPENSSH_FINGERPRINT);
  const message = new TextEncoder().encode("message");
  assert(verifySignature(line.bytes, message, pair.sign(message)));
  message[0]! ^= 1;
  assert(!verifySignature(line.bytes, message, pair.sign(new Uint8Array(7))));
});

Deno.test("generateKeyPair() gives what parsePrivateKey() reads", () => {
  const { pair, pem } = generateKeyPair(new SeededRandom(1));
  assert(pem.startsWith("-----BEGIN PRIVATE KEY-----\n"), pem);
  assertEquals(parsePrivateKey(pem).publicKey, pair.publicKey);
  const other = generateKeyPair(new SeededRandom(2)).pair;
  const message = new Uint8Array(3);
  assert(!verifySignature(pair.publicKey, message, other.sign(message)));
});

Deno.test("parsePublicKey() says what is wrong with a line, and takes nothing dangerous into the comment", () => {
  const [type, base64] = OPENSSH_PUBLIC.split(" ");
  const bytes = Uint8Array.fromBase64(base64!);
  const cases: ReadonlyArray<readonly [line: string, part: string]> = [
    ["", "is a line such as"],
    ["hello", "is a line such as"],
    [`from="192.0.2.1" ${OPENSSH_PUBLIC}`, "without options"],
    ["ssh-rsa AAAAB3NzaC1yc2E", "only ssh-ed25519"],
    ["ecdsa-sha2-nistp256 AAAA", "only ssh-ed25519"],
    ["sk-ssh-ed25519@openssh.com AAAA", "only ssh-ed25519"],
    [type!, "damaged or cut off"],
    [`${type} !!!`, "damaged or cut off"],
    [`${type} ${base64!.slice(0, -4)}`, "damaged or cut off"],
    [`${type} ${new Uint8Array([...bytes, 0]).toBase64()}`, "damaged"],
    [`${type} ${bytes.slice(0, 10).toBase64()}`, "damaged or cut off"],
    [`${OPENSSH_PUBLIC}\n${OPENSSH_PUBLIC}`, "one line"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----", "private key"],
    [`${type} ${"A".repeat(20_000)}`, "one line"],
  ];
  for (const [line, part] of cases) {
    const error = assertThrows(() => parsePublicKey(line), AccountsError);
    assert(error.message.includes(part), `${line}: ${error.message}`);
  }
  const { comment } = parsePublicKey(`${type}\t${base64}  a\x1b[2J\u202eb c`);
  assertEquals(comment, "a[2Jb c");
});

Deno.test("parsePrivateKey() says what is wrong with a file, and nothing of what is in it", () => {
  const lines = OPENSSH.split("\n");
  const cases: ReadonlyArray<readonly [text: string, part: string]> = [
    ["", "no private key"],
    [OPENSSH_PUBLIC, "public key"],
    [ENCRYPTED, "passphrase"],
    [
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
      "passphrase",
    ],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
      "no Ed25519",
    ],
    [
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
      "can be read",
    ],
    [lines.toSpliced(3, 1).join("\n"), "damaged or cut off"],
    [lines.slice(0, 4).join("\n"), "no private key"],
    [OPENSSH.replace("AAAED9SBr", "AAAED9SBs"), "damaged or cut off"],
    ["x".repeat(20_000), "too large"],
  ];
  for (const [text, part] of cases) {
    const error = assertThrows(() => parsePrivateKey(text), AccountsError);
    assert(error.message.includes(part), `${text}: ${error.message}`);
    for (const line of lines.slice(1, -2)) {
      assert(!error.message.includes(line.slice(0, 20)), error.message);
    }
  }
});
