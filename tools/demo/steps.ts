/**
 * The steps of the demo in which nothing goes wrong.
 *
 * @module
 */
import { dirname } from "@std/path/posix";
import { formatSize } from "../../lib/cli/format.ts";
import {
  DemoError,
  ferry,
  proofOf,
  type Stage,
  verifyFolder,
} from "./stage.ts";

/** Exit code for a name that is taken. */
const CONFLICT = 6;

/** The name under which the binary is sent at first. */
const FIRST_NAME = "unnamed.tmp";

/** What the project is made of. */
function projectSize(
  stage: Stage,
): { files: number; folders: number; bytes: number } {
  const prefix = `${stage.samples.project}/`;
  const names = [...stage.sent.keys()].filter((name) =>
    name.startsWith(prefix)
  );
  return {
    files: names.length,
    folders: new Set(names.map(dirname)).size,
    bytes: names.reduce((sum, name) => sum + proofOf(stage, name).size, 0),
  };
}

/** Asks what the server offers. */
export async function askInfo(stage: Stage): Promise<void> {
  stage.narrator.step("Ask the server what it offers");
  await ferry(stage, ["info", stage.host]);
}

/** Sends the project, a folder with everything in it. */
export async function putProject(stage: Stage): Promise<void> {
  const { narrator, host, moved, samples } = stage;
  const { files, folders, bytes } = projectSize(stage);
  narrator.step(
    `Send this project: ${files} files, ${
      formatSize(bytes)
    }, in ${folders} folders`,
  );
  const { milliseconds } = await ferry(stage, [
    "put",
    "-r",
    host,
    `samples/${samples.project}`,
  ]);
  moved.push({ what: "put the project", files, bytes, milliseconds });
}

/** Sends a large binary and two odd files. */
export async function putFiles(stage: Stage): Promise<void> {
  const { narrator, host, samples, moved } = stage;
  const { size } = proofOf(stage, samples.binary);
  narrator.step("Send a large binary, an empty file and one with an odd name");
  const large = await ferry(stage, [
    "put",
    host,
    `samples/${samples.binary}`,
    "-o",
    FIRST_NAME,
  ]);
  moved.push({
    what: "put a large binary",
    files: 1,
    bytes: size,
    milliseconds: large.milliseconds,
  });
  const odd = [samples.empty, samples.awkward];
  const small = await ferry(stage, [
    "put",
    host,
    ...odd.map((name) => `samples/${name}`),
  ]);
  moved.push({
    what: "put an empty and an odd file",
    files: odd.length,
    bytes: proofOf(stage, samples.awkward).size,
    milliseconds: small.milliseconds,
  });
}

/** Renames, lists, inspects, and shows that nothing is replaced by surprise. */
export async function lookAround(stage: Stage): Promise<void> {
  const { narrator, host, samples } = stage;
  narrator.step("Rename, list, inspect");
  await ferry(stage, ["mv", host, FIRST_NAME, samples.binary]);
  await ferry(stage, ["ls", "-l", "--sort", "name", host]);
  const { stdout } = await ferry(stage, [
    "stat",
    "--json",
    "--digest",
    "sha256",
    host,
    samples.binary,
  ]);
  const { sha256 } = proofOf(stage, samples.binary);
  if (JSON.parse(stdout).digest.value !== sha256) {
    throw new DemoError(`the server's SHA-256 is not ${sha256}`);
  }
  narrator.ok(`that is the SHA-256 of the source, computed without Ferry`);
  await ferry(stage, ["put", host, `samples/${samples.empty}`], {
    code: CONFLICT,
  });
  narrator.ok(
    `refused with exit code ${CONFLICT}: nothing is replaced unasked`,
  );
}

/** Compares everything on the server's side with what was sent. */
export async function verifyServed(stage: Stage): Promise<void> {
  stage.narrator.step(
    "Prove what arrived on the server: read its folder without Ferry, SHA-256 of every file",
  );
  await verifyFolder(stage, stage.folders.served);
}

/** Fetches everything back. */
export async function getAll(stage: Stage): Promise<void> {
  const { narrator, host, samples, moved } = stage;
  narrator.step("Fetch everything back");
  const large = await ferry(stage, [
    "get",
    host,
    samples.binary,
    "-o",
    "received/",
  ]);
  moved.push({
    what: "get a large binary",
    files: 1,
    bytes: proofOf(stage, samples.binary).size,
    milliseconds: large.milliseconds,
  });
  const odd = [samples.empty, samples.awkward];
  const small = await ferry(stage, [
    "get",
    "-o",
    "received/",
    host,
    "--",
    ...odd,
  ]);
  moved.push({
    what: "get an empty and an odd file",
    files: odd.length,
    bytes: proofOf(stage, samples.awkward).size,
    milliseconds: small.milliseconds,
  });
  const { files, bytes } = projectSize(stage);
  const { milliseconds } = await ferry(stage, [
    "get",
    "-r",
    host,
    samples.project,
    "-o",
    "received/",
  ]);
  moved.push({ what: "get the project", files, bytes, milliseconds });
}

/** Compares everything on the client's side with what was sent. */
export async function verifyReceived(stage: Stage): Promise<void> {
  stage.narrator.step(
    "Prove what came back: SHA-256 of every file, without Ferry",
  );
  await verifyFolder(stage, stage.folders.received);
}

/** Removes everything from the server. */
export async function removeAll(stage: Stage): Promise<void> {
  const { narrator, host, folders } = stage;
  narrator.step("Remove everything");
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folders.served)) {
    if (name !== ".ferry") names.push(name);
  }
  await ferry(stage, ["rm", "-r", host, "--", ...names.sort()]);
  await ferry(stage, ["ls", "-R", host]);
  await verifyFolder(stage, folders.served, new Map());
}
