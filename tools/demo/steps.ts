/**
 * The steps of the demo in which nothing goes wrong.
 *
 * @module
 */
import { join } from "@std/path";
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

/** Files of the project by their folders, `""` for its top. */
function projectByFolder(stage: Stage): Map<string, string[]> {
  const prefix = `${stage.samples.project}/`;
  const folders = new Map<string, string[]>();
  for (const name of stage.sent.keys()) {
    if (!name.startsWith(prefix)) continue;
    const folder = dirname(name);
    folders.set(folder, [...folders.get(folder) ?? [], name]);
  }
  return folders;
}

function projectSize(stage: Stage): { files: number; bytes: number } {
  const sizes = [...projectByFolder(stage).values()].flat()
    .map((name) => proofOf(stage, name).size);
  return { files: sizes.length, bytes: sizes.reduce((a, b) => a + b, 0) };
}

/** The folders that have no folder in them: `mkdir -p` makes all others. */
function leaves(folders: readonly string[]): string[] {
  return folders.filter((folder) =>
    !folders.some((other) => other.startsWith(`${folder}/`))
  );
}

/** Asks what the server offers. */
export async function askInfo(stage: Stage): Promise<void> {
  stage.narrator.step("Ask the server what it offers");
  await ferry(stage, ["info", stage.host]);
}

/** Sends the project, folder by folder. */
export async function putProject(stage: Stage): Promise<void> {
  const { narrator, host } = stage;
  const folders = projectByFolder(stage);
  const { files, bytes } = projectSize(stage);
  narrator.step(
    `Send this project: ${files} files, ${
      formatSize(bytes)
    }, in ${folders.size} folders`,
  );
  const started = performance.now();
  let isShown = true;
  for (const folder of leaves([...folders.keys()])) {
    await ferry(stage, ["mkdir", "-p", host, folder], { isShown });
    isShown = false;
  }
  isShown = true;
  for (const [folder, names] of folders) {
    const sources = names.map((name) => `samples/${name}`);
    await ferry(stage, ["put", host, ...sources, "-o", `${folder}/`], {
      isShown,
    });
    isShown = false;
  }
  narrator.note("... and so on, folder by folder");
  const milliseconds = performance.now() - started;
  stage.moved.push({ what: "put the project", files, bytes, milliseconds });
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
  const { narrator, host, samples, moved, folders } = stage;
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
  await getProject(stage, folders.received);
}

async function getProject(stage: Stage, received: string): Promise<void> {
  const { narrator, host } = stage;
  const { files, bytes } = projectSize(stage);
  const started = performance.now();
  let isShown = true;
  for (const [folder, names] of projectByFolder(stage)) {
    await Deno.mkdir(join(received, folder), { recursive: true });
    await ferry(stage, [
      "get",
      host,
      ...names,
      "-o",
      `received/${folder}/`,
    ], { isShown });
    isShown = false;
  }
  narrator.note("... and so on, folder by folder");
  const milliseconds = performance.now() - started;
  stage.moved.push({ what: "get the project", files, bytes, milliseconds });
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
