import { assert, assertEquals, assertThrows } from "@std/assert";
import { readConfig, settingName } from "../../lib/cli/config_file.ts";
import { runServer } from "../../lib/cli/mod.ts";
import {
  ALLOW_PLAIN,
  ANONYMOUS,
  DRAIN,
  LISTEN,
  RESERVE,
  SERVER_LIMIT_RATE,
  SETTINGS,
} from "../../lib/cli/server_commands.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { MemoryDisk } from "../../lib/storage/mod.ts";
import { writeMemory } from "../helpers/test_server.ts";
import { makeWorld } from "./world.ts";

const FULL = `{
  // Where the schema is, for editors.
  "$schema": "docs/ferryd.schema.json",
  "root": "/srv/files",
  "listen": ["127.0.0.1:0", "[::1]:7000"],
  "allowPlain": true,
  "anonymous": "read",
  "limitRate": "10M",
  "reserve": "1.5GiB",
  "drain": 2.5,
  "readOnly": false, /* as it is by default */
  "limits": { "pendingCountMax": 7 },
}`;

function read(content: string) {
  return readConfig(content, "ferryd.jsonc", SETTINGS);
}

Deno.test("readConfig() reads every kind of setting by the rules of its option", () => {
  const { limits, root, values } = read(FULL);
  assertEquals(root, "/srv/files");
  assertEquals(limits, { pendingCountMax: 7 });
  assertEquals(values.get(LISTEN), [
    { hostname: "127.0.0.1", port: 0, scheme: "tcp" },
    { hostname: "::1", port: 7000, scheme: "tcp" },
  ]);
  assertEquals(values.get(ALLOW_PLAIN), true);
  assertEquals(values.get(ANONYMOUS), "read");
  assertEquals(values.get(SERVER_LIMIT_RATE), 10 * 1024 ** 2);
  assertEquals(values.get(RESERVE), 1.5 * 1024 ** 3);
  assertEquals(values.get(DRAIN), 2500);
  assertEquals(read("{}").values.size, 0);
});

const WRONG: readonly (readonly [string, number, string])[] = [
  ["", 1, "there is nothing in it"],
  ["// only a comment", 1, "there is nothing in it"],
  ["[]", 1, "must be an object"],
  ['"text"', 1, "must be an object"],
  ['{\n  "listen": ["127.0.0.1:0"]\n  "drain": 1\n}', 3, "CommaExpected"],
  ['{ "drain": 1', 1, "CloseBraceExpected"],
  ['{ "drain" }', 1, "ColonExpected"],
  ['{\n\n  "lisen": ["127.0.0.1:0"]\n}', 3, 'did you mean "listen"?'],
  ['{ "config": "other.jsonc" }', 1, '"config" is no setting'],
  ['{\n "drain": 1,\n "drain": 2\n}', 3, '"drain" is said twice'],
  ['{\n "drain": true }', 2, '"drain" must be a number'],
  ['{\n "drain": -1 }', 2, '"drain": Option "--drain" cannot be "-1"'],
  ['{ "allowPlain": "yes" }', 1, '"allowPlain" must be true or false'],
  ['{ "listen": [7] }', 1, '"listen" must be a list of strings'],
  ['{\n "listen": ["nowhere:x"] }', 2, "nowhere:x"],
  ['{ "anonymous": "all" }', 1, 'choose "none", "read" or "write"'],
  ['{ "root": 7 }', 1, '"root" must be a string'],
  ['{ "root": "" }', 1, '"root" must be a string'],
  ['{ "limits": 7 }', 1, "limits must be an object"],
  ['{ "limits": {\n "pendingMax": 1 } }', 2, '"pendingMax" is no setting'],
  ['{ "limits": { "pendingCountMax": 1.5 } }', 1, "must be a whole number"],
  ['{ "limits": { "pendingCountMax": -1 } }', 1, "must be a whole number"],
];

Deno.test("readConfig() names file, line and key of what makes no sense", () => {
  for (const [content, line, message] of WRONG) {
    const error = assertThrows(() => read(content), UsageError);
    const start = `Cannot use "ferryd.jsonc", line ${line}: `;
    assert(error.message.startsWith(start), `${content}: ${error.message}`);
    assert(error.message.includes(message), `${content}: ${error.message}`);
    assert(!error.message.includes("\n"), error.message);
  }
});

Deno.test("every setting has a name of its own", () => {
  const names = SETTINGS.map(settingName);
  assertEquals(new Set(names).size, names.length);
});

async function diskWith(content: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const bytes = new TextEncoder().encode(content);
  await writeMemory(disk, "/ferryd.jsonc", bytes);
  return disk;
}

Deno.test("ferryd --config: what the command line says wins", async () => {
  const world = makeWorld({
    disk: await diskWith(FULL),
    serve: () => Promise.reject(new TypeError("far enough")),
  });
  await runServer(
    ["-c", "/ferryd.jsonc", "--anonymous", "none", "-l", "127.0.0.1:9"],
    world.environment,
  );
  assertEquals(world.serves, [{
    root: "/srv/files",
    listen: [{ hostname: "127.0.0.1", port: 9, scheme: "tcp" }],
    allowPlain: true,
    readOnly: false,
    anonymous: "none",
    reserve: 1.5 * 1024 ** 3,
    limits: { pendingCountMax: 7, rateMax: 10 * 1024 ** 2 },
  }]);
});

Deno.test("ferryd does not start with a configuration that it cannot follow", async () => {
  const rows = [
    [await diskWith("{ oops"), "line 1"],
    [await diskWith(" ".repeat(1_048_577)), "1048577 bytes are too many"],
    [new MemoryDisk(), "not found"],
  ] as const;
  for (const [disk, message] of rows) {
    for (const command of [[], ["check"]]) {
      const world = makeWorld({ disk });
      const args = [...command, "-c", "/ferryd.jsonc"];
      assertEquals(await runServer(args, world.environment), 2);
      assert(world.stderr.text.includes('Cannot use "/ferryd.jsonc"'));
      assert(world.stderr.text.includes(message), world.stderr.text);
      assertEquals(world.serves, []);
    }
  }
});
