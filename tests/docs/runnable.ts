/**
 * The shell commands of the documentation, as a test runs them: every fenced
 * block whose info string is `sh runnable`, in the order of the file, in one
 * shell in an empty folder.
 *
 * The ports that the documentation writes would meet whatever runs on this
 * machine. So `ferryd` listens on free ones there, on loopback only, and `ferry`
 * finds it: `127.0.0.1` stands for the newest server without TLS, and
 * `files.example.com` for the newest one with it. A line that ends in `&` and
 * begins with `ferryd` is waited for until it listens.
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

/** `ferryd` on free ports, which it writes down; other commands of it as they are. */
const FERRYD = `#!/bin/sh
run() {
  exec "$FERRY_DENO" run -q --no-prompt --frozen --no-check -A "$FERRY_ROOT/main_server.ts" "$@"
}
case "\${1:-}" in
  check|user|identity|-h|--help|-V|--version) run "$@" ;;
esac
listen=tcp://127.0.0.1:0
metrics=
last=
count=$#
while [ "$count" -gt 0 ]; do
  word="$1"
  shift
  count=$((count - 1))
  case "$last" in
    -l|--listen)
      case "$word" in
        127.0.0.1:*|tcp://*) word=tcp://127.0.0.1:0 ;;
        *) word=tls://127.0.0.1:0 ;;
      esac
      listen= ;;
    -c|--config)
      listen=tls://127.0.0.1:0
      metrics=127.0.0.1:0 ;;
    --classic)
      settings="\${word#"\${word%%,*}"}"
      name="\${word%%,*}"
      word="\${name%%=*}=127.0.0.1:0$settings" ;;
    --metrics) word=127.0.0.1:0 ;;
  esac
  last="$word"
  set -- "$@" "$word"
done
if [ -n "$metrics" ]; then set -- --metrics "$metrics" "$@"; fi
if [ -n "$listen" ]; then set -- --listen "$listen" "$@"; fi
echo $$ >> "$HOME/.pids"
run "$@" > "$HOME/.servers/$FERRYD_NUMBER"
`;

/** Waits until the server of a number listens. */
const AWAIT_FERRYD = `#!/bin/sh
tries=0
while ! grep -q "^listening ferry" "$HOME/.servers/$1" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || { echo "ferryd did not begin" >&2; exit 1; }
  sleep 0.1
done
`;

/** `ferry` to the newest server of the kind that an address of the documentation stands for. */
const FERRY = `#!/bin/sh
port_of() {
  cat $(ls -rt "$HOME/.servers/"* 2>/dev/null) /dev/null |
    sed -n "s/^listening $1 $2:.*:\\([0-9]*\\)$/\\1/p" | tail -n 1
}
protocol=ferry
last=
for word in "$@"; do
  if [ "$last" = --protocol ]; then protocol="$word"; fi
  last="$word"
done
count=$#
while [ "$count" -gt 0 ]; do
  word="$1"
  shift
  case "$word" in
    *@*) user="\${word%@*}@" ;;
    *) user= ;;
  esac
  case "$word" in
    127.0.0.1|localhost) word="$word:$(port_of "$protocol" tcp)" ;;
    files.example.com|*@files.example.com)
      word="tls://\${user}127.0.0.1:$(port_of "$protocol" tls)" ;;
  esac
  set -- "$@" "$word"
  count=$((count - 1))
done
exec "$FERRY_DENO" run -q --no-prompt --frozen --no-check -A "$FERRY_ROOT/main_client.ts" "$@"
`;

/** Programs that stand before all others. */
const PROGRAMS = {
  "ferry": FERRY,
  "ferryd": FERRYD,
  "await-ferryd": AWAIT_FERRYD,
};

/** The same commands, with a wait behind each that starts a server. */
function withWaits(script: string): string {
  let count = 0;
  return script.replaceAll(/^ferryd .*&$/gm, (line) => {
    count++;
    return `FERRYD_NUMBER=${count} ${line}\nawait-ferryd ${count}`;
  });
}

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
  await Deno.mkdir(join(home, ".servers"));
  for (const [name, text] of Object.entries(PROGRAMS)) {
    await Deno.writeTextFile(join(bin, name), text, { mode: 0o755 });
  }
  // What is still served ends with the script; dash does not know its jobs here.
  const setUp =
    `trap 'for pid in $(cat "$HOME/.pids"); do kill "$pid" || :; done; wait' EXIT\n: > "$HOME/.pids"\n`;
  const scriptPath = join(folder, "script");
  await Deno.writeTextFile(scriptPath, setUp + withWaits(script));
  const command = new Deno.Command("sh", {
    args: ["-eu", scriptPath],
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
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
