/**
 * Where a file stands in the repository: the rules depend on that.
 *
 * @module
 */

/** A file by its place in the layout. */
export type Place =
  /** A file in a room of the library, such as `lib/server/session.ts`. */
  | { readonly kind: "room"; readonly room: string; readonly file: string }
  /** A file directly in `lib/`, such as `lib/mod.ts`. */
  | { readonly kind: "lib"; readonly file: string }
  /** A program: `main_server.ts` or `main_client.ts`. */
  | { readonly kind: "main"; readonly file: string }
  /** A file of `tests/`, `bench/` or `tools/`. */
  | { readonly kind: "script"; readonly folder: string }
  /** Anything else. */
  | { readonly kind: "other" };

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** Rooms in which some files stand for the outside world, by their names. */
const ADAPTER_PATTERNS: Readonly<Record<string, RegExp>> = {
  client: /^deno_/,
  server: /^deno_/,
  storage: /^deno_/,
  transport: /^(deno|tcp|tls)_/,
};

/**
 * The path of a linted file from the root of the repository.
 *
 * @param filename The name that the linter gives.
 * @returns A path with slashes, such as `lib/mod.ts`.
 */
export function repositoryPath(filename: string): string {
  const path = filename.replaceAll("\\", "/");
  // On Windows the root is "/C:/ferry/" and the file name "C:/ferry/lib/mod.ts".
  for (const root of [ROOT, ROOT.slice(1)]) {
    if (path.startsWith(root)) return path.slice(root.length);
  }
  return path;
}

/**
 * @param path A path from the root of the repository.
 * @returns The place of that file.
 */
export function placeOf(path: string): Place {
  const [first, second, ...rest] = path.split("/");
  if (first === "lib" && second !== undefined) {
    return rest.length === 0
      ? { kind: "lib", file: second }
      : { kind: "room", room: second, file: rest.join("/") };
  }
  if (second !== undefined) {
    const isScript = first === "tests" || first === "bench" ||
      first === "tools";
    return isScript ? { kind: "script", folder: first } : { kind: "other" };
  }
  return first !== undefined && /^main_\w+\.ts$/.test(first)
    ? { kind: "main", file: first }
    : { kind: "other" };
}

/**
 * @param place A place.
 * @returns Whether that file may touch the outside world: it is an adapter that
 * stands behind a port, so that tests can put something else there.
 */
export function isAdapter(place: Place): boolean {
  if (place.kind !== "room") return false;
  const name = place.file.slice(place.file.lastIndexOf("/") + 1);
  return ADAPTER_PATTERNS[place.room]?.test(name) ?? false;
}

/**
 * @param place A place.
 * @returns Whether it is part of the product: the library or a program.
 */
export function isProduct(place: Place): boolean {
  return place.kind === "room" || place.kind === "lib" || place.kind === "main";
}
