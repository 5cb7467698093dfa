import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AccountBook,
  AccountsError,
  addKey,
  addUser,
  EMPTY_USERS_FILE,
  generateKeyPair,
  hashPassword,
  LogInError,
  type UsersEdit,
} from "../../lib/accounts/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClock } from "../helpers/fake_clock.ts";
import { QuickDerive } from "../helpers/quick_derive.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";

const PATH = "/users.jsonc";
const COST = { ln: 15, r: 8, p: 3 };
const HERE = "192.0.2.1";
const MESSAGE = new TextEncoder().encode("this log-in");
const ALICE_KEY = generateKeyPair(new SeededRandom(11)).pair;
const OTHER_KEY = generateKeyPair(new SeededRandom(12)).pair;

async function text(ln = COST.ln): Promise<string> {
  const { derive } = new QuickDerive();
  const random = new SeededRandom(3);
  const cost = { ...COST, ln };
  const password = await hashPassword("correct horse", random, {
    derive,
    cost,
  });
  const rights = ["list"] as const;
  const user = { rights, root: undefined, key: undefined };
  const edits: UsersEdit[] = [
    addUser("alice", { ...user, password }),
    addKey("alice", { bytes: ALICE_KEY.publicKey, comment: "" }),
    addUser("keyless", { ...user, password }),
    addUser("bob", { ...user, password: undefined }),
  ];
  return edits.reduce((text, edit) => edit(text), EMPTY_USERS_FILE);
}

async function open(content?: string) {
  const disk = new MemoryDisk();
  await writeMemory(
    disk,
    PATH,
    new TextEncoder().encode(content ?? await text()),
  );
  const clock = new FakeClock();
  const quick = new QuickDerive();
  const failures: string[] = [];
  const book = new AccountBook({
    disk,
    clock,
    random: new SeededRandom(1),
    path: PATH,
    derive: quick.derive,
    cost: COST,
    onUpgradeFailed: (user) => failures.push(user),
  });
  const logIn = (user: string, password: string, from = HERE) =>
    book.verify({ method: "password", user, password }, from);
  const problem = async (user: string, password: string, from = HERE) =>
    (await assertRejects(() => logIn(user, password, from), LogInError))
      .problem;
  return { disk, clock, quick, book, logIn, problem, failures };
}

function byKey(
  user: string,
  change: Partial<Parameters<AccountBook["verify"]>[0]> = {},
) {
  return {
    method: "key" as const,
    user,
    publicKey: ALICE_KEY.publicKey,
    message: MESSAGE,
    signature: ALICE_KEY.sign(MESSAGE),
    ...change,
  } as Parameters<AccountBook["verify"]>[0];
}

Deno.test("AccountBook lets in who knows the password, and nobody else", async () => {
  const at = await open();
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
  assertEquals(await at.problem("alice", "wrong"), "wrong");
  assertEquals(await at.problem("alice", ""), "wrong");
  assertEquals(await at.problem("Alice", "correct horse"), "wrong");
  assertEquals(await at.problem("bob", "correct horse"), "wrong");
  assertEquals(await at.problem("mallory", "correct horse"), "wrong");
});

Deno.test("AccountBook takes a password however its letters are composed", async () => {
  const { derive } = new QuickDerive();
  const password = await hashPassword("k\u00f6nigin!", new SeededRandom(3), {
    derive,
    cost: COST,
  });
  const user = { rights: ["list"] as const, root: undefined, key: undefined };
  const at = await open(
    addUser("zo\u00eb", { ...user, password })(EMPTY_USERS_FILE),
  );
  const account = await at.logIn("zoe\u0308", "ko\u0308nigin!");
  assertEquals(account.name, "zo\u00eb");
});

Deno.test("AccountBook does the same work, and says the same, for those it knows and those it does not", async () => {
  const at = await open();
  const words = new Set<string>();
  for (const user of ["alice", "bob", "mallory"]) {
    const before = at.quick.calls.length;
    const error = await assertRejects(
      () => at.logIn(user, "wrong"),
      LogInError,
    );
    words.add(error.message);
    assertEquals(at.quick.calls.slice(before), [COST.ln], user);
  }
  assertEquals(words.size, 1);
});

