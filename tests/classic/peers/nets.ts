/**
 * Minimal nets programs, from the document alone. Like the originals they test
 * for exactly so many bytes: whatever else one `recv` brings wedges them, which
 * here is an error.
 */

import { ascii, joined, type Socket, text } from "./socket.ts";

/** A letter and the name, 256 bytes. */
export function request(
  letter: string,
  name: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(256);
  bytes.set(ascii(letter));
  bytes.set(typeof name === "string" ? ascii(name) : name, 1);
  return bytes;
}

/** A size as 8 bytes in network order. */
export function u64(size: number | bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  let rest = BigInt(size);
  for (let at = 7; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** The answer to a download. */
export function offer(
  letter: string,
  size: number | bigint,
): Uint8Array<ArrayBuffer> {
  return joined(ascii(letter), u64(size));
}

function number(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Collects pieces until they are exactly so many bytes. */
async function exactly(socket: Socket, size: number): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  while (bytes.length < size) {
    const piece = await socket.recv(65_536);
    if (piece.length === 0) throw new Error("the peer ended early");
    bytes = joined(bytes, piece);
  }
  if (bytes.length > size) throw new Error("wedged: a byte came too early");
  return bytes;
}

/** Downloads; the letter where it is refused. */
export async function download(
  socket: Socket,
  name: string,
): Promise<Uint8Array | string> {
  await socket.send(request("D", name));
  const answer = await exactly(socket, 9);
  const letter = text(answer.subarray(0, 1));
  if (letter !== "T") return letter;
  await socket.send(ascii("T"));
  const data = await socket.recvToEnd();
  if (data.length !== number(answer.subarray(1))) {
    throw new Error(`${data.length} bytes came`);
  }
  return data;
}

/** Uploads; says which letter ended it, or `done` when the server has closed. */
export async function upload(
  socket: Socket,
  name: string,
  data: Uint8Array,
): Promise<string> {
  await socket.send(request("U", name));
  const consent = text(await exactly(socket, 1));
  if (consent !== "T") return consent;
  await socket.send(u64(data.length));
  const room = text(await exactly(socket, 1));
  if (room !== "T") return `size ${room}`;
  await socket.send(data);
  return (await socket.recvToEnd()).length === 0 ? "done" : "talk";
}

/** Serves one operation. */
export async function serveNets(
  socket: Socket,
  files: Map<string, Uint8Array>,
): Promise<void> {
  const asked = await exactly(socket, 256);
  const end = asked.indexOf(0, 1);
  const name = text(asked.subarray(1, end < 0 ? 256 : end));
  const data = files.get(name);
  if (asked[0] === 0x44) {
    await socket.send(offer(data === undefined ? "F" : "T", data?.length ?? 0));
    if (data === undefined) return;
    if (text(await exactly(socket, 1)) === "T") await socket.send(data);
    return;
  }
  if (data !== undefined) return await socket.send(ascii("F"));
  await socket.send(ascii("T"));
  const size = number(await exactly(socket, 8));
  await socket.send(ascii("T"));
  files.set(name, size === 0 ? new Uint8Array(0) : await exactly(socket, size));
}
