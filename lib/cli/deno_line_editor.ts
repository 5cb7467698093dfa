/**
 * The {@linkcode LineEditor} of a real terminal, on `node:readline`.
 *
 * @module
 */

import process from "node:process";
import {
  clearScreenDown,
  createInterface,
  type Interface,
  moveCursor,
} from "node:readline";
import type {
  Completions,
  LineEditor,
  LineEditorOptions,
  Typed,
} from "./line_editor.ts";

const NOTHING: Completions = { hits: [], typed: "" };

/** What `readline` has and its types leave out. */
interface Editing extends Interface {
  /** Lines that can be called back, the newest first. */
  history: string[];
  /** How many of them are kept; 0 keeps a line out. */
  historySize: number;
}

/** Whoever waits for a line. */
interface Waiting {
  readonly prompt: string;
  readonly settle: (typed: Typed) => void;
}

class DenoLineEditor implements LineEditor {
  readonly #options: LineEditorOptions;
  readonly #isPlain: boolean;
  readonly #editing: Editing;
  /** What draws the line anew in a window that changes. */
  readonly #onResize: ReadonlyArray<() => void>;
  /** Lines that came while nobody waited: several were pasted at once. */
  readonly #early: string[] = [];
  #waiting: Waiting | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(options: LineEditorOptions, isPlain: boolean) {
    this.#options = options;
    this.#isPlain = isPlain;
    const { stderr } = process;
    const others = stderr.listeners("resize");
    this.#editing = createInterface({
      input: process.stdin,
      output: stderr,
      terminal: !isPlain,
      history: [...options.history].reverse(),
      historySize: options.historySize,
      removeHistoryDuplicates: true,
      completer: (
        line: string,
        answer: (error: null, result: [string[], string]) => void,
      ) => {
        this.#complete(line).then(({ hits, typed }) =>
          answer(null, [[...hits], typed])
        );
      },
    }) as Editing;
    this.#onResize = stderr.listeners("resize")
      .filter((listener) => !others.includes(listener)) as Array<() => void>;
    this.#editing.on("line", (text) => this.#take(text));
    this.#editing.on("close", () => {
      this.#isClosed = true;
      this.#settle({ kind: "end" });
    });
    this.#editing.on("SIGINT", () => this.interrupt());
    // To be stopped half-way leaves a terminal that nobody can use.
    this.#editing.on("SIGTSTP", () => {});
    this.#rest();
  }

  async #complete(line: string): Promise<Completions> {
    if (this.#isAsking) return NOTHING;
    try {
      return await this.#options.complete(line);
    } catch {
      // Who types goes on without help.
      return NOTHING;
    }
  }

  #take(text: string): void {
    if (this.#waiting === undefined) this.#early.push(text);
    else this.#settle({ kind: "line", text });
  }

  #settle(typed: Typed): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#rest();
    waiting?.settle(typed);
  }

  /** Between two lines: nothing is shown that would get into the way of others. */
  #rest(): void {
    for (const listener of this.#onResize) {
      process.stderr.off("resize", listener);
    }
    if (this.#isClosed) return;
    this.#editing.pause();
    this.#setMode(Deno.build.os === "windows" ? "cooked" : "silent");
  }

  /** Takes the terminal. */
  #wake(): void {
    this.#setMode("raw");
    for (const listener of this.#onResize) {
      process.stderr.on("resize", listener);
    }
    this.#editing.resume();
  }

  /** `silent` shows nothing, and knows Ctrl-C as a signal; Windows has no such thing. */
  #setMode(mode: "cooked" | "silent" | "raw"): void {
    if (this.#isPlain || !Deno.stdin.isTerminal()) return;
    if (mode === "silent") Deno.stdin.setRaw(true, { cbreak: true });
    else process.stdin.setRawMode(mode === "raw");
  }

  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#setMode("cooked");
    try {
      return await work();
    } finally {
      this.#rest();
    }
  }

  read(prompt: string): Promise<Typed> {
    const early = this.#early.shift();
    if (early !== undefined) {
      process.stderr.write(`${prompt}${early}\n`);
      return Promise.resolve({ kind: "line", text: early });
    }
    if (this.#isClosed) return Promise.resolve({ kind: "end" });
    return new Promise((resolve) => {
      this.#waiting = { prompt, settle: resolve };
      this.#wake();
      this.#editing.setPrompt(prompt);
      this.#editing.prompt();
    });
  }

  async ask(question: string): Promise<string | undefined> {
    const { historySize } = this.#editing;
    this.#isAsking = true;
    this.#editing.historySize = 0;
    // Only the last line can be a prompt.
    const start = question.lastIndexOf("\n") + 1;
    if (start > 0) process.stderr.write(question.slice(0, start));
    try {
      const typed = await this.read(question.slice(start));
      if (typed.kind === "line") return typed.text;
      if (typed.kind === "interrupt") this.#options.onInterrupt();
      return undefined;
    } finally {
      this.#isAsking = false;
      this.#editing.historySize = historySize;
    }
  }

  say(text: string): void {
    const { stderr } = process;
    if (this.#waiting === undefined || this.#isPlain) {
      stderr.write(text);
      return;
    }
    moveCursor(stderr, -stderr.columns, -this.#editing.getCursorPos().rows);
    clearScreenDown(stderr);
    stderr.write(text);
    this.#editing.prompt(true);
  }

  interrupt(): void {
    if (this.#waiting === undefined) return;
    if (this.#isPlain) {
      // The terminal itself has shown it, and has given up what was typed.
      process.stderr.write("\n");
    } else {
      this.#editing.write(null, { ctrl: true, name: "e" });
      process.stderr.write("^C\n");
      this.#forget();
    }
    this.#settle({ kind: "interrupt" });
  }

  /** Gives up what was typed, on both sides of the cursor. */
  #forget(): void {
    const editing = this.#editing as { line: string; cursor: number };
    editing.line = "";
    editing.cursor = 0;
  }

  close(): void {
    if (!this.#isClosed) this.#editing.close();
    this.#setMode("cooked");
  }
}

/**
 * Reads what is typed at this process's terminal, and shows it on stderr.
 *
 * @param options What it is made with.
 * @param isPlain Whether the terminal obeys no control sequences.
 */
export function denoLineEditor(
  options: LineEditorOptions,
  isPlain: boolean,
): LineEditor {
  return new DenoLineEditor(options, isPlain);
}