Deno.test("AccountBook looks at no more than two passwords at once, and lets so many wait", async () => {
  const at = await open();
  const all = await Promise.allSettled(
    Array.from({ length: 100 }, (_, n) => at.logIn(`user-${n}`, "x")),
  );
  const problems = all.map((result) =>
    result.status === "rejected" && result.reason instanceof LogInError
      ? result.reason.problem
      : undefined
  );
  assertEquals(at.quick.most, 2);
  assertEquals(problems.filter((problem) => problem === "wrong").length, 34);
  assertEquals(problems.filter((problem) => problem === "busy").length, 66);
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
});

Deno.test("AccountBook locks out 1,000 wrong passwords; another user and another address are not", async () => {
  const at = await open();
  const problems: string[] = [];
  for (let count = 0; count < 1000; count++) {
    problems.push(await at.problem("alice", `guess ${count}`));
  }
  // Five are free, the sixth makes wait.
  assertEquals(problems.slice(0, 6), Array(6).fill("wrong"));
  assertEquals(new Set(problems.slice(6)), new Set(["locked"]));
  assertEquals(at.quick.calls.length, 6);
  const error = await assertRejects(() => at.logIn("alice", "correct horse"));
  assert(error instanceof LogInError && error.message.includes("in 1 s"));
  assertEquals((await at.logIn("keyless", "correct horse")).name, "keyless");
  assertEquals(
    (await at.logIn("alice", "correct horse", "192.0.2.2")).name,
    "alice",
  );
  await at.clock.advance(1000);
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
  assertEquals(await at.problem("alice", "again"), "wrong");
});

Deno.test("AccountBook locks out those who guess all at once", async () => {
  const at = await open();
  await Promise.allSettled(
    Array.from({ length: 60 }, (_, n) => at.logIn("alice", `guess ${n}`)),
  );
  // Two run at once, so one more than with one after the other may slip in.
  assert(at.quick.calls.length <= 7, `${at.quick.calls.length}`);
});

Deno.test("AccountBook renews a hash of another cost at the log-in, once", async () => {
  const at = await open(await text(14));
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
  assertEquals(at.quick.calls, [14, 15]);
  const content = new TextDecoder().decode(await readMemory(at.disk, PATH));
  assert(content.includes("$scrypt$ln=15,r=8,p=3$"), content);
  assert(content.includes("// Who may log in"), content);
  assertEquals((await at.disk.stat(PATH)).mode & 0o777, 0o600);
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
  assertEquals(at.quick.calls, [14, 15, 15]);
  assertEquals(await at.problem("alice", "wrong"), "wrong");
  assertEquals(at.failures, []);
});

Deno.test("AccountBook reads the file again when it has changed, and lets nobody in when it is broken", async () => {
  const at = await open();
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
  const replace = async (text: string) => {
    await at.disk.removeFile(PATH).catch(() => {});
    await writeMemory(at.disk, PATH, new TextEncoder().encode(text));
  };
  await replace('{ "users": {} }');
  assertEquals(await at.problem("alice", "correct horse"), "wrong");
  await replace('{ "users": {');
  assertEquals(await at.problem("alice", "correct horse"), "broken");
  await assertRejects(() => at.book.accounts(), AccountsError, "line 1");
  await at.disk.removeFile(PATH);
  assertEquals(await at.problem("alice", "correct horse"), "broken");
  await replace(await text());
  assertEquals((await at.logIn("alice", "correct horse")).name, "alice");
});

Deno.test("AccountBook lets in who has the key, and nobody else", async () => {
  const at = await open();
  assertEquals((await at.book.verify(byKey("alice"), HERE)).name, "alice");
  const wrong = [
    byKey("bob"),
    byKey("mallory"),
    byKey("keyless"),
    byKey("alice", { message: new TextEncoder().encode("another log-in") }),
    byKey("alice", { signature: OTHER_KEY.sign(MESSAGE) }),
    byKey("alice", {
      publicKey: OTHER_KEY.publicKey,
      signature: OTHER_KEY.sign(MESSAGE),
    }),
    byKey("alice", { signature: new Uint8Array(64) }),
    byKey("alice", { publicKey: new Uint8Array(32) }),
    byKey("alice", { publicKey: new Uint8Array(32).fill(0xff) }),
  ];
  for (const [at_, proof] of wrong.entries()) {
    const error = await assertRejects(
      () => at.book.verify(proof, `192.0.2.${at_}`),
      LogInError,
    );
    assertEquals(error.problem, "wrong");
  }
  assertEquals(at.quick.calls, []);
});
