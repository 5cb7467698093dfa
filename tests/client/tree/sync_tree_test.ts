import { assertEquals } from "@std/assert";
import { syncTree, type TreeDirection } from "../../../lib/client/mod.ts";
import type { MemoryDisk } from "../../../lib/storage/mod.ts";
import { assertFerryError } from "../hostile.ts";
import {
  counts,
  harvest,
  listing,
  Log,
  plant,
  remoteEntry,
  type Tree,
  type TreeWorld,
  treeWorld,
  whole,
} from "./tree_world.ts";

const DIRECTIONS = ["get", "put"] as const;

/** The disks of a sync. */
function ends(
  world: TreeWorld,
  direction: TreeDirection,
): [source: MemoryDisk, destination: MemoryDisk] {
  return direction === "get"
    ? [world.remote, world.disk]
    : [world.disk, world.remote];
}

const SOURCE: Tree = {
  "same": "same",
  "changed": "longer than before",
  "new/file": "n",
  "dir/kept": "k",
  "empty": null,
};

const DESTINATION: Tree = {
  "same": "same",
  "changed": "before",
  "dir/kept": "k",
  "dir/extra": "e",
  "extra/deep/er/x": "1",
  "extra/y": "2",
  "extra/hollow": null,
  "link": ["/outside"],
  "extra/link": ["../../outside"],
};

Deno.test("syncTree() makes the destination like the source, and deletes exactly what is extra", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", SOURCE);
    await plant(destination, "/", { "outside/precious": "p" });
    await plant(destination, "/d", DESTINATION);
    const places = { direction, remote: "d", local: "/d" };
    const [planned, done] = [new Log(), new Log()];
    const options = { ...world.ports, deleteExtra: true };
    const before = await harvest(destination, "/");
    const plan = await syncTree(world.client, places, {
      ...options,
      dryRun: true,
      onEvent: planned.tell,
    });
    assertEquals(await harvest(destination, "/"), before, direction);
    const asked: string[][] = [];
    const summary = await syncTree(world.client, places, {
      ...options,
      onEvent: done.tell,
      confirmDelete(paths) {
        asked.push([...paths].sort());
        return Promise.resolve(true);
      },
    });
    assertEquals(done.sorted, planned.sorted, direction);
    assertEquals(counts(summary), counts(plan));
    assertEquals(counts(summary), {
      files: 2,
      folders: 2,
      equal: 2,
      deleted: 9,
    });
    assertEquals(asked, [[
      "dir/extra",
      "extra",
      "extra/deep",
      "extra/deep/er",
      "extra/deep/er/x",
      "extra/hollow",
      "extra/link",
      "extra/y",
      "link",
    ]]);
    assertEquals(await harvest(destination, "/d"), whole(SOURCE), direction);
    assertEquals(await harvest(destination, "/outside"), { precious: "p" });
    const again = await syncTree(world.client, places, options);
    assertEquals([counts(again), again.wireBytes], [{ equal: 4 }, 0]);
  }
});

Deno.test("syncTree() deletes nothing unless it may", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", { "a": "1" });
    await plant(destination, "/d", { "b": "2", "c": "3" });
    const places = { direction, remote: "d", local: "/d" };
    const sync = (more: Parameters<typeof syncTree>[2]) =>
      syncTree(world.client, places, { ...world.ports, ...more });
    assertEquals(counts(await sync({})), { files: 1 });
    const refused = await sync({
      deleteExtra: true,
      confirmDelete: () => Promise.resolve(false),
    });
    assertEquals(counts(refused), { equal: 1, extra: 2 });
    assertEquals(
      await harvest(destination, "/d"),
      { "a": "1", "b": "2", "c": "3" },
    );
  }
});

Deno.test("syncTree() deletes nothing if anything failed", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", { "ok": "1", "clash": "a file" });
    await plant(destination, "/d", { "clash/x": "2", "extra": "3" });
    const log = new Log();
    const summary = await syncTree(
      world.client,
      { direction, remote: "d", local: "/d" },
      { ...world.ports, deleteExtra: true, onEvent: log.tell },
    );
    assertEquals([summary.failed, summary.deleted, summary.extra], [1, 0, 1]);
    assertEquals((await harvest(destination, "/d"))["extra"], "3");
  }
});

Deno.test("syncTree() neither moves nor deletes what the filter leaves out", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", { "a": "1", "a.tmp": "x", "keep/x": "y" });
    await plant(destination, "/d", {
      "b": "2",
      "b.tmp": "z",
      "keep/mine": "m",
      "old/c.tmp": "w",
      "old/d": "v",
      "gone/e": "u",
    });
    const summary = await syncTree(
      world.client,
      { direction, remote: "d", local: "/d" },
      {
        ...world.ports,
        deleteExtra: true,
        filter: [
          { action: "exclude", pattern: "*.tmp" },
          { action: "exclude", pattern: "/keep/" },
        ],
      },
    );
    assertEquals(counts(summary), { files: 1, deleted: 4 });
    assertEquals(
      await harvest(destination, "/d"),
      whole({ "a": "1", "b.tmp": "z", "keep/mine": "m", "old/c.tmp": "w" }),
      direction,
    );
  }
});

