/** What a real `ferryd` refuses to offer beyond this machine unless that is asked for. */

import { assertEquals, assertMatch } from "@std/assert";
import { READER_PERMISSIONS } from "../helpers/spawn_main.ts";
import { sceneTest } from "./scene.ts";

/** Command lines that do not start, and what is said: which flag, and why. */
const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "a classic door beyond this machine",
    ["-l", "127.0.0.1:0", "--classic", "nets=0.0.0.0:0"],
    /Cannot listen on \S*0\.0\.0\.0:0: .*unencrypted.*--allow-plain/,
  ],
  [
    "the metrics port beyond this machine",
    ["-l", "127.0.0.1:0", "--metrics", "0.0.0.0:0"],
    /Cannot listen on \S*0\.0\.0\.0:0: .*unencrypted.*--allow-plain/,
  ],
  [
    "a classic door without a log-in where strangers may do nothing",
    ["-l", "127.0.0.1:0", "--anonymous", "none", "--classic", "nets"],
    /Cannot speak nets on .*no log-in.*--anonymous read/,
  ],
  [
    "the same beyond this machine, where nobody is asked",
    ["-l", "127.0.0.1:0", "--allow-plain", "--classic", "nets=0.0.0.0:0"],
    /Cannot speak nets on .*no log-in.*--anonymous read/,
  ],
  [
    "a reserve that nobody can look after",
    ["-l", "127.0.0.1:0", "--reserve", "5G"],
    /Cannot keep 5\.0 GiB free: .*--allow-sys=statfs/,
  ],
];

for (const [name, args, message] of REFUSED) {
  sceneTest(`ferryd does not start with ${name}`, async (scene) => {
    for (const command of [[], ["check"]]) {
      const { code, stdout, stderr } = await scene.spawn(
        "server",
        [...command, ...args, scene.root],
        { permissions: [...READER_PERMISSIONS, `--allow-write=${scene.root}`] },
      ).ended;
      assertMatch(stderr, message);
      assertEquals([code > 0, stdout], [true, ""]);
      assertEquals(stderr.trim().split("\n").length, 1);
    }
  });
}

sceneTest(
  "ferryd --reserve keeps space free, and says how much there is for uploads",
  async (scene) => {
    const server = await scene.server({ args: ["--reserve", "1000T"] });
    await scene.file("a.txt", "a");
    const { stderr } = await scene.ferry(["put", server.host, "a.txt"], {
      code: 1,
    });
    assertMatch(
      stderr,
      /Cannot put "a\.txt": it needs 1 B, 0 B are free besides/,
    );
    const { stdout } = await scene.ferry(["--json", "info", server.host]);
    assertEquals(JSON.parse(stdout).freeSpace, 0);
  },
);
