/**
 * A terminal that tests type at and look at: a tmux of their own, with one
 * window. What is looked for is waited for; nothing is decided by a pause.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { CLIENT_PERMISSIONS, PATIENCE, until } from "../helpers/spawn_main.ts";

const MAIN = fromFileUrl(new URL("../../main_client.ts", import.meta.url));

/** Milliseconds between two looks at the screen. */
const LOOK_INTERVAL = 50;

/** Milliseconds after which Tab is pressed again: longer than the shell waits for names. */
const TAB_PATIENCE = 3000;

async function findTmux(): Promise<string | undefined> {
  if (Deno.build.os === "windows") return "there is no tmux on Windows";
  try {
    const { success } = await new Deno.Command("tmux", {
      args: ["-V"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? undefined : "tmux does not run here";
  } catch {
    return "tmux is not installed";
  }
}

/** Why a test with a terminal cannot run here; `undefined` where it can. */
export const NEEDS_TMUX: string | undefined = await findTmux();

/** What a terminal is made with. */
export interface TerminalOptions {
  /** A folder for its socket. */
  readonly folder: string;
  /** Where it begins. */
  readonly cwd: string;
  /** What its environment has. */
  readonly env: Readonly<Record<string, string>>;
  /** Columns. @default {80} */
  readonly columns?: number;
  /** Permissions that `ferry` has besides its own. */
  readonly permissions?: readonly string[];
}

/** Keys by the names that tmux has for them. */
export type Key = "Enter" | "Tab" | "Up" | "C-c" | "C-d" | "C-u";

const ROWS = 40;

/** The command line that runs `ferry` from its sources. */
export function ferryCommand(
  permissions: readonly string[] = [],
): readonly string[] {
  return [
    ...[Deno.execPath(), "run", "--quiet", "--frozen", "--no-prompt"],
    ...CLIENT_PERMISSIONS,
    ...permissions,
    MAIN,
  ];
}

/** A terminal in which a program runs. */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;
  readonly #env: Record<string, string>;
  /** Reads until nobody has the pipe any more that all programs in here inherit. */
  readonly #watch: Deno.ChildProcess;

  private constructor(folder: string, env: Record<string, string>) {
    this.#socket = `${folder}/tmux`;
    this.#env = env;
    this.#watch = new Deno.Command("cat", {
      args: [pipeIn(folder)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Opens one, and runs `ferry` in it; what it exits with is the last line. */
  static async open(
    args: readonly string[],
    options: TerminalOptions,
  ): Promise<Terminal> {
    return await Terminal.run(
      [...ferryCommand(options.permissions), ...args],
      options,
    );
  }

  /** Opens one, and runs a program in it; what it exits with is the last line. */
  static async run(
    command: readonly string[],
    options: TerminalOptions,
  ): Promise<Terminal> {
    const env = Deno.env.toObject();
    for (const name of ["DENO_COVERAGE_DIR", "TMUX"]) delete env[name];
    const pipe = pipeIn(options.folder);
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    const terminal = new Terminal(options.folder, {
      ...env,
      LANG: "C.UTF-8",
      DENO_NO_UPDATE_CHECK: "1",
    });
    const program = [
      "env",
      ...Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
      ...command,
    ].map(quote).join(" ");
    // It stays when the program has ended, so that its last words can be read, and
    // has no part in what Ctrl-C does to it.
    const script = `trap : INT; exec 9> ${quote(pipe)}; ${program}; ` +
      'echo "exit $?"; exec cat';
    await terminal.#tmux(
      ...["-f", "/dev/null", "new-session", "-d", "-c", options.cwd],
      ...["-x", String(options.columns ?? 80), "-y", String(ROWS)],
      `sh -c ${quote(script)}`,
    );
    return terminal;
  }

  /**
   * What was written, as far as tmux remembers: lines without what is blank at
   * their ends. One that the window has broken counts as one.
   */
  async text(): Promise<string> {
    return trim(await this.#tmux("capture-pane", "-pJ", "-S", "-200"));
  }

  /** What stands in the window, row by row. */
  async window(): Promise<string> {
    return trim(await this.#tmux("capture-pane", "-p"));
  }

  /** Waits until something was written, and gives all of it. */
  async shows(pattern: RegExp | string): Promise<string> {
    return await this.#sees(pattern, () => this.text());
  }

  /** Waits until something stands in the window, and gives the whole of that. */
  async holds(pattern: RegExp | string): Promise<string> {
    return await this.#sees(pattern, () => this.window());
  }

  /**
   * Presses Tab until that has led to something: a server that is asked for
   * names may answer too late for the first time.
   */
  async completes(pattern: RegExp): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      await this.press("Tab");
      const isLast = performance.now() > end;
      try {
        await this.#sees(pattern, () => this.text(), TAB_PATIENCE);
        return;
      } catch (error) {
        if (isLast) throw error;
      }
    }
  }

  async #sees(
    pattern: RegExp | string,
    look: () => Promise<string>,
    patience = PATIENCE,
  ): Promise<string> {
    let screen = "";
    const isThere = async () => {
      screen = await look();
      if (typeof pattern === "string") return screen.includes(pattern);
      return pattern.test(screen);
    };
    const end = performance.now() + patience;
    while (!await isThere()) {
      if (performance.now() > end) {
        throw new Error(`${pattern} never came; what did:\n${screen}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
    }
    return screen;
  }

  /** Types text, as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", text);
  }

  /** Presses keys. */
  async press(...keys: readonly Key[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Types a line and ends it. */
  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.press("Enter");
  }

  /** Gives the window other columns. */
  async resize(columns: number): Promise<void> {
    const size = ["-x", String(columns), "-y", String(ROWS)];
    await this.#tmux("resize-window", ...size);
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-u", "-S", this.#socket, ...args],
      clearEnv: true,
      env: this.#env,
    }).output();
    const decoder = new TextDecoder();
    if (!success) {
      throw new Error(`tmux ${args[0]}: ${decoder.decode(stderr)}`);
    }
    return decoder.decode(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its own server, and with it all that runs in it.
    await this.#tmux("kill-server").catch(() => {});
    await until("tmux to end", async () => {
      const alive = await this.#tmux("list-sessions").catch(() => undefined);
      return alive === undefined;
    });
    // What runs behind a shell outlives it for a moment, and may still write.
    const tooLong = setTimeout(() => this.#watch.kill(), PATIENCE);
    const { signal } = await this.#watch.status;
    clearTimeout(tooLong);
    if (signal !== null) {
      throw new Error("a program in the terminal never ended");
    }
  }
}

function pipeIn(folder: string): string {
  return `${folder}/alive`;
}

function trim(text: string): string {
  return text.replace(/ +$/gm, "").replace(/\n+$/, "");
}

/** A word as `sh` reads it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
