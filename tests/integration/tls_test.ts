/** TLS as people use it: both programs, real sockets, real files. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { identityFromPem } from "../../lib/identity/mod.ts";
import { makeAuthority, makeCertificate } from "../helpers/certificates.ts";
import { ManInTheMiddle } from "../helpers/man_in_the_middle.ts";
import {
  listening,
  READER_PERMISSIONS,
  type ServerProgram,
  writerPermissions,
} from "../helpers/spawn_main.ts";
import {
  NEEDS_UNIX,
  randomBytes,
  type Scene,
  sceneTest,
  until,
} from "./scene.ts";

/** A `ferryd` inside TLS that keeps its identity. */
async function tlsServer(
  scene: Scene,
  args: readonly string[] = ["--state", `${scene.base}/ferryd`],
): Promise<ServerProgram> {
  const permissions = writerPermissions(`${scene.root},${scene.base}/ferryd`);
  return await listening(scene.spawn("server", [
    ...["-l", "tls://127.0.0.1:0", ...args],
    scene.root,
  ], { permissions }));
}

/** The fingerprint that a server names at its start. */
async function fingerprintOf(server: ServerProgram): Promise<string> {
  const [, fingerprint = ""] = await server.says(
    /identity is (SHA256:\S{43})/,
    "stderr",
  );
  return fingerprint;
}

function address({ port }: ServerProgram): { hostname: string; port: number } {
  return { hostname: "127.0.0.1", port };
}

sceneTest(
  "both programs speak TLS, and know each other again",
  async (scene) => {
    const server = await tlsServer(scene);
    const fingerprint = await fingerprintOf(server);
    const { stderr } = await scene.ferry(["ls", server.host], { code: 3 });
    assertMatch(stderr, /is not known: it vouches for itself only/);
    assert(stderr.includes(fingerprint));
    await scene.file("a.bin", randomBytes(1, 3_000_000));
    await scene.ferry(["put", "--accept-new", server.host, "a.bin"]);
    assertEquals(
      await Deno.readTextFile(scene.knownHosts),
      `# Servers that ferry knows: HOST:PORT and the fingerprint of the certificate.\n127.0.0.1:${server.port} ${fingerprint}\n`,
    );
    await scene.ferry(["get", server.host, "a.bin", "-o", "back"]);
    assertEquals(
      await Deno.readFile(`${scene.local}/back`),
      await Deno.readFile(`${scene.local}/a.bin`),
    );
    const { stdout } = await scene.ferry(["info", server.host]);
    assertMatch(stdout, /inside TLS 1\.3\nIdentity {4}SHA256:/);
    const plain = server.host.replace("tls://", "");
    await scene.fails(
      ["ls", plain],
      3,
      `Cannot connect to ${plain}: the server speaks TLS on this port; use tls:// instead of tcp://`,
    );
    await server.says(/code=tls|does not speak TLS/, "stderr");
    // The next run shows the same certificate; another folder another one.
    server.kill("SIGTERM");
    await server.ended;
    const shown = await scene.spawn("server", [
      ...[
        "identity",
        "--log-format",
        "json",
        "--state",
        `${scene.base}/ferryd`,
      ],
    ], { permissions: writerPermissions(`${scene.base}/ferryd`) }).ended;
    assertEquals(JSON.parse(shown.stdout).fingerprint, fingerprint);
    assertEquals(shown.code, 0);
  },
);

sceneTest(
  "ferryd says tls:// beyond this machine without being asked",
  async (scene) => {
    const server = scene.spawn("server", [
      ...["-l", "0.0.0.0:0", "--log-format", "json", scene.root],
    ], { permissions: READER_PERMISSIONS });
    const [line] = await server.says(/^\{"event":"listening".*\}$/m, "stdout");
    const { scheme, port, fingerprint } = JSON.parse(line);
    assertEquals(scheme, "tls");
    assertMatch(fingerprint, /^SHA256:\S{43}$/);
    await server.says(/made for this run only/, "stderr");
    const host = `tls://127.0.0.1:${port}`;
    const { stderr } = await scene.ferry(
      ["ls", "--fingerprint", fingerprint, host],
      { code: 4 },
    );
    assertMatch(stderr, /users without an account may do nothing here/);
  },
);

