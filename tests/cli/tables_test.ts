import { assertEquals } from "@std/assert";
import { CLIENT_PROGRAM } from "../../lib/cli/client_commands.ts";
import { commonOptions } from "../../lib/cli/command_line.ts";
import { commandHelp, programHelp } from "../../lib/cli/help.ts";
import { runClient, runServer } from "../../lib/cli/mod.ts";
import { SERVER_PROGRAM } from "../../lib/cli/server_commands.ts";
import { makeWorld } from "./world.ts";

const PROGRAMS = [[CLIENT_PROGRAM, runClient], [
  SERVER_PROGRAM,
  runServer,
]] as const;

/** The words of a text that look like options. */
function optionsIn(text: string): Set<string> {
  return new Set(text.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
}

Deno.test("the help of every command shows its options, and none that there is not", () => {
  for (const [program] of PROGRAMS) {
    const everywhere = new Set(
      [
        ...commonOptions(program),
        ...program.commands.flatMap((command) => command.options),
      ]
        .map(({ name }) => `--${name}`),
    );
    for (const command of program.commands) {
      const help = commandHelp(program, command);
      const shown = optionsIn(help);
      for (const { name } of [...command.options, ...commonOptions(program)]) {
        assertEquals(shown.has(`--${name}`), true, `${command.name} --${name}`);
      }
      // What a text or an example speaks of is an option of some command.
      for (const option of shown) {
        const isDenos = /^--allow-(net|read|write|run|env|sys)$/.test(option);
        assertEquals(everywhere.has(option) || isDenos, true, option);
      }
    }
  }
});

Deno.test("the help of ferry names every command", () => {
  const help = programHelp(CLIENT_PROGRAM);
  for (const { name } of CLIENT_PROGRAM.commands) {
    assertEquals(
      new RegExp(`^  (.*, )?${name}\\b`, "m").test(help),
      true,
      name,
    );
  }
});

Deno.test("an option that is misspelled is answered by the nearest one", async () => {
  for (const [program, run] of PROGRAMS) {
    for (const { name, options } of program.commands) {
      for (const option of options) {
        const slip = `--${option.name.slice(0, -1)}q`;
        const world = makeWorld();
        const words = name === "" ? [slip] : [name, slip];
        assertEquals(await run(words, world.environment), 2);
        const { text } = world.stderr;
        assertEquals(text.split("\n").length, 2, text);
        if (option.name.length > 4) {
          assertEquals(/did you mean "--/i.test(text), true, text);
        }
      }
    }
  }
});
