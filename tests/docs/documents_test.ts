/** The documents that people read say what is so, and lead where they say. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { readConfig } from "../../lib/cli/config_file.ts";
import { SERVE } from "../../lib/cli/server_commands.ts";
import { ROOMS } from "../../tools/lint/layers.ts";
import { documents, readDocument } from "./runnable.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const DOCUMENTS = [
  ...await documents(),
  "CHANGELOG.md",
  "bench/README.md",
];

/** A text in Markdown without its fenced blocks. */
function prose(markdown: string): string {
  return markdown.replaceAll(/^```[^]*?^```$/gm, "");
}

/** The anchors that headings have, as forges make them. */
function anchors(markdown: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading] of prose(markdown).matchAll(/^#+ (.*)$/gm)) {
    const anchor = heading!.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-");
    let unique = anchor;
    for (let n = 1; found.has(unique); n++) unique = `${anchor}-${n}`;
    found.add(unique);
  }
  return found;
}

/** What links of a document lead to, less those out of the repository. */
function targets(markdown: string): string[] {
  return [...prose(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** Why a link leads nowhere; `undefined` if it leads somewhere. */
async function fault(
  from: string,
  target: string,
): Promise<string | undefined> {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : join(from, "..", path);
  try {
    const { isFile } = await Deno.stat(join(ROOT, file));
    if (anchor === undefined) return undefined;
    if (isFile && anchors(await readDocument(file)).has(anchor)) {
      return undefined;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return `${from}: ${target}`;
}

Deno.test("anchors() are as forges make them", () => {
  const text = "# A `b`, c?\n\n```\n# no\n```\n\n## Other\n\n## Other\n";
  assertEquals([...anchors(text)], ["a-b-c", "other", "other-1"]);
});

Deno.test("a link that leads nowhere is noticed", async () => {
  assertEquals(await fault("README.md", "docs/no.md"), "README.md: docs/no.md");
  assertEquals(await fault("docs/faq.md", "#no"), "docs/faq.md: #no");
  assertEquals(await fault("docs/faq.md", "../README.md"), undefined);
});

for (const name of DOCUMENTS) {
  Deno.test(`every link within ${name} leads somewhere`, async () => {
    const faults = await Promise.all(
      targets(await readDocument(name)).map((target) => fault(name, target)),
    );
    assertEquals(faults.filter((text) => text !== undefined), []);
  });
}

Deno.test("README.md leads to every other document", async () => {
  const linked = targets(await readDocument("README.md"));
  const others = (await documents()).filter((name) => name !== "README.md");
  assertEquals(others.filter((name) => !linked.includes(name)), []);
});

Deno.test("the table of rooms in docs/architecture.md has every arrow", async () => {
  const text = await readDocument("docs/architecture.md");
  const rows = [...text.matchAll(/^\| `(\w+)` +\|.*\| (.*?) +\|$/gm)];
  const shown = rows.map(([, room, cell]): [string, string[]] => {
    if (cell === "nothing") return [room!, []];
    if (cell === "all") {
      return [room!, Object.keys(ROOMS).filter((other) => other !== room)];
    }
    return [room!, cell!.split(", ").map((name) => name.replaceAll("`", ""))];
  });
  const arrows = Object.entries(ROOMS).map((
    [room, { rooms }],
  ): [string, string[]] => [room, [...rooms]]);
  const sorted = (all: [string, string[]][]) =>
    Object.fromEntries(all.map(([room, rooms]) => [room, rooms.sort()]));
  assertEquals(sorted(shown), sorted(arrows));
});

/** The first cells of the rows of a table, of which a header is known. */
function firstCells(text: string, header: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${header} `));
  assert(start >= 0, header);
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.findIndex((line) => !line.startsWith("|")))
    .flatMap((line) =>
      [...line.split("|")[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    );
}

Deno.test("docs/operations.md lists every event of the log", async () => {
  const source = await readDocument("lib/server/events.ts");
  const types = [...source.matchAll(/^ {2}readonly type: "([\w-]+)";$/gm)]
    .map(([, type]) => type!);
  assert(types.length > 5);
  assertEquals(
    firstCells(await readDocument("docs/operations.md"), "event").sort(),
    types.sort(),
  );
});

Deno.test("docs/operations.md lists every number of the metrics", async () => {
  const source = await readDocument("lib/metrics/server_metrics.ts");
  const names = [...source.matchAll(/"(ferry_\w+)"/g)].map(([, name]) => name!);
  assert(names.length > 5);
  assertEquals(
    firstCells(await readDocument("docs/operations.md"), "metric").sort(),
    names.sort(),
  );
});

Deno.test("README.md lists every event of --json", async () => {
  const source = await readDocument("lib/cli/json_reporter.ts");
  const names = new Set(
    [...source.matchAll(/(?:#tell\(\s*|event: )"(\w+)"/g)]
      .map(([, name]) => name!),
  );
  assert(names.size > 10);
  const shown = firstCells(await readDocument("README.md"), "event");
  assertEquals(
    shown.filter((name) => name !== "key").sort(),
    [...names].sort(),
  );
});

Deno.test("the configuration in docs/operations.md is one", async () => {
  const text = await readDocument("docs/operations.md");
  const [, example = ""] = /```jsonc\n(.*?)```/s.exec(text) ?? [];
  const { root, limits } = readConfig(
    example,
    "docs/operations.md",
    SERVE.options,
  );
  assertEquals(root, "/srv/ferry");
  assertEquals(limits.connectionCountMax, 500);
});

Deno.test("docs/terminal.svg is a picture in which Ferry is used", async () => {
  const picture = await readDocument("docs/terminal.svg");
  assert(picture.startsWith("<svg "));
  for (const text of ["$ ferry put", "an earlier try", " left  disk.img"]) {
    assert(picture.includes(text), text);
  }
});