Deno.test("syncTree() takes what it skips for present", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", { "file": "1", "l": ["file"] });
    source.special("/d/pipe");
    await plant(destination, "/d", { "l": "mine", "pipe": "mine" });
    const summary = await syncTree(
      world.client,
      { direction, remote: "d", local: "/d" },
      { ...world.ports, deleteExtra: true },
    );
    assertEquals(counts(summary), { files: 1, links: 1, specials: 1 });
  }
});

Deno.test("syncTree() leaves alone what appears while it works", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source, destination] = ends(world, direction);
    await plant(source, "/d", { "a": "1" });
    await plant(destination, "/d", { "old/x": "2" });
    const log = new Log();
    const summary = await syncTree(
      world.client,
      { direction, remote: "d", local: "/d" },
      {
        ...world.ports,
        deleteExtra: true,
        onEvent: log.tell,
        async confirmDelete() {
          await plant(destination, "/d", { "old/late": "3" });
          return true;
        },
      },
    );
    assertEquals(counts(summary), {
      files: 1,
      deleted: 1,
      failed: 1,
      extra: 1,
    });
    assertEquals(
      await harvest(destination, "/d"),
      whole({ "a": "1", "old/late": "3" }),
    );
  }
});

Deno.test("syncTree() deletes nothing through a folder that was swapped for a link", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", { "a": "1" });
  await plant(world.disk, "/", { "outside/x": "precious", "d/old/x": "2" });
  const summary = await syncTree(
    world.client,
    { direction: "get", remote: "d", local: "/d" },
    {
      ...world.ports,
      deleteExtra: true,
      async confirmDelete() {
        await world.disk.rename("/d/old", "/moved");
        world.disk.symlink("/outside", "/d/old");
        return true;
      },
    },
  );
  assertEquals([summary.deleted, summary.failed], [0, 1]);
  assertEquals(await harvest(world.disk, "/outside"), { "x": "precious" });
});

Deno.test("syncTree() needs directories at both ends, and sees both", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const [source] = ends(world, direction);
    await plant(source, "/", { "file": "x" });
    const sync = (name: string) =>
      syncTree(
        world.client,
        { direction, remote: name, local: `/${name}` },
        world.ports,
      );
    await assertFerryError(sync("file"), "not-directory");
    await assertFerryError(sync("none"), "not-found");
  }
});

Deno.test("syncTree() deletes nothing after a listing that went wrong", async () => {
  await using world = await treeWorld();
  await plant(world.remote, "/d", { "a": "1" });
  await plant(world.disk, "/d", { "b": "2", "sub/c": "3" });
  const broken = [
    { entries: [remoteEntry("d/x/y")], problems: [] },
    {
      entries: [
        remoteEntry("d/sub", { kind: "directory" as const }),
        remoteEntry("d/sub/z", { kind: "other" as const }),
        remoteEntry("d/late"),
      ],
      problems: [],
    },
  ];
  for (const page of broken) {
    const client = listing(world.client, async function* () {
      yield page;
    });
    const summary = await syncTree(
      client,
      { direction: "get", remote: "d", local: "/d" },
      { ...world.ports, deleteExtra: true },
    );
    assertEquals([summary.ended?.code, summary.deleted], ["protocol", 0]);
  }
  assertEquals(
    await harvest(world.disk, "/d"),
    whole({ "b": "2", "sub/c": "3" }),
  );
});

Deno.test("syncTree() of unchanged trees costs one listing and no data", async () => {
  for (const direction of DIRECTIONS) {
    await using world = await treeWorld();
    const tree: Record<string, string> = {};
    for (let index = 0; index < 3000; index++) {
      tree[`d${index % 40}/f${index}`] = "x";
    }
    await plant(world.remote, "/d", tree);
    await plant(world.disk, "/d", tree);
    const control = world.server.network.dialled[0]!.client;
    const connections = world.dataConnections;
    let writes = 0;
    const write = control.write.bind(control);
    control.write = (bytes) => {
      writes++;
      return write(bytes);
    };
    for await (const _ of world.client.list("d", { recursive: true }));
    const listed = writes;
    writes = 0;
    const summary = await syncTree(
      world.client,
      { direction, remote: "d", local: "/d" },
      { ...world.ports, deleteExtra: true },
    );
    assertEquals(counts(summary), { equal: 3000 });
    assertEquals(writes <= listed + 2, true, `${writes} against ${listed}`);
    assertEquals(world.dataConnections, connections);
  }
});
