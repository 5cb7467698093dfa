/**
 * Names as places in a tree: segments joined by `/`; the empty name is the root.
 *
 * @module
 */

/** The name of an entry of a folder; either may be the root. */
export function joinName(folder: string, name: string): string {
  return folder === "" || name === "" ? folder + name : `${folder}/${name}`;
}

/** The folder that an entry is in; that of the root is the root. */
export function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

/** The last segment of a name. */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
