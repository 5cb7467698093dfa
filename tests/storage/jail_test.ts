import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  type CommitStep,
  DenoDisk,
  type Disk,
  DiskStorage,
  type KnownFolders,
  type LocateIntent,
  MemoryDisk,
  openFileStorage,
  openMemoryStorage,
  StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";
import { PowerLossDisk } from "../helpers/power_loss_disk.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { assertFails } from "./storage_contract.ts";
import { get, list, namesIn, put, sample, writeDisk } from "./transfer.ts";

const INTENTS: LocateIntent[] = ["read", "write", "make", "entry"];

const BAD_NAMES = [
  "/",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "../a",
  "a/..",
  "a/../../b",
  "a/./b",
  "a\0b",
  "a\\b",
  "..\\a",
  "C:",
  "c:\\windows",
  "C:a",
  "x".repeat(256),
  "é".repeat(128),
  Array(129).fill("a").join("/"),
  `${"x".repeat(250)}/`.repeat(17) + "x",
  "y".repeat(10_000),
  "\ud800",
  "a\ufffd",
  ".ferry",
  ".FERRY",
  ".Ferry/x",
  "a/.ferry",
  "a/.ferry/b",
  ".fer\u200cry",
  "\ufeff.ferry",
  ".ｆｅｒｒｙ",
];

Deno.test("locate() refuses every bad name under every intent", async () => {
  const storage = await openMemoryStorage();
  for (const name of BAD_NAMES) {
    for (const intent of INTENTS) {
      await assertFails(() => storage.locate(name, intent), "bad-name");
    }
    // With folders that are known already, too.
    for (const known of [new Map(), await knownFolders(storage)]) {
      await assertFails(() => storage.locate(name, "write", known), "bad-name");
    }
  }
  await assertFails(() => storage.locate("", "write"), "is-directory");
  await assertFails(
    () => storage.locate("", "write", new Map()),
    "is-directory",
  );
});

/** The root, known from a name in it. */
async function knownFolders(storage: DiskStorage): Promise<KnownFolders> {
  const known: KnownFolders = new Map();
  await storage.locate("fine", "write", known);
  assertEquals([...known.keys()], [""]);
  return known;
}

Deno.test("locate() of many names looks at each folder once, and gives what it gives alone", async () => {
  const disk = new MemoryDisk();
  for (const folder of ["/d", "/d/e", "/out"]) {
    await disk.makeDirectory(folder, 0o755);
  }
  await writeDisk(disk, "/d/taken", sample(3));
  disk.symlink("/d/e", "/inside");
  disk.symlink("/d/taken", "/d/link");
  disk.symlink("/nothing", "/d/dangling");
  const counted = new PowerLossDisk(disk);
  const storage = await DiskStorage.open(counted, "/d");
  const names = ["a", "e/a", "e/b", "taken", "link", "dangling", "none/a", "e"];
  const known: KnownFolders = new Map();
  for (const name of names) {
    const alone = await locateOrKind(() => storage.locate(name, "write"));
    const together = await locateOrKind(() =>
      storage.locate(name, "write", known)
    );
    assertEquals(together, alone, name);
  }
  assertEquals([...known.keys()], ["", "e"]);
  counted.log.length = 0;
  for (let at = 0; at < 10; at++) {
    await storage.locate(`e/new${at}`, "write", known);
  }
  assertEquals(counted.log, Array(10).fill("lstat"));
});

async function locateOrKind(
  locate: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await locate();
  } catch (error) {
    if (error instanceof StorageError) return error.kind;
    throw error;
  }
}

Deno.test("a message about a name is safe to show", async () => {
  const storage = await openMemoryStorage();
  const error = await assertFails(
    () => storage.locate('a\u001b[2J\u202e"\\b', "read"),
    "bad-name",
  );
  assertEquals(
    error.message,
    '"a\\u{1b}[2J\\u{202e}\\"\\\\b" contains a separator',
  );
  assertEquals(error.subject, 'a\u001b[2J\u202e"\\b');
});

/** What can be made on both disks, and links, which only tests can make. */
interface Maker {
  readonly disk: Disk;
  readonly base: string;
  link(target: string, path: string): void;
}

