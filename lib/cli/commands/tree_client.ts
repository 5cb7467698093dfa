/**
 * Fits a client to the engine of trees: its hooks, and options of each transfer
 * that the engine does not know.
 *
 * @module
 */

import type { Client, SyncOptions, TransferOptions } from "../../client/mod.ts";

/** What is told of every transfer. */
export type Extras = Pick<TransferOptions, "resume" | "checksum" | "streams">;

/** A client that tells more of every transfer than it is asked to. */
export function tunedClient(client: Client, extras: Extras): Client {
  if (Object.keys(extras).length === 0) return client;
  return {
    get info() {
      return client.info;
    },
    list: (path, options) => client.list(path, options),
    stat: (path, options) => client.stat(path, options),
    get: (path, target, options) =>
      client.get(path, target, { ...options, ...extras }),
    put: (source, path, options) =>
      client.put(source, path, { ...options, ...extras }),
    rename: (from, to, options) => client.rename(from, to, options),
    remove: (path, options) => client.remove(path, options),
    makeDirectory: (path, options) => client.makeDirectory(path, options),
    moveSmall: (request) =>
      client.moveSmall({
        ...request,
        options: { ...request.options, ...extras },
      }),
    setAttributes: (path, attributes, options) =>
      client.setAttributes(path, attributes, options),
    freeSpace: (options) => client.freeSpace(options),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** What the engine of trees has a client do besides moving one file after the other. */
export function treeHooks(
  client: Client,
): Pick<SyncOptions, "smallFiles" | "setAttributes"> {
  return {
    smallFiles: {
      transfer: (direction, files, options, settled) =>
        client.moveSmall({
          direction,
          // The engine sets permission bits itself, where they are wanted.
          files: files.map(({ remote: path, local }) => ({
            path,
            local,
            mode: undefined,
          })),
          options,
          settled,
        }),
    },
    setAttributes: (path, attributes, options) =>
      client.setAttributes(path, attributes, options),
  };
}
