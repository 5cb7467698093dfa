import { assertEquals } from "@std/assert";
import { CLIENT_PROGRAM } from "../../lib/cli/client_commands.ts";
import {
  LIST_RECURSIVE,
  LOCAL_OUTPUT,
  LONG,
  TIMEOUT,
} from "../../lib/cli/client_options.ts";
import { readCommandLine } from "../../lib/cli/command_line.ts";
import { splitWords } from "../../lib/cli/words.ts";

/** Words, the options that they give, and the operands. */
const CASES: ReadonlyArray<
  readonly [string[], Record<string, string[]>, string[]]
> = [
  [[], {}, []],
  [["a", "b"], {}, ["a", "b"]],
  [["-l", "true"], { long: [] }, ["true"]],
  [["--long", "false", "x"], { long: [] }, ["false", "x"]],
  [["007", "1e3", "0x10", ""], {}, ["007", "1e3", "0x10", ""]],
  [["-lR"], { long: [], recursive: [] }, []],
  [["-lo", "x"], { long: [], output: ["x"] }, []],
  [["-lox"], { long: [], output: ["x"] }, []],
  [["-o=x"], { output: ["x"] }, []],
  [["-o", "-"], { output: ["-"] }, []],
  [["--output", "-", "-"], { output: ["-"] }, ["-"]],
  [["--output=a=b"], { output: ["a=b"] }, []],
  [["--output=007"], { output: ["007"] }, []],
  [["--output=a", "-o", "b"], { output: ["a", "b"] }, []],
  [["--output=two\nlines"], { output: ["two\nlines"] }, []],
  [["a", "--", "-l", "--", "--output"], {}, ["a", "-l", "--", "--output"]],
  [["a", "-l", "b"], { long: [] }, ["a", "b"]],
  [["--output", "--", "x"], { output: ["--"] }, ["x"]],
];

Deno.test("splitWords() takes every word for what it is", async (t) => {
  const known = [LONG, LIST_RECURSIVE, LOCAL_OUTPUT, TIMEOUT];
  for (const [args, options, operands] of CASES) {
    await t.step(JSON.stringify(args), () => {
      const words = splitWords(args, known);
      assertEquals(Object.fromEntries(words.options), options);
      assertEquals(words.operands, operands);
      assertEquals(words.unknown, undefined);
    });
  }
});

Deno.test("readCommandLine() reads values, and falls back where there are none", () => {
  const args = ["get", "--timeout", "2.5", "localhost", "a", "-o", "x"];
  const line = readCommandLine(CLIENT_PROGRAM, args);
  assertEquals(line.value(TIMEOUT), 2500);
  assertEquals(line.value(LOCAL_OUTPUT), "x");
  assertEquals(line.value(LONG), false);
  assertEquals(line.operands, ["localhost", "a"]);
});

Deno.test("readCommandLine() knows the other names of a command", () => {
  for (const name of ["mv", "rename", "change"]) {
    const line = readCommandLine(CLIENT_PROGRAM, [name, "h", "a", "b"]);
    assertEquals(line.command?.name, "mv");
  }
});

Deno.test("readCommandLine() prefers help and version to complaints", () => {
  const helpful = [["--help"], ["-h"], ["help"], ["get", "-h", "--bad"]];
  for (const args of helpful) {
    assertEquals(readCommandLine(CLIENT_PROGRAM, args).action, "help");
  }
  const { action, command } = readCommandLine(CLIENT_PROGRAM, ["help", "mv"]);
  assertEquals([action, command?.name], ["help", "mv"]);
  assertEquals(readCommandLine(CLIENT_PROGRAM, ["ls", "-V"]).action, "version");
});
