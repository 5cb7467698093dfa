/**
 * The steps of the demo in which a client is killed in the middle.
 *
 * @module
 */
import { join } from "@std/path";
import { formatSize } from "../../lib/cli/format.ts";
import type { FerryEvent } from "./programs.ts";
import { SlowLine } from "./relay.ts";
import {
  DemoError,
  ferry,
  listedPaths,
  noteUnfinished,
  proofOf,
  type Stage,
  verifyFolder,
} from "./stage.ts";

/** Exit code for a name that is not there. */
const NOT_FOUND = 5;

/** So slow that the binary takes a few seconds: enough for a middle. */
const LINE_RATE = 32 * 1024 ** 2;

/** The part of the file that must have arrived before the client is killed. */
const PART_MIN = 0.2;

/** The name that must not appear before the file is whole. */
const NAME = "again.bin";

/** Kills a sending client, shows that nothing is there, and sends again. */
export async function cutOffPut(stage: Stage): Promise<void> {
  const { narrator, host, samples, folders } = stage;
  narrator.step("Kill a client in the middle of a put (kill -9)");
  const source = `samples/${samples.binary}`;
  await kill(
    stage,
    (slow) => ["put", "--json", slow, source, "-o", NAME],
    async () => {
      await assertNotListed(stage);
      narrator.ok("while it arrives, nobody sees it");
    },
  );
  await ferry(stage, ["stat", host, NAME], { code: NOT_FOUND });
  await assertNotListed(stage);
  narrator.ok('the server does not know the name, nor does "ls -R" show it');
  await verifyFolder(stage, folders.served);
  await noteUnfinished(stage, folders.served);

  narrator.step("Send it again, and prove it");
  const { milliseconds } = await ferry(stage, [
    "put",
    host,
    source,
    "-o",
    NAME,
  ]);
  await verifyFolder(stage, folders.served, withCopy(stage));
  pushRow(stage, "put again after the kill", milliseconds);
}

/** Kills a fetching client, shows that nothing is there, and fetches again. */
export async function cutOffGet(stage: Stage): Promise<void> {
  const { narrator, host, samples, folders } = stage;
  narrator.step("Kill a client in the middle of a get (kill -9)");
  const target = `received/${NAME}`;
  await kill(
    stage,
    (slow) => ["get", "--json", slow, samples.binary, "-o", target],
    () => assertMissing(join(folders.received, NAME)),
  );
  await assertMissing(join(folders.received, NAME));
  narrator.ok(`there is no ${target}`);
  await verifyFolder(stage, folders.received);
  await noteUnfinished(stage, folders.received);

  narrator.step("Fetch it again, and prove it");
  const { milliseconds } = await ferry(stage, [
    "get",
    host,
    samples.binary,
    "-o",
    target,
  ]);
  await verifyFolder(stage, folders.received, withCopy(stage));
  pushRow(stage, "get again after the kill", milliseconds);
}

/** Runs a client over a slow line and kills it when enough has arrived. */
async function kill(
  stage: Stage,
  makeArgs: (host: string) => string[],
  look: () => Promise<void>,
): Promise<void> {
  const { narrator, client, port } = stage;
  await using line = new SlowLine(port, LINE_RATE);
  narrator.note(
    `(over a line of ${formatSize(LINE_RATE)}/s, so that there is a middle)`,
  );
  const args = makeArgs(`127.0.0.1:${line.port}`);
  narrator.command(["ferry", ...args]);
  const event = await client.runAndKill(args, async (event) => {
    if (!isMiddle(event)) return false;
    narrator.output(JSON.stringify(event));
    await look();
    return true;
  });
  if (event === undefined) {
    throw new DemoError("the client ended before it could be killed");
  }
  narrator.note(
    `killed when ${formatSize(Number(event["bytes"]))} of ${
      formatSize(Number(event["bytesTotal"]))
    } had arrived`,
  );
}

/** Whether a good part has arrived, as the receiving side has confirmed. */
function isMiddle({ event, bytes, bytesTotal }: FerryEvent): boolean {
  return event === "progress" &&
    Number(bytes) >= PART_MIN * Number(bytesTotal);
}

async function assertNotListed(stage: Stage): Promise<void> {
  const paths = await listedPaths(stage);
  const odd = paths.filter((path) =>
    path.includes(NAME) || path.includes(".ferry")
  );
  if (odd.length > 0) {
    throw new DemoError(`a listing shows ${JSON.stringify(odd)}`);
  }
}

async function assertMissing(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new DemoError(`"${path}" is there before the file is whole`);
}

/** All that was sent, and the copy of the binary. */
function withCopy(stage: Stage): Stage["sent"] {
  const proof = proofOf(stage, stage.samples.binary);
  return new Map([...stage.sent, [NAME, proof]]);
}

function pushRow(stage: Stage, what: string, milliseconds: number): void {
  const bytes = proofOf(stage, stage.samples.binary).size;
  stage.moved.push({ what, files: 1, bytes, milliseconds });
}
