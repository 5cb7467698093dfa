// deno-lint-ignore-file no-console -- a script; its messages are for people
/**
 * Gets `denort`, the base of `deno compile`, on a machine that reaches npm but
 * not dl.deno.land. An npm package of a third party carries an executable made
 * by `deno compile`; that command leaves the bytes of `denort` in place and only
 * appends to them, so cutting off what was appended gives `denort` back. Its
 * hash is checked, but nobody but one publisher vouches for it: good enough to
 * smoke-test `deno compile`, never to build something that is handed to others.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { npmFiles, type NpmPackage } from "./npm_tarball.ts";

/** The one version and platform for which a `denort` is known. */
const DENORT_VERSION = "2.9.6";
const DENORT_TARGET = "x86_64-unknown-linux-gnu";
const DENORT_SHA256 =
  "68a40ab06f919a99267138c7d154b4a4ed6c0ade035dbabc22d909d014dbf2d3";

/** Carries an executable made by `deno compile` of that version. */
const CARRIER_PACKAGE: NpmPackage = {
  spec: "@casaper/jira-fetch-linux-x64@0.6.0",
  integrity:
    "sha512-4Q1UHw1Txx26p/yiLjbxvQDNmtcdw0fvRFIT2QCxxkDMw6XKYsLux37xalG1y7csj4Tt5Jsd+sFPb+ID180DlA==",
};
const CARRIER_FILE = "package/jira-fetch";

/** Kept out of Deno's own cache, so that no other build picks it up. */
const DENORT_FILE = new URL(
  "../dist/.denort_from_npm/denort",
  import.meta.url,
);

/** Sizes and offsets in the headers of a 64-bit ELF file. */
const ELF = {
  programHeadersOffset: 0x20,
  sectionHeadersOffset: 0x28,
  programHeaderCount: 0x38,
  sectionHeaderCount: 0x3c,
  sectionNamesIndex: 0x3e,
  headerSize: 64,
  sectionHeaderSize: 64,
} as const;

/** The type of a section that takes no room in the file. */
const SECTION_WITHOUT_DATA = 8;

/** What `deno compile` adds to the table of section names. */
const ADDED_SECTION_NAMES = ".note.sui\0.sui.phdrs\0";
const ADDED_SECTIONS = 2;
const ADDED_PROGRAM_HEADERS = 2;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Makes `denort` available, unless it already is.
 *
 * @returns The file, for the environment variable `DENORT_BIN`.
 */
export async function denortFromNpm(): Promise<URL> {
  const { deno } = Deno.version;
  const { target } = Deno.build;
  if (deno !== DENORT_VERSION || target !== DENORT_TARGET) {
    throw new Error(
      `npm carries denort for Deno ${DENORT_VERSION} on ${DENORT_TARGET} only, and this is Deno ${deno} on ${target}`,
    );
  }
  if (await isDenort(DENORT_FILE)) return DENORT_FILE;
  const files = await npmFiles(CARRIER_PACKAGE);
  const executable = files.get(CARRIER_FILE);
  if (executable === undefined) {
    throw new Error(`Cannot find "${CARRIER_FILE}" in ${CARRIER_PACKAGE.spec}`);
  }
  const denort = cutPayload(executable);
  if (sha256(denort) !== DENORT_SHA256) {
    throw new Error(
      `Cannot use the denort of ${CARRIER_PACKAGE.spec}: SHA-256 is ${
        sha256(denort)
      }, expected ${DENORT_SHA256}`,
    );
  }
  await Deno.mkdir(new URL("./", DENORT_FILE), { recursive: true });
  await Deno.writeFile(DENORT_FILE, denort, { mode: 0o755 });
  return DENORT_FILE;
}

async function isDenort(file: URL): Promise<boolean> {
  const data = await Deno.readFile(file).catch(() => undefined);
  return data !== undefined && sha256(data) === DENORT_SHA256;
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * Takes back what `deno compile` did to an ELF file: it set the offsets and
 * counts of both header tables to larger ones that it wrote behind the old end.
 */
function cutPayload(executable: Uint8Array): Uint8Array {
  const view = new DataView(executable.buffer, executable.byteOffset);
  const kept = view.getUint16(ELF.sectionHeaderCount, true) - ADDED_SECTIONS;
  const table = originalSectionTable(view, kept);
  const denort = executable.slice(0, table + kept * ELF.sectionHeaderSize);
  const header = new DataView(denort.buffer);
  header.setBigUint64(ELF.programHeadersOffset, BigInt(ELF.headerSize), true);
  header.setBigUint64(ELF.sectionHeadersOffset, BigInt(table), true);
  header.setUint16(ELF.sectionHeaderCount, kept, true);
  header.setUint16(
    ELF.programHeaderCount,
    view.getUint16(ELF.programHeaderCount, true) - ADDED_PROGRAM_HEADERS,
    true,
  );
  return denort;
}

/**
 * Where the section headers stood: behind the section names, which in turn were
 * the last section with data before a longer copy of them was made at the end.
 */
function originalSectionTable(view: DataView, kept: number): number {
  const namesIndex = view.getUint16(ELF.sectionNamesIndex, true);
  let end = 0;
  for (let index = 0; index < kept; index++) {
    const section = readSection(view, index);
    if (index === namesIndex || section.type === SECTION_WITHOUT_DATA) continue;
    end = Math.max(end, section.offset + section.size);
  }
  const names = readSection(view, namesIndex);
  const unaligned = end + names.size - ADDED_SECTION_NAMES.length;
  return Math.ceil(unaligned / 8) * 8;
}

function readSection(view: DataView, index: number): Section {
  const table = Number(view.getBigUint64(ELF.sectionHeadersOffset, true));
  const start = table + index * ELF.sectionHeaderSize;
  return {
    type: view.getUint32(start + 4, true),
    offset: Number(view.getBigUint64(start + 24, true)),
    size: Number(view.getBigUint64(start + 32, true)),
  };
}

if (import.meta.main) {
  try {
    await denortFromNpm();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`setup:denort: Cannot get denort from npm: ${reason}`);
    Deno.exit(1);
  }
}
