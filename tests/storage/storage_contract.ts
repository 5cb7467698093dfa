/** What every {@linkcode Storage} must do; run once for each backend. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  CHUNK_SIZE,
  type ConflictPolicy,
  type DigestAlgorithm,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from "../../lib/storage/mod.ts";
import { crc32 } from "node:zlib";
import {
  begin,
  digestOf,
  get,
  list,
  newId,
  put,
  requestFor,
  resume,
  resumeRequest,
  sample,
  sendRest,
  writeAll,
} from "./transfer.ts";

/** Opens an empty storage for one test. */
export type OpenStorage = () => Promise<AsyncDisposable & { storage: Storage }>;

/** Asserts that something fails with a {@linkcode StorageError} of a kind. */
export async function assertFails(
  work: () => Promise<unknown>,
  kind: StorageErrorKind,
): Promise<StorageError> {
  const error = await assertRejects(work, StorageError);
  assertEquals(error.kind, kind, `${error.kind}: ${error.message}`);
  return error;
}

const NAMES = [
  "a",
  "x".repeat(255),
  "é".repeat(127),
  "grüße 文件 🚢",
  "two\nlines",
  "-rf",
  " leading and trailing ",
  "...",
  ".ferryman",
  ".ferry-0011223344556677.part",
  "12:30",
];

/** Registers the tests. */
export function testStorage(backend: string, open: OpenStorage): void {
  const test = (name: string, body: (storage: Storage) => Promise<void>) =>
    Deno.test(`${backend}: ${name}`, async () => {
      await using opened = await open();
      await body(opened.storage);
    });
  testTransfers(test);
  testRefusals(test);
  testConflicts(test);
  testTree(test);
  testResume(test);
  testAttributes(test);
}

type Test = (name: string, body: (storage: Storage) => Promise<void>) => void;

function testTransfers(test: Test): void {
  const sizes = [
    0,
    1,
    CHUNK_SIZE - 1,
    CHUNK_SIZE,
    CHUNK_SIZE + 1,
    3 * CHUNK_SIZE,
  ];
  for (const algorithm of ["crc32-chunks", "sha256"] as DigestAlgorithm[]) {
    for (const known of [true, false]) {
      test(`${algorithm} files of every size arrive, size ${known ? "known" : "unknown"}`, async (storage) => {
        for (const size of sizes) {
          const bytes = sample(size, size);
          const outcome = await put(storage, `f${size}`, bytes, {
            algorithm,
            ...(known ? {} : { size: undefined }),
          });
          assertEquals(outcome, {
            path: `f${size}`,
            publication: "created",
            size,
            digest: digestOf(bytes, algorithm),
            durable: true,
            resumedFrom: 0,
          });
          assertEquals(await get(storage, `f${size}`), bytes);
        }
      });
    }
  }

  test("chunks arrive in any order, and twice", async (storage) => {
    const bytes = sample(4 * CHUNK_SIZE + 5);
    for (const algorithm of ["crc32-chunks", "sha256"] as const) {
      const receiving = await begin(
        storage,
        algorithm,
        requestFor(bytes, { algorithm }),
      );
      await writeAll(receiving, bytes, [4, 2, 0, 2, 1, 3, 4]);
      assertEquals(receiving.verifiedBytes, bytes.length);
      await receiving.commit(bytes.length, digestOf(bytes, algorithm));
      assertEquals(await get(storage, algorithm), bytes);
    }
  });

  test("every allowed name goes in, is listed, and comes out", async (storage) => {
    for (const name of NAMES) {
      const bytes = sample(10, name.length);
      assertEquals((await put(storage, name, bytes)).path, name);
      assertEquals(await get(storage, name), bytes);
    }
    const entries = await list(storage);
    assertEquals(entries.map(({ name }) => name), [...NAMES].sort());
    assert(entries.every(({ addressable }) => addressable));
  });

  test("a file has the time that was asked for, and shows it", async (storage) => {
    await put(storage, "f", sample(3));
    const entry = await storage.stat(await storage.locate("f", "entry"));
    assertEquals(entry.modified, 1_700_000_000_123);
    assertEquals(entry.size, 3);
    assertEquals(entry.kind, "file");
  });

  test("without durability the outcome says so", async (storage) => {
    const outcome = await put(storage, "f", sample(9), { durability: "none" });
    assertEquals(outcome.durable, false);
  });

  test("an abort leaves nothing, and may come twice or after the commit", async (storage) => {
    const bytes = sample(10);
    const receiving = await begin(storage, "f", requestFor(bytes));
    await writeAll(receiving, bytes);
    await receiving.abort();
    await receiving.abort();
    await assertFails(() => receiving.commit(10, digestOf(bytes)), "cancelled");
    assertEquals(await list(storage), []);
    const again = await begin(storage, "f", requestFor(bytes));
    await writeAll(again, bytes);
    await again.commit(10, digestOf(bytes));
    await again.abort();
    assertEquals(await get(storage, "f"), bytes);
  });

  test("digest() reads again what was not read in order", async (storage) => {
    const bytes = sample(2 * CHUNK_SIZE + 1);
    await put(storage, "f", bytes);
    const path = await storage.locate("f", "read");
    for (const algorithm of ["crc32-chunks", "sha256"] as const) {
      using source = await storage.openSource(path, algorithm);
      await source.readChunk(2, new Uint8Array(CHUNK_SIZE));
      assertEquals(await source.digest(), digestOf(bytes, algorithm));
      await assertRejects(
        () => source.readChunk(3, new Uint8Array(CHUNK_SIZE)),
        RangeError,
      );
    }
  });
}

