/**
 * The messages of cs372 as bytes. Which one may come is settled by the state
 * (see `machine.ts`), since nothing in the bytes tells one kind from another.
 *
 * @module
 */

import { isOctet, parsePort, PORT_MAX } from "../ports.ts";
import {
  ascii,
  MalformedError,
  oneOf,
  type Reader,
  type Reading,
  showBytes,
} from "../reading.ts";

/** What a client may ask for; `UNKNOWN` is acknowledged and brings nothing. */
export type Command = "LIST" | "GET" | "UNKNOWN";

/** Bytes of a command at most: what the originals receive at once. */
const COMMAND_SIZE_MAX = 1024;

/** Bytes of a file name at most: what Ferry's storage takes for a path. */
const NAME_SIZE_MAX = 4096;

/** The longest address, `255.255.255.255`. */
const ADDRESS_SIZE_MAX = 15;

const UTF8 = new TextEncoder();

/** The bytes of fixed messages. */
export const TEXTS = {
  list: UTF8.encode("-l"),
  get: UTF8.encode("-g"),
  ok: UTF8.encode("OK"),
  missing: UTF8.encode("File not found."),
} as const;

/** Reads the command, step 1. */
export const readCommand: Reader<Command> = (bytes) => {
  if (bytes.length > COMMAND_SIZE_MAX) {
    throw new MalformedError(
      `a command of more than ${COMMAND_SIZE_MAX} bytes`,
    );
  }
  const text = ascii(bytes);
  if (text === "-") return { kind: "partial" };
  if (text === "-l") return { kind: "whole", message: "LIST", length: 2 };
  if (text === "-g") return { kind: "whole", message: "GET", length: 2 };
  // The client did not wait for its OK, and will wait for it for ever.
  if (/^-[lg][0-9]/.test(text)) {
    throw new MalformedError(`${showBytes(bytes)} is more than one message`);
  }
  return { kind: "open", message: "UNKNOWN" };
};

/** Reads the data port, step 2. Whether it may be dialled is settled elsewhere. */
export const readPort: Reader<number> = (bytes) => {
  const text = ascii(bytes.subarray(0, COMMAND_SIZE_MAX));
  const port = parsePort(text);
  if (port === undefined) {
    throw new MalformedError(`${showBytes(bytes)} is not a port number`);
  }
  const canGrow = port > 0 && port * 10 <= PORT_MAX;
  return canGrow
    ? { kind: "open", message: port }
    : { kind: "whole", message: port, length: text.length };
};

/** Reads the client's address, step 3. */
export const readAddress: Reader<string> = (bytes) => {
  const text = ascii(bytes.subarray(0, ADDRESS_SIZE_MAX + 1));
  const octets = text.split(".");
  const last = octets.pop()!;
  const isBegun = octets.length < 4 && octets.every(isOctet) &&
    (last === "" || isOctet(last));
  if (!isBegun) {
    throw new MalformedError(`${showBytes(bytes)} is not an IPv4 address`);
  }
  if (octets.length < 3 || last === "") return { kind: "partial" };
  return isOctet(`${last}0`)
    ? { kind: "open", message: text }
    : { kind: "whole", message: text, length: text.length };
};

/** Reads the file name, step 4: any bytes. */
export const readName: Reader<Uint8Array> = (
  bytes,
): Reading<Uint8Array> => {
  if (bytes.length > NAME_SIZE_MAX) {
    throw new MalformedError(`a file name of more than ${NAME_SIZE_MAX} bytes`);
  }
  return { kind: "open", message: bytes.slice() };
};

/** Reads the server's answer to each step. */
export const readOk: Reader<"OK"> = oneOf({ OK: TEXTS.ok });

/** A number or a text as it is sent. */
export function encodeText(text: string | number): Uint8Array<ArrayBuffer> {
  return UTF8.encode(String(text));
}
