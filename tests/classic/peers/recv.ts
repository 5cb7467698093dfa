/** What the originals do with sockets, over any connection. */

import type { Connection } from "../../../lib/transport/mod.ts";

const UTF8 = new TextEncoder();

/** `recv(1024)`: whatever is there, as text; `""` at the end. */
export async function recv(connection: Connection): Promise<string> {
  const buffer = new Uint8Array(1024);
  const length = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length));
}

/** Sends a text or bytes in one send. */
export async function send(
  connection: Connection,
  message: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof message === "string" ? UTF8.encode(message) : message;
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

/** Everything up to the end. */
export async function recvAll(
  connection: Connection,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const length = await connection.read(buffer);
    if (length === 0) return await new Blob(parts).bytes();
    parts.push(buffer.slice(0, length));
  }
}
