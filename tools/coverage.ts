// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Checks what a test run with `--coverage` covered, counting `lib/` only: tests
 * and tools would lift or lower a number that is meant to speak of the product.
 * `deno.json` holds the threshold, but has no key for this restriction.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);
const LIB = new URL("lib/", ROOT);
const PROFILE_FOLDER = "coverage";

/** Runs `deno coverage`, which fails below the threshold of `deno.json`. */
async function checkCoverage(): Promise<boolean> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "coverage",
      "--quiet",
      `--include=^${RegExp.escape(LIB.href)}`,
      PROFILE_FOLDER,
    ],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const table = new TextDecoder().decode(stdout).trimEnd();
  if (success) {
    console.log(summarize(table));
  } else {
    console.error(table);
    console.error(new TextDecoder().decode(stderr).trimEnd());
  }
  return success;
}

/** Makes one line of the report's last row: `| All files | 1 | 2 | 3 |`. */
function summarize(table: string): string {
  const [, , branches, functions, lines] = (table.split("\n").at(-1) ?? "")
    .split("|").map((cell) => cell.trim());
  return `coverage of lib/: ${lines}% of lines, ${functions}% of functions, ` +
    `${branches}% of branches (details: deno coverage --html ${PROFILE_FOLDER})`;
}

if (import.meta.main) {
  if (!await checkCoverage()) Deno.exit(1);
}
