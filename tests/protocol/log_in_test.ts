import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createPublicKey, verify } from "node:crypto";
import { keyLogInMessage } from "../../lib/protocol/mod.ts";
import { LOG_INS } from "./vectors.ts";

for (const vector of LOG_INS) {
  Deno.test(`what a log-in by key signs: ${vector.name}`, () => {
    const bytes = keyLogInMessage({
      clientNonce: Uint8Array.fromHex(vector.clientNonce),
      serverNonce: Uint8Array.fromHex(vector.serverNonce),
      user: vector.user,
      publicKey: Uint8Array.fromHex(vector.publicKey),
      certificate: vector.certificate === null
        ? undefined
        : Uint8Array.fromHex(vector.certificate),
    });
    assertEquals(bytes.toHex(), vector.message);
    const key = createPublicKey({
      format: "jwk",
      key: {
        kty: "OKP",
        crv: "Ed25519",
        x: Uint8Array.fromHex(vector.publicKey)
          .toBase64({ alphabet: "base64url", omitPadding: true }),
      },
    });
    assert(verify(null, bytes, key, Uint8Array.fromHex(vector.signature)));
  });
}

Deno.test("keyLogInMessage differs in whatever the log-in differs in", () => {
  const base = {
    clientNonce: new Uint8Array(32).fill(1),
    serverNonce: new Uint8Array(32).fill(2),
    user: "alice",
    publicKey: new Uint8Array(32).fill(3),
    certificate: new Uint8Array(32).fill(4),
  };
  const others = [
    { ...base, clientNonce: new Uint8Array(32).fill(9) },
    { ...base, serverNonce: new Uint8Array(32).fill(9) },
    { ...base, user: "alic" },
    { ...base, publicKey: new Uint8Array(32).fill(9) },
    { ...base, certificate: new Uint8Array(32).fill(9) },
    { ...base, certificate: undefined },
  ];
  for (const other of others) {
    assertNotEquals(keyLogInMessage(other), keyLogInMessage(base));
  }
});
