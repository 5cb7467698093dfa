/**
 * What every step of the demo works with.
 *
 * @module
 */
import { formatCount, formatSize } from "../../lib/cli/format.ts";
import { quoteWord } from "./narrator.ts";
import type { Narrator } from "./narrator.ts";
import type { Ending, FerryClient, FerryServer } from "./programs.ts";
import {
  differences,
  type Proof,
  type Proofs,
  proveTree,
  type Samples,
  unfinished,
} from "./samples.ts";

/** A row of the summary. */
export interface Moved {
  /** What was moved, and which way. */
  readonly what: string;
  /** How many files. */
  readonly files: number;
  /** How many bytes. */
  readonly bytes: number;
  /** How long it took, with the start of every client. */
  readonly milliseconds: number;
}

/** The folders of the demo. */
export interface Folders {
  /** Holds the others. */
  readonly base: string;
  /** What is sent. */
  readonly samples: string;
  /** What the server offers. */
  readonly served: string;
  /** Where fetched files arrive. */
  readonly received: string;
}

/** What the steps share. */
export interface Stage {
  readonly narrator: Narrator;
  readonly server: FerryServer;
  readonly client: FerryClient;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  readonly folders: Folders;
  readonly samples: Samples;
  /** What was sent, summed up before Ferry touched it. */
  readonly sent: Proofs;
  /** Rows of the summary so far. */
  readonly moved: Moved[];
}

/** Something is not as it must be. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/**
 * Runs `ferry`, shows it, and insists on how it ends.
 *
 * @param stage Where.
 * @param args Its arguments.
 * @param options `code`: the exit code that is right. `isShown`: whether people see it.
 */
export async function ferry(
  stage: Stage,
  args: readonly string[],
  options: { readonly code?: number; readonly isShown?: boolean } = {},
): Promise<Ending> {
  const { code = 0, isShown = true } = options;
  if (isShown) stage.narrator.command(["ferry", ...args]);
  const ending = await stage.client.run(args);
  if (isShown) stage.narrator.output(ending.stdout + ending.stderr);
  if (ending.code !== code) {
    const line = ["ferry", ...args].map(quoteWord).join(" ");
    throw new DemoError(
      `"${line}" ended with ${ending.code} instead of ${code}: ${
        (ending.stderr || ending.stdout).trim()
      }`,
    );
  }
  return ending;
}

/** What the names of listed entries are, as `ferry ls -R --json` tells them. */
export async function listedPaths(stage: Stage): Promise<string[]> {
  const { stdout } = await ferry(stage, ["ls", "-R", "--json", stage.host], {
    isShown: false,
  });
  return stdout.split("\n").filter(Boolean).map((line) =>
    String(JSON.parse(line).path)
  );
}

/** The proof of a file that was sent. */
export function proofOf(stage: Stage, name: string): Proof {
  const proof = stage.sent.get(name);
  if (proof === undefined) throw new DemoError(`there is no sample "${name}"`);
  return proof;
}

/**
 * Reads every file in a folder and compares it with what was sent.
 *
 * @param stage Where.
 * @param folder The folder.
 * @param expected What it must hold; all that was sent, unless told otherwise.
 */
export async function verifyFolder(
  stage: Stage,
  folder: string,
  expected: Proofs = stage.sent,
): Promise<void> {
  const found = differences(expected, await proveTree(folder));
  if (found.length > 0) {
    throw new DemoError(`${folder} is not what was sent: ${found.join("; ")}`);
  }
  const bytes = [...expected.values()].reduce((sum, { size }) => sum + size, 0);
  stage.narrator.ok(
    `${expected.size} files, ${
      formatSize(bytes)
    }: same names, same SHA-256, nothing else there`,
  );
}

/** Says what Ferry keeps out of sight in a folder, to be open about it. */
export async function noteUnfinished(
  stage: Stage,
  folder: string,
): Promise<void> {
  const { files, bytes } = await unfinished(folder);
  stage.narrator.note(
    files === 0
      ? "(nothing is left out of sight either)"
      : `(out of sight, under names that begin with ".ferry", lie ${
        formatCount(files, "file")
      }, ${formatSize(bytes)})`,
  );
}
