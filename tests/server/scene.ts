/** A server with one client by hand. */

import type { MessageBody } from "../../lib/protocol/mod.ts";
import type { RawPeer } from "../helpers/raw_peer.ts";
import {
  type Login,
  startServer,
  type TestServer,
  type TestServerOptions,
} from "../helpers/test_server.ts";
import { chunksOf, digestOf } from "../storage/transfer.ts";

/** A server, a client of it and its first data connection. */
export interface Scene extends AsyncDisposable {
  readonly server: TestServer;
  readonly login: Login;
  readonly data: RawPeer;
}

/** A server with one client and one data connection. */
export async function scene(options: TestServerOptions = {}): Promise<Scene> {
  const server = await startServer(options);
  const login = await server.logIn();
  const data = await server.attach(login, 1);
  return {
    server,
    login,
    data,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The `END` of a file. */
export function endBody(bytes: Uint8Array): MessageBody<"END"> {
  const digest = Uint8Array.fromHex(digestOf(bytes).value);
  return { size: bytes.length, digest };
}

/** Sends chunks and `END`, but does not wait for the answer. */
export async function sendAll(
  data: RawPeer,
  id: number,
  bytes: Uint8Array,
): Promise<void> {
  let offset = 0;
  for (const chunk of chunksOf(bytes)) {
    await data.sendData(id, offset, chunk);
    offset += chunk.length;
  }
  await data.send("END", endBody(bytes), id);
}
