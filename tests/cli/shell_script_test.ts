import { assertEquals, assertMatch } from "@std/assert";
import { FerryError } from "../../lib/client/mod.ts";
import { runClient } from "../../lib/cli/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { FakeClient, makeWorld } from "./world.ts";

const H = "127.0.0.1";

/** A client that knows nothing of names that begin with `no`. */
function client(): FakeClient {
  return new FakeClient({
    remove: (path) =>
      path.startsWith("no")
        ? Promise.reject(new FerryError("not-found", "not found"))
        : Promise.resolve(1),
  });
}

Deno.test("a script runs up to the first command that fails", async () => {
  const fake = client();
  const world = makeWorld({
    client: fake,
    stdin: "# clean up\n\nrm a\r\nrm no\nrm b\n",
  });
  assertEquals(await runClient(["shell", H], world.environment), 5);
  assertEquals(fake.calls, [["remove", "a"], ["remove", "no"]]);
  assertEquals(
    world.stderr.text,
    'Removed "a"\nferry: line 4: Cannot remove "no": not found on 127.0.0.1:65430\n',
  );
  assertEquals(world.stdout.text, "");
  assertEquals([fake.isClosed, world.listeners()], [true, 0]);
});

Deno.test("a script goes on with -k, and exits with the first code", async () => {
  const fake = client();
  const stdin = "rm no\nlst\nrm b";
  const world = makeWorld({ client: fake, stdin });
  assertEquals(await runClient([H, "-k"], world.environment), 5);
  assertEquals(fake.calls, [["remove", "no"], ["remove", "b"]]);
  assertMatch(world.stderr.text, /^ferry: line 1: .*\nferry: line 2: .*\n/);
});

Deno.test("a script leaves with bye", async () => {
  const fake = client();
  const world = makeWorld({ client: fake, stdin: "rm a\nbye\nrm b\n" });
  assertEquals(await runClient(["shell", H], world.environment), 0);
  assertEquals(fake.calls, [["remove", "a"]]);
});

Deno.test("a script can be a file, also where somebody sits at a terminal", async () => {
  const disk = new MemoryDisk();
  const file = await disk.open("/s", "create");
  await file.write(new TextEncoder().encode("cd d\nrm a\nput - -o x\n"), 0);
  file.close();
  const fake = client();
  const world = makeWorld({
    client: fake,
    disk,
    turns: ["never"],
    stdin: "data",
  });
  const args = ["shell", H, "--script", "/s"];
  assertEquals(await runClient(args, world.environment), 0);
  assertEquals(fake.calls, [["list", "d"], ["remove", "d/a"], ["put", "d/x"]]);
});

Deno.test("a script that is interrupted ends, whatever -k says", async () => {
  const fake = new FakeClient({
    remove: (_path, options) =>
      new Promise((_resolve, reject) => {
        const cancelled = new FerryError("cancelled", "cancelled", {
          side: "local",
        });
        options?.signal?.addEventListener("abort", () => reject(cancelled));
        queueMicrotask(() => world.signal());
      }),
  });
  const world = makeWorld({ client: fake, stdin: "rm a\nrm b\n" });
  assertEquals(await runClient([H, "-k"], world.environment), 130);
  assertEquals(fake.calls, [["remove", "a"]]);
  assertEquals(world.stderr.text, "ferry: line 1: Interrupted\n");
});

Deno.test("a script's mistakes are told with their lines", async () => {
  const cases: ReadonlyArray<readonly [string, number, string]> = [
    ["get 'a\n", 2, "ferry: line 1: A quote is left open\n"],
    ["rm no*\n", 5, 'ferry: line 1: No name on the server matches "no*"\n'],
    [
      "\nget\n",
      2,
      'ferry: line 2: REMOTE is missing for "get"; see "help get"\n',
    ],
    [
      "sync --to-server --delete a b\n",
      2,
      'ferry: line 1: Option "--delete" asks before it deletes, and nobody is there to be asked: add --yes, or see what it would do with --dry-run\n',
    ],
  ];
  for (const [stdin, code, line] of cases) {
    const world = makeWorld({ stdin });
    assertEquals(await runClient(["shell", H], world.environment), code, stdin);
    assertEquals(world.stderr.text, line);
  }
});
