// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Makes `docs/terminal.svg`: types commands in a terminal of its own (a tmux)
 * in which the real programs run, and draws what stands there in the end.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { screenSvg } from "./picture/screen_svg.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const OUTPUT = join(ROOT, "docs/terminal.svg");
const TITLE =
  "A terminal: a folder is sent, a put is stopped by Ctrl-C and continued by the same command, and a get is under way";

const COLUMNS = 102;
const ROWS = 40;
/** Milliseconds between two looks at the screen. */
const LOOK_INTERVAL = 50;
/** Milliseconds after which what was expected will not come any more. */
const PATIENCE = 30_000;

/** What stands on the screen when the shell waits for a command. */
const PROMPT_PATTERN = /\n\$ *\n*$/;

const READY = "listening ferry tcp://127.0.0.1:65430";

const decoder = new TextDecoder();

const PERMISSIONS: readonly string[] = [
  "--allow-net=127.0.0.1",
  "--allow-read",
  "--allow-write",
  "--allow-env",
];

function denoArgs(main: string): string[] {
  const options = ["-q", "--no-prompt", "--frozen", "--no-check"];
  return ["run", ...options, ...PERMISSIONS, ROOT + main];
}

/** The client, as a command of the shell. */
function ferryCommand(): string {
  const words = [Deno.execPath(), ...denoArgs("main_client.ts")];
  return `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`;
}

/** Starts the server, where clients look for it. */
async function serve(folder: string): Promise<Deno.ChildProcess> {
  const server = new Deno.Command(Deno.execPath(), {
    args: [...denoArgs("main_server.ts"), "-q", join(folder, "work/share")],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = server.stdout.getReader();
  const { value } = await reader.read();
  if (decoder.decode(value).startsWith(READY)) return server;
  await server.status;
  throw new Error("the server did not start");
}

/** A terminal that can be typed at. */
class Terminal {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async tmux(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-u", "-S", join(this.#folder, "tmux"), ...args],
      cwd: join(this.#folder, "work"),
      clearEnv: true,
      env: {
        PATH: `${join(this.#folder, "bin")}:${Deno.env.get("PATH") ?? ""}`,
        HOME: this.#folder,
        DENO_DIR: Deno.env.get("DENO_DIR") ??
          join(Deno.env.get("HOME") ?? "", ".cache/deno"),
        DENO_NO_UPDATE_CHECK: "1",
        LANG: "C.UTF-8",
        ENV: join(this.#folder, "bin/prompt"),
      },
    }).output();
    if (success) return decoder.decode(stdout);
    throw new Error(`tmux ${args[0]}: ${decoder.decode(stderr).trim()}`);
  }

  /** Waits until the screen shows something. */
  async shows(pattern: RegExp): Promise<void> {
    const end = performance.now() + PATIENCE;
    let screen = "";
    while (!pattern.test(screen)) {
      if (performance.now() > end) {
        throw new Error(`${pattern} never came; what did:\n${screen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
      screen = "\n" + await this.tmux("capture-pane", "-p");
    }
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.tmux("send-keys", "-l", "--", line);
    await this.tmux("send-keys", "Enter");
  }

  /** Types a command, and waits for what it says and for its end. */
  async run(line: string, pattern: RegExp): Promise<void> {
    await this.type(line);
    await this.shows(pattern);
    await this.shows(PROMPT_PATTERN);
  }
}

/** Bytes of which no two chunks are equal, quickly made. */
async function writeRandom(path: string, size: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let left = size; left > 0; left -= 65_536) {
    const chunk = new Uint8Array(Math.min(left, 65_536));
    await file.write(crypto.getRandomValues(chunk));
  }
}

/** The files that are moved. */
async function prepare(folder: string): Promise<void> {
  await Deno.mkdir(join(folder, "bin"));
  await Deno.mkdir(join(folder, "work/share"), { recursive: true });
  await Deno.mkdir(join(folder, "work/photos/2026"), { recursive: true });
  await Deno.writeTextFile(join(folder, "bin/ferry"), ferryCommand(), {
    mode: 0o755,
  });
  await Deno.writeTextFile(join(folder, "bin/prompt"), "PS1='$ '\n");
  const work = join(folder, "work");
  for (const name of ["harbour.jpg", "ferry.jpg", "gulls.jpg"]) {
    await writeRandom(join(work, "photos/2026", name), 1_300_000);
  }
  await writeRandom(join(work, "disk.img"), 96 * 1024 ** 2);
}

/** What is shown. */
async function perform(terminal: Terminal): Promise<string> {
  await terminal.shows(PROMPT_PATTERN);
  await terminal.run("ferry put -r 127.0.0.1 photos", /Sent 3 files/);
  await terminal.type("ferry put 127.0.0.1 disk.img --limit-rate 20M");
  await terminal.shows(/\n *[4-9]\d% /);
  await terminal.tmux("send-keys", "C-c");
  await terminal.shows(/Interrupted/);
  await terminal.shows(PROMPT_PATTERN);
  await terminal.run("ferry put 127.0.0.1 disk.img", /from an earlier try/);
  await terminal.run("ferry put -r 127.0.0.1 photos", /3 unchanged/);
  await terminal.run("ferry ls -lR 127.0.0.1", /disk\.img\n/);
  await terminal.run(
    "ferry stat --digest sha256 127.0.0.1 disk.img",
    /Digest/,
  );
  await terminal.type(
    "ferry get 127.0.0.1 disk.img -o copy.img --limit-rate 20M",
  );
  await terminal.shows(/\n *[6-8]\d% /);
  return await terminal.tmux("capture-pane", "-pe");
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ferry-picture-" });
  const terminal = new Terminal(folder);
  let server: Deno.ChildProcess | undefined;
  try {
    await prepare(folder);
    server = await serve(folder);
    const size = ["-x", String(COLUMNS), "-y", String(ROWS)];
    await terminal.tmux("-f", "/dev/null", "new-session", "-d", ...size, "sh");
    const screen = await perform(terminal);
    await Deno.writeTextFile(OUTPUT, screenSvg(screen, COLUMNS, TITLE));
    console.log(`wrote ${OUTPUT}`);
  } finally {
    await terminal.tmux("kill-server").catch(() => {});
    server?.kill("SIGTERM");
    await server?.status;
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) await main();
