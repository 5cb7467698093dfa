/**
 * Names that are taken: by what was there before, and by somebody who wants the
 * same name at the same moment.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  CHUNK,
  Gate,
  publicTree,
  randomBytes,
  sceneTest,
  settles,
  until,
} from "./scene.ts";

const TAKEN = "use --on-conflict overwrite, rename or skip";

sceneTest("put decides about a taken name in all four ways", async (scene) => {
  const { host } = await scene.server();
  await scene.file("a.txt", "new\n");
  await scene.served("a.txt", "old\n");
  const old = () => Deno.readTextFile(`${scene.root}/a.txt`);
  const line = `Cannot put "a.txt": exists already on ${host} (${TAKEN})`;
  await scene.fails(["put", host, "a.txt"], 6, line);
  await scene.fails(["put", host, "a.txt", "--on-conflict", "fail"], 6, line);
  assertEquals(await old(), "old\n");

  const skip = await scene.ferry([
    "put",
    host,
    "a.txt",
    "--on-conflict",
    "skip",
  ]);
  assertEquals(
    skip.stderr,
    'Skipped "a.txt": the name is taken\nSent nothing, 1 file skipped\n',
  );
  assertEquals(await old(), "old\n");

  const rename = await scene.events([
    "put",
    host,
    "a.txt",
    "--on-conflict",
    "rename",
  ]);
  const receipt = rename.find(({ event }) => event === "receipt");
  assertEquals(receipt?.["publication"], "renamed");
  const renamed = String(receipt?.["path"]);
  assert(renamed !== "a.txt");
  assertEquals(await Deno.readTextFile(`${scene.root}/${renamed}`), "new\n");
  assertEquals(await old(), "old\n");

  await scene.ferry(["put", host, "a.txt", "--on-conflict", "overwrite"]);
  assertEquals(await old(), "new\n");
  await settles(scene, ["a.txt", renamed]);
});

sceneTest("get decides about a taken name in all four ways", async (scene) => {
  const { host } = await scene.server();
  await scene.served("a.txt", "new\n");
  await scene.file("a.txt", "old\n");
  const old = () => Deno.readTextFile(`${scene.local}/a.txt`);
  const line =
    `Cannot write "a.txt": exists already on this machine (${TAKEN})`;
  await scene.fails(["get", host, "a.txt"], 6, line);
  assertEquals(await old(), "old\n");

  const skip = await scene.ferry([
    "get",
    host,
    "a.txt",
    "--on-conflict",
    "skip",
  ]);
  assertEquals(
    skip.stderr,
    'Skipped "a.txt": the name is taken\nFetched nothing, 1 file skipped\n',
  );
  assertEquals(await old(), "old\n");

  const rename = await scene.events([
    "get",
    host,
    "a.txt",
    "--on-conflict",
    "rename",
  ]);
  const receipt = rename.find(({ event }) => event === "receipt");
  assertEquals(receipt?.["publication"], "renamed");
  const renamed = String(receipt?.["local"]);
  assertEquals(await Deno.readTextFile(`${scene.local}/${renamed}`), "new\n");
  assertEquals(await old(), "old\n");

  await scene.ferry(["get", host, "a.txt", "--on-conflict", "overwrite"]);
  assertEquals(await old(), "new\n");
});

sceneTest(
  "a directory is never replaced by a file, on either side",
  async (scene) => {
    const { host } = await scene.server();
    await scene.file("a", "file\n");
    await scene.served("b", "file\n");
    await Deno.mkdir(`${scene.root}/a`);
    await Deno.mkdir(`${scene.local}/b`);
    for (const policy of ["fail", "overwrite"]) {
      await scene.fails(
        ["put", host, "a", "--on-conflict", policy],
        6,
        'Cannot put "a": is a directory (use -r to move directories as well)',
      );
      await scene.fails(
        ["get", host, "b", "--on-conflict", policy],
        6,
        'Cannot write "b": is a directory',
      );
    }
    await settles(scene, ["a/", "b"]);
  },
);

sceneTest("mv never replaces what is there unless told to", async (scene) => {
  const { host } = await scene.server();
  await scene.served("a", "a\n");
  await scene.served("b", "b\n");
  await scene.fails(
    ["mv", host, "a", "b"],
    6,
    `Cannot rename "a": "b" exists already on ${host} (${TAKEN})`,
  );
  await scene.ferry(["mv", host, "a", "b", "--on-conflict", "skip"]);
  assertEquals(await publicTree(scene), ["a", "b"]);
  await scene.ferry(["mv", host, "a", "b", "--on-conflict", "rename"]);
  await scene.served("c", "c\n");
  await scene.ferry(["mv", host, "c", "b", "--on-conflict", "overwrite"]);
  assertEquals(await Deno.readTextFile(`${scene.root}/b`), "c\n");
  const all = await publicTree(scene);
  assertEquals(all.length, 2);
});

/** What two uploads to one name come to: exit codes, and how many names there are. */
const RACES = [
  { policy: "fail", codes: [0, 6], names: 1, publications: ["created"] },
  {
    policy: "overwrite",
    codes: [0, 0],
    names: 1,
    publications: ["created", "replaced"],
  },
  {
    policy: "rename",
    codes: [0, 0],
    names: 2,
    publications: ["created", "renamed"],
  },
  {
    policy: "skip",
    codes: [0, 0],
    names: 1,
    publications: ["created", "skipped"],
  },
] as const;

