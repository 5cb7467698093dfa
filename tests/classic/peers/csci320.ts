/** Minimal csci320 programs, from the document alone. */

import { ascii, joined, type Socket, text } from "./socket.ts";

/** The size as 8 bytes, then the name. */
export function header(
  name: string | Uint8Array,
  size: number | bigint,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  let rest = BigInt(size);
  for (let at = 7; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return joined(bytes, typeof name === "string" ? ascii(name) : name);
}

/** Uploads as the original client does; whoever calls closes. */
export async function upload(
  socket: Socket,
  name: string,
  data: Uint8Array,
): Promise<void> {
  await socket.send(header(name, data.length));
  if (text(await socket.recv(1024)) !== "go ahead") {
    throw new Error("Bad server response - was not go ahead!");
  }
  await socket.send(data);
}

/** Serves one upload: the header is one `recv(1024)`. */
export async function serveCsci320(
  socket: Socket,
  files: Map<string, Uint8Array>,
): Promise<void> {
  const request = await socket.recv(1024);
  let size = 0;
  for (const byte of request.subarray(0, 8)) size = size * 256 + byte;
  const name = text(request.subarray(8));
  await socket.send(ascii("go ahead"));
  files.set(`${name}.temp`, await socket.recvAll(size));
}