function testRefusals(test: Test): void {
  const bytes = sample(CHUNK_SIZE + 10);
  const [first, last] = [
    bytes.subarray(0, CHUNK_SIZE),
    bytes.subarray(CHUNK_SIZE),
  ];

  test("a chunk that does not fit its sum is refused and can be sent again", async (storage) => {
    const receiving = await begin(storage, "f", requestFor(bytes));
    await assertFails(() => receiving.writeChunk(0, first, 1), "integrity");
    assertEquals(receiving.verifiedBytes, 0);
    await writeAll(receiving, bytes);
    await receiving.commit(bytes.length, digestOf(bytes));
    assertEquals(await get(storage, "f"), bytes);
  });

  test("chunks of wrong place, length or content are refused", async (storage) => {
    const table: [number, Uint8Array, StorageErrorKind][] = [
      [-1, first, "too-large"],
      [0.5, first, "too-large"],
      [2 ** 24, first, "too-large"],
      [2, first, "too-large"],
      [1, first, "too-large"],
      [0, last, "integrity"],
      [1, last.subarray(1), "integrity"],
      [0, new Uint8Array(), "integrity"],
    ];
    const receiving = await begin(storage, "f", requestFor(bytes));
    for (const [index, chunk, kind] of table) {
      await assertFails(
        () => receiving.writeChunk(index, chunk, crc32(chunk)),
        kind,
      );
    }
    await receiving.writeChunk(0, first, crc32(first));
    const other = sample(CHUNK_SIZE, 99);
    await assertFails(
      () => receiving.writeChunk(0, other, crc32(other)),
      "integrity",
    );
    await receiving.abort();
    const open = await begin(
      storage,
      "f",
      requestFor(bytes, { size: undefined }),
    );
    await open.writeChunk(1, first, crc32(first));
    await assertFails(
      () => open.writeChunk(0, last, crc32(last)),
      "integrity",
    );
    await open.abort();
  });

  test("what is not whole or not the sender's is not published", async (storage) => {
    const wrong = { algorithm: "crc32-chunks", value: "0".repeat(64) } as const;
    const cases: [number[], number, typeof wrong | undefined][] = [
      [[0], bytes.length, undefined],
      [[1], bytes.length, undefined],
      [[0], CHUNK_SIZE, undefined],
      [[0, 1], bytes.length, wrong],
      [[0, 1], bytes.length - 1, undefined],
    ];
    for (const [order, size, digest] of cases) {
      const receiving = await begin(storage, "f", requestFor(bytes));
      await writeAll(receiving, bytes, order);
      await assertFails(
        () => receiving.commit(size, digest ?? digestOf(bytes)),
        "integrity",
      );
      assertEquals(await list(storage), []);
    }
    const receiving = await begin(storage, "f", requestFor(bytes));
    await writeAll(receiving, bytes);
    await assertFails(
      () => receiving.commit(bytes.length, digestOf(bytes, "sha256")),
      "integrity",
    );
  });

  test("bad requests are refused", async (storage) => {
    const path = await storage.locate("f", "write");
    await assertFails(
      () => storage.receive(path, requestFor(bytes, { id: "../x" })),
      "bad-name",
    );
    await assertFails(
      () => storage.receive(path, requestFor(bytes, { size: 2 ** 45 })),
      "too-large",
    );
    await storage.acknowledge("../../x");
  });

  test("the same id twice at once is busy", async (storage) => {
    const request = requestFor(bytes);
    const receiving = await begin(storage, "f", request);
    await assertFails(() => begin(storage, "f", request), "busy");
    await receiving.abort();
    await (await begin(storage, "f", request)).abort();
  });

  test("directories and missing things are no sources", async (storage) => {
    await storage.makeDirectory(await storage.locate("d", "make"), {
      parents: false,
      durability: "full",
    });
    await assertFails(() => get(storage, "d"), "is-directory");
    await assertFails(() => get(storage, ""), "is-directory");
    await assertFails(() => get(storage, "missing"), "not-found");
    await assertFails(() => get(storage, "missing/f"), "not-found");
    await assertFails(() => put(storage, "missing/f", bytes), "not-found");
    await put(storage, "f", bytes);
    await assertFails(() => list(storage, "f"), "not-directory");
    await assertFails(() => put(storage, "f/g", bytes), "not-directory");
  });
}

