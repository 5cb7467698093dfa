import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  addKnownHost,
  formatFingerprint,
  IdentityError,
  KnownHosts,
  readKnownHosts,
} from "../../lib/identity/mod.ts";
import { DenoDisk } from "../../lib/storage/mod.ts";
import { tempDir } from "../helpers/temp_dir.ts";

/** Fingerprints that differ. */
function print(number: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(32).fill(number);
}

const [ONE, TWO] = [print(1), print(2)].map(formatFingerprint);

Deno.test("KnownHosts.parse() reads servers, and tells on which line", () => {
  const known = KnownHosts.parse(
    `# mine\n\nfiles.example:65430 ${ONE}\r\n\t[2001:DB8::1]:7  ${TWO}   # old\nfiles.example:65430 ${TWO}\n[fe80::1%eth0]:1 ${ONE}`,
  );
  assertEquals(known.problems, []);
  assertEquals(known.hosts.length, 4);
  assertEquals(known.find("Files.Example:65430")?.line, 3);
  assertEquals(known.find("files.example:65430")?.fingerprint, print(1));
  assertEquals(known.find("[2001:db8::1]:7")?.line, 4);
  assertEquals(known.find("files.example:1"), undefined);
});

/** Lines that make no sense, and what is said of them. */
const DAMAGED: readonly (readonly [string, string])[] = [
  ["rubbish", "HOST:PORT"],
  [`files.example ${ONE}`, "HOST:PORT"],
  [`files.example:0 ${ONE}`, "HOST:PORT"],
  [`files.example:65536 ${ONE}`, "HOST:PORT"],
  [`files.example:1a ${ONE}`, "HOST:PORT"],
  [`2001:db8::1:7 ${ONE}`, "HOST:PORT"],
  ["files.example:1", "missing"],
  ["files.example:1 SHA256:abc", "43 letters"],
  [`files.example:1 ${ONE}x`, "43 letters"],
  [`files.example:1 ${ONE} more`, "behind the fingerprint"],
  [`${"x".repeat(2000)}:1 ${ONE}`, "too long"],
];

Deno.test("KnownHosts.parse() says what is wrong with a line", () => {
  for (const [line, reason] of DAMAGED) {
    const known = KnownHosts.parse(`# one\n${line}\nh:1 ${ONE}\n`);
    assertEquals(known.problems.length, 1, line);
    assertEquals(known.problems[0]?.line, 2);
    assert(known.problems[0]?.reason.includes(reason), line);
    assertEquals(known.hosts.length, 1);
  }
});

Deno.test("readKnownHosts() knows nobody without a file, and trusts no damaged one", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/ferry/known_hosts`;
  const disk = new DenoDisk();
  assertEquals((await readKnownHosts(path, disk)).hosts, []);
  await addKnownHost(path, { host: "h:1", fingerprint: print(1) });
  await Deno.writeTextFile(path, "h:2 SHA256:cut", { append: true });
  const damaged = [
    () => readKnownHosts(path, disk),
    () => addKnownHost(path, { host: "h:3", fingerprint: print(1) }),
  ];
  for (const use of damaged) {
    const error = await assertRejects(use, IdentityError, "line 3 of");
    assertEquals(error.kind, "known-hosts");
    assert(error.message.includes(path));
  }
});

Deno.test("addKnownHost() keeps what is there, also without a last line end", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/known_hosts`;
  await Deno.writeTextFile(path, `# by hand\nh:1 ${ONE} # desk`);
  const added = await addKnownHost(path, {
    host: "H:2",
    fingerprint: print(2),
  });
  assertEquals(added, print(2));
  assertEquals(
    await Deno.readTextFile(path),
    `# by hand\nh:1 ${ONE} # desk\nh:2 ${TWO}\n`,
  );
  const known = await addKnownHost(path, {
    host: "h:1",
    fingerprint: print(9),
  });
  assertEquals(known, print(1), "what is known stays");
  if (Deno.build.os !== "windows") {
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  }
  const names = await Array.fromAsync(Deno.readDir(folder.path));
  assertEquals(names.map(({ name }) => name).sort(), [
    "known_hosts",
    "known_hosts.lock",
  ]);
});

Deno.test("addKnownHost() loses nothing of several at once", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/ferry/known_hosts`;
  const hosts = Array.from({ length: 12 }, (_, index) => `h:${index + 1}`);
  await Promise.all(
    hosts.map((host, index) =>
      addKnownHost(path, { host, fingerprint: print(index) })
    ),
  );
  const known = await readKnownHosts(path, new DenoDisk());
  for (const [index, host] of hosts.entries()) {
    assertEquals(known.find(host)?.fingerprint, print(index), host);
  }
});
