import { assert, assertEquals, assertThrows } from "@std/assert";
import { generateKeyPair } from "../../lib/accounts/mod.ts";
import { verifySignature } from "../../lib/accounts/ssh_key.ts";
import { FerryError, LogInProblemError } from "../../lib/client/mod.ts";
import {
  logInBody,
  type LogInOptions,
  type LogInPlace,
} from "../../lib/client/log_in.ts";
import { keyLogInMessage } from "../../lib/protocol/mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const { pair } = generateKeyPair(new SeededRandom(1));
const CERTIFICATE = new Uint8Array(32).fill(9);

function place(changes: Partial<LogInPlace> = {}): LogInPlace {
  return {
    hostname: "127.0.0.1",
    nonce: new Uint8Array(32).fill(1),
    greeting: {
      version: 1,
      agent: "x",
      nonce: new Uint8Array(32).fill(2),
      methods: ["password", "key", "anonymous"],
    },
    certificate: undefined,
    ...changes,
  };
}

const offering = (...methods: string[]): LogInPlace => ({
  ...place(),
  greeting: { ...place().greeting, methods },
});

/** What is not even tried, and why. */
const REFUSED: ReadonlyArray<
  readonly [problem: string, options: LogInOptions, at: LogInPlace]
> = [
  ["no-user", {}, offering("password", "key")],
  ["no-secret", { user: "a" }, place()],
  ["not-offered", { user: "a", password: "p" }, offering("key")],
  ["not-offered", { user: "a", identity: pair }, offering("password")],
  ["too-long", { user: "a".repeat(256), password: "p" }, place()],
  ["too-long", { user: "a", password: "p".repeat(1025) }, place()],
  [
    "plain",
    { user: "a", password: "p" },
    place({ hostname: "192.0.2.1" }),
  ],
  [
    "plain",
    { user: "a", password: "p" },
    place({ hostname: "localhost.evil" }),
  ],
];

for (const [problem, options, at] of REFUSED) {
  Deno.test(`a log-in is not tried: ${problem}, ${JSON.stringify(options).slice(0, 60)}`, () => {
    const error = assertThrows(() => logInBody(options, at), FerryError);
    assertEquals([error.code, error.side], ["login-refused", "local"]);
    assert(error.cause instanceof LogInProblemError);
    assertEquals(error.cause.problem, problem);
  });
}

Deno.test("a password is sent where nobody else can read it, or where that is meant", () => {
  const user = "a";
  const password = "p";
  const body = { method: "password", user, password };
  const far = place({ hostname: "192.0.2.1" });
  assertEquals(logInBody({ user, password }, place()), body);
  const inside = { ...far, certificate: CERTIFICATE };
  assertEquals(logInBody({ user, password }, inside), body);
  const meant = { user, password, allowPlainPassword: true };
  assertEquals(logInBody(meant, far), body);
});

Deno.test("a key comes before a password, and tells nothing that helps elsewhere", () => {
  const at = place({ hostname: "192.0.2.1", certificate: CERTIFICATE });
  const body = logInBody({ user: "a", password: "p", identity: pair }, at);
  assertEquals(body.method, "key");
  assertEquals(body.password, undefined);
  const message = keyLogInMessage({
    clientNonce: at.nonce,
    serverNonce: at.greeting.nonce,
    user: "a",
    publicKey: pair.publicKey,
    certificate: CERTIFICATE,
  });
  assert(verifySignature(pair.publicKey, message, body.signature!));
});

Deno.test("without a user nothing is shown, whatever there is", () => {
  assertEquals(logInBody({ password: "p", identity: pair }, place()), {
    method: "anonymous",
  });
});
