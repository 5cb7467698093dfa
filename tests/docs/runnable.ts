/**
 * The shell commands of the documentation, as a test runs them: every fenced
 * block whose info string is `sh runnable`, in the order of the file, in one
 * shell in an empty folder.
 *
 * The default port would meet whatever runs on this machine. So `ferryd` listens
 * on a free one there, unless it is told where, and `ferry` finds it under the
 * addresses that the documentation writes.
 */

import { fromFileUrl, join } from "@std/path";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** The runnable blocks of a text in Markdown, one below the other. */
export function runnableBlocks(markdown: string): string {
  const blocks = markdown.matchAll(/^```sh runnable\n(.*?)^```$/gms);
  return [...blocks].map(([, block]) => block).join("");
}

/** Every file of the documentation that a person reads. */
export async function documents(): Promise<string[]> {
  const names: string[] = ["README.md"];
  for await (const { name } of Deno.readDir(join(ROOT, "docs"))) {
    if (name.endsWith(".md")) names.push(`docs/${name}`);
  }
  return names.sort();
}

/** The text of a file of the repository. */
export async function readDocument(name: string): Promise<string> {
  return await Deno.readTextFile(join(ROOT, name));
}

/** `ferryd` on a free port, which it writes down; other commands of it as they are. */
const FERRYD = `#!/bin/sh
for word in "$@"; do
  case "$word" in
    -l|--listen*|check|user|identity|-h|--help|-V|--version|-c|--config*) is_told=1 ;;
  esac
done
if [ -z "\${is_told:-}" ]; then set -- -l 127.0.0.1:0 "$@"; fi
exec "$FERRY_DENO" run -q --no-prompt --frozen --no-check -A "$FERRY_ROOT/main_server.ts" "$@" > "$HOME/.listening"
`;

/** `ferry` to the port that is written down; waits for it. */
const FERRY = `#!/bin/sh
tries=0
while [ -e "$HOME/.expecting" ] && ! grep -q listening "$HOME/.listening" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || { echo "ferryd did not begin" >&2; exit 1; }
  sleep 0.1
done
port="$(sed -n 's/^listening ferry .*:\\([0-9]*\\)$/\\1/p' "$HOME/.listening" 2>/dev/null | head -n 1)"
count=$#
while [ "$count" -gt 0 ]; do
  word="$1"
  shift
  case "$word" in
    127.0.0.1|localhost|tls://localhost) word="$word:$port" ;;
  esac
  set -- "$@" "$word"
  count=$((count - 1))
done
exec "$FERRY_DENO" run -q --no-prompt --frozen --no-check -A "$FERRY_ROOT/main_client.ts" "$@"
`;

/** What came of running blocks. */
export interface BlockRun {
  readonly code: number;
  readonly output: string;
}

/**
 * Runs blocks in a shell that ends at the first command that fails.
 *
 * @param script The commands.
 * @param folder An empty folder to do it in.
 */
export async function runBlocks(
  script: string,
  folder: string,
): Promise<BlockRun> {
  const bin = join(folder, "bin");
  const home = join(folder, "home");
  const work = join(home, "work");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.mkdir(work, { recursive: true });
  for (const [name, text] of [["ferry", FERRY], ["ferryd", FERRYD]] as const) {
    await Deno.writeTextFile(join(bin, name), text, { mode: 0o755 });
  }
  const child = new Deno.Command("sh", {
    args: ["-eu"],
    cwd: work,
    clearEnv: true,
    env: {
      PATH: `${bin}:${Deno.env.get("PATH") ?? ""}`,
      HOME: home,
      DENO_DIR: Deno.env.get("DENO_DIR") ??
        join(Deno.env.get("HOME") ?? "", ".cache/deno"),
      FERRY_DENO: Deno.execPath(),
      FERRY_ROOT: ROOT,
      NO_COLOR: "1",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const setUp =
    `trap 'for job in $(jobs -p); do kill "$job" 2>/dev/null || :; done; wait' EXIT\n` +
    (script.includes("ferryd") ? `: > "$HOME/.expecting"\n` : "");
  await writer.write(new TextEncoder().encode(setUp + script));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
