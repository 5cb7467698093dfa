/** The command line of the chaos proxy. */
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { HELP, readCommandLine } from "../../tools/chaos/command_line.ts";

const TO = ["--to", "127.0.0.1:65430"];
const to = { hostname: "127.0.0.1", port: 65_430 };

/** What was read, without what was not given. */
function read(...args: string[]): unknown {
  return JSON.parse(JSON.stringify(readCommandLine(args)));
}

const GOOD: readonly [args: string[], options: Record<string, unknown>][] = [
  [["--to=127.0.0.1:65430"], { to }],
  [[...TO, "--listen", "[::1]:0"], {
    to,
    listen: { hostname: "::1", port: 0 },
  }],
  [[...TO, "--seed", "9"], { to, seed: 9 }],
  [[...TO, "--delay", "60ms"], { to, delay: { up: 60, down: 60 } }],
  [[...TO, "--delay=2s", "--delay-up", "5"], {
    to,
    delay: { up: 5, down: 2000 },
  }],
  [[...TO, "--rate-down", "20M"], { to, rate: { down: 20_971_520 } }],
  [[...TO, "--total-rate", "1.5KiB"], {
    to,
    totalRate: { up: 1536, down: 1536 },
  }],
  [
    [...TO, "--stammer", "16", "--stammer-delay", "1ms"],
    { to, stammer: { sizeMax: 16, delay: 1 } },
  ],
  [
    [
      ...TO,
      "--flip-every",
      "100M",
      "--flip-from",
      "0",
      "--flip-direction",
      "up",
    ],
    { to, flip: { every: 104_857_600, from: 0, direction: "up" } },
  ],
  [
    [...TO, "--reset-between", "1K-2K", "--reset-times", "3"],
    { to, reset: { between: [1024, 2048], times: 3 } },
  ],
  [
    [...TO, "--close-total", "1G", "--close-direction", "both"],
    { to, close: { total: 1_073_741_824, direction: "both" } },
  ],
  [
    [...TO, "--silence-after", "0", "--silence-connection", "2"],
    { to, silence: { after: 0, connection: 2 } },
  ],
  [
    [...TO, "--refuse-after", "1min", "--refuse-for", "2s"],
    { to, refuse: { after: 60_000, lasting: 2000 } },
  ],
  [
    [...TO, "--max-connections", "5", "--buffer", "1M"],
    { to, connectionsMax: 5, buffer: 1_048_576 },
  ],
];

for (const [args, options] of GOOD) {
  Deno.test(`readCommandLine() reads ${args.join(" ")}`, () => {
    assertEquals(read(...args), options);
  });
}

const BAD: readonly [args: string[], message: string][] = [
  [[], "Cannot start without --to"],
  [["--to", "localhost"], 'Cannot use "localhost" for --to'],
  [["--to", "a:99999"], 'Cannot use "a:99999" for --to'],
  [[...TO, "--bogus", "1"], 'Cannot use "--bogus"'],
  [[...TO, "word"], 'Cannot use "word"'],
  [[...TO, "--", "word"], 'Cannot use "word"'],
  [[...TO, "--rate"], "Cannot use --rate alone"],
  [[...TO, "--rate", "1M", "--rate", "2M"], "Cannot use --rate more than once"],
  [[...TO, "--rate", "0"], "Cannot use rate 0"],
  [[...TO, "--rate", "1e6"], 'Cannot use "1e6" for --rate'],
  [[...TO, "--delay", "1h"], 'Cannot use "1h" for --delay'],
  [[...TO, "--seed=-1"], 'Cannot use "-1" for --seed'],
  [[...TO, "--stammer-delay", "1"], "Cannot use --stammer-delay without"],
  [[...TO, "--flip-times", "1"], "Cannot use --flip-times without"],
  [[...TO, "--reset-times", "1"], "Cannot use --reset-times without"],
  [[...TO, "--reset-between", "5"], 'Cannot use "5" for --reset-between'],
  [[...TO, "--reset-between", "5-1"], "Cannot use reset between 1"],
  [
    [...TO, "--reset-after", "5", "--reset-total", "5"],
    "Cannot use reset: it needs one of",
  ],
  [
    [...TO, "--close-after", "5", "--close-direction", "left"],
    'Cannot use "left" for --close-direction',
  ],
];

for (const [args, message] of BAD) {
  Deno.test(`readCommandLine() refuses ${args.join(" ") || "nothing"}`, () => {
    assertThrows(() => readCommandLine(args), UsageError, message);
  });
}

Deno.test("readCommandLine() gives help before it looks at the rest", () => {
  assertEquals(readCommandLine(["--bogus", "--help"]), "help");
});

Deno.test("the help fits a terminal", () => {
  for (const line of HELP.split("\n")) {
    assertEquals(line.length <= 80, true, line);
  }
});
