/**
 * The steps of the demo in which a client is killed in the middle, and the same
 * command goes on where it was.
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

/** Kills a sending client, shows that nothing is there, and goes on. */
export async function cutOffPut(stage: Stage): Promise<void> {
  const { narrator, host, port, samples, folders } = stage;
  narrator.step("Kill a client in the middle of a put (kill -9)");
  await using line = new SlowLine(port, LINE_RATE);
  const source = `samples/${samples.binary}`;
  const args = ["put", "--json", lineHost(line), source, "-o", NAME];
  await kill(stage, args, async () => {
    await assertNotListed(stage);
    narrator.ok("while it arrives, nobody sees it");
  });
  await ferry(stage, ["stat", host, NAME], { code: NOT_FOUND });
  await assertNotListed(stage);
  narrator.ok('the server does not know the name, nor does "ls -R" show it');
  await verifyFolder(stage, folders.served);
  await noteUnfinished(stage, folders.served);

  narrator.step("The same command again sends only the rest; prove all of it");
  await goOn(stage, args, "put the rest after the kill");
  await verifyFolder(stage, folders.served, withCopy(stage));
}

/** Kills a fetching client, shows that nothing is there, and goes on. */
export async function cutOffGet(stage: Stage): Promise<void> {
  const { narrator, port, samples, folders } = stage;
  narrator.step("Kill a client in the middle of a get (kill -9)");
  await using line = new SlowLine(port, LINE_RATE);
  const target = `received/${NAME}`;
  const args = ["get", "--json", lineHost(line), samples.binary, "-o", target];
  await kill(
    stage,
    args,
    () => assertMissing(join(folders.received, NAME)),
  );
  await assertMissing(join(folders.received, NAME));
  narrator.ok(`there is no ${target}`);
  await verifyFolder(stage, folders.received);
  await noteUnfinished(stage, folders.received);

  narrator.step(
    "The same command again fetches only the rest; prove all of it",
  );
  await goOn(stage, args, "get the rest after the kill");
  await verifyFolder(stage, folders.received, withCopy(stage));
  await noteUnfinished(stage, folders.received);
}

function lineHost({ port }: SlowLine): string {
  return `127.0.0.1:${port}`;
}

/** Runs the command that was killed again, and insists that it goes on. */
async function goOn(
  stage: Stage,
  args: readonly string[],
  what: string,
): Promise<void> {
  const { narrator, samples, moved } = stage;
  narrator.command(["ferry", ...args]);
  const { stdout, milliseconds } = await ferry(stage, args, { isShown: false });
  const line = stdout.split("\n").find((line) =>
    line.includes('"event":"receipt"')
  );
  if (line === undefined) throw new DemoError("there is no receipt");
  narrator.output(line);
  const receipt: FerryEvent = JSON.parse(line);
  const [held, sent] = [receipt["resumedFrom"], receipt["wireBytes"]].map(
    Number,
  );
  const { size } = proofOf(stage, samples.binary);
  if (!(held! > 0 && sent! < size)) {
    throw new DemoError(
      `it did not go on: ${held} bytes were there, ${sent} went over the line`,
    );
  }
  narrator.ok(
    `${formatSize(held!)} were there from before; ${formatSize(sent!)} of ${
      formatSize(size)
    } went over the line`,
  );
  moved.push({ what, files: 1, bytes: size - held!, milliseconds });
}

/** Runs a client over a slow line and kills it when enough has arrived. */
async function kill(
  stage: Stage,
  args: readonly string[],
  look: () => Promise<void>,
): Promise<void> {
  const { narrator, client } = stage;
  narrator.note(
    `(over a line of ${formatSize(LINE_RATE)}/s, so that there is a middle)`,
  );
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
