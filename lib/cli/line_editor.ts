/**
 * The port to whoever types commands at a terminal.
 *
 * @module
 */

/** What came of waiting for a line. */
export type Typed =
  | {
    /** A line was typed. */
    readonly kind: "line";
    /** It, without its end. */
    readonly text: string;
  }
  | {
    /** The line was given up with Ctrl-C. */
    readonly kind: "interrupt";
  }
  | {
    /** Nothing more comes. */
    readonly kind: "end";
  };

/** How a line that is being typed may go on. */
export interface Completions {
  /** What may stand in place of `typed`; each begins with it. */
  readonly hits: readonly string[];
  /** The end of the line that is completed. */
  readonly typed: string;
}

/** What a {@linkcode LineEditor} is made with. */
export interface LineEditorOptions {
  /** Lines of before, the oldest first. */
  readonly history: readonly string[];
  /** How many lines can be called back. */
  readonly historySize: number;
  /** Tells how a line may go on. */
  readonly complete: (line: string) => Promise<Completions>;
  /** Told of a Ctrl-C while a question waits for its answer. */
  readonly onInterrupt: () => void;
}

/**
 * Reads what is typed, a line at a time. Between two lines Ctrl-C is a signal
 * again, and what is typed waits for the next line without being shown.
 */
export interface LineEditor {
  /** Waits for a line. */
  read(prompt: string): Promise<Typed>;
  /** Waits for an answer, which is not remembered; `undefined` if none comes. */
  ask(question: string): Promise<string | undefined>;
  /** Shows a text above the line that is being typed, or at once if none is. */
  say(text: string): void;
  /** Leaves the terminal to somebody else, as every program expects it to be. */
  lend<T>(work: () => Promise<T>): Promise<T>;
  /** Gives up the line that is being typed, as Ctrl-C does. */
  interrupt(): void;
  /** Waits for nothing any more. */
  close(): void;
}
