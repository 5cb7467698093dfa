import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Right, RIGHTS } from "../../lib/protocol/mod.ts";
import { makeOffer } from "../../lib/server/offer.ts";
import type { AnonymousAccess } from "../../lib/server/mod.ts";

const READS: readonly Right[] = ["list", "read"];
const ALL: readonly Right[] = RIGHTS;
const NONE: readonly Right[] = [];

interface Row {
  readonly hostname: string;
  readonly anonymous?: AnonymousAccess;
  readonly readOnly?: boolean;
  readonly access?: { readonly read: boolean; readonly write: boolean };
  readonly rights: readonly Right[];
  /** What the reason against "write" names. */
  readonly because?: string;
}

const HERE = "127.0.0.1";
const OUT = "0.0.0.0";

const ROWS: readonly Row[] = [
  { hostname: HERE, rights: ALL },
  { hostname: HERE, anonymous: "write", rights: ALL },
  { hostname: HERE, anonymous: "read", rights: READS, because: "--anonymous" },
  { hostname: HERE, anonymous: "none", rights: NONE, because: "--anonymous" },
  { hostname: OUT, rights: NONE, because: "--anonymous" },
  { hostname: OUT, anonymous: "none", rights: NONE, because: "--anonymous" },
  { hostname: OUT, anonymous: "read", rights: READS, because: "--anonymous" },
  { hostname: OUT, anonymous: "write", rights: ALL },
  { hostname: HERE, readOnly: true, rights: READS, because: "--read-only" },
  {
    hostname: OUT,
    anonymous: "write",
    readOnly: true,
    rights: READS,
    because: "--read-only",
  },
  {
    hostname: HERE,
    access: { read: true, write: false },
    rights: READS,
    because: "--allow-write",
  },
  {
    hostname: HERE,
    access: { read: false, write: false },
    rights: NONE,
    because: "--allow-write",
  },
];

Deno.test("makeOffer() gives every right or a reason, on every kind of listener", () => {
  for (const row of ROWS) {
    const { hostname, anonymous, readOnly = false, rights, because } = row;
    const access = row.access ?? { read: true, write: true };
    const offer = makeOffer({ hostname, port: 1 }, {
      access: { ...access, freeSpace: true },
      readOnly,
      anonymous,
    });
    const label = JSON.stringify(row);
    assertEquals(offer.rights, rights, label);
    const refused = RIGHTS.filter((right) => !rights.includes(right));
    assertEquals(Object.keys(offer.refusals).sort(), [...refused].sort());
    if (because !== undefined) {
      assertStringIncludes(offer.refusals.write ?? "", because, label);
    }
  }
});

Deno.test("makeOffer() names the missing permission to read", () => {
  const offer = makeOffer({ hostname: HERE, port: 1 }, {
    access: { read: false, write: false, freeSpace: false },
    readOnly: false,
    anonymous: undefined,
  });
  assertStringIncludes(offer.refusals.list ?? "", "--allow-read");
});
