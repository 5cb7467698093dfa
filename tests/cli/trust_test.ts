import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runClient } from "../../lib/cli/mod.ts";
import {
  type Client,
  type ConnectOptions,
  FerryError,
} from "../../lib/client/mod.ts";
import { formatFingerprint } from "../../lib/identity/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { UntrustedError } from "../../lib/transport/mod.ts";
import { makeCertificate } from "../helpers/certificates.ts";
import { readMemory, writeMemory } from "../helpers/test_server.ts";
import {
  FakeClient,
  makeWorld,
  type World,
  type WorldOptions,
} from "./world.ts";

const PRINT = formatFingerprint(new Uint8Array(32).fill(1));
const OTHER = formatFingerprint(new Uint8Array(32).fill(2));
const HOST = "files.example:7";
const FILE = "/home/me/.config/ferry/known_hosts";
const HOME = { HOME: "/home/me" };

/** A server with a self-made certificate, behind the library. */
function server(
  shown = PRINT,
): (options: ConnectOptions) => Promise<Client> {
  return async (options: ConnectOptions): Promise<Client> => {
    const { tls, hostname, port = 0 } = options;
    const isKnown = tls?.fingerprint === shown ||
      tls?.fingerprint === undefined && await tls?.trust?.({
          hostname,
          port,
          fingerprint: shown,
          shortForm: "1 2 3",
          problem: "it vouches for itself only",
        });
    if (isKnown) return new FakeClient().client;
    const peer = {
      der: new Uint8Array(),
      fingerprint: new Uint8Array(32),
      problem: "x",
    };
    const cause = new UntrustedError(peer, "the server is not trusted");
    throw new FerryError("untrusted", cause.message, { cause });
  };
}

interface Ran {
  readonly code: number;
  readonly world: World;
  readonly disk: MemoryDisk;
  /** What is written of servers; `undefined`: nothing. */
  readonly known: string | undefined;
}

async function run(
  args: readonly string[],
  options: WorldOptions & { readonly known?: string } = {},
): Promise<Ran> {
  const disk = new MemoryDisk();
  for (const folder of ["/home", "/home/me"]) {
    await disk.makeDirectory(folder, 0o755);
  }
  if (options.known !== undefined) {
    for (const folder of ["/home/me/.config", "/home/me/.config/ferry"]) {
      await disk.makeDirectory(folder, 0o755);
    }
    await writeMemory(disk, FILE, new TextEncoder().encode(options.known));
  }
  const world = makeWorld({
    connect: server(),
    variables: HOME,
    disk,
    ...options,
  });
  const code = await runClient(args, world.environment);
  const known = await readMemory(disk, FILE).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => undefined,
  );
  return { code, world, disk, known };
}

Deno.test("an unknown server is asked about, and known from then on", async () => {
  const { code, world, known } = await run(["ls", HOST], { answer: "y" });
  assertEquals(code, 0);
  const said = world.stderr.text;
  assertStringIncludes(said, `files.example:7 is not known here`);
  assertStringIncludes(said, PRINT);
  assertStringIncludes(said, "1 2 3");
  assertStringIncludes(said, "trusted from now on");
  assertEquals(
    known,
    `# Servers that ferry knows: HOST:PORT and the fingerprint of the certificate.\n${HOST} ${PRINT}\n`,
  );
  const again = await run(["ls", HOST], { known: known! });
  assertEquals([again.code, again.world.stderr.text], [0, ""]);
});

Deno.test("an unknown server is not trusted without a yes, with code 3", async () => {
  for (const answer of ["n", "", "yo"]) {
    const { code, world, known } = await run(["ls", HOST], { answer });
    assertEquals([code, known], [3, undefined]);
    assertStringIncludes(world.stderr.text, "you did not trust it");
  }
  const cases = [
    run(["ls", HOST]),
    run(["ls", "--json", HOST], { answer: "y" }),
  ];
  for (const { code, world, known } of await Promise.all(cases)) {
    assertEquals([code, known], [3, undefined]);
    const said = world.stderr.text + world.stdout.text;
    assertStringIncludes(said, "--accept-new");
    assertStringIncludes(said, "--fingerprint");
  }
});

Deno.test("--accept-new trusts an unknown server, and never a changed one", async () => {
  const { code, known } = await run(["ls", "--accept-new", HOST]);
  assertEquals(code, 0);
  assertStringIncludes(known!, `${HOST} ${PRINT}\n`);
  const changed = `# mine\n${HOST} ${OTHER}\n`;
  const refused = await run(["ls", "--accept-new", HOST], {
    known: changed,
    answer: "y",
  });
  assertEquals(refused.code, 3);
  assertEquals(refused.known, changed);
  assertStringIncludes(
    refused.world.stderr.text,
    `the trusted one is in line 2 of "${FILE}"`,
  );
});

Deno.test("a damaged list of known servers is no reason to trust anybody", async () => {
  const { code, world } = await run(["ls", "--accept-new", HOST], {
    known: "rubbish\n",
    answer: "y",
  });
  assertEquals(code, 3);
  assertEquals(world.connects, []);
  assertStringIncludes(world.stderr.text, `line 1 of "${FILE}" makes no sense`);
});

Deno.test("--fingerprint counts more than the list of known servers", async () => {
  const known = `${HOST} ${OTHER}\n`;
  const right = await run(["ls", "--fingerprint", PRINT, HOST], { known });
  assertEquals([right.code, right.known], [0, known]);
  const wrong = await run(["ls", "--fingerprint", OTHER, HOST]);
  assertEquals(wrong.code, 3);
  assert(!wrong.world.stderr.text.includes("--accept-new"));
});

Deno.test("a server that cannot be written down is trusted this time", async () => {
  const { code, world } = await run(["ls", "--accept-new", HOST], {
    variables: {},
  });
  assertEquals(code, 0);
  assertStringIncludes(world.stderr.text, "this time only");
});

Deno.test("--ca takes a file with certificates, and asks nobody", async () => {
  const { certificate } = await makeCertificate({ isAuthority: true });
  const disk = new MemoryDisk();
  await writeMemory(disk, "/ca.pem", new TextEncoder().encode(certificate));
  await writeMemory(disk, "/cut.pem", new TextEncoder().encode("-----BEGIN"));
  const args = ["ls", "--ca", "/ca.pem", HOST];
  const { code, world } = await run(args, { disk, answer: "y" });
  assertEquals(code, 3);
  assertEquals(world.connects[0]?.tls?.ca?.trim(), certificate.trim());
  assertEquals(world.connects[0]?.tls?.trust, undefined);
  assertStringIncludes(world.stderr.text, "no other authority counts");
  for (const [file, reason] of [["/cut.pem", "no whole"], ["/x", "/x"]]) {
    const bad = await run(["ls", "--ca", file!, HOST], { disk });
    assertEquals([bad.code, bad.world.connects], [2, []]);
    assertStringIncludes(bad.world.stderr.text, reason!);
  }
});

Deno.test("on Windows the known servers are in APPDATA", async () => {
  const disk = new MemoryDisk();
  await run(["ls", "--accept-new", HOST], {
    disk,
    isWindows: true,
    variables: { APPDATA: "/roaming" },
  });
  const names: string[] = [];
  for await (const { name } of disk.list("/")) names.push(name);
  assert(names.some((name) => name.includes("roaming")), names.join());
});
