/**
 * Whatever stands in a configuration file, it is read, or refused with the name
 * of the file and a line of it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readConfig, settingName } from "../../lib/cli/config_file.ts";
import { SETTINGS } from "../../lib/cli/server_commands.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import type { SeededRandom } from "../helpers/seeded_random.ts";
import { fuzz } from "./fuzz.ts";

/** What values are made of: what is right somewhere, and noise. */
const VALUES: readonly ((random: SeededRandom) => string)[] = [
  () => "true",
  () => "null",
  (random) => String(random.integer(-10, 70_000)),
  (random) => `${random.below(99)}.5`,
  () => '"10M"',
  () => '"read"',
  () => '["127.0.0.1:0", "[::1]:7000"]',
  () => '["tls://0.0.0.0:0"]',
  () => '{ "pendingCountMax": 7 }',
  () => '{ "pendingCountMax": 7, "pendingCountMax": 8 }',
  () => "[[[[",
  () => "{",
  () => '"\\u0000"',
  (random) => JSON.stringify(String.fromCharCode(random.below(65_536))),
];

const NAMES = [
  ...SETTINGS.map(settingName),
  ...["root", "limits", "$schema", "lisen", "", "__proto__", "constructor"],
];

function settings(random: SeededRandom): string {
  const lines = Array.from({ length: random.integer(0, 6) }, () => {
    const name = JSON.stringify(random.pick(NAMES));
    return `  ${name}: ${random.pick(VALUES)(random)},`;
  });
  return `{\n${lines.join("\n")}\n}`;
}

/** Text with some of its characters changed, and often cut off. */
function damaged(random: SeededRandom, text: string): string {
  const characters = [...text];
  for (let count = random.integer(0, 3); count > 0; count--) {
    const at = random.below(characters.length);
    characters[at] = String.fromCharCode(random.below(256));
  }
  const end = random.below(2) === 0
    ? characters.length
    : random.below(characters.length + 1);
  return characters.slice(0, end).join("");
}

fuzz("a configuration is read, or refused with file and line", (random) => {
  const content = damaged(random, settings(random));
  try {
    const { limits, values } = readConfig(content, "f.jsonc", SETTINGS);
    assert([...values.keys()].every((option) => SETTINGS.includes(option)));
    assertEquals(Object.getPrototypeOf(limits), Object.prototype);
  } catch (error) {
    assert(error instanceof UsageError, `${content}\n${error}`);
    const [, line = "0"] =
      /^Cannot use "f\.jsonc", line (\d+): .+$/.exec(error.message) ?? [];
    const lines = content.split("\n").length;
    assert(Number(line) >= 1 && Number(line) <= lines, error.message);
  }
}, 10);