function testConflicts(test: Test): void {
  const [old, young] = [sample(5, 1), sample(6, 2)];

  test("each policy does with a taken name what it says", async (storage) => {
    await put(storage, "f.txt", old);
    await assertFails(() => put(storage, "f.txt", young), "exists");
    assertEquals(await get(storage, "f.txt"), old);

    const renamed = await put(storage, "f.txt", young, {
      onConflict: "rename",
    });
    assertEquals(renamed.path, "f-1.txt");
    assertEquals(renamed.publication, "renamed");
    const second = await put(storage, "f.txt", young, { onConflict: "rename" });
    assertEquals(second.path, "f-2.txt");

    const skipped = await put(storage, "f.txt", young, { onConflict: "skip" });
    assertEquals(skipped.publication, "skipped");
    assertEquals(await get(storage, "f.txt"), old);

    const replaced = await put(storage, "f.txt", young, {
      onConflict: "overwrite",
    });
    assertEquals(replaced.publication, "replaced");
    assertEquals(await get(storage, "f.txt"), young);
    assertEquals((await list(storage)).length, 3);
  });

  test("a directory is never replaced by a file", async (storage) => {
    await storage.makeDirectory(await storage.locate("d", "make"), {
      parents: false,
      durability: "full",
    });
    for (const onConflict of ["fail", "overwrite"] as const) {
      await assertFails(
        () => put(storage, "d", old, { onConflict }),
        "is-directory",
      );
    }
    assertEquals(
      (await put(storage, "d", old, { onConflict: "skip" })).publication,
      "skipped",
    );
    assertEquals(
      (await put(storage, "d", old, { onConflict: "rename" })).path,
      "d-1",
    );
  });

  for (const onConflict of ["fail", "overwrite", "rename", "skip"] as const) {
    test(`of two at once, under ${onConflict}, each gets an honest answer`, async (storage) => {
      const answers = await race(storage, onConflict);
      const expected: Record<ConflictPolicy, string[]> = {
        fail: ["created", "exists"],
        overwrite: ["created", "replaced"],
        rename: ["created", "renamed"],
        skip: ["created", "skipped"],
      };
      assertEquals(answers.sort(), expected[onConflict]);
      const names = (await list(storage)).map(({ name }) => name);
      assertEquals(names, onConflict === "rename" ? ["f", "f-1"] : ["f"]);
    });

    test(`asking again gives the same outcome, under ${onConflict}`, async (storage) => {
      await put(storage, "f", old);
      const id = newId();
      const name = onConflict === "fail" ? "g" : "f";
      const first = await put(storage, name, young, { onConflict, id });
      const path = await storage.locate(name, "write");
      const request = requestFor(young, { onConflict, id });
      for (let time = 0; time < 2; time++) {
        const again = await storage.receive(path, request);
        assert(again.kind === "settled");
        assertEquals(again.outcome.publication, first.publication);
        assertEquals(again.outcome.path, first.path);
        if (onConflict !== "skip") assertEquals(again.outcome, first);
      }
      await storage.acknowledge(id);
      if (onConflict === "rename") {
        const third = await put(storage, name, young, { onConflict, id });
        assertEquals(third.path, "f-2");
      }
    });
  }

  async function race(
    storage: Storage,
    onConflict: ConflictPolicy,
  ): Promise<string[]> {
    const two = [old, young];
    const receivings = await Promise.all(
      two.map((bytes) =>
        begin(storage, "f", requestFor(bytes, { onConflict }))
      ),
    );
    return await Promise.all(receivings.map(async (receiving, index) => {
      await writeAll(receiving, two[index]!);
      try {
        const outcome = await receiving.commit(
          two[index]!.length,
          digestOf(two[index]!),
        );
        return outcome.publication;
      } catch (error) {
        return (error as StorageError).kind;
      }
    }));
  }
}

