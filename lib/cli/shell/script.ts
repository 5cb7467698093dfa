/**
 * Commands that stand in a file, or come on stdin.
 *
 * @module
 */

import { StorageError } from "../../storage/mod.ts";
import type { Environment } from "../environment.ts";
import { shell } from "../messages.ts";
import { UsageError } from "../usage_error.ts";

/** A line of a script. */
export interface ScriptLine {
  /** Which, counted from 1. */
  readonly number: number;
  /** It, without its end. */
  readonly text: string;
}

/** What stdin is called. */
export const STDIN = "-";

/** Bytes that are read at once. */
const BLOCK_SIZE = 65_536;
/** Characters of a line; a longer one is no command. */
const LINE_SIZE_MAX = 1_048_576;

/**
 * Opens a script.
 *
 * @param file Its name; `undefined` for stdin.
 * @param environment The world around.
 * @throws {UsageError} if it cannot be opened.
 */
export async function openScript(
  file: string | undefined,
  environment: Environment,
): Promise<AsyncIterable<ScriptLine>> {
  if (file === undefined || file === STDIN) {
    return linesOf(environment.stdin(), STDIN);
  }
  try {
    const { kind } = await environment.disk.stat(file);
    if (kind === "directory") {
      throw new StorageError("is-directory", "it is a directory");
    }
    (await environment.disk.open(file, "read")).close();
  } catch (error) {
    throw asUsageError(error, file);
  }
  return linesOf(blocksOf(file, environment), file);
}

function asUsageError(error: unknown, file: string): unknown {
  return error instanceof StorageError
    ? new UsageError(shell.scriptProblem(file, error.message))
    : error;
}

async function* blocksOf(
  path: string,
  { disk }: Environment,
): AsyncIterable<Uint8Array> {
  const file = await disk.open(path, "read");
  try {
    for (let offset = 0;;) {
      const buffer = new Uint8Array(BLOCK_SIZE);
      const length = await file.read(buffer, offset);
      if (length === 0) return;
      offset += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    file.close();
  }
}

async function* linesOf(
  blocks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncIterable<ScriptLine> {
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  for await (const block of blocks) {
    const lines = (rest + decoder.decode(block, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_SIZE_MAX) {
      throw new UsageError(shell.scriptProblem(file, "a line is too long"));
    }
    for (const line of lines) yield { number: ++number, text: trimEnd(line) };
  }
  rest += decoder.decode();
  if (rest !== "") yield { number: ++number, text: trimEnd(rest) };
}

function trimEnd(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