for (const { policy, codes, names, publications } of RACES) {
  sceneTest(
    `two clients put one name at the same moment (${policy})`,
    async (scene) => {
      const bytes = [
        randomBytes(1, 2 * CHUNK + 1),
        randomBytes(2, 2 * CHUNK + 1),
      ];
      await scene.file("one", bytes[0]!);
      await scene.file("two", bytes[1]!);
      const server = await scene.server();
      // Both have sent everything before either may ask for the commit.
      const gate = new Gate();
      let waiting = 0;
      const proxy = scene.proxy(server, ({ type }) => {
        if (type !== "END") return "pass";
        waiting++;
        return gate.hold();
      });
      const puts = ["one", "two"].map((name) =>
        scene.start([
          "--json",
          "put",
          proxy.host,
          name,
          "-o",
          "name",
          "--on-conflict",
          policy,
        ])
      );
      await until("both to be about to commit", () => waiting === 2);
      assertEquals(
        await publicTree(scene).then((all) =>
          all.filter((name) => !name.startsWith(".ferry"))
        ),
        [],
      );
      gate.open();
      const endings = await Promise.all(puts.map(({ ended }) => ended));
      assertEquals(endings.map(({ code }) => code).sort(), [...codes]);
      const events = endings.map(({ stdout }) =>
        stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      );
      const receipts = events.map((list) =>
        list.find(({ event }) => event === "receipt")
      );
      assertEquals(
        receipts.filter(Boolean).map(({ publication }) => publication).sort(),
        [...publications],
      );
      const error = events.flat().find(({ event }) => event === "error");
      assertEquals(error?.code, policy === "fail" ? "exists" : undefined);
      await until(
        "the staging to be empty",
        async () =>
          (await publicTree(scene)).every((name) =>
            !name.startsWith(".ferry/")
          ),
      );
      const found = await publicTree(scene);
      assertEquals(found.length, names);
      assert(found.includes("name"));
      // Every name holds exactly what the one sent whose receipt names it, last.
      const owners = new Map<string, number[]>();
      for (const [index, receipt] of receipts.entries()) {
        if (receipt === undefined || receipt.publication === "skipped") {
          continue;
        }
        owners.set(receipt.path, [...owners.get(receipt.path) ?? [], index]);
      }
      for (const name of found) {
        const content = await Deno.readFile(`${scene.root}/${name}`);
        const isWhole = (owners.get(name) ?? []).some((index) =>
          receipts[index].publication === "replaced" ||
            owners.get(name)?.length === 1
            ? bytes[index]!.every((byte, at) => byte === content[at]) &&
              content.length === bytes[index]!.length
            : false
        );
        assert(isWhole, `${name} is what its owner sent`);
      }
    },
  );
}

sceneTest(
  "two gets of one local name at the same moment: one is busy or late, none is mixed",
  async (scene) => {
    const bytes = [randomBytes(1, 3 * CHUNK), randomBytes(2, 3 * CHUNK)];
    await scene.served("one", bytes[0]!);
    await scene.served("two", bytes[1]!);
    const server = await scene.server();
    const gate = new Gate();
    const proxy = scene.proxy(
      server,
      ({ type, index }) =>
        type === "DATA" && index === 1 ? gate.hold() : "pass",
    );
    const first = scene.start(["get", proxy.host, "one", "-o", "name"]);
    await gate.reached;
    await scene.fails(
      ["get", server.host, "two", "-o", "name"],
      6,
      'Cannot write "name": it is being received already (somebody else is at it, try again later)',
    );
    gate.open();
    assertEquals((await first.ended).code, 0);
    assertEquals(await Deno.readFile(`${scene.local}/name`), bytes[0]);
  },
);
