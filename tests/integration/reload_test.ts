/** SIGHUP: configuration, accounts and certificate count together, or not at all. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../helpers/certificates.ts";
import { NEEDS_UNIX, type Scene, sceneTest, until } from "./scene.ts";

async function configure(scene: Scene, settings: Record<string, unknown>) {
  await scene.file("ferryd.jsonc", JSON.stringify(settings, null, 1));
}

sceneTest(
  "SIGHUP has all files count together, or leaves everything as it was",
  async (scene) => {
    const { certificate, key } = await makeCertificate();
    await scene.file("cert.pem", certificate);
    await scene.file("key.pem", key);
    await scene.file("users.jsonc", '{ "users": {} }');
    const users = `${scene.local}/users.jsonc`;
    await Deno.chmod(users, 0o600);
    const settings = {
      ...{ listen: ["127.0.0.1:0", "tls://127.0.0.1:0"] },
      ...{ users: "users.jsonc", cert: "cert.pem", key: "key.pem" },
    };
    await configure(scene, { ...settings, anonymous: "none" });
    const server = await scene.server({
      args: ["-l", "127.0.0.1:0", "--config", "ferryd.jsonc"],
    });
    let seen = 0;
    const news = (): string => server.stderr.slice(seen);
    const hup = async (words: RegExp): Promise<string> => {
      seen = server.stderr.length;
      server.kill("SIGHUP");
      await until(`${words}`, () => words.test(news()));
      return news();
    };
    await scene.ferry(["ls", server.host], { code: 4 });

    await configure(scene, { ...settings, anonymous: "write" });
    await hup(/they count for new sessions/);
    await scene.file("a.bin", new Uint8Array(3_000_000));
    const slow = scene.start([
      ...["put", "--limit-rate", "1M", "--retries", "0"],
      ...["--progress", "never", server.host, "a.bin"],
    ]);
    await server.says(/Log-in of anonymous/, "stderr");

    // Each of the files by itself stops all of them; the line says which and where.
    const good = { ...settings, anonymous: "read" };
    await scene.file(
      "ferryd.jsonc",
      '{\n "anonymous": "read",\n "lisen": [] }',
    );
    let said = await hup(/Kept everything as it was/);
    assertMatch(said, /ferryd\.jsonc.*line 3.*lisen.*did you mean/);
    assertEquals(said.trim().split("\n").length, 1, said);

    await configure(scene, good);
    await scene.file("users.jsonc", '{ "users": {},\n "bob": {} }');
    said = await hup(/Kept everything as it was/);
    assertMatch(said, /users\.jsonc.*line 2.*bob/);
    await scene.file("users.jsonc", '{ "users": {} }');

    await configure(scene, { ...good, hook: ["/bin/true"] });
    said = await hup(/Kept everything as it was/);
    assertMatch(said, /--allow-run/);

    await scene.ferry(["put", server.host, "a.bin", "-o", "still.bin"]);
    assertEquals((await slow.ended).code, 0, slow.transcript);

    // What needs a restart is named, and the rest counts.
    await configure(scene, {
      ...{ ...good, state: "elsewhere", quiet: true },
      listen: ["127.0.0.1:1"],
    });
    said = await hup(/needs a restart/);
    assertMatch(said, /Kept "state" as before/);
    await scene.ferry(["put", server.host, "a.bin", "-o", "no.bin"], {
      code: 4,
    });
    const { stdout } = await scene.ferry(["ls", server.host]);
    assert(stdout.includes("still.bin"));
    assertEquals(/Log-in of/.test(news()), false, "it is quiet now");
  },
  NEEDS_UNIX,
);

sceneTest(
  "SIGHUP ends no server that has nothing to read",
  async (scene) => {
    const server = await scene.server();
    server.kill("SIGHUP");
    await server.says(/they count for new sessions\n/, "stderr");
    await scene.ferry(["ls", server.host]);
  },
  NEEDS_UNIX,
);
