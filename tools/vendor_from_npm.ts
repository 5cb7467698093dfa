/**
 * Fills `vendor/jsr.io/@std` on a machine that reaches npm but not JSR.
 * Everywhere else Deno fills `vendor/` itself, from JSR, and this is not used.
 *
 * Two npm packages carry what is needed: one the original TypeScript of some
 * `@std` packages, the other JavaScript made from all of them. Where there is
 * JavaScript only, `std_types/` has hand-written types for what Ferry uses.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { npmFiles, type NpmPackage } from "./npm_tarball.ts";
import integrities from "./std_packages.json" with { type: "json" };

/** Carries original TypeScript; only imports across packages were rewritten. */
const TYPESCRIPT_PACKAGE: NpmPackage = {
  spec: "@unipty/backend-deno-sigma__pty-ffi@0.2.0",
  integrity:
    "sha512-Cx6baZ9sAaarhH3AduPC95vlRsno/nMVBrFfpRj0khkNpl1gRhpKSMBqI/43JPtoV3jLhaQZjpXgXDJ3eHHgNQ==",
};

/** Carries JavaScript made from the TypeScript of nearly all of `@std`. */
const JAVASCRIPT_PACKAGE: NpmPackage = {
  spec: "deno-std@1.4.0",
  integrity:
    "sha512-7c0Y6tyn0Sx0NKiaAeGtDwrpG+C7VFcOStVcYXPnjAuIEonxzVV+n6s8iuFjg6keqzxo/zrPbR/J9EY9BLNsRA==",
};

type Language = "typescript" | "javascript";

/** Where each package is taken from; of a module found twice, the later wins. */
const SOURCES: Readonly<Record<string, readonly Language[]>> = {
  assert: ["javascript"],
  bytes: ["javascript"],
  cli: ["javascript"],
  fmt: ["javascript", "typescript"],
  fs: ["typescript"],
  internal: ["javascript"],
  path: ["typescript"],
  streams: ["javascript"],
};

/**
 * The version ranges by which `@std` packages import each other. They must be
 * those of the published packages, or else `deno.lock` would come out
 * differently here than where JSR answers.
 */
const RANGES: Readonly<Record<string, string>> = {
  "assert>internal": "^1.0.12",
  bytes: "^1.0.6",
  fmt: "^1.0.10",
  internal: "^1.0.14",
  path: "^1.1.5",
};

/** One `@std` package of `std_packages.json`. */
interface StdPackage {
  /** Such as `path`. */
  readonly name: string;
  /** Such as `1.1.6`. */
  readonly version: string;
  /** The checksum that `deno.lock` records. */
  readonly integrity: string;
}

/** Text of modules by their path in the package. */
type Modules = Map<string, string>;

/** The files of the two npm packages. */
type Tarballs = Record<Language, Map<string, Uint8Array>>;

/**
 * Writes all packages of `std_packages.json` in the form in which Deno keeps
 * packages from JSR.
 *
 * @param vendor The vendor folder to write to, ending in a slash.
 */
export async function vendorFromNpm(vendor: URL): Promise<void> {
  const [typescript, javascript] = await Promise.all([
    npmFiles(TYPESCRIPT_PACKAGE),
    npmFiles(JAVASCRIPT_PACKAGE),
  ]);
  const scope = new URL("jsr.io/@std/", vendor);
  for (const std of stdPackages()) {
    const modules = await collectModules(std, { typescript, javascript });
    await writePackage(scope, std, modules);
  }
}

function stdPackages(): StdPackage[] {
  return Object.entries(integrities).map(([id, integrity]) => {
    const match = /^@std\/([a-z-]+)@(.+)$/.exec(id);
    if (!match?.[1] || !match[2]) {
      throw new SyntaxError(`Cannot parse "${id}" in tools/std_packages.json`);
    }
    return { name: match[1], version: match[2], integrity };
  });
}

async function collectModules(
  std: StdPackage,
  tarballs: Tarballs,
): Promise<Modules> {
  const modules: Modules = new Map();
  for (const language of SOURCES[std.name] ?? []) {
    const folder = language === "typescript"
      ? `package/vendor/js/jsr.io/@std/${std.name}/${std.version}/`
      : `package/${std.name}/`;
    for (const [file, data] of tarballs[language]) {
      if (!file.startsWith(folder)) continue;
      const path = file.slice(folder.length);
      if (language === "typescript") modules.delete(`${stem(path)}.js`);
      const text = restoreImports(std.name, new TextDecoder().decode(data));
      modules.set(path, text);
    }
  }
  if (modules.size === 0) {
    throw new Error(`Cannot find "@std/${std.name}" in the npm packages`);
  }
  await attachTypes(std.name, modules);
  if (std.name === "path") addPosixEntryPoint(modules);
  return modules;
}

