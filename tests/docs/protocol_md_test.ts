/**
 * `docs/protocol.md` says what the code says: its tables are compared with
 * those of `lib/protocol`, its example with the vectors.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Field, Fields } from "../../lib/protocol/fields.ts";
import * as limits from "../../lib/protocol/limits.ts";
import {
  CONFLICT_POLICIES,
  DATA_CODE,
  DIGESTS,
  DURABILITIES,
  ENTRY_KINDS,
  ERROR_CODES,
  isExchangeType,
  type Machine,
  MESSAGES,
  PUBLICATIONS,
  RIGHTS,
} from "../../lib/protocol/mod.ts";
import { sessionText } from "../../tools/vectors/session.ts";
import {
  CONNECTIONS,
  EXCHANGES,
  FRAME_TYPES,
  splitStep,
  STEPS,
} from "../protocol/machines.ts";
import { SESSION, STORED } from "../protocol/vectors.ts";

const TEXT = Deno.readTextFileSync(
  new URL("../../docs/protocol.md", import.meta.url),
);

type Row = Readonly<Record<string, string>>;

/** What stands under a heading, down to the next one. */
function section(heading: string): string {
  const lines = TEXT.split("\n");
  const start = lines.findIndex((line) =>
    /^#+ /.test(line) && line.replace(/^#+ /, "") === heading
  );
  assert(start >= 0, `docs/protocol.md has no heading "${heading}"`);
  const end = lines.findIndex((line, at) => at > start && /^#+ /.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

/** The tables under a heading. */
function tables(heading: string): Row[][] {
  const found: Row[][] = [];
  let names: string[] | undefined;
  for (const line of section(heading).split("\n")) {
    if (!line.startsWith("|")) names = undefined;
    else if (names === undefined) {
      names = cells(line);
      found.push([]);
    } else if (!/^[|\s-]+$/.test(line) || !line.includes("--")) {
      const values = cells(line);
      assertEquals(values.length, names.length, line);
      found.at(-1)!.push(
        Object.fromEntries(names.map((name, at) => [name, values[at]!])),
      );
    }
  }
  return found;
}

/** The one table under a heading. */
function table(heading: string): Row[] {
  const [first, ...others] = tables(heading);
  assert(first !== undefined && others.length === 0, heading);
  assert(first.length > 0, heading);
  return first;
}

function fieldRows(fields: Fields): Row[] {
  return Object.entries(fields).map((
    [field, { number, codec, presence, countMax }],
  ) => ({
    number: String(number),
    field,
    type: codec.name,
    presence: presence === "repeated" ? `repeated ${countMax}` : presence,
  }));
}

function withoutMeaning(rows: readonly Row[]): Row[] {
  return rows.map(({ meaning: _, ...rest }) => rest);
}

for (const [type, { fields }] of Object.entries(MESSAGES)) {
  Deno.test(`docs/protocol.md describes ${type}`, () => {
    const expected = fieldRows(fields);
    if (expected.length === 0) {
      assert(!TEXT.includes(`\n### ${type}\n`));
    } else {
      assertEquals(withoutMeaning(table(type)), expected);
    }
  });
}

Deno.test("docs/protocol.md describes the record entry as part of ENTRY", () => {
  const { algorithm: _, digest: __, ...entry } = MESSAGES.ENTRY.fields;
  assertEquals(withoutMeaning(table("Record: entry")), fieldRows(entry));
});

/** Whether a field takes a record with the rows of a table, and those only. */
function assertRecord(
  heading: string,
  { codec }: Field<unknown>,
  value: Readonly<Record<string, unknown>>,
): void {
  const rows = table(heading);
  assertEquals(rows.map(({ field }) => field), Object.keys(value));
  assert(codec.name === heading.replace("Record: ", ""));
  for (const { presence } of rows) assertEquals(presence, "required");
}

Deno.test("docs/protocol.md describes the records refusal and problem", () => {
  assertRecord("Record: refusal", MESSAGES.READY.fields.refusals, {
    right: "list",
    reason: "",
  });
  assertRecord("Record: problem", MESSAGES.PAGE.fields.problems, {
    path: "",
    code: 1,
    message: "",
  });
});

Deno.test("docs/protocol.md lists every frame, its senders and connections", () => {
  const holds = [...CONNECTIONS, ...EXCHANGES].flatMap(({ kind, machine }) =>
    Object.values(machine).flatMap((steps) =>
      Object.keys(steps).map((step) => `${kind} ${step}`)
    )
  );
  const expected = FRAME_TYPES.map((type) => {
    const places = type === "CANCEL"
      ? ["control client CANCEL"]
      : holds.filter((place) => place.endsWith(` ${type}`));
    const senders = ["client", "server"].filter((role) =>
      places.some((place) => place.includes(` ${role} `))
    );
    const code = type === "DATA" ? DATA_CODE : MESSAGES[type].code;
    return {
      code: `0x${code.toString(16).padStart(2, "0")}`,
      frame: type,
      sender: senders.length === 2 ? "both" : senders.join(),
      on: [["control", "P"], ["data", "Q"]].filter(([kind]) =>
        places.some((place) => place.startsWith(kind!))
      ).map(([, letter]) => letter).join(""),
      exchange: isExchangeType(type) ? "yes" : "no",
    };
  });
  expected.sort((a, b) => a.code < b.code ? -1 : 1);
  assertEquals(table("6. Messages"), expected);
});

Deno.test("docs/protocol.md lists every enumeration", () => {
  const enumerations = tables("4. Fields").at(-1);
  assertEquals(
    enumerations?.map((row) => [row["name"], row["values, from 0"]]),
    Object.entries({
      right: RIGHTS,
      onConflict: CONFLICT_POLICIES,
      durability: DURABILITIES,
      algorithm: DIGESTS,
      kind: ENTRY_KINDS,
      publication: PUBLICATIONS,
    }).map(([name, values]) => [`\`${name}\``, values.join(", ")]),
  );
});

Deno.test("docs/protocol.md lists every error code", () => {
  assertEquals(
    table("9. Error codes").map(({ number, code }) => [code, Number(number)]),
    Object.entries(ERROR_CODES),
  );
});

Deno.test("docs/protocol.md lists every limit", () => {
  const expected = Object.entries(limits).filter(([, value]) =>
    typeof value === "number"
  );
  const order = (
    [a]: readonly [string, unknown],
    [b]: readonly [string, unknown],
  ) => a < b ? -1 : 1;
  assertEquals(
    table("10. Limits").map(({ name, value }): [string, unknown] => [
      name!,
      Number(value),
    ]).sort(order),
    expected.sort(order),
  );
});

/** A machine as a table has it: the steps of each sender, state by state. */
function machineRows(machine: Machine): Row[] {
  return Object.entries(machine).map(([state, steps]) => {
    const of = (role: string) =>
      STEPS.filter((step) => splitStep(step)[0] === role && steps[step])
        .map((step) => `${splitStep(step)[1]} → ${steps[step]}`).sort();
    return {
      state,
      "client sends": of("client").join(", "),
      "server sends": of("server").join(", "),
    };
  });
}

for (const { name, kind, machine } of [...CONNECTIONS, ...EXCHANGES]) {
  const heading = name.endsWith("connection")
    ? `Connection ${kind === "control" ? "P" : "Q"}`
    : `Exchange ${name}`;
  Deno.test(`docs/protocol.md shows the table of ${heading}`, () => {
    const sorted = (cell = "") => cell.split(", ").sort().join(", ");
    const rows = table(heading).map((row) => ({
      state: row["state"]!,
      "client sends": sorted(row["client sends"]),
      "server sends": sorted(row["server sends"]),
    }));
    assertEquals(rows, machineRows(machine));
  });
}

Deno.test("docs/protocol.md shows the example session of the vectors", () => {
  const shown = /<!-- begin: session -->\n+```text\n([^]*?)```\n+<!-- end/
    .exec(TEXT)?.[1];
  assertEquals(shown, sessionText(SESSION));
});

Deno.test("docs/protocol.md names every file of vectors", () => {
  const named = table("16. Vectors").map(({ file }) => file);
  assertEquals(
    named,
    Object.keys(STORED).sort((a, b) => named.indexOf(a) - named.indexOf(b)),
  );
});
