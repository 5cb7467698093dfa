/** Minimal coen366 programs, from the document alone. */

import { ascii, joined, type Socket, text } from "./socket.ts";

function bin(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}

/** `000` FL name SZ. */
export function putHeader(name: string, size: number): Uint8Array<ArrayBuffer> {
  return putHeaderBytes(ascii(name), size);
}

/** The same for any bytes as a name. */
export function putHeaderBytes(
  name: Uint8Array,
  size: number,
): Uint8Array<ArrayBuffer> {
  return joined(
    ascii("000" + bin(name.length, 5)),
    name,
    ascii(bin(size, 32)),
  );
}

/** `001` FL name. */
export function getHeader(name: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = typeof name === "string" ? ascii(name) : name;
  return joined(ascii("001" + bin(bytes.length, 5)), bytes);
}

/** `010` FL old L8 new. */
export function changeHeader(
  from: string | Uint8Array,
  to: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  const old = typeof from === "string" ? ascii(from) : from;
  const fresh = typeof to === "string" ? ascii(to) : to;
  return joined(
    ascii("010" + bin(old.length, 5)),
    old,
    ascii(bin(fresh.length, 8)),
    fresh,
  );
}

/** `001` FL name SZ. */
export function fileHeader(
  name: string,
  size: number,
): Uint8Array<ArrayBuffer> {
  return joined(ascii("001" + bin(name.length, 5) + name + bin(size, 32)));
}

/** The client of the assignment; answers are the codes as text. */
export class Coen366Peer {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async put(name: string, data: Uint8Array): Promise<string> {
    await this.#socket.send(putHeader(name, data.length));
    await this.#socket.send(data);
    return await this.answer();
  }

  async get(name: string): Promise<Uint8Array | string> {
    await this.#socket.send(getHeader(name));
    const head = text(await this.#socket.recvAll(8));
    if (!head.startsWith("001")) return head;
    const length = parseInt(head.slice(3), 2);
    const echoed = text(await this.#socket.recvAll(length));
    if (echoed !== name) throw new Error(`got ${echoed} for ${name}`);
    const size = parseInt(text(await this.#socket.recvAll(32)), 2);
    return await this.#socket.recvAll(size);
  }

  async change(from: string, to: string): Promise<string> {
    await this.#socket.send(changeHeader(from, to));
    return await this.answer();
  }

  async help(): Promise<string> {
    await this.#socket.send(ascii("01100000"));
    const head = text(await this.#socket.recvAll(8));
    const length = parseInt(head.slice(3), 2);
    return head.slice(0, 3) + text(await this.#socket.recvAll(length));
  }

  async answer(): Promise<string> {
    return text(await this.#socket.recvAll(8));
  }
}

/** Serves one connection as the assignment's server does: a header is one `recv(1024)`. */
export async function serveCoen366(
  socket: Socket,
  files: Map<string, Uint8Array>,
): Promise<void> {
  for (;;) {
    const request = await socket.recv(1024);
    if (request.length === 0) return;
    const shown = text(request);
    const length = parseInt(shown.slice(3, 8), 2);
    const name = shown.slice(8, 8 + length);
    switch (shown.slice(0, 3)) {
      case "000": {
        const size = parseInt(shown.slice(8 + length, 40 + length), 2);
        const first = request.subarray(40 + length);
        const rest = await socket.recvAll(size - first.length);
        files.set(name, joined(first, rest));
        await socket.send(ascii("00000000"));
        break;
      }
      case "001": {
        const data = files.get(name);
        if (data === undefined) {
          await socket.send(ascii("01000000"));
          break;
        }
        await socket.send(fileHeader(name, data.length));
        await socket.send(data);
        break;
      }
      case "010": {
        const fresh = shown.slice(16 + length);
        const data = files.get(name);
        if (data === undefined) await socket.send(ascii("01000000"));
        else if (files.has(fresh)) await socket.send(ascii("10100000"));
        else {
          files.delete(name);
          files.set(fresh, data);
          await socket.send(ascii("00000000"));
        }
        break;
      }
      default:
        await socket.send(
          shown === "01100000"
            ? ascii("11011101Cmds: get put change help bye")
            : ascii("01100000"),
        );
    }
  }
}