/** Turns relative imports between packages back into `jsr:` specifiers. */
function restoreImports(importer: string, text: string): string {
  const restore = (_: string, name: string, path: string): string => {
    const range = RANGES[`${importer}>${name}`] ?? RANGES[name];
    const entry = path === "mod" ? "" : `/${path.replaceAll("_", "-")}`;
    return `"jsr:@std/${name}@${range}${entry}"`;
  };
  return text
    .replace(/"(?:\.\.\/)+([a-z-]+)\/[0-9.]+\/([a-z_/]+)\.ts"/g, restore)
    .replace(/"\.\.\/(bytes|internal)\/([a-z_]+)\.js"/g, restore);
}

/** Attaches `std_types/<package>_<module>.d.ts` to the modules that have one. */
async function attachTypes(name: string, modules: Modules): Promise<void> {
  const folder = new URL("std_types/", import.meta.url);
  for (const [path, text] of [...modules]) {
    if (!path.endsWith(".js")) continue;
    const file = new URL(`${name}_${stem(path)}.d.ts`, folder);
    const types = await readTextIfPresent(file);
    if (types === undefined) continue;
    modules.set(`${stem(path)}.d.ts`, types);
    modules.set(path, `// @ts-self-types="./${stem(path)}.d.ts"\n${text}`);
  }
}

/** `path/posix/mod.ts` is the one entry point that no npm package carries. */
function addPosixEntryPoint(modules: Modules): void {
  const exports = [...modules.keys()]
    .filter((path) => /^posix\/[a-z][a-z_]*\.ts$/.test(path))
    .map((path) => `export * from "./${path.slice("posix/".length)}";\n`);
  modules.set("posix/mod.ts", exports.join(""));
}

/** Writes one package as Deno itself does when it vendors one from JSR. */
async function writePackage(
  scope: URL,
  std: StdPackage,
  modules: Modules,
): Promise<void> {
  const folder = new URL(`${std.name}/`, scope);
  const exports: Record<string, string> = {};
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, text] of modules) {
    const file = new URL(`${std.version}/${vendorPath(path)}`, folder);
    await Deno.mkdir(new URL("./", file), { recursive: true });
    await Deno.writeTextFile(file, text);
    const data = new TextEncoder().encode(text);
    manifest[`/${path}`] = {
      size: data.length,
      checksum: `sha256-${sha256(data)}`,
    };
    if (isEntryPoint(path)) exports[exportName(path)] = `./${path}`;
  }
  await writeJson(new URL(`${std.version}_meta.json`, folder), {
    exports,
    manifest,
    lockfileChecksum: std.integrity,
  });
  await writeJson(new URL("meta.json", folder), {
    scope: "std",
    name: std.name,
    latest: std.version,
    versions: { [std.version]: {} },
  });
}

function isEntryPoint(path: string): boolean {
  const isPrivate = path.split("/").some((part) => part.startsWith("_"));
  return !isPrivate && !path.endsWith(".d.ts");
}

/** The name by which a module is imported: `posix/mod.ts` is `./posix`. */
function exportName(path: string): string {
  if (stem(path) === "mod") return ".";
  return `./${stem(path).replace(/\/mod$/, "").replaceAll("_", "-")}`;
}

/** Deno shortens file names over 30 characters in its vendor folder. */
function vendorPath(path: string): string {
  const parts = path.split("/").map((part) => {
    if (part.length <= 30) return part;
    const hash = sha256(new TextEncoder().encode(part)).slice(0, 5);
    return `#${part.slice(0, 20)}_${hash}${part.slice(part.lastIndexOf("."))}`;
  });
  return parts.map(encodeURIComponent).join("/");
}

function stem(path: string): string {
  return path.replace(/\.(ts|js)$/, "");
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

async function readTextIfPresent(file: URL): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeJson(file: URL, value: unknown): Promise<void> {
  await Deno.writeTextFile(file, JSON.stringify(value));
}