sceneTest(
  "a changed identity is refused, and the line named",
  async (scene) => {
    const first = await tlsServer(scene);
    await scene.ferry(["ls", "--accept-new", first.host]);
    const known = await Deno.readTextFile(scene.knownHosts);
    first.kill("SIGTERM");
    await first.ended;
    const second = await tlsServer(scene, [
      "--state",
      `${scene.base}/ferryd/2`,
    ]);
    await Deno.writeTextFile(
      scene.knownHosts,
      known.replace(`:${first.port} `, `:${second.port} `),
    );
    const { stderr } = await scene.ferry(
      ["ls", "--accept-new", second.host],
      { code: 3 },
    );
    assertMatch(stderr, /shows another identity, SHA256:.*than the one/);
    assert(stderr.includes(`line 2 of "${scene.knownHosts}"`), stderr);
  },
);

sceneTest(
  "a man in the middle is refused with --fingerprint, on both kinds of connections",
  async (scene) => {
    const server = await tlsServer(scene);
    const fingerprint = await fingerprintOf(server);
    await scene.file("a.txt", "secret");
    const impostor = identityFromPem(await makeCertificate(), Date.now());
    for (const first of [0, 1]) {
      await using attacker = new ManInTheMiddle(
        address(server),
        impostor,
        (index) => index >= first,
      );
      const host = `tls://127.0.0.1:${attacker.address.port}`;
      const args = ["put", "--retries", "0", "--fingerprint", fingerprint];
      const { stderr } = await scene.ferry([...args, host, "a.txt"], {
        code: 3,
      });
      assertMatch(stderr, /another identity|not its own/);
      assertEquals(attacker.read, 0);
    }
  },
);

sceneTest(
  "an authority in DENO_CERT helps no man in the middle, but on data as ferry.invalid",
  async (scene) => {
    const server = await tlsServer(scene);
    const fingerprint = await fingerprintOf(server);
    const authority = await makeAuthority();
    const trusted = `${scene.base}/authority.pem`;
    await Deno.writeTextFile(trusted, authority.certificate);
    await scene.file("a.txt", "secret");
    /** The name that it signs for, the connection it attacks first, and whether that works. */
    const attacks: readonly (readonly [string, number, boolean])[] = [
      ["127.0.0.1", 0, false],
      ["ferry.invalid", 0, false],
      ["127.0.0.1", 1, false],
      ["ferry.invalid", 1, true],
    ];
    for (const [name, first, isIn] of attacks) {
      const made = await makeCertificate({ names: [name], issuer: authority });
      await using attacker = new ManInTheMiddle(
        address(server),
        identityFromPem(made, Date.now()),
        (index) => index >= first,
      );
      const host = `tls://127.0.0.1:${attacker.address.port}`;
      const args = ["put", "--on-conflict", "overwrite", "--retries", "0"];
      await scene.ferry(
        [...args, "--fingerprint", fingerprint, host, "a.txt"],
        {
          code: isIn ? 0 : 3,
          env: { DENO_CERT: trusted },
        },
      );
      assertEquals(attacker.read > 0, isIn, `${name}, connection ${first}`);
    }
  },
);

sceneTest(
  "--cert and --key show what an authority vouches for, --ca trusts it",
  async (scene) => {
    const authority = await makeAuthority();
    const other = await makeAuthority();
    await scene.file("ca.pem", authority.certificate);
    await scene.file("other.pem", other.certificate);
    const leaf = await makeCertificate({
      names: ["127.0.0.1"],
      issuer: authority,
    });
    await scene.file("cert.pem", leaf.certificate);
    await scene.file("key.pem", leaf.key);
    const files = ["--cert", "cert.pem", "--key", "key.pem"];
    const server = await tlsServer(scene, files);
    await scene.ferry(["ls", "--ca", "ca.pem", server.host]);
    const { stderr } = await scene.ferry([
      "ls",
      "--ca",
      "other.pem",
      server.host,
    ], {
      code: 3,
    });
    assertMatch(stderr, /authority is not known here.*no other authority/);
    // With the authority in the trust store nobody needs to be asked.
    const env = { DENO_CERT: `${scene.local}/ca.pem` };
    await scene.file("a.txt", "a");
    await scene.ferry(["put", server.host, "a.txt"], { env });
  },
);