function testTree(test: Test): void {
  const full = { parents: true, durability: "full" } as const;
  const makeDirectory = async (storage: Storage, name: string) =>
    await storage.makeDirectory(await storage.locate(name, "make"), full);
  const rename = async (
    storage: Storage,
    from: string,
    to: string,
    policy: ConflictPolicy = "fail",
  ) =>
    await storage.rename(
      await storage.locate(from, "entry"),
      await storage.locate(to, "entry"),
      policy,
    );
  const remove = async (
    storage: Storage,
    name: string,
    recursive = false,
    signal?: AbortSignal,
  ) =>
    await storage.remove(await storage.locate(name, "entry"), {
      recursive,
      signal,
    });

  test("makes directories, with those above if asked", async (storage) => {
    await makeDirectory(storage, "a/b/c");
    await makeDirectory(storage, "a/b/c");
    await makeDirectory(storage, "");
    const none = { parents: false, durability: "none" } as const;
    const make = async (name: string) =>
      await storage.makeDirectory(await storage.locate(name, "make"), none);
    await make("a/d");
    await assertFails(() => make("a/d"), "exists");
    await assertFails(() => make(""), "exists");
    await assertFails(() => make("x/y"), "not-found");
    await put(storage, "f", sample(1));
    await assertFails(() => makeDirectory(storage, "f"), "exists");
    await assertFails(() => makeDirectory(storage, "f/g"), "not-directory");
    assertEquals((await list(storage, "a")).map((e) => e.path), ["a/b", "a/d"]);
  });

  test("removes files and directories, and says how many", async (storage) => {
    await makeDirectory(storage, "a/b/c");
    await put(storage, "a/b/f", sample(1));
    await put(storage, "a/g", sample(1));
    await assertFails(() => remove(storage, "a"), "not-empty");
    await assertFails(
      () => remove(storage, "a", true, AbortSignal.abort()),
      "cancelled",
    );
    assertEquals(await remove(storage, "a/g"), 1);
    assertEquals(await remove(storage, "a", true), 4);
    await assertFails(() => remove(storage, "a"), "not-found");
    await assertFails(() => remove(storage, "", true), "denied");
    await makeDirectory(storage, "e");
    assertEquals(await remove(storage, "e"), 1);
    assertEquals(await list(storage), []);
  });

  test("renames under every policy", async (storage) => {
    await put(storage, "f", sample(1, 1));
    await put(storage, "g", sample(1, 2));
    await makeDirectory(storage, "d/e");
    await assertFails(() => rename(storage, "f", "g"), "exists");
    await assertFails(() => rename(storage, "f", "d"), "is-directory");
    await assertFails(
      () => rename(storage, "f", "d", "overwrite"),
      "is-directory",
    );
    await assertFails(
      () => rename(storage, "d", "g", "overwrite"),
      "not-directory",
    );
    await assertFails(() => rename(storage, "d", "d/e/f"), "bad-name");
    await assertFails(() => rename(storage, "missing", "x"), "not-found");
    await assertFails(() => rename(storage, "", "x"), "denied");
    await assertFails(() => rename(storage, "f", ""), "denied");
    assertEquals(await rename(storage, "f", "g", "skip"), {
      path: "g",
      publication: "skipped",
    });
    assertEquals(await rename(storage, "f", "g", "rename"), {
      path: "g-1",
      publication: "renamed",
    });
    assertEquals(await rename(storage, "g-1", "d/e/f"), {
      path: "d/e/f",
      publication: "created",
    });
    assertEquals(
      (await rename(storage, "d/e/f", "g", "overwrite")).publication,
      "replaced",
    );
    assertEquals(await get(storage, "g"), sample(1, 1));
    assertEquals((await rename(storage, "d", "dd")).path, "dd");
    await put(storage, "dd/e/new", sample(1));
    assertEquals((await list(storage)).map((e) => e.name), ["dd", "g"]);
  });

  test("of two renames to one name one wins", async (storage) => {
    await put(storage, "a", sample(1, 1));
    await put(storage, "b", sample(1, 2));
    const results = await Promise.allSettled([
      rename(storage, "a", "c"),
      rename(storage, "b", "c"),
    ]);
    assertEquals(results.map(({ status }) => status).sort(), [
      "fulfilled",
      "rejected",
    ]);
    assertEquals((await list(storage)).length, 2);
  });

  test("the root shows itself, and how much is free", async (storage) => {
    const root = await storage.stat(await storage.locate("", "read"));
    assertEquals([root.kind, root.name, root.path], ["directory", "", ""]);
    const free = await storage.freeSpace();
    assert(free === undefined || free > 0);
  });
}

