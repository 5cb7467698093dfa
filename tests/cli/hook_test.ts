import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { commandHook } from "../../lib/cli/deno_hook.ts";
import { HookError, readVerdict } from "../../lib/cli/hook_verdict.ts";
import { runServer } from "../../lib/cli/mod.ts";
import type { ReceivedFile } from "../../lib/server/mod.ts";
import { makeWorld } from "./world.ts";

const FILE: ReceivedFile = {
  path: "a.bin",
  staged: "/srv/.ferry/x/data",
  size: 3,
  digest: { algorithm: "crc32-chunks", value: "00" },
  user: "ann",
  peer: "127.0.0.1:5",
  protocol: "ferry",
};

/** A command of one line of script, in the interpreter that is surely here. */
function script(code: string): readonly string[] {
  return [Deno.execPath(), "eval", "--no-config", code];
}

const never = new AbortController().signal;

Deno.test("readVerdict() takes nothing or a verdict, and nothing else", () => {
  assertEquals(readVerdict(" \n"), { verdict: "accept" });
  for (
    const verdict of [
      { verdict: "accept" },
      { verdict: "reject", reason: "a virus" },
      { verdict: "rename", path: "sorted/a" },
    ] as const
  ) assertEquals(readVerdict(JSON.stringify(verdict)), verdict);
  const wrong = [
    "accept",
    "{",
    "7",
    "null",
    "{}",
    '{"verdict":"maybe"}',
    '{"verdict":"reject"}',
    '{"verdict":"reject","reason":""}',
    `{"verdict":"reject","reason":"${"x".repeat(501)}"}`,
    '{"verdict":"rename"}',
    '{"verdict":"accept","more":1}',
    '{"verdict":"accept"}{"verdict":"accept"}',
  ];
  for (const output of wrong) {
    assertThrows(() => readVerdict(output), HookError, "it wrote", output);
  }
});

Deno.test("commandHook() tells the command of the file and reads its verdict", async () => {
  const hook = commandHook(script(`
    const file = JSON.parse(new TextDecoder().decode(
      (await Deno.stdin.readable.getReader().read()).value));
    console.log(JSON.stringify({ verdict: "reject", reason: file.path + file.user + file.staged }));
  `));
  assertEquals(await hook(FILE, never), {
    verdict: "reject",
    reason: "a.binann/srv/.ferry/x/data",
  });
});

Deno.test("commandHook() accepts in silence, also from a command that does not read", async () => {
  const hook = commandHook(script("Deno.exit(0)"));
  assertEquals(await hook(FILE, never), { verdict: "accept" });
});

Deno.test("commandHook() takes every other end for a fault, and says what the command said", async () => {
  const crash = commandHook(
    script("console.error('out of disk'); Deno.exit(3)"),
  );
  const error = await assertRejects(() => crash(FILE, never), HookError);
  assertStringIncludes(error.message, "exit code 3: out of disk");
  const chatty = commandHook(script("console.log('x'.repeat(1e6))"));
  await assertRejects(() => chatty(FILE, never), HookError, "no JSON");
  const missing = commandHook(["/no/such/program"]);
  await assertRejects(() => missing(FILE, never), Deno.errors.NotFound);
});

Deno.test("commandHook() ends a command that takes too long", async () => {
  const controller = new AbortController();
  const hook = commandHook(script("setInterval(() => {}, 1000)"));
  const judged = hook(FILE, controller.signal);
  controller.abort();
  await assertRejects(() => judged, HookError, "exit code");
});

Deno.test("ferryd hands its hook to the server, and does not start with one that it may not run", async () => {
  const world = makeWorld({
    serve: () => Promise.reject(new TypeError("far enough")),
  });
  const args = ["--hook", "scan", "--hook=--fast"];
  await runServer(args, world.environment);
  const { onReceived } = world.serves[0]!;
  assert(onReceived !== undefined);
  assertEquals(await onReceived(FILE, never), {
    verdict: "reject",
    reason: "scan --fast",
  });

  const denied = makeWorld({});
  assertEquals(await runServer(["--hook", "/denied"], denied.environment), 2);
  assertStringIncludes(denied.stderr.text, "--allow-run=/denied");
});

Deno.test("ferryd gives the right to run commands back where it has no hook", async () => {
  const told: string[] = [];
  const serve = () => Promise.reject(new TypeError("far enough"));
  for (const args of [[], ["--hook", "scan"]]) {
    const world = makeWorld({ serve });
    const environment = {
      ...world.environment,
      giveUpRunning: () => Promise.resolve(void told.push(args.join(" "))),
    };
    await runServer(args, {
      ...environment,
      load: () => Promise.resolve(environment),
    });
  }
  assertEquals(told, [""]);
});