sceneTest(
  "ferryd says what is wrong with its certificate, and does not start",
  async (scene) => {
    const [good, other] = [await makeCertificate(), await makeCertificate()];
    const expired = await makeCertificate({ notAfter: new Date(86_400_000) });
    const half = good.certificate.slice(0, 200);
    const cases: readonly (readonly [string, string, RegExp])[] = [
      [good.certificate, other.key, /"key.pem" is not the key of "cert.pem"/],
      [
        expired.certificate,
        expired.key,
        /"cert.pem" has expired on .*renew it/,
      ],
      [half, good.key, /"cert.pem" begins and does not end/],
      [good.certificate, "", /"key.pem" holds no whole private key/],
    ];
    for (const [certificate, key, words] of cases) {
      await scene.file("cert.pem", certificate);
      await scene.file("key.pem", key);
      for (const command of [[], ["check"]]) {
        const { code, stderr, stdout } = await scene.spawn("server", [
          ...command,
          ...["-l", "tls://127.0.0.1:0", "--cert", "cert.pem"],
          ...["--key", "key.pem", scene.root],
        ], { permissions: READER_PERMISSIONS }).ended;
        assertEquals([code, stdout], [1, ""]);
        assertMatch(stderr, words);
        assertEquals(stderr.includes("BEGIN PRIVATE"), key === "");
      }
    }
  },
);

sceneTest(
  "SIGHUP shows a renewed certificate, and ends no session",
  async (scene) => {
    const authority = await makeAuthority();
    await scene.file("ca.pem", authority.certificate);
    const renew = async (): Promise<string> => {
      const made = await makeCertificate({
        names: ["127.0.0.1"],
        issuer: authority,
      });
      await scene.file("cert.pem", made.certificate);
      await scene.file("key.pem", made.key);
      return identityFromPem(made, Date.now()).fingerprintText;
    };
    await renew();
    const files = ["--cert", "cert.pem", "--key", "key.pem"];
    const server = await tlsServer(scene, files);
    await scene.file("large.bin", randomBytes(7, 4_000_000));
    const slow = scene.start([
      ...["put", "--ca", "ca.pem", "--limit-rate", "2M", "--retries", "0"],
      ...["--progress", "never", server.host, "large.bin"],
    ]);
    await server.says(/Log-in of anonymous/, "stderr");
    const renewed = await renew();
    server.kill("SIGHUP");
    await server.says(
      new RegExp(`new sessions, which see ${renewed.replaceAll("+", "\\+")}`),
      "stderr",
    );
    const { stdout } = await scene.ferry([
      "--json",
      "info",
      "--ca",
      "ca.pem",
      server.host,
    ]);
    assertEquals(JSON.parse(stdout).fingerprint, renewed);
    assertEquals((await slow.ended).code, 0, slow.transcript);
    await scene.file("key.pem", "rubbish");
    server.kill("SIGHUP");
    await server.says(/Kept everything as it was.*key\.pem/, "stderr");
    await scene.ferry(["ls", "--ca", "ca.pem", server.host]);
  },
  NEEDS_UNIX,
);

/** Why `openssl` cannot be asked. */
const NEEDS_OPENSSL: string | undefined = await new Deno.Command("openssl", {
  args: ["version"],
  stdout: "null",
  stderr: "null",
}).output().then(({ success }) => success ? undefined : "openssl fails")
  .catch(() => "openssl is not here");

sceneTest(
  "openssl s_client is given TLS 1.3, and nothing older",
  async (scene) => {
    const server = await tlsServer(scene);
    const ask = async (...args: string[]): Promise<string> => {
      const { stdout, stderr } = await new Deno.Command("openssl", {
        args: ["s_client", "-connect", `127.0.0.1:${server.port}`, ...args],
        stdin: "null",
      }).output();
      return new TextDecoder().decode(stdout) +
        new TextDecoder().decode(stderr);
    };
    assertMatch(await ask(), /^New, TLSv1\.3, Cipher is TLS_/m);
    assertMatch(await ask("-tls1_2"), /alert|Cipher is \(NONE\)/);
  },
  NEEDS_OPENSSL,
);

sceneTest(
  "two clients that meet a server at once lose nothing of each other",
  async (scene) => {
    const servers = [
      await tlsServer(scene),
      await tlsServer(scene, ["--state", `${scene.base}/ferryd/2`]),
    ];
    await Promise.all(
      servers.map(({ host }) => scene.ferry(["ls", "--accept-new", host])),
    );
    await until("both to be known", async () => {
      const text = await Deno.readTextFile(scene.knownHosts);
      return servers.every(({ port }) => text.includes(`127.0.0.1:${port} `));
    });
  },
);