const MAKERS: Record<string, () => Promise<Maker & AsyncDisposable>> = {
  memory: () => {
    const disk = new MemoryDisk();
    return Promise.resolve({
      disk,
      base: "/",
      link: (target, path) => disk.symlink(target, path),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  file: async () => {
    const dir = await tempDir();
    return {
      disk: new DenoDisk(),
      base: dir.path,
      link: (target, path) => Deno.symlinkSync(target, path),
      [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
    };
  },
};

/** A root with links of every sort, and a folder outside of it. */
async function makeWorld({ disk, base, link }: Maker): Promise<string> {
  for (const each of ["root", "root/d", "root/d/.ferry", "out", "rootless"]) {
    await disk.makeDirectory(join(base, each), 0o755);
  }
  await writeDisk(disk, join(base, "root/d/f"), sample(1));
  await writeDisk(disk, join(base, "out/secret"), sample(2));
  const links: Record<string, string> = {
    "to-file": "d/f",
    "to-dir": "d",
    "to-root": ".",
    "to-root-itself": join(base, "root"),
    "chain": "to-dir",
    "chain-file": "chain/f",
    "dangling": "nothing",
    "dangling-out": "../out/nothing",
    "loop": "loop",
    "out-file": "../out/secret",
    "out-dir": "../out",
    "out-absolute": join(base, "out"),
    "out-chain": "out-dir",
    "out-sibling": "../rootless",
    "staging": "d/.ferry",
  };
  for (const [name, target] of Object.entries(links)) {
    link(target, join(base, "root", name));
  }
  return join(base, "root");
}

type Verdict = StorageErrorKind | "ok";

/** For each name: read, write, make, entry. */
const TABLE: Record<string, [Verdict, Verdict, Verdict, Verdict]> = {
  "to-file": ["ok", "ok", "ok", "ok"],
  "to-dir": ["ok", "ok", "ok", "ok"],
  "to-dir/f": ["ok", "ok", "ok", "ok"],
  "to-root/d/f": ["ok", "ok", "ok", "ok"],
  "to-root-itself/d/f": ["ok", "ok", "ok", "ok"],
  "to-root": ["ok", "ok", "ok", "ok"],
  "chain/f": ["ok", "ok", "ok", "ok"],
  "chain-file": ["ok", "ok", "ok", "ok"],
  // Where a link leads to that leads nowhere, nobody is told.
  "dangling": ["outside", "outside", "outside", "ok"],
  "dangling-out": ["outside", "outside", "outside", "ok"],
  "dangling-out/new": ["outside", "outside", "outside", "outside"],
  "loop": ["outside", "outside", "outside", "ok"],
  "out-file": ["outside", "outside", "outside", "ok"],
  "out-dir": ["outside", "outside", "outside", "ok"],
  "out-dir/secret": ["outside", "outside", "outside", "outside"],
  "out-dir/new": ["outside", "outside", "outside", "outside"],
  "out-absolute/secret": ["outside", "outside", "outside", "outside"],
  "out-chain/new": ["outside", "outside", "outside", "outside"],
  "out-file/x": ["outside", "outside", "outside", "outside"],
  "to-dir/missing": ["not-found", "ok", "ok", "ok"],
  "to-dir/f/x": [
    "not-directory",
    "not-directory",
    "not-directory",
    "not-directory",
  ],
  "out-chain/secret": ["outside", "outside", "outside", "outside"],
  "out-sibling": ["outside", "outside", "outside", "ok"],
  "staging": ["bad-name", "bad-name", "bad-name", "ok"],
  "staging/x": ["bad-name", "bad-name", "bad-name", "bad-name"],
  "missing": ["not-found", "ok", "ok", "ok"],
  "missing/new": ["not-found", "not-found", "ok", "not-found"],
  "d/f/x": ["not-directory", "not-directory", "not-directory", "not-directory"],
};

for (const [backend, make] of Object.entries(MAKERS)) {
  Deno.test(`${backend}: locate() follows links inside the root only`, async () => {
    await using maker = await make();
    const root = await makeWorld(maker);
    const storage = await DiskStorage.open(maker.disk, root);
    for (const [name, verdicts] of Object.entries(TABLE)) {
      for (const [index, expected] of verdicts.entries()) {
        const intent = INTENTS[index]!;
        const actual = await storage.locate(name, intent).then(
          ({ absolute }) => {
            assert(
              absolute === root || absolute.startsWith(root + "/"),
              absolute,
            );
            return "ok" as const;
          },
          (error: StorageError) => error.kind,
        );
        assertEquals(actual, expected, `${name} (${intent})`);
      }
    }
    // The same answer whether it is there or not.
    for (const name of ["out-dir/secret", "out-dir/new", "dangling-out"]) {
      await assertRejects(
        () => storage.locate(name, "read"),
        StorageError,
        `"${name}" leads outside the served folder, or nowhere`,
      );
    }
  });

  Deno.test(`${backend}: links are listed as links, staging folders not at all`, async () => {
    await using maker = await make();
    const storage = await DiskStorage.open(
      maker.disk,
      await makeWorld(maker),
    );
    const kinds = Object.fromEntries(
      (await list(storage)).map(({ name, kind }) => [name, kind]),
    );
    assertEquals(kinds["out-dir"], "link");
    assertEquals(kinds["d"], "directory");
    assertEquals((await list(storage, "d")).map(({ name }) => name), ["f"]);
    await assertFails(() => list(storage, "out-dir"), "outside");
    const entry = await storage.locate("out-file", "entry");
    assertEquals((await storage.stat(entry)).kind, "link");
  });

  Deno.test(`${backend}: a link is written to inside, removed and renamed as itself`, async () => {
    await using maker = await make();
    const root = await makeWorld(maker);
    const storage = await DiskStorage.open(maker.disk, root);
    const bytes = sample(20);
    const outcome = await put(storage, "to-file", bytes, {
      onConflict: "overwrite",
    });
    assertEquals(outcome.path, "d/f");
    assertEquals(await get(storage, "d/f"), bytes);
    const remove = async (name: string) =>
      await storage.remove(await storage.locate(name, "entry"), {
        recursive: true,
        signal: undefined,
      });
    assertEquals(await remove("out-dir"), 1);
    await storage.rename(
      await storage.locate("out-file", "entry"),
      await storage.locate("moved", "entry"),
      "fail",
    );
    maker.link("../../out", join(root, "d/escape"));
    // d, d/f, d/escape, d/.ferry
    assertEquals(await remove("d"), 4);
    assertEquals(await namesIn(maker.disk, join(maker.base, "out")), [
      "secret",
    ]);
  });
}

const STEPS: CommitStep[] = [
  "opened",
  "written",
  "synced",
  "intended",
  "published",
  "settled",
  "recorded",
];

for (const onConflict of ["fail", "overwrite", "rename", "skip"] as const) {
  for (const victim of ["d", ".ferry"]) {
    Deno.test(`a link swapped in for "${victim}" at any step of a commit leads nothing outside, policy ${onConflict}`, async () => {
      for (const at of STEPS) {
        await using dir = await tempDir();
        const [root, out] = [`${dir.path}/root`, `${dir.path}/out`];
        for (const each of [root, `${root}/d`, out]) await Deno.mkdir(each);
        if (onConflict === "overwrite" || onConflict === "rename") {
          await Deno.writeTextFile(`${root}/d/f`, "old");
        }
        const swap = (step: CommitStep) => {
          if (step !== at) return;
          Deno.renameSync(`${root}/${victim}`, `${root}/swapped`);
          Deno.symlinkSync(out, `${root}/${victim}`);
        };
        await using storage = await openFileStorage(root, {
          hooks: { step: swap },
        });
        const result = await put(storage, "d/f", sample(2_000_000), {
          onConflict,
        }).catch((error) => error);
        assertEquals(await Array.fromAsync(Deno.readDir(out)), [], at);
        const mustFail = victim === "d"
          ? STEPS.indexOf(at) <= STEPS.indexOf("published")
          : STEPS.indexOf(at) <= STEPS.indexOf("intended");
        if (mustFail) {
          assert(result instanceof StorageError, at);
          assertEquals(result.kind, "outside", at);
        }
      }
    });
  }
}

Deno.test("a directory swapped while it is listed, read or emptied leads nothing outside", async () => {
  const works: Record<string, (storage: DiskStorage) => Promise<unknown>> = {
    list: (storage) => list(storage, "d"),
    read: (storage) => get(storage, "d/f"),
    remove: async (storage) =>
      await storage.remove(await storage.locate("d", "entry"), {
        recursive: true,
        signal: undefined,
      }),
    make: async (storage) =>
      await storage.makeDirectory(await storage.locate("d/x/y", "make"), {
        parents: true,
        durability: "full",
      }),
  };
  for (const [name, work] of Object.entries(works)) {
    for (let swapAt = 1; swapAt < 60; swapAt++) {
      const disk = new MemoryDisk();
      await disk.makeDirectory("/out", 0o755);
      await writeDisk(disk, "/out/f", sample(5, 5));
      await disk.makeDirectory("/root", 0o755);
      await disk.makeDirectory("/root/d", 0o755);
      await writeDisk(disk, "/root/d/f", sample(5, 6));
      const watched = new PowerLossDisk(disk);
      watched.onCall = (call) => {
        // Only between a check and the next: the gap between the last look and
        // the call that it protects is the one that cannot be closed.
        if (watched.log.length < swapAt || call !== "realPath") return;
        watched.onCall = undefined;
        disk.rename("/root/d", "/root/e").catch(() => {}); // removed already
        disk.symlink("../out", "/root/d");
      };
      const storage = await DiskStorage.open(watched, "/root");
      const result = await work(storage).catch((error) => error);
      assertEquals(await namesIn(disk, "/out"), ["f"], `${name} ${swapAt}`);
      if (name === "read" && result instanceof Uint8Array) {
        assertEquals(result, sample(5, 6));
      }
      assertEquals(disk.openHandles, 0);
    }
  }
});

Deno.test("a staging folder that is a link or a file is never used", async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory("/out", 0o755);
  await disk.makeDirectory("/root", 0o755);
  disk.symlink("../out", "/root/.ferry");
  const error = await assertFails(
    () => DiskStorage.open(disk, "/root"),
    "denied",
  );
  assertEquals(
    error.message,
    'the name ".ferry" is taken by something that is not a folder',
  );
  assertEquals(await namesIn(disk, "/out"), []);
});
