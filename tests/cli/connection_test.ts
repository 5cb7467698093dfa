import { assertEquals } from "@std/assert";
import { runClient } from "../../lib/cli/mod.ts";
import type { ConnectOptions } from "../../lib/client/mod.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { makeWorld, type WorldOptions } from "./world.ts";

const H = "127.0.0.1";

/** What a command line connects with. */
async function connected(
  options: WorldOptions,
  ...args: string[]
): Promise<ConnectOptions> {
  const world = makeWorld(options);
  assertEquals(await runClient(args, world.environment), 0, world.stderr.text);
  return world.connects[0]!;
}

Deno.test("get, put and sync connect as their options say", async () => {
  const cases: ReadonlyArray<readonly [string[], Partial<ConnectOptions>]> = [
    [[], {}],
    [["--retries", "0"], { retries: 0 }],
    [["--retries=7"], { retries: 7 }],
    [["--retries", "forever"], { retries: Infinity }],
    [["--limit-rate", "2048"], { rateMax: 2048 }],
    [["--limit-rate", "500K"], { rateMax: 512_000 }],
    [["--limit-rate", "1.5MiB/s"], { rateMax: 1_572_864 }],
    [["--limit-rate", "2g"], { rateMax: 2_147_483_648 }],
    [["--active"], { active: { port: 0 } }],
    [["--active-port", "5000"], { active: { port: 5000 } }],
    [["--active", "--active-port", "5000"], { active: { port: 5000 } }],
  ];
  for (const [args, expected] of cases) {
    const options = await connected({}, "get", H, "a", ...args);
    const { retries, rateMax, active } = options;
    const found = {
      ...retries === undefined ? {} : { retries },
      ...rateMax === undefined ? {} : { rateMax },
      ...active === undefined ? {} : { active },
    };
    assertEquals(found, expected, `${args}`);
  }
});

Deno.test("what an upload needs to go on is kept where the system keeps such things", async () => {
  const base = { HOME: "/home/me" };
  const cases: ReadonlyArray<
    readonly [Readonly<Record<string, string>>, boolean, string | undefined]
  > = [
    [base, false, "/home/me/.local/state/ferry/uploads"],
    [{ ...base, XDG_STATE_HOME: "/s" }, false, "/s/ferry/uploads"],
    [
      { ...base, XDG_STATE_HOME: "s" },
      false,
      "/home/me/.local/state/ferry/uploads",
    ],
    [{ HOME: "here" }, false, undefined],
    [{}, false, undefined],
    [base, true, undefined],
    [{ LOCALAPPDATA: "C:\\x" }, true, "C:\\x\\ferry\\uploads"],
  ];
  for (const [variables, isWindows, folder] of cases) {
    const options = { variables, isWindows };
    const { stateFolder } = await connected(options, "put", H, "a.txt");
    assertEquals(stateFolder, folder, JSON.stringify(variables));
  }
  const listing = await connected({ variables: base }, "ls", H);
  assertEquals(listing.stateFolder, undefined, "nothing to keep");
});

Deno.test("nothing is kept where this program may not write", async () => {
  class ReadOnlyDisk extends MemoryDisk {
    override access() {
      return Promise.resolve({ read: true, write: false, freeSpace: false });
    }
  }
  const options = { variables: { HOME: "/h" }, disk: new ReadOnlyDisk() };
  const { stateFolder } = await connected(options, "put", H, "a.txt");
  assertEquals(stateFolder, undefined);
});