function testResume(test: Test): void {
  const bytes = sample(2 * CHUNK_SIZE + 5);

  test("a suspended upload is continued, by its sender only", async (storage) => {
    for (const algorithm of ["crc32-chunks", "sha256"] as const) {
      for (const durability of ["full", "none"] as const) {
        const name = `${algorithm} ${durability}`;
        const request = resumeRequest(bytes, { algorithm, durability });
        const receiving = await begin(storage, name, request);
        assertEquals(receiving.held.count, 0);
        await sendRest(receiving, bytes, 2);
        await receiving.suspend();
        const other = { ...request, token: "71".repeat(32) };
        await assertFails(() => begin(storage, name, other), "busy");
        const again = await begin(storage, name, request);
        assertEquals(again.held.bytes, 2 * CHUNK_SIZE);
        assertEquals([...again.missing(bytes.length)], [{
          first: 2,
          count: 1,
        }]);
        assertEquals(await sendRest(again, bytes), 1);
        const outcome = await again.commit(
          bytes.length,
          digestOf(bytes, algorithm),
        );
        assertEquals(outcome.resumedFrom, 2 * CHUNK_SIZE);
        assertEquals(await get(storage, name), bytes);
      }
    }
  });

  test("a live upload is taken over with a changed source", async (storage) => {
    const request = resumeRequest(bytes, { onConflict: "overwrite" });
    const receiving = await begin(storage, "f", request);
    await sendRest(receiving, bytes, 2);
    const changed = sample(CHUNK_SIZE + 9, 2);
    const { id } = request;
    await resume(storage, "f", changed, { id, onConflict: "overwrite" });
    await assertFails(() => sendRest(receiving, bytes), "busy");
    assertEquals(await get(storage, "f"), changed);
  });

  test("small files arrive together", async (storage) => {
    await storage.makeDirectory(await storage.locate("d", "make"), {
      parents: false,
      durability: "full",
    });
    const files = [0, 1, 5000, CHUNK_SIZE].map((size) => sample(size, size));
    const receive = async () => {
      const items = [];
      for (const [at, bytes] of files.entries()) {
        items.push({
          path: await storage.locate(`d/f${at}`, "write"),
          request: requestFor(bytes, { id: `${at}`.repeat(32), mode: 0o600 }),
          bytes,
          checksum: crc32(bytes),
        });
      }
      return await storage.receiveSmall(items);
    };
    const results = await receive();
    for (const [at, bytes] of files.entries()) {
      assertEquals(results[at], {
        path: `d/f${at}`,
        publication: "created",
        size: bytes.length,
        digest: digestOf(bytes),
        durable: true,
        resumedFrom: 0,
      });
      assertEquals(await get(storage, `d/f${at}`), bytes);
      const path = await storage.locate(`d/f${at}`, "read");
      assertEquals((await storage.stat(path)).mode, 0o600);
    }
    assertEquals(await receive(), results);
    assertEquals((await list(storage, "d")).length, 4);
  });
}

function testAttributes(test: Test): void {
  test("files and directories take time and bits, but no special ones", async (storage) => {
    await put(storage, "f", sample(3), { mode: 0o7751 });
    const stat = async (name: string) =>
      await storage.stat(await storage.locate(name, "entry"));
    assertEquals((await stat("f")).mode, 0o751);
    await storage.makeDirectory(await storage.locate("d", "make"), {
      parents: false,
      durability: "full",
    });
    for (const name of ["f", "d"]) {
      const path = await storage.locate(name, "entry");
      await storage.setAttributes(path, { modified: 1_234_567, mode: 0o6750 });
      const { modified, mode } = await stat(name);
      assertEquals([modified, mode], [1_234_567, 0o750]);
      await storage.setAttributes(path, {});
      assertEquals((await stat(name)).modified, 1_234_567);
    }
    await assertFails(
      async () =>
        await storage.setAttributes(await storage.locate("", "entry"), {}),
      "denied",
    );
    await assertFails(
      async () =>
        await storage.setAttributes(await storage.locate("x", "entry"), {}),
      "not-found",
    );
  });
}
